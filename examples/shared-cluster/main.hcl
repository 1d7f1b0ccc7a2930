# The same customers as in quickstart, on a real cluster: the current context of
# your kubeconfig. The blueprint is the one of quickstart.

platform "shop" {
  blueprint = "../quickstart/blueprint"
  settings  = { app_version = "1.27", log_level = "info" }
}

tier "starter" {
  isolation = "namespace"
  settings  = { replicas = 2, cpu = "100m", memory = "128Mi", pods = 10 }
}

tier "business" {
  isolation = "namespace"
  settings  = { replicas = 3, cpu = "250m", memory = "256Mi", pods = 30 }
}

tenant "acme" {
  tier = "starter"
}

tenant "globex" {
  tier = "starter"
}

tenant "initech" {
  tier     = "business"
  settings = { log_level = "debug" }
}
