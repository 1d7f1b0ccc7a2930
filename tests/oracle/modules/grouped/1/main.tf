variable "a" {
  default = { b = { c = 1 }, "x-y" = [1, 2] }
}
resource "terraform_data" "r" {
  input = (var.a).b
}
resource "terraform_data" "s" {
  input = [((var.a).b).c, (terraform_data.r).output.c, (var.a)["x-y"][0], [var.a][0].b, { k = var.a }.k.b, (terraform_data.r.output)["c"]]
}
resource "terraform_data" "t" {
  count = 2
  input = (terraform_data.r)["id"]
}
output "w" { value = "${terraform.workspace}-${tofu.workspace}" }
output "o" { value = [(terraform_data.t)[0].id, (terraform_data.t[1]).id, terraform_data.t[*].id, (terraform_data.t)[*].id] }
