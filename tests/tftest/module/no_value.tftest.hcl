run "no_value" {
  command = plan
}

run "skipped" {
  variables {
    name = "one"
  }
}
