variables {
  name = "one"
}

run "precondition" {
  command = plan

  variables {
    size = 10
  }

  expect_failures = [terraform_data.sized]
}

run "output" {
  command = plan

  variables {
    size = 3
  }

  expect_failures = [output.size]
}

run "check" {
  variables {
    size = 2
  }

  expect_failures = [check.size]

  assert {
    condition     = output.size == 2
    error_message = "A failed check stops nothing."
  }
}

run "missing" {
  expect_failures = [check.size]
}
