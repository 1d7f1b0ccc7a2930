variable "name" {
  type = string
}

variable "replicas" {
  type = number
  validation {
    condition     = var.replicas > 0 && floor(var.replicas) == var.replicas
    error_message = "A stage has whole replicas."
  }
}

variable "approvers" {
  type = set(string)
}

variable "artifacts" {
  type = list(string)
}

variable "previous" {
  type     = string
  nullable = true
}

resource "terraform_data" "gate" {
  for_each = var.approvers
  input    = "${var.name}/${each.key}"
}

resource "terraform_data" "deployment" {
  count = var.replicas
  input = {
    name      = "${var.name}-${count.index}"
    after     = coalesce(var.previous, "nothing")
    gates     = [for gate in terraform_data.gate : gate.id]
    artifacts = var.artifacts
  }
}

output "gate" {
  value = length(terraform_data.gate) > 0 ? "manual" : "automatic"
}

output "ids" {
  value = terraform_data.deployment[*].id
}
