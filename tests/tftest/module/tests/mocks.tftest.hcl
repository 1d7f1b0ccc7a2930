mock_provider "terraform" {
  mock_resource "terraform_data" {
    defaults = {
      output = "mocked"
    }
  }
}

variables {
  name = "one"
}

run "planned" {
  command = plan

  assert {
    condition     = output.name == "mocked" && length(output.id) == 12
    error_message = "A mock decides in the plan."
  }
}

run "applied" {
  assert {
    condition     = output.inner == "mocked" && terraform_data.main.input == "one"
    error_message = "Called modules are mocked too."
  }
}
