use super::platform;
use crate::common::Place;

fn with(place: &Place, policy: &str) {
    platform(place);
    let path = place.example("fleet").join("main.hcl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, format!("{text}\n{policy}")).unwrap();
}

#[test]
fn a_regime_is_held_at_plan() {
    for (compliance, from, to, words) in [
        ("gdpr", "eu-central-1", "us-east-1", "runs in us-east-1, which is no region of the EU"),
        ("hipaa", "host = null }", "host = null }, backup = { retention_days = 30 }", "kept for seven years"),
        ("soc2", "eu-central-1", "eu-central-1", "needs a label \"owner\""),
    ] {
        let place = Place::new();
        platform(&place);
        let path = place.example("fleet").join("blueprint/main.tf");
        let text = std::fs::read_to_string(&path).unwrap();
        let backup = "variable \"backup\" {\n  type = object({ retention_days = optional(number, 2555) })\n  default = {}\n}\n";
        std::fs::write(&path, format!("{text}{backup}")).unwrap();
        place.ok("fleet", &["plan", "-tenant=globex"]);
        place.edit(
            "fleet",
            "tenants/globex.hcl",
            "tier         =",
            &format!("compliance = [\"{compliance}\"]\n  tier ="),
        );
        let file = if from.starts_with("eu") { "main.hcl" } else { "tenants/globex.hcl" };
        place.edit("fleet", file, from, to);
        let said = place.run("fleet", &["plan"]);
        assert_eq!(said.code, 1, "{compliance}: {}", said.stdout);
        let said_words = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said_words.contains("Policy not kept") && said_words.contains(words), "{}", said.stderr);
        assert!(said.stderr.contains("tenants/globex.hcl:1"), "{}", said.stderr);
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
policy "few" {
  condition     = length(self.resources) <= 1
  error_message = "Too many objects."
}
"#,
    );
    let said = place.ok("fleet", &["plan"]);
    assert!(said.stderr.contains("terraform_data.app is long in staging."), "{}", said.stderr);
    assert!(said.stderr.contains("warning: Policy not kept"), "{}", said.stderr);
    place.edit("fleet", "tenants/initech.hcl", "version = \"1.1\"", "level = \"debug\"");
    let said = place.run("fleet", &["apply", "-auto-approve"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("initech would log everything."), "{}", said.stderr);
    assert_eq!(place.states("fleet").len(), 3, "the others are applied");
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
        ("policy \"p\" {\n  condition = 3\n  error_message = \"\"\n}", "neither true nor false"),
        ("policy \"p\" {\n  condition = local.x\n  error_message = \"\"\n}", "refers to var and self only"),
    ] {
        let place = Place::new();
        with(&place, policy);
        let said = place.run("fleet", &["plan"]);
        assert_eq!(said.code, 1, "{policy}: {}", said.stdout);
        assert!(said.stderr.contains(words), "{policy}: {}", said.stderr);
    }
}
