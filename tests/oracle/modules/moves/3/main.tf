variable "names" { default = ["red", "green"] }
resource "terraform_data" "c" {
  for_each = toset(var.names)
  input    = each.value
  lifecycle {
    replace_triggered_by = [terraform_data.lone.output]
    create_before_destroy = true
  }
}
moved {
  from = terraform_data.b
  to   = terraform_data.c
}
resource "terraform_data" "lone" {
  input = "changed"
}
moved {
  from = terraform_data.lone[0]
  to   = terraform_data.lone
}
removed {
  from = module.inner
  lifecycle {
    destroy = false
  }
}
removed {
  from = module.new.terraform_data.z
  lifecycle {
    destroy = true
  }
}
resource "terraform_data" "kept" { input = "OLD" }
moved {
  from = module.new.module.deep.terraform_data.y
  to   = terraform_data.kept
}
resource "terraform_data" "dependent" {
  input            = [for k in var.names : terraform_data.c[k].id]
  triggers_replace = { x = 1 }
}
output "ids" { value = { for k, v in terraform_data.c : k => v.id } }
