//! Flags that scripts for OpenTofu give: what they do, and what is said of
//! those that can do nothing here.

use crate::common::Place;

const ROOT: &str = "variable \"n\" {\n  default = 1\n}\nresource \"terraform_data\" \"a\" {\n  input = var.n\n}\nresource \"terraform_data\" \"b\" {}\n";

fn place() -> Place {
    let place = Place::new();
    place.write("x", "main.tf", ROOT);
    place
}

#[test]
fn json_goes_into_a_file_beside_the_text() {
    let place = place();
    let said = place.ok("x", &["plan", "-json-into=out.json"]);
    assert!(said.stdout.contains("Plan: 2 to add"), "{}", said.stdout);
    let lines = std::fs::read_to_string(place.example("x").join("out.json")).expect("the file");
    let kinds: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(kinds.iter().filter(|line| line["type"] == "planned_change").count(), 2, "{lines}");
    assert_eq!(place.run("x", &["plan", "-json-into=no/where.json"]).code, 1);
}

#[test]
fn addresses_come_from_files_too() {
    let place = place();
    place.write("x", "only.txt", "# What is meant:\n\n  terraform_data.a\n");
    for (flag, made) in
        [("-target-file=only.txt", "terraform_data.a"), ("-exclude-file=only.txt", "terraform_data.b")]
    {
        let said = place.ok("x", &["plan", flag]);
        assert!(
            said.stdout.contains("Plan: 1 to add") && said.stdout.contains(made),
            "{flag}: {}",
            said.stdout
        );
    }
    assert_eq!(place.run("x", &["plan", "-target-file=none.txt"]).code, 1);
}

#[test]
fn a_plan_the_state_and_the_configuration_are_shown() {
    let place = place();
    place.ok("x", &["plan", "-out=p"]);
    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&place.ok("x", &[&["show", "-json"], args].concat()).stdout).expect("JSON")
    };
    assert_eq!(json(&["-plan=p"]), json(&["p"]));
    assert_eq!(json(&["-config"]), json(&["p"])["configuration"]);
    assert_eq!(json(&["-state"]), json(&[]));
    assert_ne!(place.run("x", &["show", "-config"]).code, 0);
}

#[test]
fn what_can_do_nothing_is_taken_or_refused_with_reasons() {
    let place = place();
    for args in [
        &["validate", "-compact-warnings", "-consolidate-warnings=false", "-consolidate-errors"][..],
        &["init", "-get=false", "-reconfigure", "-ignore-remote-version", "-test-directory=t"],
        &["init", "-plugin-dir=/plugins"],
        &["graph", "-module-depth=-1"],
        &["apply", "-auto-approve", "-backup=-", "-suppress-forget-errors", "-concise"],
    ] {
        let said = place.run("x", args);
        assert_eq!(said.code, 0, "{args:?}: {}", said.stderr);
    }
    for (args, expected) in [
        (&["init", "-from-module=./m"][..], "init copies no modules"),
        (&["init", "-backend-config=bucket=b"], "by no backend"),
        (&["plan", "-state=terraform.tfstate"], "-state-dir"),
    ] {
        let said = place.run("x", args);
        assert!(said.code == 1 && said.stderr.contains(expected), "{args:?}: {}", said.stderr);
    }
}

#[test]
fn the_working_directory_is_the_one_of_the_start() {
    let place = Place::new();
    let root = "output \"cwd\" {\n  value = path.cwd\n}\noutput \"root\" {\n  value = [path.root, abspath(\".\")]\n}\n";
    place.write("x", "sub/main.tf", root);
    let start = std::fs::canonicalize(place.example("x")).expect("a directory");
    let said = place.ok("x", &["-chdir=sub", "apply", "-auto-approve"]);
    for line in [format!("\ncwd = {start:?}\n"), format!("    {:?},\n]\n", start.join("sub"))] {
        assert!(said.stdout.contains(&line), "{line}{}", said.stdout);
    }
}
