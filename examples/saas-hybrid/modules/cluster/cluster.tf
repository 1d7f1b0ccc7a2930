# A cluster that customers can be put into. A shared one is made by the
# platform, an own one by the customer's instance; both are the same.

resource "simulated_cluster" "this" {
  name    = var.name
  region  = var.region
  version = var.kubernetes_version
  tags    = var.tags
}

resource "simulated_node_pool" "system" {
  cluster = simulated_cluster.this.name
  name    = "system"
  nodes   = var.system_nodes
  tags    = var.tags
}

# How everything below reaches the cluster; known when the cluster is there.
locals {
  cluster = simulated_cluster.this.connection
}

output "connection" {
  description = "The argument cluster of Kubernetes objects."
  value       = local.cluster

  # Nobody moves in before the rules of the house hang on the wall.
  depends_on = [
    kubernetes_manifest.binding,
    kubernetes_manifest.addon,
    kubernetes_manifest.namespace,
    kubernetes_manifest.gateway,
  ]
}

output "ingress_ip" {
  description = "Where requests from outside arrive."
  value       = simulated_cluster.this.ingress_ip
}
