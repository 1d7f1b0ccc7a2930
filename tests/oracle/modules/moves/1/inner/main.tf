variable "label" { type = string }
resource "terraform_data" "x" {
  count = 2
  input = { label = var.label, index = count.index }
}
resource "terraform_data" "y" { input = var.label }
output "ids" { value = terraform_data.x[*].id }
output "first" { value = terraform_data.x[0].id }
