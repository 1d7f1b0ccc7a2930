variable "names" { default = ["red", "green", "blue"] }
resource "terraform_data" "b" {
  for_each = toset(var.names)
  input    = each.value
}
moved {
  from = terraform_data.a[0]
  to   = terraform_data.b["red"]
}
moved {
  from = terraform_data.a[1]
  to   = terraform_data.b["green"]
}
moved {
  from = terraform_data.a[2]
  to   = terraform_data.b["blue"]
}
resource "terraform_data" "lone" {
  count = 1
  input = "lone"
}
module "inner" {
  source   = "./inner"
  for_each = { zero = "i0", one = "i1" }
  label    = each.value
}
moved {
  from = module.inner[0]
  to   = module.inner["zero"]
}
moved {
  from = module.inner[1]
  to   = module.inner["one"]
}
module "new" {
  source = "./inner"
  label  = "old"
}
moved {
  from = module.old
  to   = module.new
}
resource "terraform_data" "dependent" {
  input            = [for k in var.names : terraform_data.b[k].id]
  triggers_replace = module.new.ids
}
output "ids" { value = concat([for k in var.names : terraform_data.b[k].id], [module.inner["zero"].first, module.inner["one"].first]) }
