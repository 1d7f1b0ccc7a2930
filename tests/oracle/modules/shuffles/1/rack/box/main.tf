variable "name" {}
resource "terraform_data" "content" { input = var.name }
output "id" { value = terraform_data.content.id }
