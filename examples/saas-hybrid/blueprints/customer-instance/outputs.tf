output "namespace" {
  description = "The customer's namespace."
  value       = kubernetes_manifest.namespace.object.metadata.name
}

output "cluster" {
  description = "Name of the cluster that the namespace is in."
  value       = local.cluster_name
}

output "urls" {
  description = "Where the customer's application answers."
  value       = [for host in local.hosts : "https://${host}"]
}

output "groups" {
  description = "The groups of the identity provider whose members may come in."
  value       = [for role in values(local.roles) : "tenant:${var.tenant.name}:${role.group}" if role.group != null]
}
