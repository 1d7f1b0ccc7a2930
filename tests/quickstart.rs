use crate::common::Place;

#[test]
fn apply_then_nothing_to_do_then_a_change_then_a_removal() {
    let place = Place::new();
    let said = place.ok("quickstart", &["apply", "-auto-approve"]);
    assert!(said.stdout.contains("39 added, 0 changed, 0 destroyed"), "{}", said.stdout);

    let said = place.run("quickstart", &["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert!(said.stdout.contains("No changes."), "{}", said.stdout);

    place.edit("quickstart", "main.hcl", "app_version = \"1.27\"", "app_version = \"1.28\"");
    let said = place.run("quickstart", &["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 2);
    assert!(said.stdout.contains("0 to add, 3 to change, 0 to destroy across 3 tenants"), "{}", said.stdout);
    place.ok("quickstart", &["apply", "-auto-approve"]);

    let said = place.ok("quickstart", &["destroy", "-auto-approve", "-tenant=initech"]);
    assert!(said.stdout.contains("13 destroyed"), "{}", said.stdout);
    let said = place.ok("quickstart", &["state", "list", "-tenant=acme"]);
    assert_eq!(said.stdout.lines().count(), 13, "{}", said.stdout);
}

#[test]
fn a_saved_plan_is_applied_once() {
    let place = Place::new();
    place.ok("quickstart", &["plan", "-out=saved.plan"]);
    place.ok("quickstart", &["apply", "saved.plan"]);
    let said = place.run("quickstart", &["apply", "saved.plan"]);
    assert_eq!(said.code, 1);
    assert!(
        said.stderr.contains("Plan is for another state") || said.stderr.contains("Plan is stale"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_damaged_plan_file_is_refused() {
    let place = Place::new();
    place.ok("quickstart", &["plan", "-out=saved.plan"]);
    let path = place.example("quickstart").join("saved.plan");
    let whole = std::fs::read(&path).unwrap();
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    for bytes in [changed, whole[..whole.len() - 1].to_vec(), b"tenantctl-plan 99\n".to_vec(), Vec::new()] {
        std::fs::write(&path, bytes).unwrap();
        let said = place.run("quickstart", &["apply", "saved.plan"]);
        assert_eq!(said.code, 1, "{}", said.stderr);
        assert!(said.stderr.contains("Plan file refused"), "{}", said.stderr);
    }
}

#[test]
fn a_tenant_that_vanished_from_the_configuration_is_not_destroyed() {
    let place = Place::new();
    place.ok("quickstart", &["apply", "-auto-approve"]);
    place.edit("quickstart", "main.hcl", "tenant \"globex\" {\n  tier = \"starter\"\n}\n", "");
    let said = place.run("quickstart", &["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
    assert!(!said.stdout.contains("destroyed"), "{}", said.stdout);
}

#[test]
fn a_saved_plan_is_applied_without_the_configuration() {
    let place = Place::new();
    place.ok("quickstart", &["plan", "-out=saved.plan"]);
    let root = place.example("quickstart");
    std::fs::remove_file(root.join("main.hcl")).unwrap();
    std::fs::remove_dir_all(root.join("blueprint")).unwrap();
    let shown = place.ok("quickstart", &["show", "-json", "saved.plan"]).stdout;
    assert!(shown.contains(r#""log_level":{"value":"debug"}"#), "{shown}");
    let said = place.ok("quickstart", &["apply", "saved.plan"]);
    assert!(said.stdout.contains("39 added, 0 changed, 0 destroyed"), "{}", said.stdout);
    // They were made in the simulated cloud that the plan was made with.
    assert_eq!(place.history("quickstart", "acme").len(), 13);
}
