# What the cases refer to. Variables without a value are unknown in a console.
variable "any" {}
variable "string" { type = string }
variable "number" { type = number }
variable "bool" { type = bool }
variable "list" { type = list(string) }
variable "set" { type = set(string) }
variable "map" { type = map(string) }
variable "tuple" { type = tuple([string, number]) }
variable "object" { type = object({ a = string, b = optional(number) }) }
variable "objects" { type = list(object({ a = string })) }

variable "secret" {
  type      = string
  default   = "hunter2"
  sensitive = true
}
variable "secrets" {
  type      = map(string)
  default   = { a = "x", b = "y" }
  sensitive = true
}
variable "defaulted" {
  type = object({
    name = string
    size = optional(number, 3)
    tags = optional(map(string), { a = "1" })
    deep = optional(object({ x = optional(string, "deep"), y = optional(bool) }), {})
  })
  default = { name = "n" }
}

locals {
  heredoc = <<EOT
first
  second ${1 + 1}
EOT
  indented = <<-EOT
      six
        eight
      six %{ if true }yes%{ else }no%{ endif }
    EOT
  trimmed = <<-EOT
    %{ for x in ["a", "b"] ~}
    - ${x}
    %{ endfor ~}
    end
  EOT
  strings = tolist(["b", "a", "c"])
  numbers = tolist([3, 1, 2])
  letters = toset(["b", "a", "c"])
  objects = [{ id = "i1", n = 1 }, { id = "i2", n = 2 }]
  map     = tomap({ a = "x", b = "y" })
  nothing = null
  secret  = sensitive({ user = "u", password = "p" })
  mixed   = { open = "o", closed = sensitive("c") }
  greet   = "Hello, $${name}!"
}
