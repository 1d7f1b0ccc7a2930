variable "objects" {
  type = map(object({ id = string, value = any }))
  default = {
    a = { id = "id-a", value = "one" }
    b = { id = "id-b", value = "two" }
  }
}
variable "limit" {
  type    = number
  default = 3
  validation {
    condition     = var.limit > length(var.objects)
    error_message = "The limit ${var.limit} is not above ${length(var.objects)}."
  }
  validation {
    condition     = var.limit == floor(var.limit)
    error_message = "The limit is a whole number."
  }
}
locals {
  selected = { for k, v in var.objects : k => v if k != "c" }
}
import {
  for_each = local.selected
  to       = terraform_data.imported[each.key]
  id       = each.value.id
}
resource "terraform_data" "imported" {
  for_each = var.objects
  input    = each.value.value
}
import {
  to = module.m["x"].terraform_data.inner
  id = "from-outside"
}
module "m" {
  source   = "./m"
  for_each = toset(["x", "y"])
  key      = each.key
}
resource "terraform_data" "watched" {
  input = { for k, v in terraform_data.imported : k => v.output }
  lifecycle {
    precondition {
      condition     = var.limit > 0
      error_message = "never"
    }
    postcondition {
      condition     = length(self.output) == length(var.objects)
      error_message = "All objects are there: ${jsonencode(self.output)}"
    }
    ignore_changes = [triggers_replace]
  }
  triggers_replace = var.limit
}
check "all_there" {
  assert {
    condition     = length(terraform_data.imported) == 5
    error_message = "There are ${length(terraform_data.imported)}, not 5."
  }
  assert {
    condition     = alltrue([for v in values(terraform_data.imported) : v.output != null])
    error_message = "All have values."
  }
}
check "known" {
  assert {
    condition     = var.limit > 1
    error_message = "Limit too small."
  }
}
output "watched" {
  value = terraform_data.watched.output
  precondition {
    condition     = var.limit < 100
    error_message = "Too many"
  }
}
output "from_module" {
  value     = module.m["x"].out
  sensitive = true
}
