variable "items" {
  type = list(object({ key = string, value = optional(string, "dflt") }))
}
resource "terraform_data" "item" {
  count = length(var.items)
  input = { (var.items[count.index].key) = var.items[count.index].value }
}
output "all" {
  value     = merge(terraform_data.item[*].output...)
  sensitive = true
}
