# The Gateway that customers share, where the cluster has one: their routes hang
# on it, each for the names of its own customer.

locals {
  gateway = { name = "shared", namespace = "gateway" }

  gateway_policies = {
    for name, policy in {
      "customer-routes" = {
        namespaces = local.customers
        resources  = [{ group = "gateway.networking.k8s.io", names = ["httproutes"] }]
        operations = ["CREATE", "UPDATE"]
        conditions = []
        variables  = { hosts = "namespaceObject.metadata.?annotations[?'shop.example.com/hosts'].orValue('').split(',')" }
        validations = {
          "The host name is not the customer's: a route names hosts of its own customer only." = join(" && ", [
            "object.spec.?hostnames.orValue([]).size() > 0",
            "object.spec.hostnames.all(h, h in variables.hosts)",
          ])
          "A route hangs on the shared Gateway only." = join("", [
            "object.spec.?parentRefs.orValue([]).all(p, p.?kind.orValue('Gateway') == 'Gateway' && ",
            "p.name == '${local.gateway.name}' && p.?namespace.orValue('') == '${local.gateway.namespace}')",
          ])
        }
      }
    } : name => policy if var.gateway
  }
}

resource "kubernetes_manifest" "gateway_class" {
  cluster = local.cluster
  manifest = {
    apiVersion = "gateway.networking.k8s.io/v1"
    kind       = "GatewayClass"
    metadata   = { name = "nginx", labels = local.labels }
    spec       = { controllerName = "gateway.nginx.org/nginx-gateway-controller" }
  }

  lifecycle {
    enabled = var.gateway
  }

  depends_on = [kubernetes_manifest.addon]
}

# Certificates of all names are in the secret.
resource "kubernetes_manifest" "gateway" {
  cluster = local.cluster
  manifest = {
    apiVersion = "gateway.networking.k8s.io/v1"
    kind       = "Gateway"
    metadata   = merge(local.gateway, { labels = local.labels })
    spec = {
      gatewayClassName = kubernetes_manifest.gateway_class.object.metadata.name
      listeners = [{
        name     = "https"
        protocol = "HTTPS"
        port     = 443
        tls = {
          mode            = "Terminate"
          certificateRefs = [{ group = "", kind = "Secret", name = "web-tls" }]
        }
        allowedRoutes = { namespaces = { from = "Selector", selector = local.customers } }
      }]
    }
  }

  lifecycle {
    enabled = var.gateway
  }

  depends_on = [kubernetes_manifest.namespace]
}

output "gateway" {
  description = "What routes of customers hang on; null where there is no Gateway."
  value       = var.gateway ? local.gateway : null
}
