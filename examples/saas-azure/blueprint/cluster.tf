# Nodes of the customer's own in the shared cluster, or a cluster, where the
# tier has one.

resource "azurerm_kubernetes_cluster_node_pool" "own" {
  count = var.tier.isolation == "node_pool" ? 1 : 0

  name                  = substr(replace(var.tenant.name, "-", ""), 0, 12)
  kubernetes_cluster_id = var.shared.cluster
  vm_size               = var.machine
  node_count            = var.nodes
  node_labels           = { "shop.example.com/tenant" = var.tenant.name }
  node_taints           = ["shop.example.com/tenant=${var.tenant.name}:NoSchedule"]
}

resource "azurerm_kubernetes_cluster" "own" {
  count = local.own ? 1 : 0

  name                      = local.name
  resource_group_name       = azurerm_resource_group.this.name
  location                  = azurerm_resource_group.this.location
  dns_prefix                = local.name
  kubernetes_version        = "1.33"
  sku_tier                  = "Standard"
  oidc_issuer_enabled       = true
  workload_identity_enabled = true

  default_node_pool {
    name       = "system"
    vm_size    = var.machine
    node_count = var.nodes
  }

  identity {
    type = "SystemAssigned"
  }
}

locals {
  cluster = { id = local.own ? one(azurerm_kubernetes_cluster.own[*].id) : var.shared.cluster }
  issuer  = local.own ? one(azurerm_kubernetes_cluster.own[*].oidc_issuer_url) : var.shared.issuer
}
