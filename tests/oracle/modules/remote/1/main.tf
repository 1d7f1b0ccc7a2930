# What another state gives, read at once, late, in modules and in checks.
data "terraform_remote_state" "base" {
  backend = "local"
  config  = { path = "${path.module}/base.tfstate" }
  defaults = {
    network = "not used"
    tier    = "default tier"
  }
}

resource "terraform_data" "trigger" {
  input = "go"
}

data "terraform_remote_state" "late" {
  backend    = "local"
  config     = { path = "base.tfstate" }
  depends_on = [terraform_data.trigger]
}

data "terraform_remote_state" "by_unknown" {
  backend = "local"
  config  = { path = terraform_data.trigger.output == "go" ? "base.tfstate" : "other.tfstate" }
}

resource "terraform_data" "subnet" {
  for_each = toset(data.terraform_remote_state.base.outputs.network.subnets)
  input    = "${data.terraform_remote_state.base.outputs.network.id}/${each.key}"
}

module "consumer" {
  source     = "./consumer"
  count      = data.terraform_remote_state.base.outputs.count - 1
  path       = "base.tfstate"
  depends_on = [terraform_data.subnet]
}

check "reachable" {
  data "terraform_remote_state" "scoped" {
    backend = "local"
    config  = { path = "base.tfstate" }
  }
  assert {
    condition     = data.terraform_remote_state.scoped.outputs.count == 3
    error_message = "There are ${data.terraform_remote_state.scoped.outputs.count}."
  }
  assert {
    condition     = data.terraform_remote_state.scoped.outputs.count == terraform_data.subnet["a"].output
    error_message = "Never so: ${jsonencode(data.terraform_remote_state.scoped.outputs.mixed)}"
  }
}

check "absent" {
  data "terraform_remote_state" "missing" {
    backend = "local"
    config  = { path = "missing.tfstate" }
  }
  assert {
    condition     = data.terraform_remote_state.missing.outputs == {}
    error_message = "Something is there."
  }
}

output "late" { value = data.terraform_remote_state.late.outputs.mixed }
output "unknown" { value = data.terraform_remote_state.by_unknown.outputs.network.subnets[*] }
output "tier" { value = data.terraform_remote_state.base.outputs.tier }
output "modules" { value = module.consumer[*].total }
