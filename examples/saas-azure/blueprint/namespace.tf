# Where the application runs. The cluster may be one that the same apply makes:
# its credentials are asked for when they are needed, and kept nowhere.

resource "kubernetes_manifest" "namespace" {
  cluster = local.cluster
  manifest = {
    apiVersion = "v1"
    kind       = "Namespace"
    metadata   = { name = local.name, labels = { "shop.example.com/tenant" = var.tenant.name } }
  }

  depends_on = [azurerm_kubernetes_cluster_node_pool.own]
}

resource "kubernetes_manifest" "service_account" {
  cluster = local.cluster
  manifest = {
    apiVersion = "v1"
    kind       = "ServiceAccount"
    metadata = {
      name        = "app"
      namespace   = kubernetes_manifest.namespace.object.metadata.name
      annotations = { "azure.workload.identity/client-id" = azurerm_user_assigned_identity.this.client_id }
    }
  }
}

# In a cluster of its own the customer comes first.
resource "kubernetes_manifest" "priority" {
  count = local.own ? 1 : 0

  cluster = azurerm_kubernetes_cluster.own[0]
  manifest = {
    apiVersion    = "scheduling.k8s.io/v1"
    kind          = "PriorityClass"
    metadata      = { name = local.name }
    value         = 100000
    globalDefault = false
  }
}
