# The name that the customer is reached by.

resource "azurerm_dns_a_record" "web" {
  name                = var.tenant.name
  resource_group_name = var.shared.group
  zone_name           = var.shared.zone
  ttl                 = 300
  records             = [var.address]
}
