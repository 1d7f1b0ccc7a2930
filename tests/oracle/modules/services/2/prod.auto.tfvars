services = {
  web = { image = "nginx:1.26", port = "8080", replicas = 2, volumes = [{ path = "/data", size = "2Gi", ro = "true" }], env = {}, probe = null, schedule = null }
  api = { image = "api:v1", port = 8080, replicas = 1, volumes = [], env = { A = "1", B = "true" }, probe = { path = "/x", delay = "1" }, schedule = null }
}
