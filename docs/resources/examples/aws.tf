provider "aws" {
  region = "eu-west-1"

  default_tags {
    tags = { product = "shop" }
  }
}

resource "aws_eks_access_entry" "admins" {
  cluster_name      = "shop"
  principal_arn     = "arn:aws:iam::123456789012:role/admins"
  kubernetes_groups = ["shop:admins"]
}

resource "aws_eks_access_policy_association" "viewers" {
  cluster_name  = "shop"
  principal_arn = "arn:aws:iam::123456789012:role/viewers"
  policy_arn    = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"

  access_scope {
    type       = "namespace"
    namespaces = ["acme"]
  }
}

resource "aws_eks_addon" "coredns" {
  cluster_name                = "shop"
  addon_name                  = "coredns"
  addon_version               = "v1.11.3-eksbuild.1"
  resolve_conflicts_on_update = "PRESERVE"
  configuration_values        = jsonencode({ replicaCount = 3 })
}

resource "aws_eks_cluster" "acme" {
  name                      = "acme"
  role_arn                  = "arn:aws:iam::123456789012:role/eks"
  version                   = "1.33"
  enabled_cluster_log_types = ["api", "audit"]

  vpc_config {
    subnet_ids              = ["subnet-0a1", "subnet-0b2"]
    endpoint_private_access = true
    endpoint_public_access  = false
  }

  access_config {
    authentication_mode = "API"
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = "arn:aws:kms:eu-west-1:123456789012:key/1234"
    }
  }
}

resource "aws_eks_node_group" "acme" {
  cluster_name    = "shop"
  node_group_name = "acme"
  node_role_arn   = "arn:aws:iam::123456789012:role/nodes"
  subnet_ids      = ["subnet-0a1", "subnet-0b2"]
  instance_types  = ["m7g.large"]
  labels          = { tenant = "acme" }

  scaling_config {
    min_size     = 1
    max_size     = 5
    desired_size = 2
  }

  taint {
    key    = "tenant"
    value  = "acme"
    effect = "NO_SCHEDULE"
  }
}

resource "aws_eks_pod_identity_association" "web" {
  cluster_name    = "shop"
  namespace       = "acme"
  service_account = "web"
  role_arn        = "arn:aws:iam::123456789012:role/acme-web"
}

resource "aws_iam_policy" "reader" {
  name = "acme-reader"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "arn:aws:s3:::acme-data/*" }]
  })
}

resource "aws_iam_role" "web" {
  name = "acme-web"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
    }]
  })
}

resource "aws_iam_role_policy" "own" {
  role = "acme-web"
  name = "own"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:ListBucket", Resource = "arn:aws:s3:::acme-data" }]
  })
}

resource "aws_iam_role_policy_attachment" "reader" {
  role       = "acme-web"
  policy_arn = "arn:aws:iam::123456789012:policy/acme-reader"
}

resource "aws_route53_record" "acme" {
  zone_id = "Z0123456789ABC"
  name    = "acme"
  type    = "CNAME"
  ttl     = 300
  records = ["ingress.example.com"]
}

resource "aws_route53_zone" "tenants" {
  name    = "tenants.example.com"
  comment = "One name for each tenant"
}

resource "aws_s3_bucket" "data" {
  bucket = "acme-data"
  tags   = { tenant = "acme" }
}

resource "aws_s3_bucket_lifecycle_configuration" "data" {
  bucket = "acme-data"

  rule {
    id     = "logs"
    status = "Enabled"

    filter {
      prefix = "logs/"
    }

    expiration {
      days = 90
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "data" {
  bucket = "acme-data"

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "data" {
  bucket = "acme-data"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::acme-data", "arn:aws:s3:::acme-data/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_s3_bucket_public_access_block" "data" {
  bucket                  = "acme-data"
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "data" {
  bucket = "acme-data"

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = "arn:aws:kms:eu-west-1:123456789012:key/1234"
    }
  }
}

resource "aws_s3_bucket_versioning" "data" {
  bucket = "acme-data"

  versioning_configuration {
    status = "Enabled"
  }
}

data "aws_caller_identity" "me" {}

data "aws_eks_cluster" "shop" {
  name = "shop"
}

data "aws_eks_cluster_auth" "shop" {
  name = "shop"
}

data "aws_region" "here" {}

ephemeral "aws_eks_cluster_auth" "shop" {
  name = "shop"
}
