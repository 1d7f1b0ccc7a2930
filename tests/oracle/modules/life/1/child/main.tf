variable "n" { type = number }
resource "terraform_data" "inner" {
  input = { n = var.n }
}
resource "terraform_data" "list" {
  for_each = toset([for i in range(var.n > 5 ? 1 : var.n) : "k${i}"])
  input    = "${each.key}-${terraform_data.inner.output.n}"
}
output "out" { value = { n = terraform_data.inner.output.n, list = [for k in sort(keys(terraform_data.list)) : terraform_data.list[k].output] } }
