//! A tenant whose block or file is not right is no reason to leave the others
//! alone, and never a tenant less.

use super::{platform, tenant};
use crate::common::{Place, Said};

/// What was applied of each instance: the version it has.
fn versions(place: &Place) -> Vec<String> {
    ["acme/production", "acme/staging", "globex/production", "initech/production"]
        .iter()
        .map(|workspace| {
            let states = place.states("fleet").into_iter().find(|state| state.name.as_str() == *workspace);
            let state = states.unwrap_or_else(|| panic!("{workspace} has a state"));
            let app = state.outputs["app"].as_str().unwrap_or_default().to_owned();
            app.split(' ').nth(3).unwrap_or_default().to_owned()
        })
        .collect()
}

/// A fleet that is applied, and then has a new version.
fn moving_on() -> Place {
    let place = Place::new();
    platform(&place);
    place.edit("fleet", "tenants/initech.hcl", ", version = \"1.1\"", "");
    place.ok("fleet", &["apply", "-auto-approve"]);
    place.edit("fleet", "main.hcl", "version = \"1.0\"", "version = \"2.0\"");
    place
}

fn refused(said: &Said, words: &[&str]) {
    assert_eq!(said.code, 1, "{}", said.stdout);
    for words in words {
        assert!(said.words().contains(words), "{words}: {}", said.stderr);
    }
    assert!(!said.stderr.contains("without configuration"), "{}", said.stderr);
    assert!(!said.stdout.contains("Destroying"), "{}", said.stdout);
}

#[test]
fn what_is_wrong_with_one_keeps_no_other_from_being_applied() {
    type Edit = fn(&Place);
    let edits: [(Edit, &[&str]); 11] = [
        (
            |place| place.edit("fleet", "tenants/globex.hcl", "business\"", "busines\""),
            &["Did you mean \"business\"?"],
        ),
        (
            |place| place.edit("fleet", "tenants/globex.hcl", "[\"production\"]", "[\"prod\"]"),
            &["There is no environment \"prod\"."],
        ),
        (
            |place| place.edit("fleet", "tenants/globex.hcl", "[\"production\"]", "[]"),
            &["runs in no environment"],
        ),
        (|place| place.edit("fleet", "tenants/globex.hcl", "  tier ", "  tire "), &["\"tier\""]),
        (
            |place| {
                place.edit("fleet", "tenants/globex.hcl", "  tier ", "  compliance = [\"hippa\"]\n  tier ");
            },
            &["Did you mean \"hipaa\"?"],
        ),
        (
            |place| place.write("fleet", "tenants/globex.hcl", "# nobody\n"),
            &["tenants/globex.hcl holds no tenant."],
        ),
        (
            |place| place.write("fleet", "tenants/second.hcl", &tenant("globex", "starter", "")),
            &["There are two tenants \"globex\"."],
        ),
        (
            |place| {
                std::fs::write(
                    place.example("fleet").join("tenants/globex.hcl"),
                    b"tenant \"globex\" {\n\xff",
                )
                .unwrap();
            },
            &["Line 2 of tenants/globex.hcl is not UTF-8 text."],
        ),
        (
            |place| place.edit("fleet", "tenants/globex.hcl", "db = { host = null }", "db = local.nothing"),
            &["There is no local value \"nothing\"."],
        ),
        (
            |place| {
                place.edit(
                    "fleet",
                    "tenants/globex.hcl",
                    "db = { host = null }",
                    "db = terraform_data.db.output",
                );
            },
            &["tenants/globex.hcl:", "There is no resource terraform_data.db in this module."],
        ),
        (
            |place| {
                place.write("fleet", "special/main.tf", "variable \"tenant\" {\n  type = any\n");
                place.edit("fleet", "tenants/globex.hcl", "  tier ", "  blueprint = \"./special\"\n  tier ");
            },
            &["special/main.tf:1", "Unclosed block"],
        ),
    ];
    for (edit, words) in edits {
        let place = moving_on();
        let whole = std::fs::read_to_string(place.example("fleet").join("tenants/globex.hcl")).unwrap();
        edit(&place);
        let said = place.run("fleet", &["apply", "-auto-approve"]);
        refused(&said, words);
        assert!(said.words().contains("1 of 4 workspaces could not be planned."), "{}", said.stderr);
        assert_eq!(versions(&place), ["2.0", "2.0", "1.0", "2.0"], "{words:?}");
        // Whoever is not meant does not hear of it.
        let said = place.ok("fleet", &["plan", "-tenant=acme"]);
        assert!(said.stderr.is_empty(), "{}", said.stderr);
        refused(&place.run("fleet", &["plan", "-tenant=globex"]), words);
        refused(&place.run("fleet", &["plan", "-fail-fast"]), words);
        refused(&place.run("fleet", &["validate"]), words);
        // A run with all set right does the rest.
        place.write("fleet", "tenants/globex.hcl", &whole);
        let _ = std::fs::remove_file(place.example("fleet").join("tenants/second.hcl"));
        let said = place.ok("fleet", &["apply", "-auto-approve"]);
        assert!(said.stdout.contains("0 added, 1 changed, 0 destroyed"), "{}", said.stdout);
        assert_eq!(versions(&place), ["2.0"; 4], "{words:?}");
    }
}

