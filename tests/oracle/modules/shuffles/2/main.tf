module "hall" {
  source = "./hall"
}

moved {
  from = module.rack
  to   = module.racks
}

moved {
  from = module.racks
  to   = module.hall.module.rack
}

moved {
  from = terraform_data.loose[0]
  to   = terraform_data.loose["first"]
}

moved {
  from = terraform_data.loose[2]
  to   = module.hall.terraform_data.loose
}

resource "terraform_data" "loose" {
  for_each = { first = 0, second = 1 }
  input    = each.value
}

moved {
  from = terraform_data.swap_a
  to   = terraform_data.kept_a
}

resource "terraform_data" "kept_a" { input = "a" }
resource "terraform_data" "swap_b" {
  count = 1
  input = "b"
}

resource "terraform_data" "watcher" {
  input = { racks = module.hall.ids, loose = [for l in terraform_data.loose : l.id] }
}
