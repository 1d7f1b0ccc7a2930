# Objects that leave the configuration in every way there is.
variable "protect" {
  type    = bool
  default = true
}

resource "terraform_data" "forgotten" {
  for_each = toset(["one", "two"])
  input    = each.key
}

resource "terraform_data" "dismissed" {
  count = 2
  input = "dismissed ${count.index}"
}

resource "terraform_data" "kept_on_destroy" {
  input = "stays"
  lifecycle {
    destroy = false
  }
}

resource "terraform_data" "guarded" {
  input = var.protect
  lifecycle {
    prevent_destroy = var.protect
  }
}

module "group" {
  source   = "./group"
  for_each = { a = 1, b = 2 }
  size     = each.value
}

output "sizes" { value = { for k, g in module.group : k => g.ids != [] } }
