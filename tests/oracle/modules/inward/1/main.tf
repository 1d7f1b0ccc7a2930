import {
  to = module.m["a"].terraform_data.t
  id = "id-a"
}
import {
  for_each = toset(["x", "y"])
  to       = module.m[each.key].terraform_data.u[0]
  id       = "u-${each.key}"
}
module "m" {
  source   = "./m"
  for_each = toset(["a", "x", "y"])
}
output "ids" { value = { for k, m in module.m : k => m.ids } }
