variable "enabled" { default = true }
variable "namespace" {
  type = string
}
variable "stage" { type = string }
variable "name" { type = string }
variable "attributes" {
  type    = list(string)
  default = []
}
variable "tags" {
  type    = map(string)
  default = {}
}
variable "delimiter" {
  type    = string
  default = null
}
variable "regex_replace_chars" {
  type    = string
  default = "/[^a-zA-Z0-9-]/"
}
variable "label_order" { type = list(string) }
variable "id_length_limit" {
  type    = number
  default = 14
}

locals {
  defaults  = { delimiter = "-", sentinel = "~" }
  delimiter = var.delimiter == null ? local.defaults.delimiter : var.delimiter
  normalized = {
    namespace = lower(replace(coalesce(var.namespace, local.defaults.sentinel), var.regex_replace_chars, ""))
    stage     = lower(replace(coalesce(var.stage, local.defaults.sentinel), var.regex_replace_chars, ""))
    name      = lower(replace(coalesce(var.name, local.defaults.sentinel), var.regex_replace_chars, ""))
  }
  attributes = compact(distinct([for a in var.attributes : lower(a)]))
  id_context = merge(local.normalized, { attributes = join(local.delimiter, local.attributes) })
  labels     = [for l in var.label_order : local.id_context[l] if length(local.id_context[l]) > 0]
  id_full    = join(local.delimiter, local.labels)
  hash       = substr(md5(local.id_full), 0, 5)
  short      = substr("${trimsuffix(substr(local.id_full, 0, var.id_length_limit - 6), local.delimiter)}${local.delimiter}${local.hash}", 0, var.id_length_limit)
  id         = var.id_length_limit != 0 && length(local.id_full) > var.id_length_limit ? local.short : local.id_full
  generated  = { for k in ["namespace", "stage", "name"] : title(k) => local.id_context[k] if local.id_context[k] != "" }
  tags       = merge(local.generated, { Name = local.id }, var.tags)
}

output "id" { value = var.enabled ? local.id : "" }
output "id_full" { value = local.id_full }
output "enabled" { value = var.enabled }
output "tags" { value = var.enabled ? local.tags : {} }
output "tags_as_list_of_maps" {
  value = flatten([
    for key in keys(local.tags) : merge({
      key   = key
      value = local.tags[key]
    }, { propagate_at_launch = true })
  ])
}
