variable "cred" {
  type = object({ user = string, pass = string })
}
variable "name" { type = string }
locals { path_parts = [path.module, path.root] }
module "b" {
  source = "./b"
  cred   = merge(var.cred, { name = var.name })
  count  = var.name == "dev" ? 1 : 2
}
output "user" { value = var.cred.user }
output "deep" {
  value     = module.b[*].value
  sensitive = true
}
output "where" { value = local.path_parts }
