variable "path" { type = string }

data "terraform_remote_state" "inner" {
  backend = "local"
  config  = { path = var.path }

  lifecycle {
    postcondition {
      condition     = self.outputs.count > 0
      error_message = "Nothing there."
    }
  }
}

resource "terraform_data" "total" {
  input = data.terraform_remote_state.inner.outputs.count * 2
}

output "total" { value = terraform_data.total.output }
