resource "kubernetes_manifest" "web" {
  manifest = {
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = { name = "web", namespace = local.namespace, labels = local.labels }
    spec = {
      selector = { matchLabels = local.app }
      template = {
        metadata = { labels = merge(local.labels, local.app) }
        spec = {
          serviceAccountName           = kubernetes_manifest.service_account.object.metadata.name
          automountServiceAccountToken = false
          securityContext              = { runAsNonRoot = true, runAsUser = 101, seccompProfile = { type = "RuntimeDefault" } }
          containers = [{
            name  = "web"
            image = "nginxinc/nginx-unprivileged:${var.app_version}"
            env   = [{ name = "LOG_LEVEL", value = var.log_level }]
            ports = [{ name = "http", containerPort = 8080, protocol = "TCP" }]
            resources = {
              requests = { cpu = var.cpu, memory = var.memory }
              limits   = { memory = var.memory }
            }
            readinessProbe  = { httpGet = { path = "/", port = "http" } }
            securityContext = { allowPrivilegeEscalation = false, capabilities = { drop = ["ALL"] } }
          }]
        }
      }
    }
  }

  depends_on = [kubernetes_manifest.quota, kubernetes_manifest.limits, kubernetes_manifest.network_policy]
}

resource "kubernetes_manifest" "service" {
  manifest = {
    apiVersion = "v1"
    kind       = "Service"
    metadata   = { name = "web", namespace = local.namespace, labels = local.labels }
    spec = {
      selector = local.app
      ports    = [{ name = "http", port = 80, targetPort = "http", protocol = "TCP" }]
    }
  }

  depends_on = [kubernetes_manifest.namespace]
}

resource "kubernetes_manifest" "disruption_budget" {
  manifest = {
    apiVersion = "policy/v1"
    kind       = "PodDisruptionBudget"
    metadata   = { name = "web", namespace = local.namespace, labels = local.labels }
    spec       = { minAvailable = 1, selector = { matchLabels = local.app } }
  }

  depends_on = [kubernetes_manifest.namespace]
}

# The autoscaler owns the number of replicas, so the Deployment has none.
resource "kubernetes_manifest" "autoscaler" {
  manifest = {
    apiVersion = "autoscaling/v2"
    kind       = "HorizontalPodAutoscaler"
    metadata   = { name = "web", namespace = local.namespace, labels = local.labels }
    spec = {
      scaleTargetRef = { apiVersion = "apps/v1", kind = "Deployment", name = kubernetes_manifest.web.object.metadata.name }
      minReplicas    = var.replicas
      maxReplicas    = max(var.replicas * 2, 4)
      metrics = [{
        type     = "Resource"
        resource = { name = "cpu", target = { type = "Utilization", averageUtilization = 80 } }
      }]
    }
  }
}

output "namespace" {
  description = "The customer's namespace."
  value       = kubernetes_manifest.namespace.object.metadata.name
}

output "url" {
  description = "Where the customer's service answers inside the cluster."
  value       = "http://${kubernetes_manifest.service.object.metadata.name}.${local.namespace}.svc"
}
