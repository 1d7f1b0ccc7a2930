# What depends on what, also through modules and what is only read.
resource "terraform_data" "a" {
  input = "x"
}

data "terraform_remote_state" "d" {
  backend = "local"
  config  = { path = "${path.module}/${terraform_data.a.output}.tfstate" }
}

resource "terraform_data" "b" {
  count = 2
  input = data.terraform_remote_state.d.outputs
}

module "m" {
  for_each = toset(["p", "q"])
  source   = "./m"
  v        = terraform_data.b[*].output
}

resource "terraform_data" "after_all" {}

resource "terraform_data" "after_one" {
  input = module.m["p"].o
}

resource "terraform_data" "of_all" {
  input = { for key, m in module.m : key => m.o }
}

# Nothing else changes.
resource "terraform_data" "loose" {
  depends_on = [terraform_data.after_one]
}
