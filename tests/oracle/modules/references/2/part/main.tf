terraform {
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
  }
}

variable "a" {}

variable "b" {
  type    = string
  default = "otherwise"
}

resource "terraform_data" "in" {
  input = "${var.a}-${var.b}"
}

module "leaf" {
  source = "./leaf"
  count  = 1

  x = terraform_data.in.output
}

output "out" {
  value = terraform_data.in.output
}

output "deep" {
  value = module.leaf[0]
}

output "all" {
  value = [{ x = var.a }]
}

output "nothing" {
  value = var.a == "never" ? terraform_data.in.id : null
}
