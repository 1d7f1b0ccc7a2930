# Stages of a delivery pipeline: order, replacement, secrets, conditions.
variable "version_of" {
  type    = map(string)
  default = { api = "1.4.2", web = "2.0.0-rc.1" }
}

variable "stages" {
  type = list(object({
    name     = string
    replicas = optional(number, 1)
    approve  = optional(list(string), ["lead"])
    window   = optional(tuple([number, number]), [8, 18])
  }))
  default = [
    { name = "test" },
    { name = "staging", replicas = 2, approve = [] },
    { name = "production", replicas = 6, approve = ["lead", "security"], window = [9, 15] },
  ]

  validation {
    condition     = length(distinct(var.stages[*].name)) == length(var.stages)
    error_message = "Names of stages must differ."
  }
  validation {
    condition     = alltrue([for stage in var.stages : stage.window[0] < stage.window[1]])
    error_message = "A window must end after it begins."
  }
}

variable "token" {
  type      = string
  default   = "s3cr3t-token"
  sensitive = true
}

variable "note" {
  type    = string
  default = null
}

locals {
  order   = { for index, stage in var.stages : stage.name => index }
  last    = element(var.stages, length(var.stages) - 1).name
  parsed  = { for name, version in var.version_of : name => regex("^(?P<major>\\d+)\\.(?P<minor>\\d+)\\.(?P<patch>\\d+)(?:-(?P<pre>.+))?$", version) }
  stable  = { for name, parts in local.parsed : name => parts.pre == null }
  headers = { authorization = "Bearer ${var.token}", accept = "application/json" }
  script = templatefile("${path.module}/templates/deploy.tftpl", {
    stages   = var.stages
    versions = var.version_of
  })
  manifest = yamldecode(yamlencode({
    kind     = "Pipeline"
    stages   = [for stage in var.stages : { name = stage.name, replicas = stage.replicas }]
    versions = var.version_of
  }))
}

resource "terraform_data" "artifact" {
  for_each         = var.version_of
  input            = { name = each.key, version = each.value, digest = sha256("${each.key}:${each.value}") }
  triggers_replace = each.value

  lifecycle {
    create_before_destroy = true
  }
}

resource "terraform_data" "credentials" {
  input = { token = var.token, headers = local.headers }
}

module "stage" {
  source = "./stage"
  count  = length(var.stages)

  name      = var.stages[count.index].name
  replicas  = var.stages[count.index].replicas
  approvers = var.stages[count.index].approve
  artifacts = [for name in sort(keys(terraform_data.artifact)) : terraform_data.artifact[name].id]
  previous  = count.index == 0 ? null : var.stages[count.index - 1].name
}

resource "terraform_data" "release" {
  input = local.script

  lifecycle {
    replace_triggered_by = [terraform_data.artifact]
    ignore_changes       = [triggers_replace]

    postcondition {
      condition     = self.id != ""
      error_message = "A release has an id."
    }
  }

  depends_on = [module.stage]
}

resource "terraform_data" "note" {
  count = var.note == null ? 0 : 1
  input = var.note
}

check "stability" {
  assert {
    condition     = local.stable["api"]
    error_message = "The API is not stable: ${var.version_of["api"]}."
  }
  assert {
    condition     = length(terraform_data.release.id) > 0
    error_message = "There is no release."
  }
}

output "order" {
  value = local.order
}

output "stable" {
  value = local.stable
}

output "last" {
  value = {
    name = local.last
    gate = module.stage[local.order[local.last]].gate
  }
}

output "headers" {
  value     = local.headers
  sensitive = true
}

output "manifest" {
  value = jsonencode(local.manifest)

  precondition {
    condition     = length(local.manifest.stages) == length(var.stages)
    error_message = "Stages were lost."
  }
}

output "lines" {
  value = length(split("\n", local.script))
}
