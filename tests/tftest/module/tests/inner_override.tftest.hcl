variables {
  name = "one"
}

override_resource {
  target = module.m.terraform_data.inner

  values = {
    output = "deep"
  }
}

run "inner" {
  assert {
    condition     = output.inner == "deep" && length(module.m.id) == 12
    error_message = "An object of a called module is overridden."
  }
}
