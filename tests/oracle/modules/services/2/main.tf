variable "services" {
  description = "What runs, by name."
  type = map(object({
    image    = string
    port     = optional(number)
    replicas = optional(number, 1)
    env      = optional(map(string), {})
    volumes  = optional(list(object({ path = string, size = optional(string, "1Gi"), ro = optional(bool, false) })), [])
    probe    = optional(object({ path = optional(string, "/healthz"), delay = optional(number, 5) }))
    schedule = optional(string)
  }))
  default = {
    web = {
      image   = "nginx:1.25"
      port    = 80
      env     = { MODE = "prod", "X-Y" = "a=b;c" }
      volumes = [{ path = "/data" }, { path = "/conf", ro = true, size = "10Mi" }]
      probe   = {}
    }
    job = { image = "busybox", schedule = "*/5 * * * *", replicas = 0 }
    db  = { image = "postgres:16", port = 5432, replicas = 3, probe = { path = "/ready", delay = 30 } }
  }
  validation {
    condition     = alltrue([for s in values(var.services) : can(regex("^[a-z0-9./:-]+$", s.image))])
    error_message = "An image is a name and a tag."
  }
  validation {
    condition = length([
      for name, s in var.services : name
      if s.schedule != null && s.replicas > 0
    ]) == 0
    error_message = "What is scheduled has no replicas."
  }
}

variable "csv" {
  type    = string
  default = <<-CSV
    name,cidr,zone
    a,10.0.0.0/16,1
    "b ""x""",10.1.0.0/16,2
  CSV
}

locals {
  ports     = { for name, s in var.services : name => s.port if s.port != null }
  by_port   = { for name, port in local.ports : port => name... }
  volumes   = flatten([for name, s in var.services : [for i, v in s.volumes : merge(v, { service = name, index = i })]])
  manifests = { for name, s in var.services : name => yamldecode(templatefile("${path.module}/service.yaml.tftpl", { name = name, s = s, labels = local.labels })) }
  labels    = { "app.kubernetes.io/part-of" = "shop", "tier" = try(local.missing_maybe.tier, "none") }
  missing_maybe = jsondecode("{\"x\": [1, 2.50, 1e3, null, true, \"\\u00e9\"]}")
  rows      = [for r in csvdecode(var.csv) : merge(r, { subnets = cidrsubnets(r.cidr, 4, 8, 8), host = cidrhost(r.cidr, -2) })]
  greeting  = templatestring(local.template, { who = "you", n = 2 })
  template  = "Hi $${who}%%{ if n > 1 } (x$${n})%%{ endif }!"
  day       = formatdate("EEEE, DD MMM YYYY hh:mm ZZZ", timeadd("2024-02-28T23:30:00Z", "26h45m"))
  tree      = [for i in range(3) : { for j in range(i + 1) : "k${j}" => join("", [for c in range(j) : substr("abcdef", c, 1)]) }]
  defaults  = [for s in values(var.services) : coalesce(try(s.probe.path, null), "none")]
  packed    = base64encode(join("\n", [for k in sort(keys(var.services)) : format("%-6s|%5.1f|%03d", k, var.services[k].replicas / 2, coalesce(var.services[k].port, 7))]))
  numbers   = [1e3, 1.50, 0.1 + 0.2, 10 / 4, 7 % 3, -7 % 3, pow(2, 64), 123456789012345678901234567890]
}

resource "terraform_data" "service" {
  for_each = var.services
  input    = local.manifests[each.key]
  lifecycle {
    precondition {
      condition     = each.value.replicas >= 0
      error_message = "Not below zero."
    }
  }
}

resource "terraform_data" "volume" {
  for_each         = { for v in local.volumes : "${v.service}:${v.path}" => v }
  input            = each.value
  triggers_replace = [terraform_data.service[each.value.service].id, each.value.size]
}

resource "terraform_data" "summary" {
  input = {
    services = { for k, s in terraform_data.service : k => s.output.metadata.name }
    sizes    = values(terraform_data.volume)[*].output.size
    text     = "%{for k, v in terraform_data.volume}${k}=${v.input.size};%{endfor}"
  }
}

output "manifests" { value = { for k, m in local.manifests : k => yamlencode(m) } }
output "by_port" { value = local.by_port }
output "rows" { value = local.rows }
output "all" {
  value = {
    greeting = local.greeting
    day      = local.day
    tree     = local.tree
    defaults = local.defaults
    packed   = local.packed
    numbers  = local.numbers
    json     = jsonencode(local.missing_maybe)
    product  = [for p in setproduct(["a", "b"], toset([2, 1])) : "${p[0]}${p[1]}"]
    regex    = regexall("(?P<key>[A-Z]+)=(?P<value>[^;]*)", "A=1;BC=;D=x")
    replaced = replace("a.b.c", "/\\.(\\w)/", "-$1")
    lookup   = lookup(local.ports, "nope", -1)
    unicode  = [upper("straße"), strrev("e\u0301x"), length("👨‍👩‍👧"), title("élan vital")]
    sets     = [setunion(["b"], ["a"]), setsubtract(["a", "b"], ["b"]), setintersection(["a"], ["b"])]
    zip      = zipmap(["x", "y"], [1, "two"])
    merged   = merge({ a = { b = 1 } }, null, { a = { c = 2 } })
    chunks   = chunklist(range(5), 2)
    types    = [true ? [1, "a"] : [], try(tolist(["a", 1]), null), { for k, v in { a = 1 } : k => v... }]
  }
}
output "summary" { value = terraform_data.summary.output }
