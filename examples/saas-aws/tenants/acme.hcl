tenant "acme" {
  tier = "starter"
}
