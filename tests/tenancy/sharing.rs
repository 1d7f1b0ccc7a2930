use super::platform;
use crate::common::Place;

/// The platform makes a cluster, of which tenants learn when it is there.
pub(super) fn sharing(place: &Place) {
    platform(place);
    place.edit(
        "fleet",
        "main.hcl",
        "platform \"shop\"",
        "resource \"terraform_data\" \"cluster\" {\n  input = \"v1\"\n}\nplatform \"shop\"",
    );
    place.edit(
        "fleet",
        "main.hcl",
        "region = \"eu-central-1\"",
        "region = \"eu-central-1\"\n  cluster = { id = terraform_data.cluster.id, name = terraform_data.cluster.output }",
    );
    place.edit(
        "fleet",
        "blueprint/main.tf",
        "output \"app\" {",
        "output \"cluster\" {\n  value = try(var.environment.cluster.id, \"none\")\n}\noutput \"app\" {",
    );
}

#[test]
fn what_the_platform_brings_reaches_tenants_in_one_apply() {
    let place = Place::new();
    sharing(&place);
    let said = place.ok("fleet", &["apply", "-auto-approve"]);
    let platform = said.stdout.find("platform:terraform_data.cluster: Creation complete").expect("made");
    let first = said.stdout.find("/production:terraform_data.app: Creating").expect("made");
    assert!(platform < first, "the platform goes first: {}", said.stdout);
    let state =
        place.states("fleet").into_iter().find(|state| state.name.as_str() == "platform").expect("there");
    let id = state.resources.values().next().expect("a cluster").attributes.get("id").expect("an id");
    let id = id.as_str().expect("text").to_owned();
    for (tenant, cluster) in [("globex", id.as_str()), ("acme/production", &id), ("acme/staging", "none")] {
        let said = place.ok("fleet", &["output", "-raw", "cluster", "-tenant", tenant]);
        assert_eq!(said.stdout.trim(), cluster, "{tenant}");
    }
    assert_eq!(place.run("fleet", &["plan", "-detailed-exitcode"]).code, 0);
    // It is nobody's output.
    let said = place.ok("fleet", &["show", "-json", "-tenant=platform"]);
    assert!(!said.stdout.contains("(tenants)"), "{}", said.stdout);
}

#[test]
fn a_saved_plan_of_a_fleet_brings_the_same() {
    let place = Place::new();
    sharing(&place);
    place.ok("fleet", &["plan", "-out=all.plan"]);
    place.ok("fleet", &["apply", "all.plan"]);
    assert_eq!(place.run("fleet", &["plan", "-detailed-exitcode"]).code, 0);
}

