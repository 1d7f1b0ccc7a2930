# Who and where, filled in by tenantctl.

variable "platform" {
  type    = object({ name = string })
  default = { name = "shop" }
}

variable "tenant" {
  type = object({
    name       = string
    compliance = optional(list(string), [])
    labels     = optional(map(string), {})
  })

  validation {
    condition     = !strcontains(var.tenant.name, "--")
    error_message = "A customer's name has no two hyphens in a row: they part it from the environment in names made of both."
  }
}

variable "tier" {
  type = object({ name = string, isolation = string })
}

variable "environment" {
  type = object({
    name    = string
    region  = optional(string, "eu-west-1")
    cluster = optional(any)
  })
}

# The settings: every one of them can be set for the platform, a tier, an
# environment, a customer, or a customer in one environment.

variable "app" {
  description = "The application: its image, and what each replica requests."
  type = object({
    image  = optional(string, "nginxinc/nginx-unprivileged")
    cpu    = string
    memory = string
  })
}

variable "app_version" {
  description = "Tag of the application's image."
  type        = string
}

variable "log_level" {
  type    = string
  default = "info"

  validation {
    condition     = contains(["debug", "info", "warn", "error"], var.log_level)
    error_message = "log_level is one of debug, info, warn, error."
  }
}

variable "health_check_seconds" {
  description = "How often the application is asked whether it is well."
  type        = number
  default     = 30
}

variable "features" {
  description = "Beta features by name."
  type        = map(bool)
  default     = {}
}

variable "replicas" {
  description = "The fewest and the most replicas of the application."
  type        = object({ min = number, max = number })

  validation {
    condition     = 1 <= var.replicas.min && var.replicas.min <= var.replicas.max && var.replicas.max <= 20
    error_message = "replicas are at least 1, at most 20, and min is not above max."
  }
}

variable "base_domain" {
  description = "Every customer has a name below it."
  type        = string
}

variable "domains" {
  description = "The customer's own names, which it points here itself."
  type        = list(string)
  default     = []
}

variable "routing" {
  description = "How requests come in: by an Ingress of the customer's own, by routes of the cluster's shared Gateway, or by both, on the way from one to the other."
  type        = string
  default     = "ingress"

  validation {
    condition     = contains(["ingress", "gateway", "both"], var.routing)
    error_message = "routing is one of ingress, gateway, both."
  }
}

variable "gateway" {
  description = "The Gateway of the shared cluster, where it has one."
  type        = object({ name = string, namespace = string })
  default     = null
}

variable "database" {
  type = object({
    instances = number
    version   = optional(string, "17")
    cpu       = string
    memory    = string
    storage   = string
    poolers   = optional(number, 1)
  })
}

variable "backup" {
  description = "When the database is saved (second minute hour day month weekday), and for how many days that is kept."
  type        = object({ schedule = string, retention_days = number })
}

variable "quota" {
  description = "The most that all of the customer's pods and volumes may take together."
  type = object({
    cpu     = string
    memory  = string
    storage = string
    pods    = number
  })
}

variable "priority" {
  description = "Who goes first when nodes are full: the higher number."
  type        = number
}

variable "pool" {
  description = "The customer's own nodes, where the tier has such."
  type        = object({ machine = string, nodes = number })
  default     = null
}

variable "alerts" {
  description = "Where alerts of this customer go."
  type        = object({ webhook = string })
}

variable "cost_centre" {
  type = string
}

variable "ingress_ip" {
  description = "Where requests arrive at the shared cluster."
  type        = string
  default     = "192.0.2.10"
}

variable "api_server" {
  description = "The addresses and port of the cluster's API server, which instances of the database talk to."
  type        = object({ cidr = string, port = number })
  default     = { cidr = "10.0.0.1/32", port = 443 }
}

variable "wait_until_healthy" {
  description = "An apply ends when database and application are well, rather than when they are written."
  type        = bool
  default     = true
}
