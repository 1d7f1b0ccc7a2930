variable "token" {
  type      = string
  ephemeral = true
  default   = "tok"
}
variable "password" {
  type      = string
  sensitive = true
  default   = "p4ss"
}
variable "on" {
  type    = bool
  default = true
}
locals {
  derived = { user = "u", pass = var.password, both = "${var.password}-x" }
  list    = [for k, v in local.derived : "${k}:${v}"]
  nested  = { a = [{ b = var.password, c = 1 }], d = toset(["x", "y"]) }
}
module "m" {
  source   = "./m"
  token    = var.token
  settings = local.nested
}
resource "terraform_data" "secret" {
  input            = local.derived
  triggers_replace = { pass = var.password, plain = 1 }
}
resource "terraform_data" "mixed" {
  for_each = nonsensitive({ for k, v in local.derived : k => length(v) })
  input    = [each.value, local.derived[each.key], { (each.key) = var.password }]
}
resource "terraform_data" "maybe" {
  input = "maybe"
  lifecycle {
    enabled = var.on
  }
}
resource "terraform_data" "follows" {
  input = try(terraform_data.maybe.output, "none")
}
output "list" {
  value     = local.list
  sensitive = true
}
output "count" { value = nonsensitive(length(local.list)) }
output "token" {
  value = ephemeralasnull(var.token) == null
}
output "inner" {
  value     = module.m.out
  sensitive = true
}
output "follows" { value = terraform_data.follows.output }
output "lengths" {
  value     = { for k, v in terraform_data.mixed : k => v.output[0] }
  sensitive = true
}
