# One product, three offers, on AWS. The README says what to change before the
# first apply.

tenantctl {
  # With this line nothing leaves your machine: AWS and Kubernetes are simulated.
  # simulate = ["aws", "kubernetes"]
}

platform "shop" {
  blueprint    = "./blueprint"
  tenants      = "./tenants"
  environments = ["production"]

  settings = {
    domain         = "shop.example.com"
    keep_data_days = 30
  }

  guard = { max_destroy_percent = 50 }
}

# Small customers share a cluster, in a namespace each.
tier "starter" {
  isolation = "namespace"
  settings  = { quota = { cpu = "4", memory = "8Gi", pods = 20 } }
}

# Medium ones have nodes of their own in it.
tier "business" {
  isolation = "node_pool"
  settings = {
    quota = { cpu = "16", memory = "32Gi", pods = 60 }
    pool  = { machine = "m7g.large", nodes = 2 }
  }
}

# Large ones have a cluster.
tier "enterprise" {
  isolation = "cluster"
  settings = {
    quota          = { cpu = "64", memory = "128Gi", pods = 200 }
    pool           = { machine = "m7g.xlarge", nodes = 3 }
    keep_data_days = 365
  }
}

environment "production" {
  region  = "eu-west-1"
  cluster = aws_eks_cluster.shared

  settings = {
    zone_id = aws_route53_zone.shop.zone_id
    subnets = aws_eks_cluster.shared.vpc_config[0].subnet_ids

    cluster_role = aws_eks_cluster.shared.role_arn
    node_role    = aws_eks_node_group.shared.node_role_arn
  }
}
