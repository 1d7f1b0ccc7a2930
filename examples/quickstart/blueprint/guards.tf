resource "kubernetes_manifest" "quota" {
  manifest = {
    apiVersion = "v1"
    kind       = "ResourceQuota"
    metadata   = { name = "tenant", namespace = local.namespace, labels = local.labels }
    spec = {
      hard = {
        "pods"                   = tostring(var.pods)
        "services"               = "10"
        "services.nodeports"     = "0"
        "services.loadbalancers" = "0"
        "secrets"                = "50"
        "configmaps"             = "50"
        "persistentvolumeclaims" = "10"
      }
    }
  }

  depends_on = [kubernetes_manifest.namespace]
}

resource "kubernetes_manifest" "limits" {
  manifest = {
    apiVersion = "v1"
    kind       = "LimitRange"
    metadata   = { name = "tenant", namespace = local.namespace, labels = local.labels }
    spec = {
      limits = [{
        type           = "Container"
        default        = { cpu = "500m", memory = var.memory }
        defaultRequest = { cpu = var.cpu, memory = var.memory }
      }]
    }
  }

  depends_on = [kubernetes_manifest.namespace]
}

locals {
  # Who may talk to whom: nobody, but for these.
  network_policies = {
    "default-deny" = {
      podSelector = {}
      policyTypes = ["Ingress", "Egress"]
    }
    "allow-dns" = {
      podSelector = {}
      policyTypes = ["Egress"]
      egress = [{
        to    = [{ namespaceSelector = { matchLabels = { "kubernetes.io/metadata.name" = "kube-system" } } }]
        ports = [{ protocol = "UDP", port = 53 }, { protocol = "TCP", port = 53 }]
      }]
    }
    "allow-ingress" = {
      podSelector = { matchLabels = local.app }
      policyTypes = ["Ingress"]
      ingress = [{
        from  = [{ namespaceSelector = { matchLabels = { "kubernetes.io/metadata.name" = "ingress-nginx" } } }]
        ports = [{ protocol = "TCP", port = 8080 }]
      }]
    }
  }
}

resource "kubernetes_manifest" "network_policy" {
  for_each = local.network_policies

  manifest = {
    apiVersion = "networking.k8s.io/v1"
    kind       = "NetworkPolicy"
    metadata   = { name = each.key, namespace = local.namespace, labels = local.labels }
    spec       = each.value
  }

  depends_on = [kubernetes_manifest.namespace]
}
