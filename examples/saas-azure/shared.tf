# What customers share: a cluster, and the zone that their names are in. An
# apply makes these first.

provider "azurerm" {
  features {}

  default_tags {
    tags = { product = "shop" }
  }
}

resource "azurerm_resource_group" "shared" {
  name     = "shop-shared"
  location = "westeurope"
}

resource "azurerm_dns_zone" "shop" {
  name                = "shop.example.com"
  resource_group_name = azurerm_resource_group.shared.name
}

resource "azurerm_kubernetes_cluster" "shared" {
  name                      = "shop-shared"
  resource_group_name       = azurerm_resource_group.shared.name
  location                  = azurerm_resource_group.shared.location
  dns_prefix                = "shop-shared"
  kubernetes_version        = "1.33"
  oidc_issuer_enabled       = true
  workload_identity_enabled = true

  default_node_pool {
    name       = "system"
    vm_size    = "Standard_D2s_v5"
    node_count = 2
  }

  identity {
    type = "SystemAssigned"
  }
}
