variables {
  name = "one"
}

run "first" {}

run "undeclared" {
  assert {
    condition     = terraform_data.nothing.output == "one"
    error_message = "There is none."
  }
}

run "skipped" {}
