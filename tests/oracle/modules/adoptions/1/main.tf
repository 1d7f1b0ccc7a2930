# Objects that others made, taken over by rule.
variable "inventory" {
  type = list(object({ shelf = string, slot = number, label = optional(string) }))
  default = [
    { shelf = "upper", slot = 0, label = "vase" },
    { shelf = "upper", slot = 1 },
    { shelf = "lower", slot = 0, label = "crate" },
  ]
}

locals {
  by_shelf = { for item in var.inventory : item.shelf => item... }
  labelled = { for i, item in var.inventory : item.label => "id-${i}" if item.label != null }
}

module "shelf" {
  source   = "./shelf"
  for_each = local.by_shelf
  items    = each.value
}

import {
  for_each = { for item in var.inventory : "${item.shelf}/${item.slot}" => item }
  to       = module.shelf[each.value.shelf].terraform_data.slot[each.value.slot]
  id       = "${each.key}@${lower("STORE")}"
}

import {
  for_each = toset(["x", "y"])
  to       = terraform_data.plain[each.key]
  id       = each.value
}

resource "terraform_data" "plain" {
  for_each = toset(["x", "y", "z"])
}

import {
  to = terraform_data.single[local.position]
  id = join("-", sort(keys(local.labelled)))
}

locals {
  position = length(local.labelled) - 2
}

resource "terraform_data" "single" {
  count            = 2
  triggers_replace = local.labelled
}

output "ids" {
  value = concat(values(terraform_data.plain)[*].id != [] ? ["some"] : [], [for i in ["x", "y"] : terraform_data.plain[i].id])
}

output "slots" { value = { for k, s in module.shelf : k => s.ids[0] } }
