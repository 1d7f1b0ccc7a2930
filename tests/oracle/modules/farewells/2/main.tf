variable "protect" {
  type    = bool
  default = true
}

removed {
  from = terraform_data.forgotten
  lifecycle {
    destroy = false
  }
}

removed {
  from = terraform_data.dismissed
  lifecycle {
    destroy = true
  }
  provisioner "local-exec" {
    when    = destroy
    command = "echo 'bye ${self.input}' >> ../gone.txt"
  }
}

resource "terraform_data" "kept_on_destroy" {
  input            = "stays"
  triggers_replace = "now"
  lifecycle {
    destroy = false
  }
}

resource "terraform_data" "guarded" {
  input = "changed in place"
  lifecycle {
    prevent_destroy = var.protect
  }
}

module "group" {
  source   = "./group"
  for_each = { b = 2 }
  size     = each.value
}

output "sizes" { value = { for k, g in module.group : k => g.ids != [] } }
