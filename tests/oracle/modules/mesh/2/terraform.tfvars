domain = "mesh2.example.org"
clusters = {
  eu-a = { region = "eu-west-1", cidr = "10.20.0.0/16", nodes = { min = 2, max = 5 } }
  us-b = { region = "us-east-1", cidr = "10.50.0.0/16" }
}
services = [
  { name = "api", hosts = ["api.example.com"], env = {} },
  { name = "web", port = 81, clusters = ["eu-a"], canary = true },
]
