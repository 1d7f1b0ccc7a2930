variable "v" {}

resource "terraform_data" "i" {
  input = var.v
}

resource "terraform_data" "j" {
  input = terraform_data.i.output
}

module "inner" {
  source = "./inner"
}

output "o" {
  value = terraform_data.j.output
}
