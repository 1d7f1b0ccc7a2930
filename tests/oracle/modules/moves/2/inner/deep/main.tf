variable "label" { type = string }
resource "terraform_data" "y" { input = upper(var.label) }
