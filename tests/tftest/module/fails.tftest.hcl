variables {
  name = "one"
}

run "wrong" {
  assert {
    condition     = output.name == "two"
    error_message = "The name is ${output.name}."
  }
}

run "goes_on" {
  command = plan
}

run "wrong_plan" {
  command = plan

  assert {
    condition     = length(var.zones) > 5
    error_message = "Too few zones."
  }
}
