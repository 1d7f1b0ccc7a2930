run "setup" {
  module {
    source = "./setup"
  }

  assert {
    condition     = output.name == "from setup"
    error_message = "Another module is under test."
  }
}

run "uses" {
  variables {
    name = run.setup.name
  }

  assert {
    condition     = output.inner == "from setup"
    error_message = "Outputs of runs are values of later ones."
  }
}

run "setup_again" {
  variables {
    name = run.uses.name
  }

  module {
    source = "./setup"
  }

  assert {
    condition     = output.name == "from from setup"
    error_message = "A module keeps its state."
  }
}