/// A module is read once, for all who name it.
#[test]
fn who_share_a_blueprint_share_what_is_wrong_with_it() {
    let place = moving_on();
    place.write("fleet", "special/main.tf", "output \"app\" {\n  value = \n}\n");
    for tenant in ["globex", "initech"] {
        let file = format!("tenants/{tenant}.hcl");
        place.edit("fleet", &file, "  tier ", "  blueprint = \"./special\"\n  tier ");
    }
    let said = place.run("fleet", &["apply", "-auto-approve"]);
    refused(&said, &["special/main.tf:2", "2 of 4 workspaces could not be planned."]);
    assert_eq!(said.stderr.matches("special/main.tf:2").count(), 1, "{}", said.stderr);
    assert_eq!(versions(&place), ["2.0", "2.0", "1.0", "1.0"]);
    place.ok("fleet", &["plan", "-tenant=acme"]);
    for tenant in ["globex", "initech"] {
        let select = format!("-tenant={tenant}");
        refused(&place.run("fleet", &["plan", &select]), &["special/main.tf:2"]);
    }
}

/// A tier's blueprint is the business of the tier's tenants, those of tiers that
/// extend it among them, unless they have one of their own.
#[test]
fn a_blueprint_of_a_tier_that_is_not_right_stops_its_tenants() {
    let place = moving_on();
    place.write("fleet", "special/main.tf", "output \"app\" {\n  value = \n}\n");
    place.edit("fleet", "main.hcl", "  isolation = \"node_pool\"", "  blueprint = \"./special\"");
    let said = place.run("fleet", &["apply", "-auto-approve"]);
    refused(&said, &["special/main.tf:2", "1 of 4 workspaces could not be planned."]);
    assert_eq!(versions(&place), ["2.0", "2.0", "1.0", "2.0"]);
    place.ok("fleet", &["plan", "-tenant=acme"]);
    for all in [&["plan", "-tenant=globex"][..], &["validate"], &["plan", "-tier=business"]] {
        refused(&place.run("fleet", all), &["special/main.tf:2"]);
    }
    // Nobody has it then, and it is told all the same.
    place.edit("fleet", "tenants/globex.hcl", "  tier ", "  blueprint = \"./blueprint\"\n  tier ");
    refused(&place.run("fleet", &["plan"]), &["special/main.tf:2"]);
    place.edit("fleet", "main.hcl", "  blueprint = \"./special\"", "");
    place.ok("fleet", &["apply", "-auto-approve"]);
    assert_eq!(versions(&place), ["2.0"; 4]);
}

