variables {
  name = "one"
}

override_resource {
  target = terraform_data.main

  values = {
    id     = "fixed"
    output = "forced"
  }
}

override_module {
  target = module.m

  outputs = {
    name = "mocked"
  }
}

run "overridden" {
  assert {
    condition     = output.id == "fixed" && output.name == "forced"
    error_message = "An object is overridden."
  }

  assert {
    condition     = output.inner == "mocked" && module.m.id == null
    error_message = "A module is overridden."
  }
}

run "planned" {
  command = plan

  variables {
    name = "two"
  }

  assert {
    condition     = output.name == "forced" && terraform_data.main.input == "two"
    error_message = "In a plan too."
  }
}

run "own" {
  override_resource {
    target = terraform_data.main

    values = {
      output = "own"
    }
  }

  assert {
    condition     = output.name == "own"
    error_message = "A run's own override outranks the file's."
  }
}
