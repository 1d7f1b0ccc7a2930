run "early" {
  variables {
    name = "bad"
  }

  expect_failures = [var.name]
}
