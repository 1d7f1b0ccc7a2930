use super::platform;
use crate::common::Place;

fn with(place: &Place, policy: &str) {
    platform(place);
    let path = place.example("fleet").join("main.hcl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, format!("{text}\n{policy}")).unwrap();
}

#[test]
fn ones_own_policies_look_at_planned_objects() {
    let place = Place::new();
    with(
        &place,
        r#"
policy "no-debug-in-production" {
  environments  = ["production"]
  tiers         = ["starter"]
  condition     = var.level != "debug"
  error_message = "${var.tenant.name} would log everything."
}
policy "short-names" {
  resources     = ["terraform_data"]
  enforcement   = "warn"
  condition     = length(self.values.input) < 10
  error_message = "${self.address} is long in ${var.environment.name}."
}
policy "at-home" {
  resources     = ["simulated_*"]
  condition     = self.region == var.environment.region
  error_message = "${self.type} is in ${self.region}."
}
policy "owned" {
  resources     = ["*"]
  enforcement   = "warn"
  condition     = self.labels == null || can(self.labels["owner"])
  error_message = "${self.address} is nobody's."
}
policy "few" {
  condition     = length(self.resources) <= 1
  error_message = "Too many objects."
}
"#,
    );
    let said = place.ok("fleet", &["plan"]);
    assert!(said.stderr.contains("terraform_data.app is long in staging."), "{}", said.stderr);
    assert!(said.stderr.contains("warning: Policy not kept"), "{}", said.stderr);
    assert!(!said.stderr.contains("nobody's"), "{}", said.stderr);
    // The line that asks comes first, the policy second.
    let bucket = "resource \"simulated_bucket\" \"b\" {\n  name   = var.tenant.name\n  region = \"eu-south-1\"\n  tags   = {}\n}\n";
    place.write("fleet", "blueprint/bucket.tf", bucket);
    let said = place.run("fleet", &["plan", "-tenant=initech"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    for words in [
        "simulated_bucket is in eu-south-1.",
        "--> blueprint/bucket.tf:3:",
        "the policy",
        "simulated_bucket.b is nobody's.",
    ] {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
    std::fs::remove_file(place.example("fleet").join("blueprint/bucket.tf")).unwrap();
    place.edit("fleet", "tenants/initech.hcl", "version = \"1.1\"", "level = \"debug\"");
    let said = place.run("fleet", &["apply", "-auto-approve"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("initech would log everything."), "{}", said.stderr);
    assert_eq!(place.states("fleet").len(), 3, "the others are applied");
}

/// Words that many policies have in common stand once.
#[test]
fn policies_may_refer_to_plain_local_values() {
    let place = Place::new();
    with(
        &place,
        "locals {\n  quiet = [\"info\", local.silent]\n  silent = \"warn\"\n}\n\
         policy \"quiet\" {\n  condition     = contains(local.quiet, var.level)\n  \
         error_message = \"${var.level} is none of ${join(\", \", local.quiet)}.\"\n}\n",
    );
    place.ok("fleet", &["plan", "-tenant=globex"]);
    let said = place.run("fleet", &["plan", "-tenant=acme", "-environment=staging"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stderr.contains("debug is none of info, warn."), "{}", said.stderr);
}

#[test]
fn a_shared_cluster_promises_no_more_than_it_has() {
    let place = Place::new();
    platform(&place);
    place.edit(
        "fleet",
        "main.hcl",
        "region = \"eu-central-1\"",
        "region = \"eu-central-1\"\n  capacity = { replicas = 4, \"db.size\" = \"4\" }",
    );
    // Two starters of 2 fit; who has a pool of his own does not count.
    place.ok("fleet", &["plan"]);
    place.edit("fleet", "tenants/initech.hcl", "version = \"1.1\"", "db = { size = 3 }");
    let said = place.run("fleet", &["plan", "-tenant=acme"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("Promised more than there is"), "{}", said.stderr);
    let words = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("2 tenants are promised 5 of \"db.size\" in production, which has 4. The most have initech 3, acme 2."), "{}", said.stderr);
}

#[test]
fn a_policy_that_is_no_policy_is_named() {
    for (policy, words) in [
        ("policy \"p\" {}", "needs \"condition\""),
        (
            "policy \"p\" {\n  condition = true\n  error_message = \"\"\n  enforcement = \"dny\"\n}",
            "Did you mean \"deny\"?",
        ),
        ("policy \"p\" {\n  condition = var.levl\n  error_message = \"\"\n}", "Did you mean \"level\"?"),
        ("policy \"p\" {\n  condition = 3\n  error_message = \"\"\n}", "must be true or false, not 3"),
        (
            "policy \"p\" {\n  condition = local.x\n  error_message = \"\"\n}",
            "There is no local value \"x\".",
        ),
        (
            "policy \"p\" {\n  condition = terraform_data.x.id == \"\"\n  error_message = \"\"\n}",
            "refers to var, local and self only",
        ),
        (
            "policy \"p\" {\n  resources = [\"*\", \"terraform_dat\"]\n  condition = true\n  error_message = \"\"\n}",
            "main.hcl:41:21",
        ),
        (
            "policy \"p\" {\n  resources = [\"terraform_dat\"]\n  condition = true\n  error_message = \"\"\n}",
            "Did you mean \"terraform_data\"?",
        ),
        (
            "policy \"p\" {\n  resources = [\"simulatd_*\"]\n  condition = true\n  error_message = \"\"\n}",
            "Did you mean \"simulated_*\"?",
        ),
        (
            "policy \"p\" {\n  applies_to = [\"tenant\"]\n  condition = true\n  error_message = \"\"\n}",
            "Did you mean \"tenants\"?",
        ),
    ] {
        let place = Place::new();
        with(&place, policy);
        let said = place.run("fleet", &["plan"]);
        assert_eq!(said.code, 1, "{policy}: {}", said.stdout);
        assert!(said.stderr.contains(words), "{policy}: {}", said.stderr);
    }
}
