tenant "globex" {
  tier     = "starter"
  settings = { log_level = "debug" }
}
