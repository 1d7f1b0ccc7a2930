# A cluster of the customer's own, where the tier has one; else the shared one
# of the environment.

module "cluster" {
  source = "../../modules/cluster"
  count  = var.tier.isolation == "cluster" ? 1 : 0

  name   = local.instance
  region = var.environment.region
  tags   = local.tags

  gateway = contains(local.ways_in, "gateway")
}

locals {
  own_cluster  = var.tier.isolation == "cluster"
  cluster      = local.own_cluster ? one(module.cluster[*].connection) : var.environment.cluster
  cluster_name = local.own_cluster ? local.instance : "${var.platform.name}-${var.environment.name}"
  gateway      = local.own_cluster ? one(module.cluster[*].gateway) : var.gateway
  ingress_ip   = local.own_cluster ? one(module.cluster[*].ingress_ip) : var.ingress_ip
}
