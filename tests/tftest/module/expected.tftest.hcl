run "expected" {
  command = plan

  variables {
    name = "bad"
  }

  expect_failures = [var.name]
}

run "fine" {
  variables {
    name = "good"
  }
}

run "missing" {
  command = plan

  variables {
    name = "good"
  }

  expect_failures = [var.name]
}
