variable "name" {
  default = "setup"
}

resource "terraform_data" "setup" {
  input = "from ${var.name}"
}

output "name" {
  value = terraform_data.setup.output
}
