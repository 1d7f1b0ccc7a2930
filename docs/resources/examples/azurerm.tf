provider "azurerm" {
  subscription_id = "00000000-0000-4000-8000-000000000001"

  features {}
}

resource "azurerm_dns_a_record" "acme" {
  name                = "acme"
  resource_group_name = "shop"
  zone_name           = "tenants.example.com"
  ttl                 = 300
  records             = ["192.0.2.1"]
}

resource "azurerm_dns_aaaa_record" "acme" {
  name                = "acme"
  resource_group_name = "shop"
  zone_name           = "tenants.example.com"
  ttl                 = 300
  records             = ["2001:db8::1"]
}

resource "azurerm_dns_cname_record" "www" {
  name                = "www"
  resource_group_name = "shop"
  zone_name           = "tenants.example.com"
  ttl                 = 300
  record              = "ingress.example.com"
}

resource "azurerm_dns_txt_record" "proof" {
  name                = "_proof"
  resource_group_name = "shop"
  zone_name           = "tenants.example.com"
  ttl                 = 300

  record {
    value = "owner=acme"
  }
}

resource "azurerm_dns_zone" "tenants" {
  name                = "tenants.example.com"
  resource_group_name = "shop"
}

resource "azurerm_federated_identity_credential" "web" {
  name                = "web"
  resource_group_name = "shop"
  parent_id           = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/acme"
  issuer              = "https://westeurope.oic.prod-aks.azure.com/0/1/"
  subject             = "system:serviceaccount:acme:web"
  audience            = ["api://AzureADTokenExchange"]
}

resource "azurerm_key_vault" "acme" {
  name                       = "kv-shop-acme"
  resource_group_name        = "shop"
  location                   = "westeurope"
  sku_name                   = "standard"
  tenant_id                  = "00000000-0000-4000-8000-00000000000a"
  rbac_authorization_enabled = true
  soft_delete_retention_days = 7
}

resource "azurerm_key_vault_secret" "license" {
  name             = "license"
  key_vault_id     = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.KeyVault/vaults/kv-shop-acme"
  value_wo         = "not to be kept"
  value_wo_version = 1
}

resource "azurerm_kubernetes_cluster" "acme" {
  name                      = "acme"
  resource_group_name       = "shop"
  location                  = "westeurope"
  dns_prefix                = "acme"
  kubernetes_version        = "1.33"
  sku_tier                  = "Standard"
  oidc_issuer_enabled       = true
  workload_identity_enabled = true

  default_node_pool {
    name       = "system"
    vm_size    = "Standard_D4s_v5"
    node_count = 2
  }

  identity {
    type = "SystemAssigned"
  }
}

resource "azurerm_kubernetes_cluster_node_pool" "acme" {
  name                  = "acme"
  kubernetes_cluster_id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.ContainerService/managedClusters/shop"
  vm_size               = "Standard_D4s_v5"
  auto_scaling_enabled  = true
  min_count             = 1
  max_count             = 5
  node_labels           = { tenant = "acme" }
  node_taints           = ["tenant=acme:NoSchedule"]
}

resource "azurerm_resource_group" "acme" {
  name     = "shop-acme"
  location = "westeurope"
  tags     = { tenant = "acme" }
}

resource "azurerm_role_assignment" "reads_secrets" {
  scope                = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.KeyVault/vaults/kv-shop-acme"
  role_definition_name = "Key Vault Secrets User"
  principal_id         = "10000000-0000-4000-8000-000000000001"
}

resource "azurerm_user_assigned_identity" "acme" {
  name                = "acme"
  resource_group_name = "shop"
  location            = "westeurope"
}
