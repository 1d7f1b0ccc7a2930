# Whatever stands in addons/*.yaml goes into the cluster: put the published
# manifests of CloudNativePG, the Prometheus operator and External Secrets there.

locals {
  documents = flatten([
    for file in fileset("${path.module}/addons", "*.yaml") : [
      for text in split("\n---\n", file("${path.module}/addons/${file}")) :
      yamldecode(text) if length(trimspace(text)) > 0
    ]
  ])

  addons = {
    for object in local.documents :
    "${object.kind}/${try(object.metadata.namespace, "-")}/${object.metadata.name}" => object
  }
}

resource "kubernetes_manifest" "addon" {
  for_each = local.addons

  cluster  = local.cluster
  manifest = each.value

  depends_on = [kubernetes_manifest.namespace]
}
