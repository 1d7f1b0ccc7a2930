variable "cred" {
  type      = map(string)
  sensitive = true
}
module "c" {
  source = "./c"
  items  = [for k in nonsensitive(sort(keys(var.cred))) : { key = k, value = var.cred[k] }]
}
output "value" {
  value     = module.c.all
  sensitive = true
}
