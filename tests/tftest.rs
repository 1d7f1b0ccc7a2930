//! `tenantctl test`: runs end as OpenTofu's do, on the test files in `module/`;
//! and what is ours alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use crate::common::{Place, Said, said};

const FIXTURES: &str = "tests/tftest";
const EXAMPLE: &str = "tested";

/// Copies a fixture into a place; gives its test files.
fn fixture(place: &Place, fixture: &str) -> Vec<String> {
    let mut folders = vec![String::new()];
    let mut tests = Vec::new();
    while let Some(folder) = folders.pop() {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(FIXTURES).join(fixture).join(&folder);
        for entry in std::fs::read_dir(from).unwrap().flatten() {
            let name = format!("{folder}{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                folders.push(format!("{name}/"));
                continue;
            }
            place.write(EXAMPLE, &name, &std::fs::read_to_string(entry.path()).unwrap());
            if [".tftest.hcl", ".tftest.json"].iter().any(|end| name.ends_with(end)) {
                tests.push(name);
            }
        }
    }
    tests.sort();
    tests
}

/// How each run ended, and the exit code.
fn outcomes(said: &Said) -> (i32, BTreeMap<String, String>) {
    let lines = said.stdout.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let runs = lines.filter_map(|line| {
        let run = line.get("test_run")?;
        Some((run["run"].as_str()?.to_owned(), run["status"].as_str()?.to_owned()))
    });
    (said.code, runs.collect())
}

fn opentofu(place: &Place, args: &[&str]) -> Said {
    let mut command = Command::new(tenantctl_test_servers::opentofu());
    command.env_clear().env("HOME", place.example(EXAMPLE)).current_dir(place.example(EXAMPLE)).args(args);
    said(command.output().expect("OpenTofu runs"))
}

