defaults = {
  limits = { gigabytes = 20 }
  flags  = { beta = true, audit = true }
}
customers = {
  acme = {
    plan    = "business"
    domains = ["acme.example.com"]
    limits  = { users = 500 }
  }
  bolt = {
    flags = { beta = false }
  }
  delta = {
    plan = "business"
  }
}
