use crate::common::Place;

/// Tenants whose block or file is not right, beside others.
mod broken;
/// Claims, guards, vanished tenants: what a fleet's plan is refused for.
mod guards;
/// Layers of settings: merged, explained, checked at the line that set them.
mod layers;
/// Taking tenants in and letting them go; reports; drift.
mod onboarding;
/// Policies about what the platform itself has.
mod own_resources;
/// Policies, built in and one's own.
mod policies;
/// Policies of regimes, over settings and objects of every type.
mod regimes;
/// What the platform's resources bring to its tenants.
mod sharing;
/// What users ask for by mistake, and ask for twice.
mod slips;
/// Policies about plans as a whole that only an apply can decide.
mod whole_plans;

/// A platform with two environments, three tiers, one of which extends another,
/// and tenants in the file and in a directory.
fn platform(place: &Place) {
    let put = |file: &str, text: &str| place.write("fleet", file, text);
    put(
        "main.hcl",
        r#"
variable "base" {
  default = "example.com"
}
locals {
  level = "info"
}
platform "shop" {
  blueprint = "./blueprint"
  tenants   = "./tenants"
  settings  = { version = "1.0", level = local.level, db = { size = 1, host = "db.${var.base}" } }
  labels    = { team = "shop" }
  unique    = ["domains"]
}
tier "starter" {
  settings = { replicas = 2, db = { size = 2 } }
  labels   = { cost = "low" }
}
tier "business" {
  extends   = "starter"
  isolation = "node_pool"
  settings  = { replicas = 3 }
}
environment "staging" {
  region   = "eu-west-1"
  settings = { level = "debug" }
}
environment "production" {
  region = "eu-central-1"
}
tenant "acme" {
  tier         = "starter"
  environments = ["staging", "production"]
  settings     = { domains = ["acme.example.com"] }
  environment "staging" {
    settings = { replicas = 1, domains = ["acme.staging.example.com"] }
  }
}
"#,
    );
    put("tenants/globex.hcl", &tenant("globex", "business", "db = { host = null }"));
    put("tenants/initech.hcl", &tenant("initech", "starter", "version = \"1.1\""));
    put(
        "blueprint/main.tf",
        r#"
variable "tenant" {
  type = object({ name = string, labels = map(string), compliance = list(string) })
}
variable "tier" {
  type = object({ name = string, isolation = string })
}
variable "environment" {
  type = object({ name = string, region = string, cluster = any })
}
variable "version" {
  type = string
}
variable "level" {
  type = string
}
variable "replicas" {
  type = number
}
variable "domains" {
  type    = list(string)
  default = []
}
variable "db" {
  type = object({ size = number, host = optional(string, "none") })
}
resource "terraform_data" "app" {
  input = "${var.tenant.name} ${var.tier.isolation} ${var.environment.region} ${var.version} ${var.level} ${var.replicas} ${var.db.size} ${var.db.host} ${join("+", values(var.tenant.labels))}"
}
output "app" {
  value = terraform_data.app.output
}
"#,
    );
}

fn tenant(name: &str, tier: &str, settings: &str) -> String {
    format!(
        "tenant \"{name}\" {{\n  tier         = \"{tier}\"\n  environments = [\"production\"]\n  \
         settings     = {{ domains = [\"{name}.example.com\"], {settings} }}\n}}\n"
    )
}
