mock_provider "terraform" {
  alias = "east"

  mock_resource "terraform_data" {
    defaults = {
      output = "mocked"
    }
  }
}

run "of_that_configuration" {
  assert {
    condition     = output.all == ["here", "mocked", "mocked"]
    error_message = "A mock with an alias is of that configuration: ${jsonencode(output.all)}"
  }
}
