# A PostgreSQL of the customer's own, run by CloudNativePG.

resource "simulated_bucket" "backups" {
  name           = "${local.instance}-backups"
  region         = var.environment.region
  encrypted      = true
  retention_days = var.backup.retention_days
  tags           = local.tags
}

resource "kubernetes_manifest" "database" {
  cluster = local.cluster
  manifest = {
    apiVersion = "postgresql.cnpg.io/v1"
    kind       = "Cluster"
    metadata   = merge(local.metadata, { name = "db" })
    spec = {
      instances         = var.database.instances
      imageName         = "ghcr.io/cloudnative-pg/postgresql:${var.database.version}"
      imagePullPolicy   = "Always"
      priorityClassName = kubernetes_manifest.priority.object.metadata.name
      enablePDB         = var.database.instances > 1
      inheritedMetadata = { labels = local.owner }
      bootstrap         = { initdb = { database = "app", owner = "app" } }
      storage           = { size = var.database.storage, storageClass = "customer" }
      resources = {
        requests = { cpu = var.database.cpu, memory = var.database.memory }
        limits   = { memory = var.database.memory }
      }
      affinity = merge(local.placement, {
        enablePodAntiAffinity = true
        topologyKey           = "topology.kubernetes.io/zone"
      })
      # A failover must not wait for an hour for the old primary to end.
      switchoverDelay = 60
      serviceAccountTemplate = {
        metadata = { annotations = { "azure.workload.identity/client-id" = simulated_identity.this.client_id } }
      }
      backup = {
        retentionPolicy = "${var.backup.retention_days}d"
        barmanObjectStore = {
          destinationPath  = simulated_bucket.backups.url
          azureCredentials = { inheritFromAzureAD = true }
          wal              = { compression = "gzip" }
        }
      }
    }
  }

  dynamic "wait" {
    for_each = var.wait_until_healthy ? [true] : []
    content {
      condition {
        type = "Ready"
      }
    }
  }

  depends_on = [
    kubernetes_manifest.quota,
    kubernetes_manifest.limits,
    kubernetes_manifest.network_policy,
    module.cluster,
  ]
}

resource "kubernetes_manifest" "scheduled_backup" {
  cluster = local.cluster
  manifest = {
    apiVersion = "postgresql.cnpg.io/v1"
    kind       = "ScheduledBackup"
    metadata   = merge(local.metadata, { name = "db" })
    spec = {
      schedule             = var.backup.schedule
      backupOwnerReference = "self"
      method               = "barmanObjectStore"
      cluster              = { name = kubernetes_manifest.database.object.metadata.name }
    }
  }
}

resource "kubernetes_manifest" "pooler" {
  cluster = local.cluster
  manifest = {
    apiVersion = "postgresql.cnpg.io/v1"
    kind       = "Pooler"
    metadata   = merge(local.metadata, { name = "db-pooler" })
    spec = {
      cluster   = { name = kubernetes_manifest.database.object.metadata.name }
      instances = var.database.poolers
      type      = "rw"
      pgbouncer = { poolMode = "session" }
      template = {
        metadata = { labels = local.owner }
        spec = merge(local.placement, {
          priorityClassName = kubernetes_manifest.priority.object.metadata.name
          initContainers    = [{ name = "bootstrap-controller", imagePullPolicy = "Always" }]
          containers        = [{ name = "pgbouncer", imagePullPolicy = "Always" }]
        })
      }
    }
  }
}
