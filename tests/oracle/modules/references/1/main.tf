# Every way to refer to something, as tools that judge plans see it.
terraform {
  required_version = ">= 1.6"
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
  }
}

provider "terraform" {
  alias = "east"
}

variable "plain" {
  default = "p"
}

variable "typed" {
  type = object({
    a = optional(number, 3)
    b = optional(list(string))
    c = map(any)
    d = tuple([string, bool])
    e = set(number)
  })
  default     = { c = { x = 1 }, d = ["a", true], e = [3, 1, 2] }
  description = "An object of everything."
}

variable "secret" {
  type      = string
  default   = "x"
  sensitive = true
}

variable "nothing" {
  type    = string
  default = null
}

variable "passing" {
  type      = string
  default   = "e"
  ephemeral = true
}

variable "old" {
  type       = number
  default    = 12345678901234567890123
  deprecated = "Use plain."
}

variable "anything" {
  default = [1, "a", { b = null }]
}

locals {
  named = { a = terraform_data.one.output, b = terraform_data.many[0].id }
  rows  = [{ x = 1 }]
}

resource "terraform_data" "one" {
  input = "constant"
}

resource "terraform_data" "many" {
  count = 2
  input = [var.typed.a, var.typed["b"], local.rows[0].x, "t-${var.plain}-${count.index}", path.module, terraform.workspace]
}

resource "terraform_data" "each" {
  for_each = toset(["a", "b"])
  provider = terraform.east
  input = {
    key       = each.key
    value     = each.value
    output    = module.part["x"].out
    call      = module.part
    splat     = module.single.all[*].x
    computed  = terraform_data.many[var.plain == "p" ? 0 : 1].id
    indexed   = terraform_data.many[1].output[2]
    all       = terraform_data.many[*].id
    old_splat = terraform_data.many.*.id
    loop      = [for k, v in var.typed.c : "${k}=${v}-${var.plain}" if v != local.named.a]
    either    = var.plain == "x" ? terraform_data.one.id : upper("y")
    negative  = -1
    sum       = 1 + 2
    made      = upper("abc")
    null      = null
    text      = "a${"b"}c"
    lines     = <<-EOT
      line
    EOT
    entries   = { (var.plain) = 1, "${var.plain}-x" = 2, plain = 3 }
    in_parens = (var.plain)
    big       = 123456789012345678901234567890
    fraction  = 1.50
    third     = 1 / 3
    yes       = true
    choice    = "%{if var.plain == "x"}yes ${var.nothing}%{else}no%{endif}"
    repeated  = "%{for x in var.typed.e}${x}%{endfor}"
    position  = var.anything.0
    deep      = module.part["x"].deep.a[0]
    by_key    = local.named["a"]
    tried     = try(var.typed.b[0], 1)
  }
  triggers_replace = [1, "a", { b = [true, null] }]
  depends_on       = [terraform_data.one, module.part, terraform_data.many[0]]

  lifecycle {
    replace_triggered_by = [terraform_data.one.output]
    precondition {
      condition     = terraform_data.many[0].id != ""
      error_message = "There is no id."
    }
  }

  provisioner "local-exec" {
    command     = "true ${self.id} ${var.plain}"
    environment = { A = "b", C = var.plain }
    when        = create
    interpreter = ["sh", "-c"]
  }

  provisioner "local-exec" {
    when       = destroy
    command    = "true"
    on_failure = continue
  }
}

module "part" {
  source   = "./part"
  for_each = { x = 1, y = 2 }

  a         = each.value
  b         = terraform_data.one.output
  providers = { terraform = terraform.east }
}

module "single" {
  source = "./part"

  a          = var.plain
  b          = "b"
  depends_on = [terraform_data.one]
}

output "out" {
  value       = module.part["x"].out
  description = "What the first gives."
  depends_on  = [terraform_data.one]
}

output "secret" {
  value     = var.secret
  sensitive = true
}

output "constant" {
  value      = "k"
  deprecated = "Nobody needs it."
}

output "id" {
  value = terraform_data.each["a"].id
}

output "nothing" {
  value = null
}

check "one" {
  assert {
    condition     = terraform_data.one.id != ""
    error_message = "There is no id."
  }
}
