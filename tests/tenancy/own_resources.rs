//! Policies about what the platform itself has.

use super::platform;
use crate::common::Place;

/// The platform has a bucket of its own, outside of the EU.
fn with(policy: &str) -> Place {
    let place = Place::new();
    platform(&place);
    place.edit(
        "fleet",
        "main.hcl",
        "platform \"shop\"",
        "resource \"simulated_bucket\" \"logs\" {\n  name   = \"logs\"\n  region = \"us-west-2\"\n}\nplatform \"shop\"",
    );
    place.write("fleet", "policies.hcl", policy);
    place
}

const OWNED: &str = r#"
policy "owned" {
  resources     = ["simulated_*"]
  condition     = can(self.labels["owner"])
  error_message = "${self.address} of ${var.tenant.name} is nobody's."
}
"#;

#[test]
fn a_policy_about_objects_is_about_the_platforms_own_too() {
    let place = with(OWNED);
    let said = place.run("fleet", &["plan"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.words().contains("simulated_bucket.logs of platform is nobody's."), "{}", said.stderr);
    assert!(said.stderr.contains("in: platform:simulated_bucket.logs"), "{}", said.stderr);
    assert!(said.stderr.contains("policies.hcl:4:"), "{}", said.stderr);
    place.edit(
        "fleet",
        "main.hcl",
        "region = \"us-west-2\"",
        "region = \"us-west-2\"\n  tags = { owner = \"ops\" }",
    );
    place.ok("fleet", &["apply", "-auto-approve", "-platform"]);
    assert_eq!(place.states("fleet").len(), 1);
}

#[test]
fn a_policy_that_is_about_tenants_leaves_the_platform_alone() {
    for (from, to) in [
        ("resources     =", "applies_to    = [\"tenants\"]\n  resources     ="),
        ("resources     =", "tiers         = [\"starter\"]\n  resources     ="),
        ("resources     =", "compliance    = [\"gdpr\"]\n  resources     ="),
        // What the platform has no such thing of.
        ("can(", "var.environment.region == null || can("),
        ("can(", "var.level == null || can("),
        // Plans as a whole.
        (
            "resources     = [\"simulated_*\"]\n  condition     = can(self.labels[\"owner\"])",
            "condition = length(self.resources) < 1 || var.tenant.name != \"platform\"",
        ),
    ] {
        let place = with(&OWNED.replace(from, to).replace("${self.address} of", ""));
        let said = place.run("fleet", &["plan", "-platform"]);
        assert_eq!(said.code, 0, "{to}: {}", said.stderr);
    }
}

#[test]
fn a_policy_may_be_about_the_platform_alone() {
    let place = with(
        "policy \"few\" {\n  applies_to    = [\"platform\"]\n  condition     = length(self.resources) <= 1\n  \
         error_message = \"${var.platform.name} has ${length(self.resources)} objects of its own.\"\n}\n",
    );
    place.write("fleet", "blueprint/more.tf", "resource \"terraform_data\" \"more\" {}\n");
    place.ok("fleet", &["plan"]);
    place.write("fleet", "more.tf", "resource \"terraform_data\" \"more\" {}\n");
    let said = place.run("fleet", &["plan", "-platform"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    let told = said.words();
    assert!(told.contains("shop has 2 objects of its own.") && !told.contains("the tenant"), "{told}");
    assert!(said.stderr.contains("policies.hcl:3:"), "{}", said.stderr);
    // Who says so, is told where it asks for what the platform has not.
    place.edit("fleet", "policies.hcl", "length(self.resources) <= 1", "var.level != \"debug\"");
    let said = place.run("fleet", &["plan", "-platform"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.words().contains("platform has no variable \"level\"."), "{}", said.stderr);
}

/// Regimes of the platform are those of all that there is.
#[test]
fn the_platform_may_be_under_a_regime_with_all_that_is_in_it() {
    let place = with("");
    place.ok("fleet", &["plan"]);
    place.edit("fleet", "main.hcl", "unique    =", "compliance = [\"gdpr\"]\n  unique    =");
    let said = place.run("fleet", &["plan"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    let told = said.words();
    assert!(told.contains("platform is under the GDPR, but simulated_bucket.logs is in us-west-2"), "{told}");
    assert!(said.stderr.contains("--> main.hcl:10:"), "{}", said.stderr);
    place.edit("fleet", "main.hcl", "us-west-2", "eu-west-1");
    place.ok("fleet", &["plan"]);
    place.edit("fleet", "main.hcl", "eu-central-1", "us-east-1");
    let said = place.run("fleet", &["plan"]);
    assert!(said.words().contains("globex is under the GDPR, but runs in us-east-1"), "{}", said.stderr);
    let said = place.ok("fleet", &["tenants", "-json"]);
    assert!(said.stdout.contains("\"gdpr\""), "{}", said.stdout);
}
