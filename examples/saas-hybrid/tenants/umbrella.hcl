tenant "umbrella" {
  tier         = "starter"
  environments = ["production-us"]
}
