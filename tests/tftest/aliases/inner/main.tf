terraform {
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
  }
}

resource "terraform_data" "inner" {
  input = "inner"
}

output "output" {
  value = terraform_data.inner.output
}
