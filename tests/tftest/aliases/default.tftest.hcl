mock_provider "terraform" {
  mock_resource "terraform_data" {
    defaults = {
      output = "mocked"
    }
  }
}

run "of_the_default" {
  assert {
    condition     = output.all == ["mocked", "east", "inner"]
    error_message = "A mock without an alias is of the default configuration: ${jsonencode(output.all)}"
  }
}
