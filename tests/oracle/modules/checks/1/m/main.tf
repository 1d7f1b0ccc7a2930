variable "key" {}
resource "terraform_data" "inner" {
  input = sensitive("secret-${var.key}")
}
output "out" {
  value      = terraform_data.inner.output
  sensitive  = true
  depends_on = [terraform_data.inner]
}
