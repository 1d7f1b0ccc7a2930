variable "tier" {
  type = string
}

variable "routes" {
  type    = map(string)
  default = {}
}

variable "nats" {
  type = list(string)
}

variable "subnets" {
  type = map(string)
}

locals {
  names = [for key in keys(var.subnets) : upper(replace(key, "-", "_"))]
}

resource "terraform_data" "table" {
  count = length(var.routes) > 0 ? 1 : 0
  input = {
    tier   = var.tier
    routes = [for target, via in var.routes : { target = target, via = via == "nat" ? one(slice(var.nats, 0, 1)) : via }]
  }
}

resource "terraform_data" "association" {
  for_each = var.subnets
  input    = { subnet = each.value, table = try(terraform_data.table[0].id, null) }
}

output "names" {
  value = local.names
}

output "associations" {
  value = values(terraform_data.association)[*].id
}
