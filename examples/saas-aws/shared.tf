# What all customers share: a cluster and the zone that their names are in. An
# apply makes these first.

locals {
  # Yours: who EKS and its nodes act as, and where they are.
  cluster_role = "arn:aws:iam::123456789012:role/shop-eks"
  node_role    = "arn:aws:iam::123456789012:role/shop-nodes"
  subnets      = ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"]
}

provider "aws" {
  region = "eu-west-1"

  default_tags {
    tags = { platform = "shop" }
  }
}

resource "aws_eks_cluster" "shared" {
  name     = "shop-shared"
  role_arn = local.cluster_role
  version  = "1.33"

  vpc_config {
    subnet_ids              = local.subnets
    endpoint_private_access = true
  }

  access_config {
    authentication_mode = "API"
  }

  timeouts {
    create = "45m"
    delete = "30m"
  }
}

resource "aws_eks_node_group" "shared" {
  cluster_name    = aws_eks_cluster.shared.name
  node_group_name = "shared"
  node_role_arn   = local.node_role
  subnet_ids      = local.subnets
  instance_types  = ["m7g.large"]

  scaling_config {
    min_size     = 2
    desired_size = 3
    max_size     = 20
  }
}

resource "aws_route53_zone" "shop" {
  name    = "shop.example.com"
  comment = "Names of the customers of shop"
}
