resource "simulated_bucket" "data" {
  name           = "acme-data"
  region         = "eu"
  encrypted      = true
  retention_days = 7
}

resource "simulated_cluster" "shop" {
  name    = "shop"
  region  = "eu"
  version = "1.33"
}

resource "simulated_dns_record" "acme" {
  name   = "acme.example.com"
  type   = "A"
  ttl    = 300
  values = ["192.0.2.1"]
}

resource "simulated_identity" "acme" {
  name     = "acme"
  subjects = ["acme/web"]
}

resource "simulated_node_pool" "acme" {
  cluster = "shop"
  name    = "acme"
  machine = "large"
  nodes   = 2
  labels  = { tenant = "acme" }
}

resource "simulated_vault" "acme" {
  name   = "acme"
  region = "eu"
}
