# The policies of the cluster read labels and annotations from here, see
# modules/cluster/policies.tf. No role of a customer may change them.
resource "kubernetes_manifest" "namespace" {
  cluster = local.cluster
  manifest = {
    apiVersion = "v1"
    kind       = "Namespace"
    metadata = {
      name = local.namespace
      labels = merge(
        local.labels,
        local.dedicated ? { "shop.example.com/pool" = local.instance } : {},
        {
          "pod-security.kubernetes.io/enforce" = "restricted"
          "pod-security.kubernetes.io/audit"   = "restricted"
          "pod-security.kubernetes.io/warn"    = "restricted"
        },
      )
      annotations = { "shop.example.com/hosts" = join(",", local.hosts) }
    }
  }

  depends_on = [simulated_node_pool.this]
}

resource "kubernetes_manifest" "priority" {
  cluster = local.cluster
  manifest = {
    apiVersion    = "scheduling.k8s.io/v1"
    kind          = "PriorityClass"
    metadata      = { name = local.namespace, labels = local.labels }
    value         = var.priority
    globalDefault = false
    description   = "Pods of ${var.tenant.name}, tier ${var.tier.name}."
  }
}
