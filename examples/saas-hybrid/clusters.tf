# The clusters that customers share: one for each environment. Customers get
# what they need of them from here; an apply makes these first.

locals {
  # Whether they have a Gateway, for customers whose routing is "gateway".
  gateway = false
}

module "eu" {
  source = "./modules/cluster"

  name    = "shop-production-eu"
  region  = "eu-west-1"
  gateway = local.gateway
}

module "us" {
  source = "./modules/cluster"

  name    = "shop-production-us"
  region  = "us-east-1"
  gateway = local.gateway
}
