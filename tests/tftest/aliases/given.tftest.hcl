mock_provider "terraform" {
  alias = "fake"

  mock_resource "terraform_data" {
    defaults = {
      output = "mocked"
    }
  }
}

mock_provider "terraform" {
  alias = "other"

  mock_resource "terraform_data" {
    defaults = {
      output = "other"
    }
  }
}

run "by_name" {
  providers = {
    terraform      = terraform.fake
    terraform.east = terraform.other
  }

  assert {
    condition     = output.all == ["mocked", "other", "other"]
    error_message = "A run says what its module calls them: ${jsonencode(output.all)}"
  }
}

run "wrong" {
  providers = {
    terraform      = terraform.other
    terraform.east = terraform.fake
  }

  assert {
    condition     = output.all == ["mocked", "other", "other"]
    error_message = "They are the other way round."
  }
}
