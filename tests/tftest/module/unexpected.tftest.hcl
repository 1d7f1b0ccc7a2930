run "fine" {
  variables {
    name = "good"
  }
}

run "unexpected" {
  command = plan

  variables {
    name = "bad"
  }
}

run "skipped" {}
