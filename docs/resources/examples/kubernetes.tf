provider "kubernetes" {
  config_path    = "~/.kube/config"
  config_context = "shop"
}

resource "kubernetes_manifest" "quota" {
  manifest = {
    apiVersion = "v1"
    kind       = "ResourceQuota"
    metadata   = { name = "quota", namespace = "acme" }
    spec       = { hard = { "requests.cpu" = "4", "requests.memory" = "8Gi" } }
  }

  timeouts {
    create = "2m"
  }
}

data "kubernetes_resource" "ingress" {
  api_version = "v1"
  kind        = "Service"

  metadata {
    name      = "ingress"
    namespace = "ingress"
  }
}
