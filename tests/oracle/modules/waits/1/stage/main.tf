variable "name" { type = string }
variable "seed" { type = string }

resource "terraform_data" "first" {
  input            = { name = var.name }
  triggers_replace = var.seed
}

resource "terraform_data" "second" {
  input = "${var.name} after ${length(terraform_data.first.id) > 0 ? "first" : "nothing"}"
  lifecycle {
    replace_triggered_by = [terraform_data.first]
  }
}

output "name" {
  value      = var.name
  depends_on = [terraform_data.second]
}

output "done" {
  value = terraform_data.second.id
  precondition {
    condition     = terraform_data.second.output != ""
    error_message = "Not done."
  }
}
