tenant "initech" {
  tier         = "business"
  environments = ["production-eu", "production-us"]

  settings = {
    app_version = "1.26"
    features    = { new-checkout = true }
  }

  # Most of its people are in America.
  environment "production-us" {
    settings = { replicas = { min = 6 } }
  }
}
