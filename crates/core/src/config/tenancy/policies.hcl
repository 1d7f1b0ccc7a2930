# Policies that come with tenantctl. Each is about tenants under a regime:
# compliance = ["gdpr"] in the tenant's block, or in the platform's for all of
# them and for what they share. A policy block of the same name takes the place
# of one of these; enforcement = "off" turns it off.
#
# What self.region, self.encrypted and the like are of each type of objects
# stands in docs/policies.md. They are null where an object does not say.

locals {
  # Regions of the EU, as AWS, Azure and others call them.
  eu = "^(eu-|europe|.*europe$|austria|belgium|denmark|finland|france|germany|greece|italy|norway|poland|spain|sweden|switzerland|eusc)"
}

# Art. 44 and following: personal data stays where the regulation holds.
policy "gdpr-region" {
  compliance = ["gdpr"]
  condition  = try(var.environment.region, null) == null ? true : can(regex(local.eu, lower(replace(var.environment.region, " ", ""))))
  error_message = "${var.tenant.name} is under the GDPR, but runs in ${var.environment.region}, which is no region of the EU. Have it run in an environment that is in one."
}

policy "gdpr-backup-region" {
  compliance = ["gdpr"]
  condition  = try(var.backup.region, null) == null ? true : can(regex(local.eu, lower(replace(var.backup.region, " ", ""))))
  error_message = "${var.tenant.name} is under the GDPR, but its backups go to ${try(var.backup.region, "")}, which is no region of the EU. Have them kept in one."
}

policy "gdpr-residency" {
  compliance = ["gdpr"]
  resources  = ["*"]
  condition  = self.region == null ? true : can(regex(local.eu, lower(replace(self.region, " ", ""))))
  error_message = "${var.tenant.name} is under the GDPR, but ${self.address} is in ${self.region}, which is no region of the EU. Put it into one."
}

# Nobody reads personal or health data without being asked who he is.
policy "private-data" {
  compliance    = ["gdpr", "hipaa", "soc2"]
  resources     = ["*"]
  condition     = self.public != true
  error_message = "${var.tenant.name} is under ${upper(join(", ", var.tenant.compliance))}, but anybody may read what ${self.address} is about. Have it refuse all that is public."
}

# 45 CFR 164.316(b)(2): records are kept for six years; the custom is seven.
# Settings are heard where no object says for how long.
policy "hipaa-retention" {
  compliance    = ["hipaa"]
  condition     = try(var.backup.retention_days, null) == null || anytrue([for o in self.resources : o.retention_days != null]) ? true : var.backup.retention_days >= 2555
  error_message = "${var.tenant.name} is under HIPAA: its backups must be kept for seven years (2555 days), not ${try(var.backup.retention_days, 0)} days."
}

policy "hipaa-kept" {
  compliance    = ["hipaa"]
  resources     = ["*"]
  condition     = self.retention_days == null ? true : self.retention_days >= 2555
  error_message = "${var.tenant.name} is under HIPAA: what ${self.address} holds must be kept for seven years (2555 days), not ${self.retention_days} days."
}

# Health data shares no nodes with that of others.
policy "hipaa-isolation" {
  compliance    = ["hipaa"]
  condition     = var.tier.isolation != "namespace"
  error_message = "${var.tenant.name} is under HIPAA: its tier must give it a node pool or a cluster of its own, which ${var.tier.name} does not."
}

# 45 CFR 164.312(a)(2)(iv).
policy "hipaa-encryption" {
  compliance    = ["hipaa"]
  condition     = try(var.backup.encrypted, true) && try(var.storage.encrypted, true)
  error_message = "${var.tenant.name} is under HIPAA: its storage and backups must be encrypted."
}

policy "hipaa-encrypted" {
  compliance    = ["hipaa"]
  resources     = ["*"]
  condition     = self.encrypted != false
  error_message = "${var.tenant.name} is under HIPAA: what ${self.address} holds must be encrypted, which it is not. Turn its encryption on."
}

# 45 CFR 164.308(a)(7): what was removed by mistake can be brought back.
policy "hipaa-recovery" {
  compliance    = ["hipaa"]
  enforcement   = "warn"
  resources     = ["*"]
  condition     = self.protected != false
  error_message = "${var.tenant.name} is under HIPAA, but what is removed from ${self.address} can be purged at once. Turn its protection on."
}

# CC6.1: who answers for a system is known.
policy "soc2-owner" {
  compliance    = ["soc2"]
  condition     = try(length(var.tenant.labels["owner"]), 0) > 0
  error_message = "${var.tenant.name} is under SOC 2: it needs a label \"owner\" that says who answers for it."
}
