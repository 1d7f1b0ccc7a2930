variable "protect" {
  type    = bool
  default = false
}

resource "terraform_data" "guarded" {
  count = 2
  input = "moved to an index"
  lifecycle {
    prevent_destroy = var.protect
  }
}

removed {
  from = terraform_data.kept_on_destroy
  lifecycle {
    destroy = false
  }
}

removed {
  from = module.group
  lifecycle {
    destroy = true
  }
}
