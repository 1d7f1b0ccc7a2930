terraform {
  required_providers {
    terraform = {
      source                = "terraform.io/builtin/terraform"
      configuration_aliases = [terraform.global]
    }
  }
}

variable "name" { type = string }

variable "peers" { type = set(number) }

resource "terraform_data" "local" {
  input = "${var.name}:${join("+", [for p in var.peers : p])}"
}

resource "terraform_data" "global" {
  provider         = terraform.global
  triggers_replace = sum(var.peers)
  lifecycle {
    create_before_destroy = true
  }
}

output "summary" {
  value = { local = terraform_data.local.output, peers = var.peers, global = terraform_data.global.id != "" }
}
