# Who and where, filled in by tenantctl.

variable "tenant" {
  type = object({ name = string })
}

variable "tier" {
  type = object({ name = string, isolation = string })
}

variable "environment" {
  type = object({ name = string, region = string, cluster = any })
}

# The settings.

variable "domain" {
  description = "Every customer has a name below it."
  type        = string
}

variable "zone_id" {
  description = "The zone of that domain."
  type        = string
}

variable "subnets" {
  description = "Where nodes and clusters are."
  type        = set(string)
}

variable "cluster_role" {
  description = "Who clusters act as."
  type        = string
}

variable "node_role" {
  description = "Who nodes act as."
  type        = string
}

variable "keep_data_days" {
  description = "How long replaced and removed data is kept."
  type        = number
}

variable "quota" {
  description = "What the customer may ask of the cluster."
  type        = object({ cpu = string, memory = string, pods = number })
}

variable "pool" {
  description = "Nodes of the customer's own."
  type        = object({ machine = string, nodes = number })
  default     = null
}