/// How often runs of a fixture ended in which way, when they do as OpenTofu's.
fn compared(folder: &str) -> BTreeMap<String, usize> {
    let place = Place::new();
    let tests = fixture(&place, folder);
    assert_eq!(opentofu(&place, &["init", "-input=false"]).code, 0);
    let mut differing = Vec::new();
    let mut statuses = BTreeMap::new();
    // One at a time, since OpenTofu's overrides reach into later files.
    for test in &tests {
        let args = ["test", "-json", &format!("-filter={test}")];
        let theirs = outcomes(&opentofu(&place, &args));
        let ours = outcomes(&place.run(EXAMPLE, &args));
        assert!(!theirs.1.is_empty(), "{test} has no runs");
        for status in theirs.1.values() {
            *statuses.entry(status.clone()).or_insert(0) += 1;
        }
        if ours != theirs {
            differing.push(format!("{test}\n  OpenTofu:  {theirs:?}\n  tenantctl: {ours:?}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    statuses
}

#[test]
fn runs_end_as_in_opentofu() {
    let statuses = compared("module");
    // Or the cases would tell nothing.
    let all: Vec<&str> = statuses.keys().map(String::as_str).collect();
    assert_eq!(all, ["error", "fail", "pass", "skip"]);
}

#[test]
fn mocks_are_of_one_configuration_of_a_provider() {
    let statuses = compared("aliases");
    assert_eq!(statuses, BTreeMap::from([("fail".to_owned(), 1), ("pass".to_owned(), 3)]));
}

#[test]
fn results_are_told_below_each_run_and_leave_no_trace() {
    let place = Place::new();
    fixture(&place, "module");
    let said = place.run(EXAMPLE, &["test", "-filter=fails.tftest.hcl", "-junit-xml=report.xml"]);
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.stdout, @r#"
    fails.tftest.hcl... fail
      run "wrong"... fail
      run "goes_on"... pass
      run "wrong_plan"... fail

    Failure! 1 passed, 2 failed.
    "#);
    insta::assert_snapshot!(said.stderr, @r#"
    error: Test assertion failed
     --> fails.tftest.hcl:7:21
      |
    7 |     condition     = output.name == "two"
      |                     ^^^^^^^^^^^^^^^^^^^^
      |
      = The name is one.
      = where: output.name is "one"

    error: Test assertion failed
      --> fails.tftest.hcl:20:21
       |
    20 |     condition     = length(var.zones) > 5
       |                     ^^^^^^^^^^^^^^^^^^^^^
       |
       = Too few zones.
       = where: var.zones is list of string with 2 elements
    "#);
    let report = std::fs::read_to_string(place.example(EXAMPLE).join("report.xml")).unwrap();
    assert!(report.contains(r#"tests="3" skipped="0" failures="2" errors="0""#), "{report}");
    assert!(!place.example(EXAMPLE).join("state").exists());
    let home =
        place.files().into_iter().filter(|(path, _)| path.components().any(|c| c.as_os_str() == "home"));
    assert_eq!(home.count(), 0, "a test needs no key of the user's");
}

#[test]
fn values_come_from_outside_and_runs_see_earlier_ones() {
    let place = Place::new();
    place.write(
        EXAMPLE,
        "main.tf",
        "variable \"name\" {}\nresource \"terraform_data\" \"a\" {\n  input = var.name\n}\n\
         output \"id\" {\n  value = terraform_data.a.id\n}\n",
    );
    place.write(
        EXAMPLE,
        "a.tftest.hcl",
        "run \"one\" {\n  assert {\n    condition     = terraform_data.a.output == \"outside\"\n    \
         error_message = \"no\"\n  }\n}\n\nrun \"two\" {\n  assert {\n    \
         condition     = output.id == run.one.id\n    error_message = \"no\"\n  }\n}\n",
    );
    let said = place.ok(EXAMPLE, &["test", "-var=name=outside", "-verbose"]);
    assert!(said.stdout.contains("# terraform_data.a:"), "{}", said.stdout);
    assert!(said.stdout.ends_with("\nSuccess! 2 passed, 0 failed.\n"), "{}", said.stdout);
    let said = place.ok(EXAMPLE, &["test", "-var=name=outside", "-verbose", "-json"]);
    let states: Vec<Json> = said
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).expect("JSON"))
        .filter(|line| line["type"] == "test_state")
        .collect();
    let [one, two] = &states[..] else { panic!("{}", said.stdout) };
    assert_eq!((&one["@testrun"], &two["@testrun"]), (&"one".into(), &"two".into()));
    let object = &two["test_state"]["values"]["root_module"]["resources"][0];
    assert_eq!(object["address"], "terraform_data.a", "{}", said.stdout);
    place.write(EXAMPLE, "values.tfvars", "name = \"outside\"\n");
    place.ok(EXAMPLE, &["test", "-var-file=values.tfvars"]);
    assert_eq!(place.run(EXAMPLE, &["test", "-var=name=other"]).code, 1);
}

#[test]
fn what_mocks_invent_differs_from_object_to_object() {
    let place = Place::new();
    place.write(
        EXAMPLE,
        "main.tf",
        "resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" {}\n\
         resource \"terraform_data\" \"many\" {\n  count = 2\n  input = count.index\n}\n",
    );
    place.write(
        EXAMPLE,
        "a.tftest.hcl",
        "mock_provider \"terraform\" {}\n\nrun \"ids\" {\n  assert {\n    condition = length(toset(concat(\n      \
         [terraform_data.a.id, terraform_data.b.id], terraform_data.many[*].id))) == 4\n    \
         error_message = \"no\"\n  }\n}\n",
    );
    place.ok(EXAMPLE, &["test"]);
}

#[test]
fn what_could_not_be_removed_is_named_and_its_state_kept() {
    let place = Place::new();
    place.write(
        EXAMPLE,
        "main.tf",
        "resource \"terraform_data\" \"kept\" {\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n",
    );
    place.write(EXAMPLE, "a.tftest.hcl", "run \"make\" {}\n");
    let mut command = place.command(EXAMPLE, &["test"]);
    let said = said(command.env("TMPDIR", place.example(EXAMPLE)).output().unwrap());
    assert_eq!(said.code, 1);
    assert!(said.stdout.contains("run \"make\"... pass"), "{}", said.stdout);
    assert!(said.stderr.contains("Objects left by a test"), "{}", said.stderr);
    assert!(said.stderr.contains("terraform_data.kept"), "{}", said.stderr);
    assert!(said.stderr.contains("States kept"), "{}", said.stderr);
    let kept = place.files().into_iter().filter(|(path, _)| path.ends_with("workspaces/default/journal"));
    assert_eq!(kept.count(), 1);
}

#[test]
fn a_tenants_blueprint_is_tested_with_its_settings() {
    let place = Place::new();
    place.write(
        "quickstart",
        "tests/tenant.tftest.hcl",
        "run \"applied\" {\n  assert {\n    condition     = var.tenant.name == \"initech\" && \
         var.log_level == \"debug\"\n    error_message = \"no\"\n  }\n}\n\nrun \"changed\" {\n  \
         command = plan\n\n  variables {\n    log_level = \"warn\"\n  }\n\n  assert {\n    \
         condition     = var.log_level == \"warn\"\n    error_message = \"no\"\n  }\n}\n",
    );
    let said = place.run("quickstart", &["test"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("Choose one with -tenant=NAME."), "{}", said.stderr);
    let said = place.ok("quickstart", &["test", "-tenant=initech"]);
    assert!(said.stdout.ends_with("Success! 2 passed, 0 failed.\n"), "{}", said.stdout);
    assert!(!place.example("quickstart").join("state").exists());
    let said = place.run("quickstart", &["test", "-tenant=nobody"]);
    assert!(said.stderr.contains("There is no tenant \"nobody\"."), "{}", said.stderr);
}

#[test]
fn every_mistake_of_a_test_file_is_told_at_once() {
    let place = Place::new();
    place.write(EXAMPLE, "main.tf", "resource \"terraform_data\" \"a\" {}\n");
    place.write(
        EXAMPLE,
        "a.tftest.hcl",
        "run \"one\" {\n  command = build\n  color   = 1\n}\n\nrun \"one\" {\n  assert {\n    \
         condition = true\n  }\n}\n\noverride_data {\n  target = terraform_data.a\n}\n\nruns \"x\" {}\n",
    );
    let said = place.run(EXAMPLE, &["test"]);
    assert_eq!(said.code, 1);
    for words in [
        "Invalid keyword",
        "An argument named \"color\" is not expected here.",
        "An assertion needs \"condition\" and \"error_message\".",
        "Invalid target of an override",
        "Did you mean \"run\"?",
    ] {
        assert!(said.stderr.contains(words), "{words}\n{}", said.stderr);
    }
    let said = place.run(EXAMPLE, &["test", "-filter=b.tftest.hcl"]);
    assert!(said.stderr.contains("There is no test file b.tftest.hcl."), "{}", said.stderr);
}

#[test]
fn test_files_are_validated_too() {
    let place = Place::new();
    place.write(EXAMPLE, "main.tf", "output \"o\" {\n  value = 1\n}\n");
    place.write(EXAMPLE, "tests/a.tftest.hcl", "run \"x\" {\n  comand = plan\n}\n");
    let said = place.run(EXAMPLE, &["validate"]);
    assert!(said.code == 1 && said.stderr.contains("Did you mean \"command\"?"), "{}", said.stderr);
    place.ok(EXAMPLE, &["validate", "-no-tests"]);
    place.ok(EXAMPLE, &["validate", "-test-directory=elsewhere"]);
}
