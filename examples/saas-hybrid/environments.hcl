environment "production-eu" {
  region  = "eu-west-1"
  cluster = module.eu.connection

  settings = {
    base_domain = "eu.shop.example.com"
    ingress_ip  = module.eu.ingress_ip
    gateway     = module.eu.gateway
    api_server  = { cidr = "10.0.0.1/32", port = 443 }
  }
}

environment "production-us" {
  region  = "us-east-1"
  cluster = module.us.connection

  settings = {
    base_domain = "us.shop.example.com"
    ingress_ip  = module.us.ingress_ip
    gateway     = module.us.gateway
    api_server  = { cidr = "10.0.0.1/32", port = 443 }
  }
}
