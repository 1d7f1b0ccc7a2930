variable "tenant" {
  description = "The customer, filled in by tenantctl."
  type        = object({ name = string })
}

variable "tier" {
  description = "The customer's tier, filled in by tenantctl."
  type        = object({ name = string, isolation = string })
}

variable "app_version" {
  description = "Tag of the application's image."
  type        = string
}

variable "log_level" {
  type = string

  validation {
    condition     = contains(["debug", "info", "warn", "error"], var.log_level)
    error_message = "log_level is one of debug, info, warn, error."
  }
}

variable "replicas" {
  type = number

  validation {
    condition     = var.replicas >= 1 && var.replicas <= 10
    error_message = "replicas is between 1 and 10."
  }
}

variable "cpu" {
  description = "CPU that each replica requests."
  type        = string
}

variable "memory" {
  description = "Memory that each replica requests and may use."
  type        = string
}

variable "pods" {
  description = "The most pods that the customer may have."
  type        = number
}
