variable "generation" {
  type    = number
  default = 1
}
variable "regions" {
  type    = set(string)
  default = ["eu", "us"]
}
resource "terraform_data" "version" {
  input = var.generation
}
resource "terraform_data" "image" {
  for_each         = var.regions
  input            = "${each.key}-${var.generation}"
  triggers_replace = terraform_data.version.output
  lifecycle { create_before_destroy = true }
}
module "cluster" {
  source     = "./cluster"
  for_each   = terraform_data.image
  name       = each.key
  image      = each.value.id
  sizes      = [for i in range(var.generation) : i + 1]
  depends_on = [terraform_data.version]
}
resource "terraform_data" "dns" {
  for_each = module.cluster
  input    = { name = each.key, nodes = each.value.nodes }
  lifecycle {
    replace_triggered_by = [terraform_data.image[each.key].id, terraform_data.version]
    ignore_changes       = [input]
  }
}
resource "terraform_data" "last" {
  count            = length(var.regions)
  input            = sort(var.regions)[count.index]
  triggers_replace = { dns = terraform_data.dns[sort(var.regions)[count.index]].id, first = count.index == 0 }
}
output "nodes" { value = { for k, c in module.cluster : k => c.nodes } }
output "total" { value = sum([for c in module.cluster : length(c.nodes)]) }
output "last" { value = terraform_data.last[*].input }
