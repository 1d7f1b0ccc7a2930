# Customers of a product: nested modules, defaults, settings from several places.
variable "defaults" {
  type = object({
    plan    = optional(string, "starter")
    limits  = optional(object({ users = optional(number, 5), gigabytes = optional(number, 10) }), {})
    regions = optional(list(string), ["eu"])
    flags   = optional(map(bool), { beta = false })
  })
  default = {}
}

variable "customers" {
  type = map(object({
    plan    = optional(string)
    domains = optional(list(string), [])
    limits  = optional(map(number))
    owner   = optional(object({ name = string, mail = string }))
    flags   = optional(map(bool), {})
  }))
  default = {
    acme = {
      plan    = "enterprise"
      domains = ["acme.example.com", "www.acme.example.com"]
      limits  = { users = 500 }
      owner   = { name = "Ann", mail = "ann@acme.example.com" }
    }
    bolt = {
      flags = { beta = true }
    }
    coyote = {
      domains = ["coyote.example.org"]
      plan    = "business"
    }
  }

  validation {
    condition     = alltrue([for name in keys(var.customers) : length(name) <= 12])
    error_message = "Names have at most 12 letters."
  }
}

locals {
  plans = {
    starter    = { price = 0, stores = 1 }
    business   = { price = 49.90, stores = 2 }
    enterprise = { price = 499, stores = 3 }
  }
  settled = {
    for name, customer in var.customers : name => {
      plan    = coalesce(customer.plan, var.defaults.plan)
      domains = customer.domains
      limits  = merge(var.defaults.limits, { for key, value in coalesce(customer.limits, {}) : key => value })
      owner   = try(customer.owner.mail, "nobody@example.com")
      flags   = merge(var.defaults.flags, customer.flags)
    }
  }
  by_plan = transpose({ for name, customer in local.settled : name => [customer.plan] })
  bill    = { for name, customer in local.settled : name => local.plans[customer.plan].price * 12 }
  total   = sum(values(local.bill))
}

module "customer" {
  source   = "./customer"
  for_each = local.settled

  name    = each.key
  stores  = local.plans[each.value.plan].stores
  domains = toset(each.value.domains)
  limits  = each.value.limits
  flags   = each.value.flags
}

resource "terraform_data" "directory" {
  input = { for name, customer in module.customer : name => customer.endpoint }
}

resource "terraform_data" "invoice" {
  for_each         = { for name, amount in local.bill : name => amount if amount > 0 }
  input            = format("%s owes %.2f", title(each.key), each.value)
  triggers_replace = { plan = local.settled[each.key].plan }
}

output "plans" {
  value = { for plan, names in local.by_plan : plan => sort(names) }
}

output "total" {
  value = local.total
}

output "owners" {
  value = [for name in sort(keys(local.settled)) : local.settled[name].owner]
}

output "stores" {
  value = { for name, customer in module.customer : name => length(customer.stores) }
}

output "big" {
  value = 9007199254740993 + length(local.settled)
}

output "endpoints" {
  value = terraform_data.directory.output
}
