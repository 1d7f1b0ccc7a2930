tenant "acme" {
  tier     = "starter"
  settings = { domains = ["shop.acme.example"] }
}
