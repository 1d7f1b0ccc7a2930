# A vault of the customer's own, and an identity that can read this one alone:
# what comes from it into the namespace cannot come into another.

resource "simulated_vault" "this" {
  name   = local.instance
  region = var.environment.region
  tags   = local.tags
}

resource "simulated_identity" "this" {
  name = local.instance
  subjects = [
    "system:serviceaccount:${local.namespace}:app",
    "system:serviceaccount:${local.namespace}:db",
  ]
  tags = local.tags
}

resource "kubernetes_manifest" "secret_store" {
  cluster = local.cluster
  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "SecretStore"
    metadata   = merge(local.metadata, { name = "vault" })
    spec = {
      provider = {
        azurekv = {
          authType          = "WorkloadIdentity"
          vaultUrl          = simulated_vault.this.url
          serviceAccountRef = { name = kubernetes_manifest.service_account["app"].object.metadata.name }
        }
      }
    }
  }

  depends_on = [module.cluster]
}

resource "kubernetes_manifest" "external_secret" {
  cluster = local.cluster
  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata   = merge(local.metadata, { name = "integrations" })
    spec = {
      refreshInterval = "5m"
      secretStoreRef  = { kind = "SecretStore", name = kubernetes_manifest.secret_store.object.metadata.name }
      target          = { name = "integrations" }
      dataFrom        = [{ find = { name = { regexp = ".*" } } }]
    }
  }
}
