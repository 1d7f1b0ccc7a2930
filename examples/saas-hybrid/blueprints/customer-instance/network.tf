# Who may talk to whom: nobody, but for these. Every way has both ends, out of
# one kind of pod and into another.

locals {
  ways_in = var.routing == "both" ? ["ingress", "gateway"] : [var.routing]

  # Pods, as peers of a rule.
  pods = {
    web      = local.app
    pooler   = { "cnpg.io/poolerName" = "db-pooler" }
    database = { "cnpg.io/cluster" = "db" }
  }

  # Instances of the database and the jobs that make them; poolers carry the
  # cluster's label, too.
  database_pods = {
    matchLabels      = local.pods.database
    matchExpressions = [{ key = "cnpg.io/poolerName", operator = "DoesNotExist" }]
  }

  # What the platform runs beside its customers.
  operators = {
    dns        = { namespace = "kube-system", labels = { "k8s-app" = "kube-dns" } }
    ingress    = { namespace = "ingress-nginx", labels = { "app.kubernetes.io/name" = "ingress-nginx" } }
    gateway    = { namespace = "gateway", labels = { "gateway.networking.k8s.io/gateway-name" = "shared" } }
    prometheus = { namespace = "monitoring", labels = { "app.kubernetes.io/name" = "prometheus" } }
    databases  = { namespace = "cnpg-system", labels = { "app.kubernetes.io/name" = "cloudnative-pg" } }
  }
  peer = {
    for name, operator in local.operators : name => [{
      namespaceSelector = { matchLabels = { "kubernetes.io/metadata.name" = operator.namespace } }
      podSelector       = { matchLabels = operator.labels }
    }]
  }

  # The world, but for the provider's networks and its metadata service.
  internet = [{
    ipBlock = {
      cidr = "0.0.0.0/0"
      except = [
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
      ]
    }
  }]

  network_policies = {
    "default-deny" = {
      podSelector = {}
      policyTypes = ["Ingress", "Egress"]
    }
    "dns" = {
      podSelector = {}
      policyTypes = ["Egress"]
      egress      = [{ to = local.peer.dns, ports = [{ protocol = "UDP", port = 53 }, { protocol = "TCP", port = 53 }] }]
    }
    "web" = {
      podSelector = { matchLabels = local.pods.web }
      policyTypes = ["Ingress", "Egress"]
      ingress = [
        { from = flatten([for way in local.ways_in : local.peer[way]]), ports = [{ protocol = "TCP", port = 8080 }] },
        { from = local.peer.prometheus, ports = [{ protocol = "TCP", port = 9090 }] },
      ]
      egress = [
        { to = [{ podSelector = { matchLabels = local.pods.pooler } }], ports = [{ protocol = "TCP", port = 5432 }] },
        { to = local.internet, ports = [{ protocol = "TCP", port = 443 }] },
      ]
    }
    "pooler" = {
      podSelector = { matchLabels = local.pods.pooler }
      policyTypes = ["Ingress", "Egress"]
      ingress = [
        { from = [{ podSelector = { matchLabels = local.pods.web } }], ports = [{ protocol = "TCP", port = 5432 }] },
        { from = local.peer.prometheus, ports = [{ protocol = "TCP", port = 9127 }] },
      ]
      egress = [
        { to = [{ podSelector = local.database_pods }], ports = [{ protocol = "TCP", port = 5432 }] },
        { to = [{ ipBlock = { cidr = var.api_server.cidr } }], ports = [{ protocol = "TCP", port = var.api_server.port }] },
      ]
    }
    "database" = {
      podSelector = local.database_pods
      policyTypes = ["Ingress", "Egress"]
      ingress = [
        { from = [{ podSelector = { matchLabels = local.pods.pooler } }], ports = [{ protocol = "TCP", port = 5432 }] },
        # Replication, and each instance's look at whether it is cut off.
        { from = [{ podSelector = local.database_pods }], ports = [{ protocol = "TCP", port = 5432 }, { protocol = "TCP", port = 8000 }] },
        { from = local.peer.databases, ports = [{ protocol = "TCP", port = 5432 }, { protocol = "TCP", port = 8000 }] },
        { from = local.peer.prometheus, ports = [{ protocol = "TCP", port = 9187 }] },
      ]
      egress = [
        { to = [{ podSelector = local.database_pods }], ports = [{ protocol = "TCP", port = 5432 }, { protocol = "TCP", port = 8000 }] },
        { to = [{ ipBlock = { cidr = var.api_server.cidr } }], ports = [{ protocol = "TCP", port = var.api_server.port }] },
        # Backups.
        { to = local.internet, ports = [{ protocol = "TCP", port = 443 }] },
      ]
    }
  }
}

resource "kubernetes_manifest" "network_policy" {
  for_each = local.network_policies

  cluster = local.cluster
  manifest = {
    apiVersion = "networking.k8s.io/v1"
    kind       = "NetworkPolicy"
    metadata   = merge(local.metadata, { name = each.key })
    spec       = each.value
  }

  depends_on = [kubernetes_manifest.namespace]
}
