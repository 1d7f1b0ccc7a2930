module "rack" {
  source   = "../rack"
  for_each = { "zero" = 0, "one" = 1 }
  number   = each.value
}
moved {
  from = module.rack[0]
  to   = module.rack["zero"]
}
moved {
  from = module.rack[1]
  to   = module.rack["one"]
}
resource "terraform_data" "loose" { input = 2 }
output "ids" { value = [for r in module.rack : r.ids] }
