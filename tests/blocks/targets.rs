use serde_json::Value as Json;

use super::{MODULE, actions, apply, plan_json, refused, root, settled};

const TARGETS: &str = r#"
resource "terraform_data" "a" {
  count = 2
  input = "a"
}
resource "terraform_data" "b" {
  input = terraform_data.a[0].id
}
resource "terraform_data" "c" {
  input = "c"
}
module "m" {
  source   = "./m"
  for_each = toset(["x", "y"])
  input    = terraform_data.c.output
}
output "a" {
  value = terraform_data.a[*].output
}
output "b" {
  value = terraform_data.b.output
}
output "k" {
  value = "k"
}
"#;

#[test]
fn targets_bring_what_they_need_and_exclusions_leave_out_what_needs_them() {
    let place = root(TARGETS);
    place.write("x", "m/main.tf", MODULE);
    let (a0, a1) = ("terraform_data.a[0] create", "terraform_data.a[1] create");
    let (b, c) = ("terraform_data.b create", "terraform_data.c create");
    let inner = |key: &str| format!("module.m[\"{key}\"].terraform_data.in create");
    let (x, y) = (inner("x"), inner("y"));
    for (args, expected) in [
        (&["-target=terraform_data.b"][..], vec![a0, a1, b]),
        (&["-target=terraform_data.a[1]"], vec![a1]),
        (&["-target=terraform_data.a[1]", "-target=terraform_data.c"], vec![a1, c]),
        (&["-target=module.m"], vec![c, &x, &y]),
        (&["-target=module.m[\"y\"]"], vec![c, &y]),
        (&["-target=module.m[\"y\"].terraform_data.in"], vec![c, &y]),
        (&["-exclude=terraform_data.a[1]"], vec![a0, c, &x, &y]),
        (&["-exclude=terraform_data.c"], vec![a0, a1, b]),
        (&["-exclude=module.m[\"x\"]"], vec![a0, a1, b, c, &y]),
    ] {
        let plan = plan_json(&place, args);
        let found = actions(&plan);
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        expected.sort();
        assert_eq!(found, expected, "{args:?}");
        assert_eq!(plan["complete"], false, "{args:?}");
    }
    let said = place.ok("x", &["apply", "-auto-approve", "-target=terraform_data.b"]);
    assert!(
        said.stderr.contains("Partial plan") && said.stderr.contains("Applied in part"),
        "{}",
        said.stderr
    );
    let outputs: Json = serde_json::from_str(&place.ok("x", &["output", "-json"]).stdout).unwrap();
    assert_eq!(outputs["a"]["value"], serde_json::json!(["a", "a"]));
    assert!(outputs["b"].is_object() && outputs["k"].is_null(), "{outputs}");

    apply(&place);
    settled(&place);
    // Destroying a part takes what depends on it along, and only that.
    let plan = plan_json(&place, &["-destroy", "-target=terraform_data.c"]);
    let found = actions(&plan);
    let gone = |key: &str| format!("module.m[\"{key}\"].terraform_data.in delete");
    assert_eq!(found, [gone("x"), gone("y"), "terraform_data.c delete".to_owned()]);
    let plan = plan_json(&place, &["-destroy", "-exclude=terraform_data.b"]);
    assert_eq!(actions(&plan).len(), 3, "{plan}");

    let words = refused(&place, &["plan", "-target=terraform_data.a", "-exclude=terraform_data.b"]);
    assert!(words.contains("Contradicting flags"), "{words}");
    let said = place.ok("x", &["plan", "-target=terraform_data.nothing"]);
    assert!(said.stderr.contains("Nothing has this address"), "{}", said.stderr);
}

#[test]
fn an_instance_that_is_left_out_keeps_its_place_before_others() {
    let place = root(
        "resource \"terraform_data\" \"a\" {\n  count = 3\n  input = count.index\n}\n\
         output \"second\" {\n  value = terraform_data.a[1].input\n}\n\
         output \"number\" {\n  value = length(terraform_data.a)\n}\n",
    );
    let said = place.ok("x", &["apply", "-auto-approve", "-target=terraform_data.a[1]"]);
    assert!(said.stdout.contains("second = 1") && said.stdout.contains("number = 2"), "{}", said.stdout);
}
