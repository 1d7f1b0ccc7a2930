variable "token" {
  type      = string
  ephemeral = true
}
variable "settings" {
  type = object({
    a = list(object({ b = string, c = optional(string), e = optional(list(number), [1, 2]) }))
    d = set(string)
  })
}
locals {
  hidden = "${var.token}!"
}
output "ephemeral" {
  value     = local.hidden
  ephemeral = true
}
output "out" {
  value     = var.settings.a[0].e == tolist([1, 2]) ? { for s in var.settings.d : s => var.settings.a[*].b } : {}
  sensitive = true
}
