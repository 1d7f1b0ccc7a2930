# The customer's place in the cluster, whichever that is.

resource "kubernetes_manifest" "namespace" {
  cluster = local.cluster
  manifest = {
    apiVersion = "v1"
    kind       = "Namespace"
    metadata = {
      name   = "shop-${var.tenant.name}"
      labels = { tenant = var.tenant.name, tier = var.tier.name }
    }
  }
}

resource "kubernetes_manifest" "quota" {
  cluster = local.cluster
  manifest = {
    apiVersion = "v1"
    kind       = "ResourceQuota"
    metadata   = { name = "shop", namespace = kubernetes_manifest.namespace.object.metadata.name }
    spec = {
      hard = {
        "requests.cpu"    = var.quota.cpu
        "requests.memory" = var.quota.memory
        "pods"            = tostring(var.quota.pods)
      }
    }
  }
}

# What the customer's pods need to know of the world outside.
resource "kubernetes_manifest" "settings" {
  cluster = local.cluster
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "shop", namespace = kubernetes_manifest.namespace.object.metadata.name }
    data = {
      bucket = aws_s3_bucket.data.bucket
      host   = aws_route53_record.web.fqdn
    }
  }
}
