variable "index" {
  type = number
}

variable "namespace" {
  type = string
}

variable "gigabytes" {
  type = number
}

resource "terraform_data" "volume" {
  input            = "${var.gigabytes}Gi"
  triggers_replace = var.namespace
}

output "id" {
  value = terraform_data.volume.id
}
