resource "terraform_data" "release" {
  input            = "1.4.2"
  triggers_replace = ["1.4"]
}

ephemeral "terraform_data" "token" {
  input = "never kept"
}

data "terraform_remote_state" "network" {
  backend = "local"
  config  = { path = "../network/terraform.tfstate" }

  defaults = { zones = ["a"] }
}
