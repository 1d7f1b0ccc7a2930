variable "name" { type = string }
variable "image" {}
variable "sizes" {
  type = list(number)
}
resource "terraform_data" "node" {
  for_each = { for i, s in var.sizes : "${var.name}-${i}" => s }
  input    = { size = each.value, image = var.image }
}
resource "terraform_data" "control" {
  input            = keys(terraform_data.node)
  triggers_replace = [for n in terraform_data.node : n.output.size]
  lifecycle {
    create_before_destroy = true
    postcondition {
      condition     = length(self.output) == length(var.sizes)
      error_message = "All nodes."
    }
  }
}
output "nodes" {
  value = { for k, n in terraform_data.node : k => n.input.size }
  precondition {
    condition     = length(var.sizes) > 0
    error_message = "At least one."
  }
}
