//! Slips of operators: each is told where it is, and none is taken in silence for
//! nothing.

use serde_json::Value as Json;

use super::{platform, tenant};
use crate::common::{Place, Said};

/// Who selects nobody is told so; a name that nobody has is a mistake.
#[test]
fn a_selection_of_nobody_is_no_success_in_silence() {
    let place = Place::new();
    platform(&place);
    for command in [&["plan"][..], &["apply", "-auto-approve"], &["destroy", "-auto-approve"]] {
        let with = |flags: &[&'static str]| [command, flags].concat();
        let said = place.run("fleet", &with(&["-label=tem=shop"]));
        assert_eq!(said.code, 1, "{}", said.stdout);
        let told = said.words();
        assert!(told.contains("There is no label \"tem\".") && told.contains("\"team\"?"), "{told}");
        for flags in [&["-label=team=none"][..], &["-tier=business", "-tenant=acme"]] {
            let said = place.ok("fleet", &with(flags));
            assert!(said.words().contains("warning: Nothing selected"), "{flags:?}: {}", said.stderr);
        }
    }
    let said = place.ok("fleet", &["tenants", "-label=team=none"]);
    assert_eq!(said.stdout.trim(), "No tenant is all of that.");
    let said = place.run("fleet", &["tenants", "-label=team"]);
    assert!(said.stderr.contains("it is written as NAME=VALUE"), "{}", said.stderr);
}

/// What is in some of the instances only is no mistake in the others.
#[test]
fn a_target_is_missed_where_no_instance_has_it() {
    let place = Place::new();
    platform(&place);
    for (target, is_missed) in [("terraform_data.app", false), ("terraform_data.nothing", true)] {
        let said = place.ok("fleet", &["plan", &format!("-target={target}")]);
        assert_eq!(said.stderr.matches("Partial plan").count(), 1, "{}", said.stderr);
        assert_eq!(said.stderr.contains("Nothing has this address"), is_missed, "{}", said.stderr);
        assert_eq!(said.stdout.contains("terraform_data.app"), !is_missed, "{}", said.stdout);
    }
}

#[test]
fn tenants_are_listed_by_how_they_stand() {
    let place = Place::new();
    platform(&place);
    place.ok("fleet", &["apply", "-auto-approve", "-tenant=acme"]);
    let listed = |flags: &[&str]| {
        let said = place.ok("fleet", &[&["tenants", "-json"], flags].concat());
        let json: Json = serde_json::from_str(&said.stdout).expect("JSON");
        let names = json["tenants"].as_array().expect("a list").iter();
        names.filter_map(|one| one["workspace"].as_str().map(str::to_owned)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(listed(&["-status=applied"]), "acme/production acme/staging");
    assert_eq!(listed(&["-status=not-applied", "-tier=starter"]), "initech/production");
    assert_eq!(listed(&["-status=drifted"]), "");
    // What did not come to its end is not as it should be.
    let fail = r#"{"version": 1, "rules": [{"match": {"operation": "create"}, "then": {"fail": {"class": "denied", "message": "no"}}}]}"#;
    place.write("fleet", "fail.json", fail);
    place.write(
        "fleet",
        "blueprint/more.tf",
        "resource \"simulated_bucket\" \"more\" {\n  name   = var.tenant.name\n  region = \"eu-west-1\"\n}\n",
    );
    let apply = ["apply", "-auto-approve", "-tenant=initech", "-fault-script=fail.json"];
    assert_eq!(place.run("fleet", &apply).code, 1);
    assert_eq!(listed(&["-status=incomplete"]), "initech/production");
    place.ok("fleet", &["destroy", "-auto-approve", "-tenant=initech"]);
    assert_eq!(listed(&["-status=destroyed"]), "initech/production");
    std::fs::remove_file(place.example("fleet").join("blueprint/more.tf")).unwrap();
    assert_eq!(listed(&["-status=applied", "-status=not-applied"]).split(' ').count(), 3);
}

#[test]
fn a_limit_that_is_none_is_refused_where_it_stands() {
    for (limits, at) in [
        ("max_destroy_percent = 101", Some("14:35")),
        ("max_destroy_percent = 5, max_tenants = \"x\"", Some("14:52")),
        ("max_tenants = -1", Some("14:27")),
        ("max_tenants = null", None),
    ] {
        let place = Place::new();
        platform(&place);
        let guard = format!("unique    = [\"domains\"]\n  guard = {{ {limits} }}");
        place.edit("fleet", "main.hcl", "unique    = [\"domains\"]", &guard);
        let said = place.run("fleet", &["validate"]);
        assert_eq!(said.code, i32::from(at.is_some()), "{limits}: {}", said.stderr);
        assert!(
            at.is_none_or(|at| said.stderr.contains(&format!("main.hcl:{at}"))),
            "{limits}: {}",
            said.stderr
        );
    }
}

/// A tenant whose settings are wrong keeps no other from being taken in.
#[test]
fn a_tenant_is_taken_in_beside_one_that_is_not_right() {
    let place = Place::new();
    platform(&place);
    place.write("fleet", "tenants/initech.hcl", &tenant("initech", "starter", "levle = \"x\""));
    place.ok("fleet", &["onboard", "hooli", "-tier=starter", "-environment=production"]);
    let said = place.run("fleet", &["onboard", "hooli", "-set=levle=x"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.words().contains("tenants/hooli.hcl was left as it was"), "{}", said.stderr);
    let said = place.run("fleet", &["onboard", "platform", "-tier=starter", "-environment=production"]);
    assert!(said.words().contains("The platform's own resources go by that name."), "{}", said.stderr);
}

/// What programs read is JSON to the end, and what was done may be asked again.
#[test]
fn taking_in_and_letting_go_answer_programs_and_may_be_repeated() {
    let place = Place::new();
    platform(&place);
    let lines = |said: &Said| -> Vec<Json> {
        said.stdout.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    };
    let said = place.run("fleet", &["onboard", "hooli", "-tier=startr", "-environment=production", "-json"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    let told = lines(&said);
    assert!(told.iter().any(|line| line["diagnostic"]["summary"] == "Unknown tier"), "{}", said.stdout);
    assert!(said.stderr.lines().all(|line| !line.starts_with("error")), "{}", said.stderr);

    place.ok("fleet", &["onboard", "hooli", "-tier=starter", "-environment=production"]);
    let delete = ["offboard", "hooli", "-delete", "-retention=0", "-auto-approve", "-json"];
    for _ in 0..2 {
        let last = lines(&place.ok("fleet", &delete)).pop().expect("a line");
        assert_eq!((&last["type"], &last["tenant"]), (&"deleted".into(), &"hooli".into()));
        let proof = last["proof"].as_str().expect("a place");
        assert!(place.example("fleet").join(proof).is_file(), "{proof}");
    }
    let said = place.ok("fleet", &delete[..5]);
    assert!(said.stdout.contains("hooli was deleted already."), "{}", said.stdout);
    let said = place.run("fleet", &["offboard", "holli", "-json"]);
    assert_eq!(lines(&said).last().expect("a line")["diagnostic"]["summary"], "Unknown tenant");
}

/// A policy with a line of its own.
fn policy(line: &str) -> String {
    format!("policy \"p\" {{\n  {line}\n  condition     = var.replicas < 9\n  error_message = \"no\"\n}}\n")
}

/// The plan of a platform with one edit; without anything to replace, with one
/// more file.
fn planned_with(file: &str, from: &str, to: &str) -> Said {
    let place = Place::new();
    platform(&place);
    place.write("fleet", "roles.hcl", "role \"admin\" {}\n");
    match from {
        "" => place.write("fleet", file, to),
        from => place.edit("fleet", file, from, to),
    }
    place.run("fleet", &["plan"])
}

/// A name of nothing is no silent nobody, nowhere or never.
#[test]
fn names_that_stand_for_nothing_are_told_where_they_stand() {
    for (file, from, to, at, why) in [
        (
            "main.hcl",
            "settings = { replicas = 2, db = { size = 2 } }",
            "environments = [\"prodction\"]",
            "main.hcl:16:",
            "There is no environment \"prodction\". help: Did you mean \"production\"?",
        ),
        (
            "main.hcl",
            "unique    = [\"domains\"]",
            "environments = [\"stagin\"]",
            "main.hcl:13:",
            "Did you mean \"staging\"?",
        ),
        ("main.hcl", "[\"domains\"]", "[\"domians\"]", "main.hcl:13:", "Did you mean \"domains\"?"),
        (
            "main.hcl",
            "region = \"eu-central-1\"",
            "region = \"eu-central-1\"\n  capacity = { \"db.sizes\" = 3 }",
            "main.hcl:30:",
            "The blueprint has no variable \"db.sizes\".",
        ),
        (
            "tenants/globex.hcl",
            "environments = [\"production\"]",
            "environments = []",
            "tenants/globex.hcl:1:",
            "\"globex\" runs in no environment",
        ),
        (
            "tenants/globex.hcl",
            "tier ",
            "compliance = [\"hippa\"]\n  tier ",
            "tenants/globex.hcl:2:",
            "No policy is about the regime \"hippa\", so it asks for nothing. help: Did you mean \"hipaa\"?",
        ),
        (
            "tenants/globex.hcl",
            "tier ",
            "delete_after = \"soon\"\n  tier ",
            "tenants/globex.hcl:2:",
            "is held until \"soon\", which is no time.",
        ),
        (
            "tenants/globex.hcl",
            "tier ",
            "members = { admn = [] }\n  tier ",
            "tenants/globex.hcl:2:",
            "There is no role \"admn\". help: Did you mean \"admin\"?",
        ),
        ("own.hcl", "", &policy("tiers = [\"startr\"]"), "own.hcl:2:", "Did you mean \"starter\"?"),
        (
            "own.hcl",
            "",
            &policy("environments = [\"prod\"]"),
            "own.hcl:2:",
            "There is no environment \"prod\".",
        ),
    ] {
        let said = planned_with(file, from, to);
        assert_eq!(said.code, 1, "{to}: {}", said.stdout);
        assert!(said.words().contains(why), "{to}: {}", said.stderr);
        assert!(said.stderr.contains(&format!("--> {at}")), "{to}: {}", said.stderr);
    }
}

/// What may be meant is a warning, once.
#[test]
fn names_that_may_be_meant_are_warned_of() {
    for (file, from, to, why) in [
        ("main.hcl", "unique ", "compliance = [\"iso27001\"]\n  unique ", "warning: Regime without policy"),
        (
            "own.hcl",
            "",
            &policy("tenants = [\"hooli\"]"),
            "There is no tenant \"hooli\", whom a policy is about.",
        ),
    ] {
        let said = planned_with(file, from, to);
        assert_eq!(said.code, 0, "{to}: {}", said.stderr);
        assert_eq!(said.words().matches(why).count(), 1, "{to}: {}", said.stderr);
    }
}
