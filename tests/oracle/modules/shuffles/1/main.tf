# Objects that move far, in steps, through modules, counts and keys.
module "rack" {
  source = "./rack"
  count  = 2
  number = count.index
}

resource "terraform_data" "loose" {
  count = 3
  input = count.index
}

resource "terraform_data" "swap_a" { input = "a" }
resource "terraform_data" "swap_b" { input = "b" }

resource "terraform_data" "watcher" {
  input = { racks = module.rack[*].ids, loose = terraform_data.loose[*].id }
}
