# Values that must not stay, and values that must not show, through modules.
variable "session" {
  type      = object({ user = string, token = optional(string, "none"), ttl = optional(number, 60) })
  ephemeral = true
  default   = { user = "root", token = "t0ken" }
}

variable "pin" {
  type      = string
  sensitive = true
  default   = "1234"
}

locals {
  headers   = { authorization = "Bearer ${var.session.token}", user = var.session.user }
  pin_parts = [for c in split("", var.pin) : tonumber(c)]
}

module "envelope" {
  source   = "./envelope"
  for_each = { plain = "hello", secret = "world" }
  body     = each.value
  headers  = local.headers
  seal     = each.key == "secret" ? var.pin : null
}

resource "terraform_data" "stored" {
  input = {
    names = [for k, v in ephemeralasnull(local.headers) : k]
    gone  = ephemeralasnull(var.session) == null
    pin   = sum(local.pin_parts)
  }

  provisioner "local-exec" {
    command     = "test -n \"$TOKEN\""
    environment = { TOKEN = var.session.token }
  }
}

resource "terraform_data" "by_pin" {
  count            = nonsensitive(length(local.pin_parts)) - 3
  input            = element(local.pin_parts, count.index)
  triggers_replace = [var.pin, "x"]
}

output "bodies" {
  value     = { for k, e in module.envelope : k => e.sealed }
  sensitive = true
}

output "plain_length" { value = nonsensitive(length(module.envelope["plain"].sealed)) }
output "marks" { value = [issensitive(var.pin), issensitive(module.envelope["plain"].body), issensitive([var.pin])] }
