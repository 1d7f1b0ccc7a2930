variables {
  name = "one"
}

run "check" {
  variables {
    size = 2
  }
}

run "skipped" {}
