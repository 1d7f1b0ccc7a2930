variable "x" {}

resource "terraform_data" "leaf" {
  input = var.x
}

output "a" {
  value = [terraform_data.leaf.id]
}
