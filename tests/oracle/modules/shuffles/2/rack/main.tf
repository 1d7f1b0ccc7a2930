variable "number" {}
module "crate" {
  source = "./box"
  count  = 2
  name   = "${["left", "right"][count.index]}${var.number}"
}
moved {
  from = module.box["left"]
  to   = module.crate[0]
}
moved {
  from = module.box["right"]
  to   = module.crate[1]
}
resource "terraform_data" "frame" { input = var.number }
output "ids" { value = module.crate[*].id }
