# A vault of the customer's own, and an identity that can read this one alone.

resource "azurerm_key_vault" "this" {
  name                       = local.vault
  resource_group_name        = azurerm_resource_group.this.name
  location                   = azurerm_resource_group.this.location
  tenant_id                  = var.directory
  sku_name                   = "standard"
  rbac_authorization_enabled = true
  soft_delete_retention_days = 7
}

resource "azurerm_key_vault_secret" "license" {
  name             = "license"
  key_vault_id     = azurerm_key_vault.this.id
  value_wo         = var.license
  value_wo_version = var.license_version
}

resource "azurerm_user_assigned_identity" "this" {
  name                = local.name
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
}

resource "azurerm_role_assignment" "reads" {
  scope                            = azurerm_key_vault.this.id
  role_definition_name             = "Key Vault Secrets User"
  principal_id                     = azurerm_user_assigned_identity.this.principal_id
  skip_service_principal_aad_check = true
}

resource "azurerm_federated_identity_credential" "app" {
  name                = "app"
  resource_group_name = azurerm_resource_group.this.name
  parent_id           = azurerm_user_assigned_identity.this.id
  issuer              = local.issuer
  subject             = "system:serviceaccount:${local.name}:app"
  audience            = ["api://AzureADTokenExchange"]
}
