tenant "stark" {
  tier         = "business"
  environments = ["production-us"]
  compliance   = ["hipaa"]
  settings     = { backup = { retention_days = 2555 } }
}
