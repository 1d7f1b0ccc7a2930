terraform {
  required_version = ">= 1.6"
}

variable "namespace" {
  type    = string
  default = "eg"
}
variable "stages" {
  type = map(object({
    enabled    = optional(bool, true)
    attributes = optional(list(string), [])
    tags       = optional(map(string), {})
    limits = optional(object({
      cpu    = optional(number, 0.5)
      memory = optional(string, "256Mi")
      extra  = optional(map(object({ value = optional(string, "x"), flags = optional(set(string)) })), { base = {} })
    }), {})
  }))
  default = {
    prod = { attributes = ["public", "v2", "public", ""], tags = { Owner = "ops", "cost-center" = "42" } }
    dev  = { enabled = false, limits = { cpu = 2, extra = { a = { flags = ["y", "x"] }, b = { value = "z" } } } }
    test = { limits = {} }
  }
  validation {
    condition     = alltrue([for k, v in var.stages : length(k) <= var.max_name])
    error_message = "Names are at most ${var.max_name} long."
  }
}
variable "max_name" {
  type    = number
  default = 8
}
variable "delimiter" {
  type     = string
  default  = null
  nullable = true
}
variable "label_order" {
  type    = list(string)
  default = ["namespace", "stage", "name", "attributes"]
}

module "label" {
  source   = "./label"
  for_each = var.stages

  namespace   = var.namespace
  stage       = each.key
  name        = "App Server!"
  attributes  = each.value.attributes
  tags        = merge(each.value.tags, { Stage = title(each.key) })
  delimiter   = var.delimiter
  label_order = var.label_order
  enabled     = each.value.enabled
}

locals {
  ids      = { for k, m in module.label : k => m.id if m.enabled }
  by_owner = { for k, m in module.label : lookup(m.tags, "Owner", "nobody") => k... }
  ordered  = [for k in sort(keys(module.label)) : module.label[k].id_full]
  matrix   = { for p in setproduct(keys(local.ids), ["a", "b"]) : join("/", p) => { stage = p[0], zone = p[1] } }
}

resource "terraform_data" "zone" {
  for_each = local.matrix
  input = {
    id     = local.ids[each.value.stage]
    zone   = each.value.zone
    limits = var.stages[each.value.stage].limits
    text   = <<-EOT
      %{~for k, v in module.label[each.value.stage].tags~}
      ${k}=${v}
      %{~endfor~}

      end
    EOT
  }
  triggers_replace = [local.ids[each.value.stage]]

  lifecycle {
    precondition {
      condition     = can(regex("^[a-z0-9-]+$", local.ids[each.value.stage]))
      error_message = "An id is made of small letters: ${local.ids[each.value.stage]}"
    }
  }
}

output "ids" { value = local.ids }
output "by_owner" { value = local.by_owner }
output "ordered" { value = local.ordered }
output "zones" { value = { for k, z in terraform_data.zone : k => z.output.text } }
output "tags_as_list" {
  value = module.label["prod"].tags_as_list_of_maps
}
output "stages" { value = var.stages }
output "disabled" {
  value = [for k, v in var.stages : k if !v.enabled]
  precondition {
    condition     = length(local.ids) > 0
    error_message = "Something must be enabled."
  }
}
