tenant "hooli" {
  tier = "enterprise"
}
