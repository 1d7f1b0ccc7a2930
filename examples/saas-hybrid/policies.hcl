# What must hold of every plan. Policies for customers under GDPR, HIPAA and
# SOC 2 come with tenantctl; a customer says compliance = [...] to be under one.

policy "failover" {
  tiers         = ["business", "enterprise"]
  condition     = var.database.instances >= 2
  error_message = "${var.tenant.name} pays for a database that outlives a node: it needs two instances or more."
}

policy "backups-encrypted" {
  resources     = ["simulated_bucket"]
  condition     = self.values.encrypted
  error_message = "The backups of ${var.tenant.name} must be encrypted."
}

policy "alerts-private" {
  enforcement   = "warn"
  condition     = startswith(var.alerts.webhook, "https://")
  error_message = "Alerts of ${var.tenant.name} are sent where others can read them."
}
