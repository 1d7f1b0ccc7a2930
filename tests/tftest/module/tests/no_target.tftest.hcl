override_resource {
  target = terraform_data.nothing
}

run "no_target" {
  variables {
    name = "one"
  }
}
