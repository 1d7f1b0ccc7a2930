moved {
  from = terraform_data.old_name[1]
  to   = terraform_data.new_name["one"]
}
moved {
  from = terraform_data.old_name[0]
  to   = terraform_data.new_name["zero"]
}
moved {
  from = terraform_data.single
  to   = module.taken.terraform_data.inner
}
removed {
  from = terraform_data.gone
  lifecycle { destroy = false }
}
resource "terraform_data" "new_name" {
  for_each = { zero = "old 0", one = "new 1" }
  input    = each.value
}
module "taken" {
  source = "./child"
  n      = 1
}
resource "terraform_data" "lost" {
  for_each = { p = "id-p", q = "id-q" }
  input    = null
}
import {
  for_each = { p = "id-p", q = "id-q" }
  to       = terraform_data.lost[each.key]
  id       = each.value
}
