variables {
  name = "one"
  size = 6
}

run "postcondition" {
  expect_failures = [terraform_data.sized]
}

run "unexpected" {}
