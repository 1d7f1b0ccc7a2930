variable "items" {
  type = list(object({ shelf = string, slot = number, label = string }))
}

resource "terraform_data" "slot" {
  count = length(var.items)
  input = { for k, v in var.items[count.index] : k => v if v != null }
}

output "ids" { value = terraform_data.slot[*].id }
