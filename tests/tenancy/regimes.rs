use super::platform;
use crate::common::Place;

/// Puts a tenant with a pool of its own under a regime, with these objects in
/// its blueprint.
fn under(compliance: &str, objects: &str) -> Place {
    let place = Place::new();
    platform(&place);
    place.edit(
        "fleet",
        "tenants/globex.hcl",
        "tier         =",
        &format!("compliance = [\"{compliance}\"]\n  tier ="),
    );
    place.write("fleet", "blueprint/objects.tf", objects.trim_start());
    place
}

/// What is said, without the breaks of its lines.
fn words(said: &str) -> String {
    said.split_whitespace().filter(|word| *word != "=").collect::<Vec<_>>().join(" ")
}

#[test]
fn a_regime_is_held_at_plan() {
    for (compliance, from, to, at, why) in [
        (
            "gdpr",
            "eu-central-1",
            "us-east-1",
            "main.hcl:29",
            "runs in us-east-1, which is no region of the EU",
        ),
        (
            "hipaa",
            "host = null }",
            "host = null }, backup = { retention_days = 30 }",
            "tenants/globex.hcl:5",
            "kept for seven years",
        ),
        ("soc2", "eu-central-1", "eu-central-1", "tenants/globex.hcl:1", "needs a label \"owner\""),
    ] {
        let place = under(
            compliance,
            "variable \"backup\" {\n  type = object({ retention_days = optional(number, 2555) })\n  default = {}\n}\n",
        );
        let file = if from.starts_with("eu") { "main.hcl" } else { "tenants/globex.hcl" };
        place.edit("fleet", file, from, to);
        let said = place.run("fleet", &["plan"]);
        assert_eq!(said.code, 1, "{compliance}: {}", said.stdout);
        let told = words(&said.stderr);
        assert!(told.contains("Policy not kept") && told.contains(why), "{}", said.stderr);
        assert!(said.stderr.contains(&format!("--> {at}:")), "{}", said.stderr);
        assert!(told.contains(&format!("for {compliance}.")), "{}", said.stderr);
        // The others are not under it.
        assert!(said.stdout.contains("acme/production"), "{}", said.stdout);
        // One's own of that name takes its place.
        let name = said
            .stderr
            .split("The policy is \"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("named");
        let own = format!(
            "policy \"{name}\" {{\n  enforcement = \"off\"\n  condition = true\n  error_message = \"\"\n}}\n"
        );
        place.write("fleet", "own.hcl", &own);
        place.ok("fleet", &["plan"]);
    }
}

const AZURE: &str = "provider \"azurerm\" {\n  features {}\n  subscription_id = \"00000000-0000-0000-0000-000000000000\"\n}\n";

/// Whatever the type calls it, and wherever it is set: the object, what is
/// wrong with it, and the line are named.
#[test]
fn a_regime_holds_of_every_planned_object() {
    for (compliance, objects, line, object, why) in [
        (
            "gdpr",
            r#"
provider "aws" {
  region = "us-east-1"
}
resource "aws_s3_bucket" "data" {
  bucket = "globex-data"
}
"#
            .to_owned(),
            2,
            "aws_s3_bucket.data",
            "globex is under the GDPR, but aws_s3_bucket.data is in us-east-1, which is no region of the EU.",
        ),
        (
            "gdpr",
            format!(
                "{AZURE}resource \"azurerm_resource_group\" \"main\" {{\n  name     = \"globex\"\n  location = \"East US\"\n}}\n"
            ),
            7,
            "azurerm_resource_group.main",
            "azurerm_resource_group.main is in East US",
        ),
        (
            "hipaa",
            r#"
provider "aws" {
  region = "us-east-1"
}
resource "aws_s3_bucket_lifecycle_configuration" "data" {
  bucket = "globex-data"
  rule {
    id     = "paused"
    status = "Disabled"
    expiration {
      days = 1
    }
  }
  rule {
    id     = "old"
    status = "Enabled"
    expiration {
      days = 90
    }
  }
}
"#
            .to_owned(),
            17,
            "aws_s3_bucket_lifecycle_configuration.data",
            "must be kept for seven years (2555 days), not 90 days",
        ),
        (
            "hipaa",
            r#"
resource "kubernetes_manifest" "db" {
  manifest = {
    apiVersion = "postgresql.cnpg.io/v1"
    kind       = "Cluster"
    metadata   = { name = "db", namespace = "globex" }
    spec = {
      backup = { retentionPolicy = "30d" }
    }
  }
}
"#
            .to_owned(),
            7,
            "kubernetes_manifest.db",
            "must be kept for seven years (2555 days), not 30 days",
        ),
        (
            "hipaa",
            r#"
resource "simulated_bucket" "data" {
  name      = "globex"
  region    = "us-east-1"
  encrypted = false
}
"#
            .to_owned(),
            4,
            "simulated_bucket.data",
            "what simulated_bucket.data holds must be encrypted",
        ),
        (
            "hipaa",
            format!(
                "{AZURE}resource \"azurerm_kubernetes_cluster_node_pool\" \"own\" {{\n  name                  = \"own\"\n  \
                 kubernetes_cluster_id = \"/subscriptions/0/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c\"\n  \
                 vm_size               = \"Standard_D2s_v5\"\n}}\n"
            ),
            5,
            "azurerm_kubernetes_cluster_node_pool.own",
            "must be encrypted",
        ),
        (
            "soc2",
            r#"
resource "aws_s3_bucket_public_access_block" "data" {
  region                  = "us-east-1"
  bucket                  = "globex-data"
  block_public_acls       = true
  block_public_policy     = false
  ignore_public_acls      = true
  restrict_public_buckets = true
}
"#
            .to_owned(),
            5,
            "aws_s3_bucket_public_access_block.data",
            "anybody may read what aws_s3_bucket_public_access_block.data is about",
        ),
    ] {
        let place = under(compliance, &objects);
        place.edit("fleet", "tenants/globex.hcl", "settings ", "labels = { owner = \"ops\" }\n  settings ");
        let said = place.run("fleet", &["plan", "-simulate", "-tenant=globex"]);
        assert_eq!(said.code, 1, "{object}: {}", said.stdout);
        assert!(words(&said.stderr).contains(why), "{object}: {}", said.stderr);
        assert!(
            said.stderr.contains(&format!("--> blueprint/objects.tf:{line}:")),
            "{object}: {}",
            said.stderr
        );
        assert!(
            said.stderr.contains(&format!("in: globex/production:{object}")),
            "{object}: {}",
            said.stderr
        );
        assert_eq!(said.stderr.matches("error: ").count(), 1, "{object}: {}", said.stderr);
    }
}

#[test]
fn what_keeps_a_regime_is_planned_without_a_word() {
    let objects = format!(
        r#"
provider "aws" {{
  region = "eu-north-1"
}}
resource "aws_s3_bucket" "data" {{
  bucket = "globex-data"
}}
resource "aws_route53_zone" "names" {{
  region = "us-east-1"
  name   = "globex.example.com"
}}
{AZURE}resource "azurerm_resource_group" "main" {{
  name     = "globex"
  location = "West Europe"
}}
resource "kubernetes_manifest" "settings" {{
  manifest = {{
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = {{ name = "settings", namespace = "globex" }}
    spec       = {{ retentionPolicy = "1d" }}
  }}
}}
"#
    );
    let place = under("gdpr", &objects);
    let said = place.ok("fleet", &["plan", "-simulate", "-tenant=globex"]);
    assert!(!said.stderr.contains("Policy"), "{}", said.stderr);
    // Who is not under a regime may be where he likes.
    place.edit("fleet", "blueprint/objects.tf", "eu-north-1", "us-east-1");
    let said = place.ok("fleet", &["plan", "-simulate", "-tenant=acme", "-environment=production"]);
    assert!(!said.stderr.contains("Policy"), "{}", said.stderr);
}

#[test]
fn what_is_only_advised_is_a_warning() {
    let objects = format!(
        "{AZURE}resource \"azurerm_key_vault\" \"keys\" {{\n  name = \"globex-keys\"\n  resource_group_name = \"globex\"\n  \
         location = \"westeurope\"\n  sku_name = \"standard\"\n  tenant_id = \"00000000-0000-0000-0000-000000000000\"\n}}\n"
    );
    let place = under("hipaa", &objects);
    let said = place.ok("fleet", &["plan", "-simulate", "-tenant=globex"]);
    assert!(
        words(&said.stderr).contains("removed from azurerm_key_vault.keys can be purged at once"),
        "{}",
        said.stderr
    );
    place.edit("fleet", "blueprint/objects.tf", "sku_name", "purge_protection_enabled = true\n  sku_name");
    let said = place.ok("fleet", &["plan", "-simulate", "-tenant=globex"]);
    assert!(!said.stderr.contains("Policy"), "{}", said.stderr);
}

/// The line that asks is the tenant's own, however many hands it goes through;
/// it is told once for all objects that follow it.
#[test]
fn the_setting_that_asks_for_what_is_wrong_is_named() {
    let place = under(
        "gdpr",
        r#"
variable "where" {
  type    = object({ region = string })
  default = { region = "eu-west-1" }
}
locals {
  place = { data = var.where }
}
module "store" {
  source = "./store"
  region = local.place.data.region
}
"#,
    );
    place.write(
        "fleet",
        "blueprint/store/main.tf",
        r#"
variable "region" {
  type = string
}
resource "simulated_bucket" "data" {
  count  = 3
  name   = "globex-${count.index}"
  region = "${var.region}"
}
"#,
    );
    place.ok("fleet", &["plan", "-tenant=globex"]);
    place.edit(
        "fleet",
        "tenants/globex.hcl",
        "host = null }",
        "host = null }, where = { region = \"us-west-2\" }",
    );
    let said = place.run("fleet", &["plan", "-tenant=globex"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stderr.contains("--> tenants/globex.hcl:5:"), "{}", said.stderr);
    assert!(said.stderr.contains("::: blueprint/store/main.tf:8:"), "{}", said.stderr);
    let told = words(&said.stderr);
    assert!(told.contains("module.store.simulated_bucket.data[0] is in us-west-2"), "{}", said.stderr);
    assert!(
        told.contains("The same goes for module.store.simulated_bucket.data[1] and 1 more."),
        "{}",
        said.stderr
    );
    assert_eq!(said.stderr.matches("error: ").count(), 1, "{}", said.stderr);
}

/// What the plan cannot tell is told when it can be: before the object is made.
#[test]
fn what_waits_for_the_apply_is_judged_by_it() {
    let objects = |region: &str| {
        format!(
            "resource \"terraform_data\" \"where\" {{\n  input = \"{region}\"\n}}\n\
             resource \"simulated_vault\" \"keys\" {{\n  name   = \"globex\"\n  region = terraform_data.where.output\n}}\n"
        )
    };
    let place = under("gdpr", &objects("us-west-2"));
    let said = place.ok("fleet", &["plan", "-tenant=globex", "-out=it.plan"]);
    assert!(said.stderr.contains("warning: Policy not decided"), "{}", said.stderr);
    assert!(said.stderr.contains("--> blueprint/objects.tf:6:"), "{}", said.stderr);
    let said = place.run("fleet", &["apply", "it.plan"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(words(&said.stderr).contains("but simulated_vault.keys is in us-west-2"), "{}", said.stderr);
    let made = |place: &Place| {
        let states = place.states("fleet");
        states
            .iter()
            .flat_map(|state| state.resources.keys().map(ToString::to_string).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    assert!(!made(&place).contains(&"simulated_vault.keys".to_owned()), "{:?}", made(&place));

    let place = under("gdpr", &objects("eu-west-1"));
    let said = place.ok("fleet", &["apply", "-auto-approve", "-tenant=globex"]);
    assert_eq!(said.stderr.matches("Policy not decided").count(), 1, "{}", said.stderr);
    assert!(made(&place).contains(&"simulated_vault.keys".to_owned()), "{:?}", made(&place));
    let said = place.ok("fleet", &["plan", "-tenant=globex"]);
    assert!(!said.stderr.contains("Policy"), "{}", said.stderr);

    // Where the service decides, it is told once it has.
    let place = under("gdpr", "resource \"aws_s3_bucket\" \"data\" {\n  bucket = \"globex-data\"\n}\n");
    let said = place.run("fleet", &["apply", "-simulate", "-auto-approve", "-tenant=globex"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stderr.contains("Policy not decided"), "{}", said.stderr);
    assert!(words(&said.stderr).contains("It is there already"), "{}", said.stderr);
    assert!(made(&place).contains(&"aws_s3_bucket.data".to_owned()), "{:?}", made(&place));
}
