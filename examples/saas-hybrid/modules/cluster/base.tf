# What every cluster has before a customer comes.

locals {
  # Namespaces of the platform; that of CloudNativePG comes with its manifest.
  own      = toset(concat(["ingress-nginx", "monitoring", "external-secrets"], var.gateway ? ["gateway"] : []))
  platform = setunion(local.own, ["kube-system", "cnpg-system"])

  labels = {
    "app.kubernetes.io/managed-by" = "tenantctl"
    "shop.example.com/platform"    = "true"
  }
}

resource "kubernetes_manifest" "namespace" {
  for_each = local.own

  cluster = local.cluster
  manifest = {
    apiVersion = "v1"
    kind       = "Namespace"
    metadata = {
      name   = each.value
      labels = merge(local.labels, { "pod-security.kubernetes.io/enforce" = "baseline" })
    }
  }
}

resource "kubernetes_manifest" "ingress_class" {
  cluster = local.cluster
  manifest = {
    apiVersion = "networking.k8s.io/v1"
    kind       = "IngressClass"
    metadata   = { name = "nginx", labels = local.labels }
    spec       = { controller = "k8s.io/ingress-nginx" }
  }
}

# A customer's volumes go when the customer goes.
resource "kubernetes_manifest" "storage_class" {
  cluster = local.cluster
  manifest = {
    apiVersion           = "storage.k8s.io/v1"
    kind                 = "StorageClass"
    metadata             = { name = "customer", labels = local.labels }
    provisioner          = "disk.csi.azure.com"
    reclaimPolicy        = "Delete"
    volumeBindingMode    = "WaitForFirstConsumer"
    allowVolumeExpansion = true
  }
}
