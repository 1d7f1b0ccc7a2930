variable "label" { type = string }
resource "terraform_data" "z" {
  for_each = { "0" = 0, "1" = 1 }
  input    = { label = var.label, index = each.value }
}
moved {
  from = terraform_data.x
  to   = terraform_data.w
}
moved {
  from = terraform_data.w[0]
  to   = terraform_data.z["0"]
}
moved {
  from = terraform_data.w[1]
  to   = terraform_data.z["1"]
}
module "deep" {
  source = "./deep"
  label  = var.label
}
moved {
  from = terraform_data.y
  to   = module.deep.terraform_data.y
}
output "ids" { value = values(terraform_data.z)[*].id }
output "first" { value = terraform_data.z["0"].id }
