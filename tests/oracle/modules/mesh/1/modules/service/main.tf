variable "service" {
  type = object({
    name   = string
    port   = number
    env    = map(string)
    canary = bool
  })
}
variable "cluster" { type = object({ name = string, network = any }) }
variable "token" {
  type      = string
  sensitive = true
}
resource "terraform_data" "this" {
  input = {
    name = "${var.service.name}.${var.cluster.name}"
    port = var.service.port
    env  = [for k, v in var.service.env : { name = k, value = v }]
    file = templatefile("${path.module}/unit.tftpl", { service = var.service, cluster = var.cluster.name, flags = ["a", "b"] })
  }
  triggers_replace = { port = var.service.port }
}
module "policy" {
  source  = "../policy"
  count   = var.service.canary ? 2 : 1
  subject = terraform_data.this.id
  rules   = [for i in range(count.index + 1) : { port = var.service.port + i, allow = i % 2 == 0 }]
}
output "endpoint" { value = "http://${terraform_data.this.output.name}:${terraform_data.this.output.port}" }
output "config" {
  value     = { token = var.token, first = try(var.cluster.network.first, "none") }
  sensitive = true
}
output "policy" { value = module.policy[*].rendered }
