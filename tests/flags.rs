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
    for line in [format!("\ncwd = {start:?}\n"), format!("\n  {:?},\n]\n", start.join("sub"))] {
        assert!(said.stdout.contains(&line), "{line}{}", said.stdout);
    }
}

#[test]
fn what_is_shown_goes_into_a_file_too() {
    let place = place();
    let outputs = format!("{ROOT}output \"o\" {{\n  value = terraform_data.a.output\n}}\n");
    place.write("x", "main.tf", &outputs);
    place.write("x", "t.tftest.hcl", "run \"r\" {}\n");
    place.ok("x", &["apply", "-auto-approve"]);
    for (command, shown, key) in [
        (&["output"][..], "o = 1", "/o/value"),
        (&["show"], "terraform_data.a", "/values/outputs/o/value"),
        (&["state", "list"], "terraform_data.a", "/objects/0/address"),
        (&["state", "show", "terraform_data.a"], "terraform_data", "/values/triggers_replace"),
        (&["workspace", "list"], "default", "/workspaces/0"),
        (&["validate"], "Success!", "/valid"),
    ] {
        let said = place.ok("x", &[command, &["-json-into=out.json"]].concat());
        assert!(said.stdout.contains(shown), "{command:?}: {}", said.stdout);
        let text = std::fs::read_to_string(place.example("x").join("out.json")).expect("the file");
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert!(json.pointer(key).is_some(), "{command:?}: {text}");
        assert_eq!(place.run("x", &[command, &["-json", "-json-into=out.json"]].concat()).code, 1);
    }
    let said = place.ok("x", &["test", "-json-into=out.json"]);
    assert!(said.stdout.contains("1 passed"), "{}", said.stdout);
    let lines = std::fs::read_to_string(place.example("x").join("out.json")).expect("the file");
    assert!(lines.lines().last().is_some_and(|line| line.contains("\"test_summary\"")), "{lines}");
}

#[test]
fn a_plans_steps_are_drawn() {
    let place = place();
    place.write("x", "main.tf", "resource \"terraform_data\" \"a\" {\n  for_each = { \"q\\\"q\" = 1 }\n}\nresource \"terraform_data\" \"b\" {\n  input = terraform_data.a\n}\n");
    place.ok("x", &["plan", "-out=saved"]);
    let said = place.ok("x", &["graph", "-plan=saved"]);
    let edge = r#"  "terraform_data.b (create)" -> "terraform_data.a[\"q\\\"q\"] (create)";"#;
    assert!(said.stdout.lines().any(|line| line == edge), "{edge}\n{}", said.stdout);
    let json = place.ok("x", &["graph", "-plan=saved", "-json"]);
    assert!(json.stdout.contains("\"kind\":\"create\""), "{}", json.stdout);
}

#[test]
fn deprecations_are_told_of_the_modules_that_are_meant() {
    let place = place();
    place.write("x", "main.tf", "module \"m\" {\n  source = \"./m\"\n  old    = 1\n}\n");
    place.write("x", "m/main.tf", "variable \"old\" {\n  default    = 0\n  deprecated = \"Use new.\"\n}\n");
    for (which, told) in [("all", true), ("local", true), ("none", false)] {
        let said = place.ok("x", &["plan", &format!("-deprecation=module:{which}")]);
        assert_eq!(said.stderr.contains("Use new."), told, "{which}: {}", said.stderr);
    }
    let said = place.run("x", &["plan", "-deprecation=all"]);
    assert!(said.code == 1 && said.stderr.contains("module:local"), "{}", said.stderr);
}

#[test]
fn what_is_not_there_is_answered_by_what_is() {
    let place = place();
    place.ok("x", &["apply", "-auto-approve"]);
    for (command, words) in [
        (&["state", "mv", "-json", "a.b", "a.c"][..], "by its exit code"),
        (&["output", "-state=x"], "-state-dir=DIR"),
        (&["import", "-config=d", "a.b", "c"], "-chdir=DIR"),
        (&["login"], "git's own"),
        (&["workspace", "new", "x"], "first applied"),
        (&["state", "replace-provider", "a", "b"], "short names"),
    ] {
        let said = place.run("x", command);
        assert!(said.code == 1 && said.stderr.contains(words), "{command:?}: {}", said.stderr);
    }
    // What asks for nothing is taken.
    place.ok(
        "x",
        &["taint", "-lock=false", "-backup=f", "-ignore-remote-version", "-var", "n=2", "terraform_data.a"],
    );
    place.ok("x", &["untaint", "-var-file=none", "terraform_data.a"]);
    place.ok("x", &["state", "list", "-var", "n=2"]);
    place.ok("x", &["output", "-var", "n=2"]);
}

/// `flags/opentofu.txt` has what the help of each command of OpenTofu 1.12
/// lists, with values that suit.
#[test]
fn every_flag_of_opentofu_is_taken_or_answered() {
    let place = place();
    let mut asked = 0;
    for line in include_str!("flags/opentofu.txt").lines() {
        let (command, flags) = line.split_once(": ").expect("a command and its flags");
        for flag in flags.split(' ') {
            // Nothing is done: what nobody knows is refused when all before it is taken.
            let words: Vec<&str> = command.split(' ').chain([flag, "-nobody-knows"]).collect();
            let said = place.run("x", &words);
            let is_taken = said.code == 0 || said.stderr.contains("'--nobody-knows'");
            let answer = said.stderr.split_once("try '--help'.").map_or("", |(_, answer)| answer.trim());
            assert!(is_taken || !answer.is_empty(), "{words:?}: {}", said.stderr);
            asked += 1;
        }
    }
    assert!(asked > 250, "only {asked}");
}
