variable "name" {}
resource "terraform_data" "inside" { input = var.name }
moved {
  from = terraform_data.content
  to   = terraform_data.inside
}
output "id" { value = terraform_data.inside.id }
