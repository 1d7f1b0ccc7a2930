resource "kubernetes_manifest" "settings" {
  cluster = local.cluster
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = merge(local.metadata, { name = "web" })
    data = merge(
      { LOG_LEVEL = var.log_level },
      { for name, on in var.features : "FEATURE_${upper(replace(name, "-", "_"))}" => tostring(on) },
    )
  }

  depends_on = [kubernetes_manifest.namespace]
}

resource "kubernetes_manifest" "web" {
  cluster = local.cluster
  manifest = {
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = merge(local.metadata, { name = "web" })
    spec = {
      selector = { matchLabels = local.app }
      template = {
        metadata = {
          labels = merge(local.owner, local.app)
          # New settings, new pods.
          annotations = { "shop.example.com/settings" = sha1(jsonencode([var.log_level, var.features])) }
        }
        spec = merge(local.placement, {
          serviceAccountName           = kubernetes_manifest.service_account["app"].object.metadata.name
          automountServiceAccountToken = false
          priorityClassName            = kubernetes_manifest.priority.object.metadata.name
          topologySpreadConstraints    = local.spread
          securityContext = {
            runAsNonRoot   = true
            runAsUser      = 101
            seccompProfile = { type = "RuntimeDefault" }
          }
          containers = [{
            name            = "web"
            image           = "${var.app.image}:${var.app_version}"
            imagePullPolicy = "Always"
            envFrom         = [{ configMapRef = { name = kubernetes_manifest.settings.object.metadata.name } }]
            env = [{
              name      = "DATABASE_PASSWORD"
              valueFrom = { secretKeyRef = { name = "db-app", key = "password" } }
              }, {
              name  = "DATABASE_HOST"
              value = "db-pooler"
            }]
            ports = [
              { name = "http", containerPort = 8080, protocol = "TCP" },
              { name = "metrics", containerPort = 9090, protocol = "TCP" },
            ]
            resources = {
              requests = { cpu = var.app.cpu, memory = var.app.memory }
              limits   = { memory = var.app.memory }
            }
            startupProbe    = { httpGet = { path = "/", port = "http" }, periodSeconds = 2, failureThreshold = 60 }
            readinessProbe  = { httpGet = { path = "/", port = "http" }, periodSeconds = 5 }
            livenessProbe   = { httpGet = { path = "/", port = "http" }, periodSeconds = var.health_check_seconds }
            securityContext = { allowPrivilegeEscalation = false, capabilities = { drop = ["ALL"] } }
          }]
        })
      }
    }
  }

  wait {
    rollout = var.wait_until_healthy
  }

  depends_on = [
    kubernetes_manifest.quota,
    kubernetes_manifest.limits,
    kubernetes_manifest.network_policy,
    kubernetes_manifest.database,
    kubernetes_manifest.external_secret,
  ]
}

resource "kubernetes_manifest" "service" {
  cluster = local.cluster
  manifest = {
    apiVersion = "v1"
    kind       = "Service"
    metadata   = merge(local.metadata, { name = "web", labels = merge(local.labels, local.app) })
    spec = {
      selector = local.app
      ports = [
        { name = "http", port = 80, targetPort = "http", protocol = "TCP" },
        { name = "metrics", port = 9090, targetPort = "metrics", protocol = "TCP" },
      ]
    }
  }

  depends_on = [kubernetes_manifest.namespace]
}

resource "kubernetes_manifest" "ingress" {
  cluster = local.cluster
  manifest = {
    apiVersion = "networking.k8s.io/v1"
    kind       = "Ingress"
    metadata   = merge(local.metadata, { name = "web" })
    spec = {
      ingressClassName = "nginx"
      tls              = [{ hosts = local.hosts, secretName = "web-tls" }]
      rules = [for host in local.hosts : {
        host = host
        http = { paths = [{
          path     = "/"
          pathType = "Prefix"
          backend  = { service = { name = kubernetes_manifest.service.object.metadata.name, port = { name = "http" } } }
        }] }
      }]
    }
  }

  lifecycle {
    enabled = contains(local.ways_in, "ingress")
  }
}

# What a server would fill in is written out, inside of lists that are replaced
# as a whole.
resource "kubernetes_manifest" "route" {
  cluster = local.cluster
  manifest = {
    apiVersion = "gateway.networking.k8s.io/v1"
    kind       = "HTTPRoute"
    metadata   = merge(local.metadata, { name = "web" })
    spec = {
      parentRefs = [{
        group     = "gateway.networking.k8s.io"
        kind      = "Gateway"
        name      = local.gateway.name
        namespace = local.gateway.namespace
      }]
      hostnames = local.hosts
      rules = [{
        matches     = [{ path = { type = "PathPrefix", value = "/" } }]
        backendRefs = [{ group = "", kind = "Service", name = kubernetes_manifest.service.object.metadata.name, port = 80, weight = 1 }]
      }]
    }
  }

  lifecycle {
    enabled = contains(local.ways_in, "gateway")

    precondition {
      condition     = local.gateway != null
      error_message = "The shared cluster of ${var.environment.name} has no Gateway: have modules/cluster make one, with gateway = true in clusters.tf."
    }
  }
}

resource "simulated_dns_record" "web" {
  name   = local.host
  type   = "A"
  ttl    = 300
  values = [local.ingress_ip]
}

# The autoscaler owns the number of replicas, so the Deployment has none.
resource "kubernetes_manifest" "autoscaler" {
  cluster = local.cluster
  manifest = {
    apiVersion = "autoscaling/v2"
    kind       = "HorizontalPodAutoscaler"
    metadata   = merge(local.metadata, { name = "web" })
    spec = {
      scaleTargetRef = { apiVersion = "apps/v1", kind = "Deployment", name = kubernetes_manifest.web.object.metadata.name }
      minReplicas    = var.replicas.min
      maxReplicas    = var.replicas.max
      metrics = [{
        type     = "Resource"
        resource = { name = "cpu", target = { type = "Utilization", averageUtilization = 80 } }
      }]
    }
  }
}

resource "kubernetes_manifest" "disruption_budget" {
  cluster = local.cluster
  manifest = {
    apiVersion = "policy/v1"
    kind       = "PodDisruptionBudget"
    metadata   = merge(local.metadata, { name = "web" })
    spec       = { maxUnavailable = 1, selector = { matchLabels = local.app } }
  }

  depends_on = [kubernetes_manifest.namespace]
}
