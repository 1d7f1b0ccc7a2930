variable "number" {}
module "box" {
  source   = "./box"
  for_each = toset(["left", "right"])
  name     = "${each.key}${var.number}"
}
resource "terraform_data" "frame" { input = var.number }
output "ids" { value = [for b in module.box : b.id] }
