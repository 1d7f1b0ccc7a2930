# A network in the style of a published module: address plan, routing tables,
# flow of names and tags.
terraform {
  required_version = ">= 1.6"
}

variable "name" {
  description = "Prefix of everything."
  type        = string
  default     = "shop"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.name))
    error_message = "The name must be lower case and begin with a letter."
  }
}

variable "cidr" {
  description = "Addresses of the whole network."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.cidr)) && tonumber(split("/", var.cidr)[1]) <= 20
    error_message = "The network must have a prefix of at most 20 bits, got ${var.cidr}."
  }
}

variable "zones" {
  type    = list(string)
  default = ["a", "b", "c"]
}

variable "tiers" {
  description = "Kinds of subnet and how large each is."
  type = map(object({
    bits     = optional(number, 8)
    public   = optional(bool, false)
    routes   = optional(map(string), {})
    services = optional(set(string), [])
  }))
  default = {
    web  = { public = true, services = ["http", "https"] }
    app  = { bits = 6, routes = { "0.0.0.0/0" = "nat" } }
    data = { bits = 10 }
  }
}

variable "tags" {
  type     = map(string)
  default  = { team = "core" }
  nullable = false
}

variable "one_nat_per_zone" {
  type    = bool
  default = false
}

locals {
  tags = merge(var.tags, { module = "network", name = var.name })

  # Every subnet by a key of its own, in a fixed order of address.
  subnets = {
    for pair in setproduct(sort(keys(var.tiers)), var.zones) :
    "${pair[0]}-${pair[1]}" => {
      tier   = pair[0]
      zone   = pair[1]
      public = var.tiers[pair[0]].public
    }
  }
  sizes    = [for key in sort(keys(local.subnets)) : var.tiers[local.subnets[key].tier].bits]
  blocks   = zipmap(sort(keys(local.subnets)), cidrsubnets(var.cidr, local.sizes...))
  publics  = sort([for key, subnet in local.subnets : key if subnet.public])
  by_zone  = { for key, subnet in local.subnets : subnet.zone => key... }
  nats     = var.one_nat_per_zone ? length(var.zones) : min(1, length(local.publics))
  services = distinct(flatten([for tier in var.tiers : tolist(tier.services)]))
}

resource "terraform_data" "network" {
  input = {
    name  = var.name
    cidr  = var.cidr
    first = cidrhost(var.cidr, 1)
    mask  = cidrnetmask(var.cidr)
    tags  = local.tags
  }

  lifecycle {
    precondition {
      condition     = length(local.subnets) > 0
      error_message = "There is nothing to build."
    }
  }
}

resource "terraform_data" "subnet" {
  for_each = local.subnets

  input = {
    network = terraform_data.network.id
    block   = local.blocks[each.key]
    zone    = "${var.name}-${each.value.zone}"
    tags    = merge(local.tags, { tier = each.value.tier }, each.value.public ? { public = "yes" } : {})
  }
}

resource "terraform_data" "nat" {
  count = local.nats

  input            = "${var.name}-nat-${format("%02d", count.index)}"
  triggers_replace = [terraform_data.subnet[local.publics[count.index]].id]
}

module "routing" {
  source   = "./subnets"
  for_each = var.tiers

  tier    = each.key
  routes  = each.value.routes
  nats    = terraform_data.nat[*].id
  subnets = { for key, subnet in terraform_data.subnet : key => subnet.id if local.subnets[key].tier == each.key }
}

output "blocks" {
  value = local.blocks
}

output "zones" {
  description = "Keys of subnets by zone."
  value       = { for zone, keys in local.by_zone : zone => sort(keys) }
}

output "services" {
  value = join(",", local.services)
}

output "network" {
  value = terraform_data.network.output
}

output "tables" {
  value = { for tier, table in module.routing : tier => table.names }
}
