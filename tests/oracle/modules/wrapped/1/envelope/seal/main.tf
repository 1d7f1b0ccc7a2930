variable "text" { type = string }

variable "key" {
  type    = string
  default = "none"
}

variable "note" {
  type      = string
  ephemeral = true
}

output "text" {
  value     = "${var.text}#${var.key == null ? "open" : sha1(var.key)}"
  sensitive = true
}

output "note" {
  value     = upper(var.note)
  ephemeral = true
}
