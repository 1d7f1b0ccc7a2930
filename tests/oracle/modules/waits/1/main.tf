# Who waits for whom: whole modules, instances, conditions, replacements.
variable "generation" {
  type    = number
  default = 1
}

variable "stages" {
  type    = list(string)
  default = ["build", "test"]
}

resource "terraform_data" "seed" {
  input            = "seed"
  triggers_replace = var.generation
  lifecycle {
    create_before_destroy = true
  }
}

module "stage" {
  source     = "./stage"
  count      = length(var.stages)
  name       = var.stages[count.index]
  seed       = terraform_data.seed.id
  depends_on = [terraform_data.seed]
}

module "report" {
  source     = "./stage"
  for_each   = { for s in module.stage : s.name => s }
  name       = "report-${each.key}"
  seed       = each.value.done
  depends_on = [module.stage]
}

resource "terraform_data" "sensor" {
  for_each = toset(var.stages)
  input    = "watches ${each.key}"
  lifecycle {
    replace_triggered_by = [terraform_data.seed, terraform_data.gate[each.key].input]
    ignore_changes       = [input]
  }
}

resource "terraform_data" "gate" {
  for_each = { for i, s in var.stages : s => i }
  input    = each.value + var.generation
  lifecycle {
    create_before_destroy = true
    precondition {
      condition     = each.value < 5
      error_message = "Too late."
    }
  }
  depends_on = [module.stage[0]]
}

resource "terraform_data" "partly" {
  input = { label = "gen ${var.generation}", frozen = var.generation, tags = { a = var.generation, b = 2 } }
  lifecycle {
    ignore_changes = [input.frozen, input.tags["a"]]
  }
}

resource "terraform_data" "whole" {
  input            = var.generation
  triggers_replace = var.generation
  lifecycle {
    ignore_changes = all
  }
}

resource "terraform_data" "optional" {
  input = terraform_data.seed.id
  lifecycle {
    enabled = var.generation > 1
  }
}

output "done" { value = { for k, r in module.report : k => r.name } }
output "seen" { value = try(terraform_data.optional.output != "", "absent") }
output "ignored" { value = [terraform_data.partly.output, terraform_data.whole.output] }
