# One product, three offers, two places. Simulated throughout, so that nothing
# needs to be installed; the README says how to go on from here.

tenantctl {
  # Take this line out to work on real clusters.
  simulate = ["kubernetes"]
}

platform "shop" {
  blueprint    = "./blueprints/customer-instance"
  tenants      = "./tenants"
  environments = ["production-eu"]

  # No two customers have a name in common.
  unique = ["domains"]

  settings = {
    app_version = "1.27"
    backup      = { schedule = "0 0 2 * * *", retention_days = 30 }
    alerts      = { webhook = "https://alerts.example.com/shop" }
    cost_centre = "customers"
  }
}

# Small customers share a cluster, in a namespace each.
tier "starter" {
  isolation = "namespace"
  settings = {
    priority = 1000
    app      = { cpu = "100m", memory = "256Mi" }
    replicas = { min = 2, max = 4 }
    database = { instances = 1, cpu = "100m", memory = "512Mi", storage = "5Gi" }
    quota    = { cpu = "4", memory = "8Gi", storage = "50Gi", pods = 20 }
  }
}

# Medium ones have nodes of their own in it.
tier "business" {
  isolation = "node_pool"
  settings = {
    priority = 10000
    app      = { cpu = "250m", memory = "512Mi" }
    replicas = { min = 3, max = 10 }
    database = { instances = 2, cpu = "500m", memory = "2Gi", storage = "50Gi", poolers = 2 }
    quota    = { cpu = "16", memory = "32Gi", storage = "500Gi", pods = 60 }
    pool     = { machine = "Standard_D4s_v5", nodes = 3 }
  }
}

# Large and regulated ones have a cluster.
tier "enterprise" {
  isolation = "cluster"
  settings = {
    priority = 100000
    app      = { cpu = "500m", memory = "1Gi" }
    replicas = { min = 5, max = 20 }
    database = { instances = 3, cpu = "2", memory = "8Gi", storage = "200Gi", poolers = 3 }
    quota    = { cpu = "64", memory = "128Gi", storage = "2Ti", pods = 200 }
    pool     = { machine = "Standard_D8s_v5", nodes = 3 }
  }
}
