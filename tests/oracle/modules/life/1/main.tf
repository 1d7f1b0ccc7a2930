variable "generation" {
  type    = number
  default = 1
}
variable "on" {
  type    = bool
  default = true
}
variable "keep" {
  type    = map(object({ size = number, note = optional(string) }))
  default = { a = { size = 1 }, b = { size = 2, note = "n" }, c = { size = 3 } }
}
resource "terraform_data" "base" {
  input            = "base"
  triggers_replace = var.generation
}
resource "terraform_data" "middle" {
  input = { base = terraform_data.base.id }
  lifecycle { create_before_destroy = true }
}
resource "terraform_data" "top" {
  count            = 3
  input            = [terraform_data.middle.id, count.index]
  triggers_replace = [terraform_data.middle.id]
}
resource "terraform_data" "watch" {
  input = "w"
  lifecycle {
    replace_triggered_by  = [terraform_data.top[0].output, terraform_data.base.id]
    create_before_destroy = true
  }
}
resource "terraform_data" "watch2" {
  for_each = var.keep
  input    = each.value
  lifecycle {
    replace_triggered_by = [terraform_data.watch]
    ignore_changes       = [input]
  }
}
resource "terraform_data" "cond" {
  lifecycle { enabled = var.on }
  input = "cond"
}
resource "terraform_data" "protected" {
  input = "p"
  lifecycle { prevent_destroy = var.generation > 1 }
}
module "child" {
  source = "./child"
  for_each = { x = 1, y = 2 }
  n        = each.value
}
module "opt" {
  source = "./child"
  n      = 9
  lifecycle { enabled = var.on }
}
output "cond" { value = var.on ? terraform_data.cond.output : "off" }
output "child" { value = { for k, m in module.child : k => m.out } }
output "opt" { value = try(module.opt.out, "none") }
output "top" { value = terraform_data.top[*].input[1] }
output "ids" { value = length(distinct(concat(terraform_data.top[*].id, [terraform_data.base.id]))) }
