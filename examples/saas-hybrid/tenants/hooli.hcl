tenant "hooli" {
  tier       = "enterprise"
  compliance = ["gdpr", "soc2"]
  labels     = { owner = "key-accounts" }

  settings = {
    domains     = ["shop.hooli.example"]
    cost_centre = "key-accounts"
    backup      = { schedule = "0 0 */6 * * *", retention_days = 90 }
  }
}