/// A link that leads nowhere, as while a mount is changed, and a folder of a
/// file's name are not taken for nobody.
#[test]
fn what_is_named_as_a_file_and_is_none_is_told() {
    let place = moving_on();
    let tenants = place.example("fleet").join("tenants");
    std::fs::rename(tenants.join("globex.hcl"), place.example("fleet").join("away")).unwrap();
    std::os::unix::fs::symlink("../gone", tenants.join("globex.hcl")).unwrap();
    refused(&place.run("fleet", &["apply", "-auto-approve"]), &["tenants/globex.hcl is no file"]);
    assert_eq!(versions(&place), ["2.0", "2.0", "1.0", "2.0"]);
    std::fs::remove_file(tenants.join("globex.hcl")).unwrap();
    std::fs::create_dir(tenants.join("globex.hcl")).unwrap();
    refused(&place.run("fleet", &["plan"]), &["tenants/globex.hcl is no file"]);
    std::fs::remove_dir(tenants.join("globex.hcl")).unwrap();
    std::os::unix::fs::symlink("../away", tenants.join("globex.hcl")).unwrap();
    place.ok("fleet", &["apply", "-auto-approve"]);
    assert_eq!(versions(&place), ["2.0"; 4]);
}

/// However much of a file is there, it is a tenant or a mistake of that tenant.
#[test]
fn a_file_that_is_cut_anywhere_stops_its_tenant_alone() {
    let place = moving_on();
    let path = place.example("fleet").join("tenants/globex.hcl");
    let whole = std::fs::read_to_string(&path).unwrap();
    let ends = (0..whole.trim_end().len()).step_by(20).chain([whole.trim_end().len() - 1]);
    for end in ends {
        std::fs::write(&path, &whole[..end]).unwrap();
        let said = place.run("fleet", &["apply", "-auto-approve"]);
        refused(&said, &["tenants/globex.hcl"]);
    }
    assert_eq!(versions(&place), ["2.0", "2.0", "1.0", "2.0"]);
    std::fs::write(&path, &whole).unwrap();
    place.ok("fleet", &["apply", "-auto-approve"]);
    assert_eq!(versions(&place), ["2.0"; 4]);
}

/// Commands about one tenant say what is wrong with it; those about all have the
/// others, too.
#[test]
fn a_broken_tenant_is_neither_gone_nor_new() {
    let place = moving_on();
    place.edit("fleet", "tenants/globex.hcl", "business\"", "busines\"");
    let before = place.files();
    for line in [
        &["explain", "globex"][..],
        &["onboard", "globex", "-tier=starter"],
        &["offboard", "globex", "-auto-approve"],
        &["offboard", "globex", "-delete", "-retention=0", "-auto-approve"],
        &["destroy", "-tenant=globex", "-auto-approve"],
    ] {
        refused(&place.run("fleet", line), &["There is no tier \"busines\"."]);
    }
    let tenants = |place: &Place| {
        place.files().into_iter().filter(|(path, _)| path.ends_with("globex.hcl")).collect::<Vec<_>>()
    };
    assert_eq!(
        tenants(&place),
        before.into_iter().filter(|(path, _)| path.ends_with("globex.hcl")).collect::<Vec<_>>()
    );
    place.ok("fleet", &["explain", "acme"]);
    let said = place.run("fleet", &["tenants", "-json"]);
    assert_eq!(said.code, 1);
    let json: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(json["tenants"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["invalid"][0]["name"], "globex");
    assert_eq!(json["invalid"][0]["diagnostics"][0]["summary"], "Unknown tier");
    assert_eq!(json["not_in_configuration"], serde_json::json!([]));
    refused(&place.run("fleet", &["tenants"]), &["There is no tier \"busines\"."]);
    assert_eq!(place.run("fleet", &["tenants", "-tier=starter"]).code, 1, "who knows which tier was meant");
    assert_eq!(place.states("fleet").len(), 4);
}
