variable "name" {
  type = string
}

variable "stores" {
  type = number
}

variable "domains" {
  type = set(string)
}

variable "limits" {
  type = object({ users = number, gigabytes = number })
}

variable "flags" {
  type = map(bool)
}

locals {
  on = [for flag, is_on in var.flags : flag if is_on]
}

resource "terraform_data" "namespace" {
  input = { name = "customer-${var.name}", flags = local.on, limits = var.limits }
}

resource "terraform_data" "domain" {
  for_each = var.domains
  input    = { host = each.value, root = join(".", slice(split(".", each.value), 1, length(split(".", each.value)))) }
}

module "store" {
  source = "./store"
  count  = var.stores

  index     = count.index
  namespace = terraform_data.namespace.id
  gigabytes = ceil(var.limits.gigabytes / var.stores)
}

output "endpoint" {
  value = length(var.domains) > 0 ? "https://${sort(var.domains)[0]}" : "https://${var.name}.example.net"
}

output "stores" {
  value = module.store[*].id
}
