# One product on Azure, three offers: a namespace, a node pool, a cluster.

tenantctl {
  # With this line nothing leaves your machine: Azure and Kubernetes are simulated.
  # simulate = ["azurerm", "kubernetes"]
}

variable "license" {
  type      = string
  sensitive = true
}

variable "directory" {
  type = string
}

platform "shop" {
  blueprint = "./blueprint"
  settings = {
    directory = var.directory
    license   = var.license
    machine   = "Standard_D4s_v5"
  }
}

environment "production" {
  region = "westeurope"
  settings = {
    shared = {
      cluster = azurerm_kubernetes_cluster.shared.id
      issuer  = azurerm_kubernetes_cluster.shared.oidc_issuer_url
      group   = azurerm_resource_group.shared.name
      zone    = azurerm_dns_zone.shop.name
    }
  }
}

# Small customers share a cluster, in a namespace each.
tier "starter" {
  isolation = "namespace"
}

# Medium ones have nodes of their own in it.
tier "business" {
  isolation = "node_pool"
  settings  = { nodes = 2 }
}

# Large ones have a cluster.
tier "enterprise" {
  isolation = "cluster"
  settings  = { nodes = 3 }
}

tenant "acme" {
  tier         = "starter"
  environments = ["production"]
}

tenant "globex" {
  tier         = "business"
  environments = ["production"]
}

tenant "hooli" {
  tier         = "enterprise"
  environments = ["production"]
}
