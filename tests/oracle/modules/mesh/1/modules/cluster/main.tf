variable "name" { type = string }
variable "region" { type = string }
variable "cidr" { type = string }
variable "nodes" {
  type = object({ min = number, max = number, labels = map(string) })
  validation {
    condition     = var.nodes.min <= var.nodes.max
    error_message = "${var.name}: min ${var.nodes.min} > max ${var.nodes.max}"
  }
}
variable "tags" { type = map(string) }
variable "token" {
  type      = string
  sensitive = true
}
variable "services" { type = map(any) }

locals {
  subnets = zipmap(["public", "private", "data"], cidrsubnets(var.cidr, 4, 4, 8))
}

resource "terraform_data" "network" {
  for_each = local.subnets
  input    = { name = "${var.name}-${each.key}", cidr = each.value, first = cidrhost(each.value, 1), mask = cidrnetmask(each.value) }
}

resource "terraform_data" "node" {
  count = var.nodes.min
  input = { index = count.index, subnet = values(terraform_data.network)[count.index % length(terraform_data.network)].id, labels = merge(var.nodes.labels, { n = count.index }) }
}

module "service" {
  source     = "../service"
  for_each   = var.services
  service    = each.value
  cluster    = { name = var.name, network = terraform_data.network["public"].output }
  token      = var.token
  depends_on = [terraform_data.node]
}

output "endpoints" { value = { for k, s in module.service : k => s.endpoint } }
output "subnets" { value = local.subnets }
output "config" {
  value     = { for k, s in module.service : k => s.config }
  sensitive = true
}
output "policies" { value = { for k, s in module.service : k => s.policy } }
