terraform {
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
  }
}
variable "accounts" {
  type = map(object({
    owner    = string
    budget   = optional(number, 100)
    contacts = optional(list(object({ name = string, mail = optional(string, "none@example.com") })), [])
    limits   = optional(map(object({ soft = number, hard = optional(number) })), { cpu = { soft = 2 } })
    secret   = optional(string)
  }))
  sensitive = false
  default = {
    dev  = { owner = "ann" }
    prod = { owner = "bob", budget = 2500.75, contacts = [{ name = "x" }, { name = "y", mail = "y@example.com" }], limits = { mem = { soft = 1, hard = 2 } }, secret = "s1" }
  }
}
variable "password" {
  type      = string
  sensitive = true
  default   = "pässwörd"
  validation {
    condition     = length(var.password) > 3 && var.password != try(var.accounts["prod"].secret, "")
    error_message = "Too short."
  }
}
variable "legacy" {
  type       = string
  default    = null
  deprecated = "Use accounts."
}
locals {
  creds = { for k, a in var.accounts : k => { user = a.owner, pass = "${var.password}-${k}", plain = a.budget } }
  mixed = [var.password, "open", { s = var.password, o = 1 }]
  report = {
    lines = [for k, a in var.accounts : format("%-6s|%8.2f|%s", k, a.budget, join(",", [for c in a.contacts : "${c.name}<${c.mail}>"]))]
    total = sum(values(var.accounts)[*].budget)
    hard  = flatten([for k, a in var.accounts : [for r, l in a.limits : { k = k, r = r, hard = coalesce(l.hard, l.soft * 2) }]])
  }
}
module "a" {
  source   = "./mod/a"
  for_each = local.creds
  cred     = each.value
  name     = each.key
}
resource "terraform_data" "creds" {
  for_each = nonsensitive(toset(keys(local.creds)))
  input    = local.creds[each.key]
}
resource "terraform_data" "mixed" {
  input            = local.mixed
  triggers_replace = { h = sha1(var.password), n = length(var.password) }
}
resource "terraform_data" "report" {
  input = local.report
  lifecycle {
    postcondition {
      condition     = self.output.total > 0 && length(self.output.lines) == length(var.accounts)
      error_message = "Wrong total ${self.output.total}."
    }
  }
}
output "creds" {
  value     = terraform_data.creds
  sensitive = true
}
output "open" { value = nonsensitive(local.mixed[1]) }
output "users" { value = [for k, m in module.a : m.user] }
output "deep" {
  value     = { for k, m in module.a : k => m.deep }
  sensitive = true
}
output "report" {
  value       = terraform_data.report.output
  description = "What it costs."
  precondition {
    condition     = alltrue([for h in local.report.hard : h.hard >= 2])
    error_message = "Hard limits too low."
  }
}
output "length" { value = nonsensitive(length(var.password)) }
output "legacy" { value = var.legacy == null ? "unset" : var.legacy }
