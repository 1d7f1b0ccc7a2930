# A platform with three customers on one tier, on a simulated cluster: nothing
# else needs to be installed. The README beside this file walks through it.

tenantctl {
  # Take this line out to work on the cluster of your kubeconfig.
  simulate = ["kubernetes"]
}

platform "shop" {
  blueprint = "./blueprint"
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
  tier     = "starter"
  settings = { log_level = "debug" }
}
