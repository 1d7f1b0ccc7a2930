# The clusters that customers share: one for each environment. Customers get
# what they need of them from here; an apply makes these first.

module "eu" {
  source = "./modules/cluster"

  name   = "shop-production-eu"
  region = "eu-west-1"
}

module "us" {
  source = "./modules/cluster"

  name   = "shop-production-us"
  region = "us-east-1"
}
