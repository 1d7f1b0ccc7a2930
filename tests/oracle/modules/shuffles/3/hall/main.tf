module "rack" {
  source   = "../rack"
  for_each = { "zero" = 0, "two" = 2 }
  number   = each.value
}
moved {
  from = module.rack["one"]
  to   = module.rack["two"]
}
moved {
  from = terraform_data.loose
  to   = module.rack["two"].terraform_data.shelf
}
output "ids" { value = [for r in module.rack : r.ids] }
