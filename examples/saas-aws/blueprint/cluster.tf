# A cluster of the customer's own, where the tier has one; else the shared one.

provider "aws" {
  region = var.environment.region

  default_tags {
    tags = { platform = "shop", tier = var.tier.name, tenant = var.tenant.name }
  }
}

resource "aws_eks_cluster" "own" {
  count    = var.tier.isolation == "cluster" ? 1 : 0
  name     = "shop-${var.tenant.name}"
  role_arn = var.cluster_role
  version  = "1.33"

  vpc_config {
    subnet_ids              = var.subnets
    endpoint_private_access = true
  }

  access_config {
    authentication_mode = "API"
  }
}

locals {
  cluster = var.tier.isolation == "cluster" ? one(aws_eks_cluster.own) : var.environment.cluster
}

# Nodes that nobody else's pods run on.
resource "aws_eks_node_group" "pool" {
  count           = var.tier.isolation == "namespace" ? 0 : 1
  cluster_name    = local.cluster.name
  node_group_name = var.tenant.name
  node_role_arn   = var.node_role
  subnet_ids      = var.subnets
  instance_types  = [var.pool.machine]
  labels          = { tenant = var.tenant.name }

  scaling_config {
    min_size     = 1
    desired_size = var.pool.nodes
    max_size     = 10
  }

  dynamic "taint" {
    for_each = var.tier.isolation == "node_pool" ? [var.tenant.name] : []
    content {
      key    = "tenant"
      value  = taint.value
      effect = "NO_SCHEDULE"
    }
  }
}
