module "m" {
  source   = "./m"
  for_each = toset(["a", "x"])
}
removed {
  from = module.m.terraform_data.u
  lifecycle { destroy = false }
}
