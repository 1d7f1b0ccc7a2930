variable "spec" {
  type = object({ name = string, needs = set(string), retries = number })
}
variable "position" { type = number }
variable "secret" {
  type      = string
  ephemeral = true
}
locals {
  hidden = ephemeralasnull(var.secret)
  tries  = [for i in range(var.spec.retries) : pow(2, i)]
}
resource "terraform_data" "run" {
  input = {
    name  = title(var.spec.name)
    after = sort(var.spec.needs)
    tries = local.tries
    none  = local.hidden
  }
  triggers_replace = var.position
  provisioner "local-exec" {
    command     = "test \"$TOKEN\" = ${nonsensitive(sensitive("eph"))}"
    environment = { TOKEN = var.secret }
  }
  provisioner "local-exec" {
    when       = destroy
    on_failure = continue
    command    = "echo bye ${self.input.name} > /dev/null"
  }
}
output "plan" { value = "${var.position}:${var.spec.name}(${join(",", var.spec.needs)})" }
output "done" { value = terraform_data.run.output.name }
