//! Policies about plans as a whole that only an apply can decide.

use serde_json::Value as Json;

use super::{platform, sharing::sharing};
use crate::common::Place;

/// Policies over plans as a whole, by what only an apply tells. Buckets follow
/// what another object brings.
fn with(policy: &str, days: u32) -> Place {
    let place = Place::new();
    platform(&place);
    place.write(
        "fleet",
        "blueprint/buckets.tf",
        &format!(
            r#"
resource "terraform_data" "days" {{
  input = {days}
}}
resource "simulated_bucket" "data" {{
  count          = 2
  name           = "${{var.tenant.name}}-${{count.index}}"
  region         = "eu-west-1"
  retention_days = terraform_data.days.output
}}
"#
        ),
    );
    place.write("fleet", "policies.hcl", policy);
    place
}

const SUM: &str = r#"
policy "kept-for-not-too-long" {
  condition     = sum([for o in self.resources : o.retention_days == null ? 0 : o.retention_days]) <= 100
  error_message = "${var.tenant.name} keeps too much: ${length(self.resources)} objects."
}
"#;

fn made(place: &Place, workspace: &str) -> Vec<String> {
    let states = place.states("fleet");
    let state = states.iter().find(|state| state.name.as_str() == workspace);
    state.into_iter().flat_map(|state| state.resources.keys().map(ToString::to_string)).collect()
}

#[test]
fn what_would_break_it_together_is_not_begun() {
    let place = with(SUM, 60);
    let said = place.ok("fleet", &["plan", "-tenant=globex", "-out=it.plan"]);
    let told = said.words();
    assert!(told.contains("Whether globex/production keeps the policy \"kept-for-not-too-long\""), "{told}");
    assert!(told.contains("The apply looks again before each thing that it does"), "{told}");
    let shown: Json = serde_json::from_str(&place.ok("fleet", &["show", "-json", "it.plan"]).stdout).unwrap();
    let [pending] = &shown["pending_policies"].as_array().unwrap()[..] else { panic!("{shown}") };
    assert_eq!(pending["address"], "globex/production");
    assert_eq!(pending["severity"], "error");
    assert_eq!(pending["hint"], "The policy is \"kept-for-not-too-long\".");
    for apply in [&["apply", "it.plan"][..], &["apply", "-auto-approve", "-tenant=globex"]] {
        let said = place.run("fleet", apply);
        assert_eq!(said.code, 1, "{apply:?}: {}", said.stdout);
        let told = said.words();
        assert!(told.contains("Policy not kept"), "{apply:?}: {told}");
        assert!(told.contains("globex keeps too much: 4 objects."), "{apply:?}: {told}");
        // The line of the policy, where no setting asks for it.
        assert!(said.stderr.contains("policies.hcl:3:"), "{apply:?}: {}", said.stderr);
        assert!(said.stderr.contains("tenants/globex.hcl:1:"), "{apply:?}: {}", said.stderr);
        // Both follow one object, which tells of both before either is made.
        let made = made(&place, "globex/production");
        assert!(made.contains(&"terraform_data.days".to_owned()), "{made:?}");
        assert!(!made.iter().any(|address| address.starts_with("simulated_bucket")), "{made:?}");
    }
    // It is the plan's to say then.
    let said = place.run("fleet", &["plan", "-tenant=globex"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.words().contains("globex keeps too much"), "{}", said.stderr);
    // One that breaks it stops no other.
    place.edit("fleet", "policies.hcl", "policy \"kept", "policy \"globex-kept");
    place.edit("fleet", "policies.hcl", "  condition ", "  tenants   = [\"globex\"]\n  condition ");
    let said = place.run("fleet", &["apply", "-auto-approve"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert_eq!(made(&place, "initech/production").len(), 4);
}

#[test]
fn what_keeps_it_is_applied_without_another_word() {
    let place = with(SUM, 40);
    place.ok("fleet", &["plan", "-tenant=globex", "-out=it.plan"]);
    let said = place.ok("fleet", &["apply", "it.plan"]);
    assert!(!said.stderr.contains("Policy"), "{}", said.stderr);
    assert_eq!(made(&place, "globex/production").len(), 4);
    let said = place.ok("fleet", &["plan", "-tenant=globex"]);
    assert!(!said.stderr.contains("Policy"), "{}", said.stderr);
}

#[test]
fn what_is_only_advised_is_told_once_and_stops_nothing() {
    let place = with(&SUM.replace("  condition ", "  enforcement = \"warn\"\n  condition "), 60);
    let said = place.ok("fleet", &["apply", "-auto-approve", "-tenant=globex"]);
    assert_eq!(said.stderr.matches("Policy not kept").count(), 1, "{}", said.stderr);
    assert_eq!(made(&place, "globex/production").len(), 4);
}

/// Where services alone can tell, what they told before ends the rest.
#[test]
fn what_a_service_brings_ends_what_is_not_begun() {
    let place = with(
        r#"
policy "short-ids" {
  condition     = alltrue([for o in self.resources : o.name == "days" ? length(o.values.id) < 10 : true])
  error_message = "An id is long."
}
"#,
        1,
    );
    let said = place.run("fleet", &["apply", "-auto-approve", "-tenant=globex"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    let told = said.words();
    assert!(told.contains("An id is long.") && told.contains("not done"), "{told}");
    let made = made(&place, "globex/production");
    assert!(!made.iter().any(|address| address.starts_with("simulated_bucket")), "{made:?}");
    // Where nothing is left to be ended, that is said.
    place.edit("fleet", "policies.hcl", "o.name == \"days\" ?", "o.type == \"simulated_bucket\" ?");
    place.edit("fleet", "policies.hcl", "o.values.id) < 10", "o.values.id) < 1");
    std::fs::remove_file(place.example("fleet").join("blueprint/buckets.tf")).unwrap();
    place.write(
        "fleet",
        "blueprint/bucket.tf",
        "resource \"simulated_bucket\" \"data\" {\n  name   = var.tenant.name\n  region = \"eu-west-1\"\n}\n",
    );
    let said =
        place.run("fleet", &["apply", "-auto-approve", "-tenant=globex", "-target=simulated_bucket.data"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    let told = said.words();
    assert!(told.contains("All is there already: only the services could tell."), "{told}");
}

/// What waits for the platform is decided by what it brings, before anything of
/// the tenant's is begun, whether it is about objects or about the plan.
#[test]
fn what_the_platform_brings_decides_before_anything_is_done() {
    for (about, condition) in [
        ("", "try(var.environment.cluster.name, null) != \"v1\""),
        ("resources = [\"terraform_data\"]", "try(var.environment.cluster.name, null) != self.values.input"),
    ] {
        let place = Place::new();
        sharing(&place);
        if !about.is_empty() {
            place.edit("fleet", "blueprint/main.tf", "  input = \"${var.tenant.name}", "  input = \"v1\" #");
        }
        place.write(
            "fleet",
            "policies.hcl",
            &format!("policy \"no-v1\" {{\n  {about}\n  condition = {condition}\n  error_message = \"It is v1.\"\n}}\n"),
        );
        place.ok("fleet", &["plan", "-out=all.plan"]);
        let said = place.run("fleet", &["apply", "all.plan"]);
        assert_eq!(said.code, 1, "{about}: {}", said.stdout);
        let told = said.words();
        assert!(told.contains("Policy not kept") && told.contains("It is v1."), "{about}: {told}");
        assert!(made(&place, "globex/production").is_empty(), "{about}: {told}");
        // Where there is no such cluster, it is kept.
        assert_eq!(made(&place, "acme/staging"), ["terraform_data.app"], "{about}: {told}");
    }
}
