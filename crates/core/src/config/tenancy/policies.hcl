# Policies that come with tenantctl. Each is about tenants under a regime:
# compliance = ["gdpr"] in the tenant's block. A policy block of the same name
# takes the place of one of these; enforcement = "off" turns it off.

# Art. 44 and following: personal data stays where the regulation holds.
policy "gdpr-region" {
  compliance = ["gdpr"]
  condition = try(var.environment.region, null) == null ? true : can(regex(
    "^(eu-|europe|.*europe$|france|germany|italy|norway|poland|spain|sweden|switzerland|eusc)",
    var.environment.region,
  ))
  error_message = "${var.tenant.name} is under the GDPR, but runs in ${var.environment.region}, which is no region of the EU."
}

policy "gdpr-backup-region" {
  compliance = ["gdpr"]
  condition = try(var.backup.region, null) == null ? true : can(regex(
    "^(eu-|europe|.*europe$|france|germany|italy|norway|poland|spain|sweden|switzerland|eusc)",
    var.backup.region,
  ))
  error_message = "${var.tenant.name} is under the GDPR, but its backups go to ${try(var.backup.region, "")}, which is no region of the EU."
}

# 45 CFR 164.316(b)(2): records are kept for six years; the custom is seven.
policy "hipaa-retention" {
  compliance    = ["hipaa"]
  condition     = try(var.backup.retention_days, null) == null ? true : var.backup.retention_days >= 2555
  error_message = "${var.tenant.name} is under HIPAA: its backups must be kept for seven years (2555 days), not ${try(var.backup.retention_days, 0)} days."
}

# Health data shares no nodes with that of others.
policy "hipaa-isolation" {
  compliance    = ["hipaa"]
  condition     = var.tier.isolation != "namespace"
  error_message = "${var.tenant.name} is under HIPAA: its tier must give it a node pool or a cluster of its own, which ${var.tier.name} does not."
}

policy "hipaa-encryption" {
  compliance    = ["hipaa"]
  condition     = try(var.backup.encrypted, true) && try(var.storage.encrypted, true)
  error_message = "${var.tenant.name} is under HIPAA: its storage and backups must be encrypted."
}

# CC6.1: who answers for a system is known.
policy "soc2-owner" {
  compliance    = ["soc2"]
  condition     = try(length(var.tenant.labels["owner"]), 0) > 0
  error_message = "${var.tenant.name} is under SOC 2: it needs a label \"owner\" that says who answers for it."
}
