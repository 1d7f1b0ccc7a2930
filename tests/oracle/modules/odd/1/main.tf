# Expressions where one does not look for them.
terraform {
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
  }
}

variable "kind" {
  type    = string
  default = "leaf"
  validation {
    condition     = contains(["leaf", "twig"], var.kind) && can(regex("^[a-z]{${min(4, length(var.kind))}}", var.kind))
    error_message = "A kind is ${join(" or ", formatlist("%q", ["leaf", "twig"]))}, not ${title(var.kind)}."
  }
}

locals {
  folder = "./parts"
  text   = <<-EOT
    ${upper("first")}
      %{~for k, v in { b = [1], a = [2, 3]}}
      ${k}: %{for x in v~} ${x} %{~endfor}
      %{~endfor}
    last $${kept} %%{kept}
  EOT
  vars   = provider::terraform::decode_tfvars("a = 1\nb = { c = [true, null] }\n")
  words  = provider::terraform::encode_expr([true, null, { "on" = [null, false] }])
  source = provider::terraform::encode_expr({ a = [1, "x", null], "b c" = true, d = local.text })
  back   = provider::terraform::encode_tfvars({ zone = "z", list = [1, { k = "v" }] })
  core   = core::upper("core")
}

module "part" {
  source = "${local.folder}/${var.kind}"
  count  = length(local.vars.b.c)
  input  = format("%s-%02d", var.kind, count.index)
}

resource "terraform_data" "described" {
  for_each = { for i, line in compact(split("\n", local.text)) : format("l%02d", i) => trimspace(line) }
  input    = [each.value, strrev(each.key), try(tonumber(each.value), each.value)]
  triggers_replace = {
    (upper(each.key))            = each.key
    "${each.key}-${length(each.value)}" = null
    trimsuffix                   = trimsuffix(each.value, "t")
  }
  lifecycle {
    precondition {
      condition     = startswith(each.key, "l") ? !endswith(each.value, "?") : false
      error_message = templatestring("no $${x}", { x = each.key })
    }
    postcondition {
      condition     = alltrue([for x in self.input : self.id != x])
      error_message = "Its id is ${self.id}."
    }
  }
}

output "all" {
  value = {
    vars    = local.vars
    source  = local.source
    words   = local.words
    back    = local.back
    core    = local.core
    parts   = module.part[*].out
    nested  = [for a in [[1, 2], [3]] : [for b in a : { for c in range(b) : c => [a[0], b, c]... }]]
    objects = { for k, v in terraform_data.described : k => v.output[1] }
    splat   = [for d in [null, "x", ["y", "z"]] : d[*]]
    chain   = one([for p in module.part : p.out if !endswith(p.out, "00")])
    precise = [1e400 / 3e399, 0.1 + 0.2 == 0.3, 9007199254740993, 5 % -3]
  }
}
