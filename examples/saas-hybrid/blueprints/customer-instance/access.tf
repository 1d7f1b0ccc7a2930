# Who may do what in the namespace, and nowhere else. People log in as members
# of tenant:NAME:viewers, :developers or :admins; the reconciler is the service
# account that a GitOps controller acts as.

locals {
  read  = ["get", "list", "watch"]
  write = ["get", "list", "watch", "create", "update", "patch", "delete"]

  workloads = [
    { apiGroups = [""], resources = ["pods", "services", "configmaps", "secrets", "persistentvolumeclaims"], verbs = local.write },
    { apiGroups = ["apps"], resources = ["deployments", "statefulsets"], verbs = local.write },
    { apiGroups = ["batch"], resources = ["jobs", "cronjobs"], verbs = local.write },
    { apiGroups = ["networking.k8s.io"], resources = ["ingresses"], verbs = local.write },
    { apiGroups = ["gateway.networking.k8s.io"], resources = ["httproutes"], verbs = local.write },
    { apiGroups = ["autoscaling"], resources = ["horizontalpodautoscalers"], verbs = local.write },
    { apiGroups = ["policy"], resources = ["poddisruptionbudgets"], verbs = local.write },
  ]

  viewing = [
    { apiGroups = [""], resources = ["pods", "pods/log", "services", "configmaps", "events", "resourcequotas", "limitranges"], verbs = local.read },
    { apiGroups = ["apps"], resources = ["deployments", "statefulsets", "replicasets"], verbs = local.read },
    { apiGroups = ["batch"], resources = ["jobs", "cronjobs"], verbs = local.read },
    { apiGroups = ["networking.k8s.io"], resources = ["ingresses", "networkpolicies"], verbs = local.read },
    { apiGroups = ["gateway.networking.k8s.io"], resources = ["httproutes"], verbs = local.read },
    { apiGroups = ["postgresql.cnpg.io"], resources = ["clusters", "poolers", "backups", "scheduledbackups"], verbs = local.read },
  ]

  # The API server grants nobody the right to give more than they have; the
  # cluster's policies keep what is the platform's, and the outside, out of it.
  administration = [
    { apiGroups = ["networking.k8s.io"], resources = ["networkpolicies"], verbs = local.write },
    { apiGroups = ["rbac.authorization.k8s.io"], resources = ["roles", "rolebindings"], verbs = local.write },
  ]

  roles = {
    viewer     = { rules = local.viewing, group = "viewers" }
    developer  = { rules = concat(local.viewing, local.workloads), group = "developers" }
    admin      = { rules = concat(local.viewing, local.workloads, local.administration), group = "admins" }
    reconciler = { rules = concat(local.viewing, local.workloads), group = null }
  }
}

resource "kubernetes_manifest" "role" {
  for_each = local.roles

  cluster = local.cluster
  manifest = {
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "Role"
    metadata   = merge(local.metadata, { name = each.key })
    rules      = each.value.rules
  }

  depends_on = [kubernetes_manifest.namespace]
}

resource "kubernetes_manifest" "role_binding" {
  for_each = local.roles

  cluster = local.cluster
  manifest = {
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "RoleBinding"
    metadata   = merge(local.metadata, { name = each.key })
    roleRef = {
      apiGroup = "rbac.authorization.k8s.io"
      kind     = "Role"
      name     = kubernetes_manifest.role[each.key].object.metadata.name
    }
    subjects = [
      each.value.group == null
      ? { kind = "ServiceAccount", name = "reconciler", namespace = local.namespace }
      : { kind = "Group", apiGroup = "rbac.authorization.k8s.io", name = "tenant:${var.tenant.name}:${each.value.group}" }
    ]
  }
}

# What the application and the reconciler run as. The application asks the
# cloud for its secrets as an identity of its own.
resource "kubernetes_manifest" "service_account" {
  for_each = {
    app        = { "azure.workload.identity/client-id" = simulated_identity.this.client_id }
    reconciler = null
  }

  cluster = local.cluster
  manifest = {
    apiVersion                   = "v1"
    kind                         = "ServiceAccount"
    metadata                     = merge(local.metadata, { name = each.key, annotations = each.value })
    automountServiceAccountToken = false
  }

  depends_on = [kubernetes_manifest.namespace]
}
