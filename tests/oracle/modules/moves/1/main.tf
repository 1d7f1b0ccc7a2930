variable "names" { default = ["red", "green", "blue"] }
resource "terraform_data" "a" {
  count = length(var.names)
  input = var.names[count.index]
}
resource "terraform_data" "lone" { input = "lone" }
module "inner" {
  source = "./inner"
  count  = 2
  label  = "i${count.index}"
}
module "old" {
  source = "./inner"
  label  = "old"
}
resource "terraform_data" "dependent" {
  input            = [for d in terraform_data.a : d.id]
  triggers_replace = module.old.ids
}
output "ids" { value = concat(terraform_data.a[*].id, module.inner[*].first) }
