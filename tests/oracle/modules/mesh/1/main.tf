terraform {
  required_version = ">= 1.6"
}

variable "clusters" {
  description = "Clusters by name."
  type = map(object({
    region = string
    cidr   = string
    nodes  = optional(object({ min = optional(number, 1), max = optional(number, 3), labels = optional(map(string), {}) }), {})
    tags   = optional(map(string), {})
  }))
  default = {
    eu-a = { region = "eu-west-1", cidr = "10.20.0.0/16", nodes = { max = 5, labels = { zone = "a" } } }
    us-a = { region = "us-east-1", cidr = "10.30.0.0/16", tags = { cost = "high" } }
    ap-a = { region = "ap-south-1", cidr = "10.40.0.0/16", nodes = {} }
  }
  validation {
    condition     = alltrue([for c in values(var.clusters) : can(cidrhost(c.cidr, 0))])
    error_message = "Every cidr must be valid: ${join(", ", [for k, c in var.clusters : k if !can(cidrhost(c.cidr, 0))])}."
  }
  validation {
    condition     = length(distinct([for c in var.clusters : c.cidr])) == length(var.clusters)
    error_message = "Networks must not repeat."
  }
}

variable "services" {
  type = list(object({
    name     = string
    port     = optional(number, 8080)
    clusters = optional(set(string))
    env      = optional(map(string), { LOG = "info" })
    canary   = optional(bool, false)
    hosts    = optional(list(string), [])
  }))
  default = [
    { name = "api", hosts = ["api.example.com", "api2.example.com"], canary = true },
    { name = "web", port = 80, clusters = ["eu-a"], env = { LOG = "debug", THEME = "dark" } },
    { name = "jobs", clusters = ["us-a", "ap-a"] },
  ]
  nullable = false
}

variable "domain" {
  type    = string
  default = "mesh.example.com"
  validation {
    condition     = length(regexall("^[a-z0-9.-]+$", var.domain)) == 1 && !contains([for s in var.services : s.name], var.domain)
    error_message = "The domain ${var.domain} is no domain."
  }
}

variable "root_token" {
  type      = string
  sensitive = true
  default   = "t0p-s3cret"
}

locals {
  all      = toset(keys(var.clusters))
  placed   = { for s in var.services : s.name => merge(s, { clusters = coalesce(s.clusters, local.all) }) }
  pairs    = merge([for name, s in local.placed : { for c in s.clusters : "${c}/${name}" => { cluster = c, service = s } }]...)
  by_area  = { for name, c in var.clusters : split("-", c.region)[0] => name... }
  capacity = sum([for c in var.clusters : c.nodes.max])
  manifest = yamlencode({
    kind     = "Mesh"
    metadata = { name = replace(var.domain, ".", "-"), annotations = { "example.com/long" = "this text is rather long so that it has to be folded when it is written out as a document" } }
    spec     = { clusters = [for k in sort(keys(var.clusters)) : { name = k, cidr = var.clusters[k].cidr }] }
  })
}

module "cluster" {
  source   = "./modules/cluster"
  for_each = var.clusters

  name     = each.key
  region   = each.value.region
  cidr     = each.value.cidr
  nodes    = each.value.nodes
  tags     = merge({ area = split("-", each.value.region)[0] }, each.value.tags)
  token    = var.root_token
  services = { for key, p in local.pairs : p.service.name => p.service if p.cluster == each.key }
}

resource "terraform_data" "manifest" {
  input            = local.manifest
  triggers_replace = [sha256(local.manifest), var.domain]
  lifecycle {
    precondition {
      condition     = local.capacity >= length(local.pairs)
      error_message = "Only ${local.capacity} nodes for ${length(local.pairs)} placements."
    }
    postcondition {
      condition     = strcontains(self.output, "kind")
      error_message = "No kind."
    }
  }
}

resource "terraform_data" "route" {
  for_each = { for h in flatten([for s in var.services : [for host in s.hosts : { host = host, service = s.name, canary = s.canary }]]) : h.host => h }
  input = {
    host    = each.key
    weight  = each.value.canary ? [90, 10] : [100]
    targets = [for k, m in module.cluster : m.endpoints[each.value.service] if contains(keys(m.endpoints), each.value.service)]
    id      = terraform_data.manifest.id
  }
  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.manifest]
  }
}

check "capacity" {
  assert {
    condition     = local.capacity > 100
    error_message = "The mesh is small: ${local.capacity} nodes."
  }
}

output "endpoints" { value = { for k, m in module.cluster : k => m.endpoints } }
output "areas" { value = local.by_area }
output "manifest" { value = local.manifest }
output "subnets" { value = [for m in module.cluster : m.subnets] }
output "config" {
  value     = { for k, m in module.cluster : k => m.config }
  sensitive = true
}
output "policies" { value = module.cluster["eu-a"].policies }
