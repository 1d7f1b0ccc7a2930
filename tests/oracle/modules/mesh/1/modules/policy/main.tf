variable "subject" {}
variable "rules" {
  type = list(object({ port = number, allow = bool }))
}
resource "terraform_data" "rule" {
  for_each = { for r in var.rules : tostring(r.port) => r }
  input    = { subject = var.subject, allow = each.value.allow }
}
output "rendered" { value = join(";", [for k, r in terraform_data.rule : "${k}=${r.input.allow}"]) }
