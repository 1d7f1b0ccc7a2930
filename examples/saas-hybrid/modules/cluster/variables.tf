variable "name" {
  description = "Name of the cluster."
  type        = string
}

variable "region" {
  description = "Where the cluster is."
  type        = string
}

variable "kubernetes_version" {
  type    = string
  default = "1.33"
}

variable "system_nodes" {
  description = "Nodes for what the platform itself runs."
  type        = number
  default     = 2
}

variable "gateway" {
  description = "A Gateway that customers share, for those whose routing is gateway."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of the cluster and its pools."
  type        = map(string)
  default     = {}
}
