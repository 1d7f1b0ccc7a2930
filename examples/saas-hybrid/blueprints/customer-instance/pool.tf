# Nodes of the customer's own, where the tier has such. The taint keeps off who
# does not ask; the policy pool-owners of the cluster refuses others who ask.

resource "simulated_node_pool" "this" {
  count = local.dedicated ? 1 : 0

  cluster = local.cluster_name
  name    = local.instance
  machine = var.pool.machine
  nodes   = var.pool.nodes
  labels  = { "shop.example.com/pool" = local.instance }
  taints  = [{ key = "shop.example.com/pool", value = local.instance, effect = "NoSchedule" }]
  tags    = local.tags

  depends_on = [module.cluster]
}

locals {
  # Where pods of the application and the database run: what their specs have
  # besides, where the tier has nodes of its own.
  placement = {
    for field, value in {
      nodeSelector = { "shop.example.com/pool" = local.instance }
      tolerations = [{
        key      = "shop.example.com/pool"
        operator = "Equal"
        value    = local.instance
        effect   = "NoSchedule"
      }]
    } : field => value if local.dedicated
  }

  # Replicas spread over zones, those of the application over nodes, too.
  spread = [for key in ["topology.kubernetes.io/zone", "kubernetes.io/hostname"] : {
    maxSkew           = 1
    topologyKey       = key
    whenUnsatisfiable = "ScheduleAnyway"
    labelSelector     = { matchLabels = local.app }
  }]
}
