terraform {
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
  }
}

provider "terraform" {}

provider "terraform" {
  alias = "east"
}

resource "terraform_data" "here" {
  input = "here"
}

resource "terraform_data" "east" {
  provider = terraform.east
  input    = "east"
}

module "inner" {
  source    = "./inner"
  providers = { terraform = terraform.east }
}

output "all" {
  value = [terraform_data.here.output, terraform_data.east.output, module.inner.output]
}
