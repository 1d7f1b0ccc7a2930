locals {
  namespace = "tenant-${var.tenant.name}"

  labels = {
    "app.kubernetes.io/managed-by" = "tenantctl"
    "shop.example.com/tenant"      = var.tenant.name
    "shop.example.com/tier"        = var.tier.name
  }

  app = { "app.kubernetes.io/name" = "web" }
}

resource "kubernetes_manifest" "namespace" {
  manifest = {
    apiVersion = "v1"
    kind       = "Namespace"
    metadata = {
      name = local.namespace
      labels = merge(local.labels, {
        "pod-security.kubernetes.io/enforce" = "restricted"
        "pod-security.kubernetes.io/warn"    = "restricted"
      })
    }
  }
}

resource "kubernetes_manifest" "service_account" {
  manifest = {
    apiVersion = "v1"
    kind       = "ServiceAccount"
    metadata   = { name = "web", namespace = local.namespace, labels = local.labels }

    automountServiceAccountToken = false
  }

  depends_on = [kubernetes_manifest.namespace]
}

# What the customer's own people may do: look, in their namespace only.
resource "kubernetes_manifest" "viewer" {
  manifest = {
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "Role"
    metadata   = { name = "tenant-viewer", namespace = local.namespace, labels = local.labels }
    rules = [
      { apiGroups = [""], resources = ["pods", "services", "configmaps", "events"], verbs = ["get", "list", "watch"] },
      { apiGroups = ["apps"], resources = ["deployments"], verbs = ["get", "list", "watch"] },
    ]
  }

  depends_on = [kubernetes_manifest.namespace]
}

resource "kubernetes_manifest" "viewers" {
  manifest = {
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "RoleBinding"
    metadata   = { name = "tenant-viewers", namespace = local.namespace, labels = local.labels }
    roleRef = {
      apiGroup = "rbac.authorization.k8s.io"
      kind     = "Role"
      name     = kubernetes_manifest.viewer.object.metadata.name
    }
    subjects = [{ apiGroup = "rbac.authorization.k8s.io", kind = "Group", name = "tenant:${var.tenant.name}" }]
  }
}
