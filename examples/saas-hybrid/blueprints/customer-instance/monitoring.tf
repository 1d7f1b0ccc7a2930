resource "kubernetes_manifest" "service_monitor" {
  cluster = local.cluster
  manifest = {
    apiVersion = "monitoring.coreos.com/v1"
    kind       = "ServiceMonitor"
    metadata   = merge(local.metadata, { name = "web" })
    spec = {
      selector     = { matchLabels = local.app }
      targetLabels = keys(local.owner)
      endpoints    = [{ port = "metrics", interval = "${var.health_check_seconds}s" }]
    }
  }

  depends_on = [kubernetes_manifest.namespace, module.cluster]
}

resource "kubernetes_manifest" "pod_monitor" {
  for_each = {
    db        = local.database_pods
    db-pooler = { matchLabels = local.pods.pooler }
  }

  cluster = local.cluster
  manifest = {
    apiVersion = "monitoring.coreos.com/v1"
    kind       = "PodMonitor"
    metadata   = merge(local.metadata, { name = each.key })
    spec = {
      selector            = each.value
      podTargetLabels     = keys(local.owner)
      podMetricsEndpoints = [{ port = "metrics" }]
    }
  }

  depends_on = [kubernetes_manifest.namespace, module.cluster]
}

resource "kubernetes_manifest" "alerts" {
  cluster = local.cluster
  manifest = {
    apiVersion = "monitoring.coreos.com/v1"
    kind       = "PrometheusRule"
    metadata   = merge(local.metadata, { name = "tenant" })
    spec = {
      groups = [{
        name = "tenant"
        rules = [
          {
            alert  = "CustomerDown"
            expr   = "absent(up{namespace=\"${local.namespace}\",service=\"web\"} == 1)"
            for    = "5m"
            labels = { severity = "critical", tenant = var.tenant.name }
          },
          {
            alert  = "QuotaNearlyUsed"
            expr   = "kube_resourcequota{namespace=\"${local.namespace}\",type=\"used\"} / ignoring(type) (kube_resourcequota{namespace=\"${local.namespace}\",type=\"hard\"} > 0) > 0.9"
            for    = "15m"
            labels = { severity = "warning", tenant = var.tenant.name }
          },
        ]
      }]
    }
  }

  depends_on = [kubernetes_manifest.namespace, module.cluster]
}

# The Prometheus operator lets a routing of a namespace see alerts of this
# namespace alone.
resource "kubernetes_manifest" "alert_routing" {
  cluster = local.cluster
  manifest = {
    apiVersion = "monitoring.coreos.com/v1alpha1"
    kind       = "AlertmanagerConfig"
    metadata   = merge(local.metadata, { name = "tenant" })
    spec = {
      route     = { receiver = "customer", groupBy = ["alertname"], repeatInterval = "4h" }
      receivers = [{ name = "customer", webhookConfigs = [{ url = var.alerts.webhook }] }]
    }
  }

  depends_on = [kubernetes_manifest.namespace, module.cluster]
}

resource "kubernetes_manifest" "dashboard" {
  cluster = local.cluster
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = merge(local.metadata, { name = "dashboard", labels = merge(local.labels, { grafana_dashboard = "1" }) })
    data = {
      "tenant.json" = jsonencode({
        title = "${var.tenant.name} (${var.environment.name})"
        uid   = substr(sha1(local.instance), 0, 12)
        panels = [for i, panel in [
          { title = "Requests", expr = "sum(rate(http_requests_total{namespace=\"${local.namespace}\"}[5m]))" },
          { title = "Memory", expr = "sum(container_memory_working_set_bytes{namespace=\"${local.namespace}\"})" },
          { title = "Database connections", expr = "sum(cnpg_backends_total{namespace=\"${local.namespace}\"})" },
          ] : {
          id      = i + 1
          type    = "timeseries"
          title   = panel.title
          gridPos = { x = 0, y = 8 * i, w = 24, h = 8 }
          targets = [{ expr = panel.expr }]
        }]
      })
    }
  }

  depends_on = [kubernetes_manifest.namespace]
}
