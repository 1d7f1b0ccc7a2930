# Who and where, filled in by tenantctl.

variable "tenant" {
  type = object({ name = string })
}

variable "tier" {
  type = object({ name = string, isolation = string })
}

variable "environment" {
  type = object({ name = string, region = optional(string, "westeurope") })
}

# The settings.

variable "shared" {
  description = "What customers share: cluster, its issuer of tokens, group and zone."
  type        = object({ cluster = string, issuer = string, group = string, zone = string })
}

variable "directory" {
  description = "Id of the directory, for vaults."
  type        = string
}

variable "license" {
  description = "The product's licence key; it goes into the customer's vault and nowhere else."
  type        = string
  sensitive   = true
}

variable "license_version" {
  description = "Raise it to have the licence key written again."
  type        = number
  default     = 1
}

variable "machine" {
  description = "Size of the customer's own nodes."
  type        = string
}

variable "nodes" {
  description = "How many nodes of its own the customer has."
  type        = number
  default     = 0
}

variable "address" {
  description = "Where requests for the customer arrive."
  type        = string
  default     = "192.0.2.10"
}

locals {
  name = "shop-${var.tenant.name}"
  own  = var.tier.isolation == "cluster"

  # Names of vaults are for the whole world.
  vault = "shop-${substr(var.tenant.name, 0, 10)}-${substr(sha1("${var.shared.group} ${var.tenant.name}"), 0, 6)}"
}

provider "azurerm" {
  features {}

  default_tags {
    tags = { product = "shop", tenant = var.tenant.name, tier = var.tier.name }
  }
}

resource "azurerm_resource_group" "this" {
  name     = local.name
  location = var.environment.region
}
