variables {
  name = "one"
}

run "planned" {
  command = plan

  assert {
    condition     = terraform_data.main.input == "one" && length(terraform_data.zone) == 2
    error_message = "The plan has the values of the file."
  }
}

run "applied" {
  assert {
    condition     = output.name == var.name && terraform_data.zone[1].output == "one-b"
    error_message = "The apply has them too."
  }

  assert {
    condition     = module.m.name == "one"
    error_message = "So do called modules."
  }
}

run "same_state" {
  variables {
    name     = "ONE"
    zones    = [run.applied.name, upper("b")]
    previous = ""
  }

  assert {
    condition     = output.name == "ONE" && terraform_data.zone[0].output == "ONE-one"
    error_message = "A run's own values outrank those of the file."
  }
}

run "refreshed" {
  plan_options {
    mode    = refresh-only
    refresh = true
  }

  variables {
    name = "ignored"
  }

  assert {
    condition     = terraform_data.main.output == "ONE"
    error_message = "Nothing is changed."
  }
}

run "replaced" {
  variables {
    previous = run.refreshed.id
  }

  plan_options {
    replace = [terraform_data.main]
  }

  assert {
    condition     = output.id != var.previous
    error_message = "The object is a new one."
  }
}
