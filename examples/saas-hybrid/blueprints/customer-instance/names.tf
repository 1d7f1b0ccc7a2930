locals {
  # What the instance is called wherever a name is for the whole fleet. Names
  # of customers and environments have single hyphens only, so no two instances
  # come to the same name.
  full = "${var.platform.name}-${var.tenant.name}--${var.environment.name}"

  # Kubernetes and clouds allow 63 characters, and something is appended here
  # and there: the end of a long name gives way to a hash of all of it.
  instance  = length(local.full) <= 52 ? local.full : "${trimsuffix(substr(local.full, 0, 43), "-")}-${substr(sha1(local.full), 0, 8)}"
  namespace = local.instance

  dedicated = var.tier.isolation != "namespace"

  # Whose it is, on everything; the tags of cloud resources are the same.
  owner = {
    "shop.example.com/tenant"      = var.tenant.name
    "shop.example.com/tier"        = var.tier.name
    "shop.example.com/environment" = var.environment.name
    "shop.example.com/cost-centre" = var.cost_centre
  }
  tags = merge(var.tenant.labels, {
    tenant      = var.tenant.name
    tier        = var.tier.name
    environment = var.environment.name
    cost_centre = var.cost_centre
  })

  # Customers cannot change what carries this, see modules/cluster/policies.tf.
  labels   = merge(local.owner, { "app.kubernetes.io/managed-by" = "tenantctl" })
  metadata = { namespace = local.namespace, labels = local.labels }

  # The pods of the application.
  app = { "app.kubernetes.io/name" = "web" }

  # The names under which the customer is reached.
  host  = "${var.tenant.name}.${var.base_domain}"
  hosts = sort(concat([local.host], var.domains))
}
