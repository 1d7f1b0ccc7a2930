variables {
  name = "one"
}

run "unknown" {
  command = plan

  assert {
    condition     = terraform_data.main.id != ""
    error_message = "A plan cannot tell."
  }
}

run "skipped" {}
