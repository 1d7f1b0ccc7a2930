tenant "globex" {
  tier = "business"
}
