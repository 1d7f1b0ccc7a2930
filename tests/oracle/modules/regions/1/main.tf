# Configurations of one provider by key, handed to resources and modules.
terraform {
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
  }
}

variable "regions" {
  type    = map(object({ zones = number, primary = optional(bool, false) }))
  default = { eu = { zones = 2, primary = true }, us = { zones = 1 } }
}

locals {
  all_regions = { eu = "Frankfurt", us = "Ohio", ap = "Tokyo" }
  zones = merge([
    for name, r in var.regions : { for z in range(r.zones) : "${name}-${z}" => { region = name, zone = z } }
  ]...)
}

provider "terraform" {
  alias    = "by_region"
  for_each = local.all_regions
}

provider "terraform" {
  alias = "global"
}

resource "terraform_data" "region" {
  for_each = var.regions
  provider = terraform.by_region[each.key]
  input    = { name = local.all_regions[each.key], zones = each.value.zones }
}

resource "terraform_data" "zone" {
  for_each = local.zones
  provider = terraform.by_region[each.value.region]
  input    = { id = terraform_data.region[each.value.region].id, zone = each.value.zone }
}

module "cell" {
  source   = "./cell"
  for_each = var.regions
  providers = {
    terraform        = terraform.by_region[each.key]
    terraform.global = terraform.global
  }
  name  = each.key
  peers = [for z in terraform_data.zone : z.input.zone if z.input.zone >= 0]
}

output "cells" {
  value = { for k, m in module.cell : k => m.summary }
}

output "primary" {
  value = one([for k, r in var.regions : k if r.primary])
}
