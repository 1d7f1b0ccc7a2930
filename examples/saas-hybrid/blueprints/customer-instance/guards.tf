# How much the customer may take.

resource "kubernetes_manifest" "quota" {
  cluster = local.cluster
  manifest = {
    apiVersion = "v1"
    kind       = "ResourceQuota"
    metadata   = merge(local.metadata, { name = "tenant" })
    spec = {
      hard = {
        "requests.cpu"                                 = var.quota.cpu
        "requests.memory"                              = var.quota.memory
        "limits.memory"                                = var.quota.memory
        "requests.storage"                             = var.quota.storage
        "pods"                                         = tostring(var.quota.pods)
        "persistentvolumeclaims"                       = "20"
        "services"                                     = "20"
        "services.nodeports"                           = "0"
        "services.loadbalancers"                       = "0"
        "secrets"                                      = "100"
        "configmaps"                                   = "100"
        "count/deployments.apps"                       = "20"
        "count/statefulsets.apps"                      = "20"
        "count/jobs.batch"                             = "50"
        "count/cronjobs.batch"                         = "20"
        "count/ingresses.networking.k8s.io"            = "20"
        "count/httproutes.gateway.networking.k8s.io"   = "20"
        "count/networkpolicies.networking.k8s.io"      = "40"
        "count/roles.rbac.authorization.k8s.io"        = "20"
        "count/rolebindings.rbac.authorization.k8s.io" = "20"
      }
    }
  }

  depends_on = [kubernetes_manifest.namespace]
}

resource "kubernetes_manifest" "limits" {
  cluster = local.cluster
  manifest = {
    apiVersion = "v1"
    kind       = "LimitRange"
    metadata   = merge(local.metadata, { name = "tenant" })
    spec = {
      limits = [
        {
          type           = "Container"
          default        = { memory = "512Mi", "ephemeral-storage" = "2Gi" }
          defaultRequest = { cpu = "50m", memory = "128Mi", "ephemeral-storage" = "256Mi" }
          min            = { cpu = "5m", memory = "8Mi" }
          max            = { memory = var.quota.memory }
        },
        {
          type = "PersistentVolumeClaim"
          min  = { storage = "1Gi" }
          max  = { storage = var.quota.storage }
        },
      ]
    }
  }

  depends_on = [kubernetes_manifest.namespace]
}
