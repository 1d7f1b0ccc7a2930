variable "input" { type = string }
resource "terraform_data" "twig" { input = var.input }
output "out" { value = terraform_data.twig.output }