#[test]
fn a_tenant_alone_has_it_from_the_last_apply_of_the_platform() {
    let place = Place::new();
    sharing(&place);
    let said = place.run("fleet", &["plan", "-tenant=globex"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("Platform not applied"), "{}", said.stderr);
    assert!(said.stderr.contains("tenantctl apply -platform"), "{}", said.stderr);
    place.ok("fleet", &["apply", "-auto-approve", "-platform"]);
    assert_eq!(place.states("fleet").len(), 1);
    place.ok("fleet", &["apply", "-auto-approve", "-tenant=globex"]);
    assert_eq!(place.states("fleet").len(), 2);
}

/// Whoever is to go on without it says so by a selection.
#[test]
fn tenants_wait_for_a_platform_that_cannot_be_planned() {
    let place = Place::new();
    sharing(&place);
    place.ok("fleet", &["apply", "-auto-approve"]);
    let broken = "  lifecycle {\n    precondition {\n      condition     = var.base == \"\"\n      error_message = \"Away.\"\n    }\n  }\n";
    place.edit("fleet", "main.hcl", "  input = \"v1\"\n", &format!("  input = \"v1\"\n{broken}"));
    let said = place.run("fleet", &["plan"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    for words in ["Away.", "Platform not planned", "selected, by -tenant, -tier or -environment"] {
        assert!(said.words().contains(words), "{words}: {}", said.stderr);
    }
    assert_eq!(place.run("fleet", &["plan", "-detailed-exitcode", "-tenant=globex"]).code, 0);
}

#[test]
fn all_is_destroyed_tenants_before_the_platform() {
    let place = Place::new();
    sharing(&place);
    place.ok("fleet", &["apply", "-auto-approve"]);
    let said = place.run("fleet", &["destroy", "-auto-approve", "-platform"]);
    assert!(said.code == 1 && said.stderr.contains("Still in use"), "{}", said.stderr);
    let said = place.ok("fleet", &["destroy", "-auto-approve"]);
    let platform = said.stdout.find("platform:terraform_data.cluster: Destroying").expect("goes");
    let last = said.stdout.rfind("terraform_data.app: Destruction complete").expect("gone");
    assert!(last < platform, "{}", said.stdout);
    assert!(place.states("fleet").iter().all(|state| state.resources.is_empty()));
}

/// What tenants share stays while one of them keeps what it has: its settings are
/// not right, or its file is gone.
#[test]
fn what_is_shared_outlives_whoever_is_left() {
    let place = Place::new();
    sharing(&place);
    place.ok("fleet", &["apply", "-auto-approve"]);
    let file = place.example("fleet").join("tenants/globex.hcl");
    let whole = std::fs::read_to_string(&file).expect("readable");
    std::fs::remove_file(&file).expect("removed");
    let refused = || {
        let said = place.run("fleet", &["destroy", "-auto-approve"]);
        assert_eq!(said.code, 1, "{}", said.stdout);
        assert!(
            said.words().contains("The workspace globex/production still has objects."),
            "{}",
            said.stderr
        );
        let states = place.states("fleet").into_iter().filter(|state| !state.resources.is_empty());
        let left: Vec<String> = states.map(|state| state.name.to_string()).collect();
        assert_eq!(left, ["globex/production", "platform"]);
    };
    refused();
    place.write("fleet", "tenants/globex.hcl", &whole.replace("host = null", "hots = null"));
    refused();
    place.write("fleet", "tenants/globex.hcl", &whole[..whole.len() / 2]);
    refused();
    place.write("fleet", "tenants/globex.hcl", &whole);
    place.ok("fleet", &["destroy", "-auto-approve"]);
    assert!(place.states("fleet").iter().all(|state| state.resources.is_empty()));
}

/// A reference inside of a setting, written there or in a local value, merges
/// with what other layers say of the same setting, whether its value is known
/// when the plan is made or not.
#[test]
fn a_reference_inside_a_setting_merges_as_any_other() {
    for (settings, locals) in [
        ("{ zone = terraform_data.zone.output, name = terraform_data.zone.input }", ""),
        ("local.net", "net = { zone = terraform_data.zone.output, name = terraform_data.zone.input }"),
        (
            "local.all.net",
            "all = { net = { zone = local.zone, name = terraform_data.zone.input } }\n  zone = terraform_data.zone.output",
        ),
    ] {
        let place = Place::new();
        platform(&place);
        let put = |file: &str, from: &str, to: &str| place.edit("fleet", file, from, to);
        put(
            "main.hcl",
            "locals {",
            &format!("resource \"terraform_data\" \"zone\" {{\n  input = \"z1\"\n}}\nlocals {{\n  {locals}"),
        );
        put("main.hcl", "version = \"1.0\",", &format!("version = \"1.0\", net = {settings},"));
        put("main.hcl", "replicas = 3 }", "replicas = 3, net = { ttl = 60 } }");
        put(
            "blueprint/main.tf",
            "output \"app\" {",
            "variable \"net\" {\n  type = object({ zone = string, name = string, ttl = optional(number, 5) })\n}\n\
             output \"net\" {\n  value = \"${var.net.zone} ${var.net.name} ${var.net.ttl}\"\n}\noutput \"app\" {",
        );
        let said = place.ok("fleet", &["plan"]);
        assert!(said.stdout.contains("z1"), "{settings}: {}", said.stdout);
        place.ok("fleet", &["apply", "-auto-approve"]);
        for (tenant, net) in [("globex", "z1 z1 60"), ("initech", "z1 z1 5")] {
            let said = place.ok("fleet", &["output", "-raw", "net", "-tenant", tenant]);
            assert_eq!(said.stdout.trim(), net, "{settings}");
        }
        assert_eq!(place.run("fleet", &["plan", "-detailed-exitcode"]).code, 0, "{settings}");
    }
}

/// What an expression brings as a whole cannot be merged with: that is said.
#[test]
fn a_part_in_place_of_what_is_known_as_a_whole_is_explained() {
    let place = Place::new();
    platform(&place);
    let put = |file: &str, from: &str, to: &str| place.edit("fleet", file, from, to);
    put(
        "main.hcl",
        "locals {",
        "resource \"terraform_data\" \"zone\" {\n  input = { host = \"h\" }\n}\nlocals {",
    );
    put(
        "main.hcl",
        "db = { size = 1, host = \"db.${var.base}\" }",
        "db = merge({ size = 1 }, terraform_data.zone.output)",
    );
    put("main.hcl", "db = { size = 2 }", "db = { host = \"own\" }");
    let said = place.run("fleet", &["plan"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    let told: Vec<&str> = said.stderr.split_whitespace().filter(|word| *word != "=").collect();
    let told = told.join(" ");
    for words in ["Wrong type", "\"size\" is required", "in place of all of this", "object in braces"] {
        assert!(told.contains(words), "{words}: {}", said.stderr);
    }
}

/// A reference that comes to nothing is the problem of the tenant that has it,
/// whether the plan finds out or the apply.
#[test]
fn what_is_wrong_with_one_reference_keeps_no_other_waiting() {
    for (reference, by_plan, told) in [
        ("terraform_data.cluster.input.zone", true, "terraform_data.cluster.input.zone"),
        ("split(\"-\", terraform_data.cluster.id)[99]", false, "terraform_data.cluster.id)[99]"),
    ] {
        let place = Place::new();
        sharing(&place);
        let whole = super::tenant("initech", "starter", "db = { host = null }");
        place.write("fleet", "tenants/initech.hcl", &whole.replace("null", reference));
        let plan = place.run("fleet", &["plan"]);
        assert_eq!(plan.code, i32::from(by_plan), "{}", plan.stderr);
        let applied = place.run("fleet", &["apply", "-auto-approve"]);
        assert_eq!(applied.code, 1, "{}", applied.stdout);
        for said in [Some(&applied), by_plan.then_some(&plan)].into_iter().flatten() {
            for words in ["tenants/initech.hcl:4", told, "initech/production"] {
                assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
            }
        }
        let made: Vec<String> = place.states("fleet").iter().map(|state| state.name.to_string()).collect();
        assert_eq!(made, ["acme/production", "acme/staging", "globex/production", "platform"]);
        let found = place.run("fleet", &["validate"]);
        assert_eq!(found.code, i32::from(by_plan), "{}", found.stderr);
        place.write("fleet", "tenants/initech.hcl", &whole.replace("null", "terraform_data.cluster.output"));
        place.ok("fleet", &["apply", "-auto-approve"]);
        assert_eq!(place.run("fleet", &["plan", "-detailed-exitcode"]).code, 0);
    }
}

/// What an earlier reference came to is not taken for what a new one will.
#[test]
fn a_reference_that_changed_waits_for_the_platform() {
    let place = Place::new();
    sharing(&place);
    place.ok("fleet", &["apply", "-auto-approve"]);
    place.edit(
        "fleet",
        "main.hcl",
        "name = terraform_data.cluster.output",
        "name = upper(terraform_data.cluster.output)",
    );
    let said = place.run("fleet", &["plan", "-tenant=globex"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stderr.contains("Platform not applied"), "{}", said.stderr);
    // Null is a value as any other.
    place.edit(
        "fleet",
        "main.hcl",
        "upper(terraform_data.cluster.output)",
        "terraform_data.cluster.triggers_replace",
    );
    place.ok("fleet", &["apply", "-auto-approve", "-platform"]);
    place.ok("fleet", &["plan", "-tenant=globex"]);
}
