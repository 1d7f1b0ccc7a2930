variable "region" { default = "us" }

output "all" { description = "overridden" }
resource "terraform_data" "one" {
  triggers_replace = ["t"]
  lifecycle { ignore_changes = [] }
}
