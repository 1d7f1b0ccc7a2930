use serde_json::Value as Json;

use crate::common::{Place, Said};

/// A place with one root directory `x`.
fn root(text: &str) -> Place {
    let place = Place::new();
    place.write("x", "main.tf", text);
    place
}

fn plan_json(place: &Place, args: &[&str]) -> Json {
    let args = [&["plan", "-out=p"], args].concat();
    let said = place.run("x", &args);
    assert!(said.code == 0, "{}\n{}", said.stdout, said.stderr);
    serde_json::from_str(&place.ok("x", &["show", "-json", "p"]).stdout).unwrap()
}

/// `address action,action` of everything that is done, sorted.
fn actions(plan: &Json) -> Vec<String> {
    let changes = plan["resource_changes"].as_array().unwrap();
    let words = |change: &Json| {
        let actions: Vec<&str> =
            change["change"]["actions"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
        format!("{} {}", change["address"].as_str().unwrap(), actions.join(","))
    };
    let mut all: Vec<String> = changes.iter().map(words).filter(|words| !words.ends_with(" no-op")).collect();
    all.sort();
    all
}

fn apply(place: &Place) -> Said {
    place.ok("x", &["apply", "-auto-approve"])
}

/// Nothing is left to do.
fn settled(place: &Place) {
    let said = place.run("x", &["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
}

fn recorded(place: &Place) -> Vec<String> {
    place.ok("x", &["state", "list"]).stdout.lines().map(str::to_owned).collect()
}

fn ids(place: &Place) -> Vec<(String, String)> {
    let state: Vec<_> = place.states("x").into_iter().flat_map(|s| s.resources.into_values()).collect();
    let id = |r: &tenantctl_core::state::ResourceRecord| {
        r.attributes.get("id").unwrap().as_str().unwrap().to_owned()
    };
    state.iter().map(|record| (record.key.address.to_string(), id(record))).collect()
}

/// What a refused command says, on one line.
fn refused(place: &Place, args: &[&str]) -> String {
    let said = place.run("x", args);
    assert_eq!(said.code, 1, "{args:?}\n{}\n{}", said.stdout, said.stderr);
    one_line(&said.stderr)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().filter(|word| !["|", "="].contains(word)).collect::<Vec<_>>().join(" ")
}

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

const MODULE: &str = r#"
variable "input" {
  default = "none"
}
resource "terraform_data" "in" {
  input = var.input
}
output "out" {
  value = terraform_data.in.output
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
fn objects_move_with_their_blocks() {
    let place = root(
        "resource \"terraform_data\" \"a\" {}\n\
         resource \"terraform_data\" \"n\" {\n count = 2\n}\n\
         resource \"terraform_data\" \"user\" {\n input = terraform_data.a.id\n}\n\
         module \"m\" {\n source = \"./m\"\n}\n",
    );
    place.write("x", "m/main.tf", MODULE);
    apply(&place);
    let mut before = ids(&place);

    // Through a chain, into a module, with new keys, a whole module.
    place.write(
        "x",
        "main.tf",
        r#"
moved {
  from = terraform_data.a
  to   = terraform_data.b
}
moved {
  from = terraform_data.b
  to   = module.k["x"].terraform_data.in
}
moved {
  from = terraform_data.n[0]
  to   = terraform_data.n["p"]
}
moved {
  from = terraform_data.n[1]
  to   = terraform_data.n["q"]
}
moved {
  from = module.m
  to   = module.k["y"]
}
resource "terraform_data" "n" {
  for_each = toset(["p", "q"])
}
resource "terraform_data" "user" {
  input = module.k["x"].id
}
module "k" {
  source   = "./k"
  for_each = toset(["x", "y"])
}
"#,
    );
    let inner = "variable \"input\" {\n  default = null\n}\nresource \"terraform_data\" \"in\" {\n  input = var.input\n}\noutput \"id\" {\n  value = terraform_data.in.id\n}\n";
    place.write("x", "k/main.tf", inner);
    place.edit(
        "x",
        "main.tf",
        "source   = \"./k\"\n",
        "source   = \"./k\"\n  input = each.key == \"y\" ? \"none\" : null\n",
    );
    let plan = plan_json(&place, &[]);
    assert_eq!(actions(&plan), Vec::<String>::new(), "{plan}");
    let previous: Vec<&str> = plan["resource_changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|change| change["previous_address"].as_str())
        .collect();
    assert_eq!(previous.len(), 4, "{previous:?}");
    let said = place.run("x", &["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 2);
    assert!(
        said.stdout.contains("terraform_data.n[0] has moved to terraform_data.n[\"p\"]"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("0 to add, 0 to change, 0 to destroy"), "{}", said.stdout);

    apply(&place);
    settled(&place);
    let mut after = ids(&place);
    let at = |address: &str| after.iter().find(|(a, _)| a == address).unwrap().1.clone();
    let was = |address: &str| before.iter().find(|(a, _)| a == address).unwrap().1.clone();
    assert_eq!(at("module.k[\"x\"].terraform_data.in"), was("terraform_data.a"));
    assert_eq!(at("module.k[\"y\"].terraform_data.in"), was("module.m.terraform_data.in"));
    assert_eq!(at("terraform_data.n[\"q\"]"), was("terraform_data.n[1]"));
    let user = place.states("x").remove(0).resources.into_values().find(|r| &*r.key.address.name == "user");
    let dependencies = user.unwrap().dependencies;
    assert_eq!(
        dependencies.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["module.k[\"x\"].terraform_data.in"]
    );
    before.sort_by(|a, b| a.1.cmp(&b.1));
    after.sort_by(|a, b| a.1.cmp(&b.1));
    assert!(before.iter().map(|b| &b.1).eq(after.iter().map(|a| &a.1)), "nothing was made anew");
}

#[test]
fn a_count_that_comes_or_goes_keeps_the_first_object() {
    let place = root("resource \"terraform_data\" \"a\" {}\n");
    apply(&place);
    let before = ids(&place)[0].1.clone();
    place.write("x", "main.tf", "resource \"terraform_data\" \"a\" {\n  count = 2\n}\n");
    assert_eq!(actions(&plan_json(&place, &[])), ["terraform_data.a[1] create"]);
    apply(&place);
    assert_eq!(ids(&place)[0], ("terraform_data.a[0]".to_owned(), before.clone()));
    place.write("x", "main.tf", "resource \"terraform_data\" \"a\" {}\n");
    assert_eq!(actions(&plan_json(&place, &[])), ["terraform_data.a[1] delete"]);
    apply(&place);
    assert_eq!(ids(&place), [("terraform_data.a".to_owned(), before)]);
    settled(&place);
}

#[test]
fn moves_that_contradict_one_another_are_refused() {
    let moved = |from: &str, to: &str| format!("moved {{\n  from = {from}\n  to   = {to}\n}}\n");
    let (a, b, c) = ("terraform_data.a", "terraform_data.b", "terraform_data.c");
    for (text, expected) in [
        (moved(a, b) + &moved(b, a), "Cycle of moves"),
        (moved("module.a", "module.b") + &moved("module.b", "module.a"), "Cycle of moves"),
        (moved(a, b) + &moved(a, c), "Ambiguous moves"),
        (moved(a, c) + &moved(b, c), "Ambiguous moves"),
        (moved(a, a), "Redundant move"),
        (moved(a, "module.b"), "Invalid \"moved\" addresses"),
        (moved(a, "other_type.b"), "Invalid \"moved\" addresses"),
        (moved("data.terraform_data.a", "data.terraform_data.b"), "Invalid \"moved\" addresses"),
        (moved("var.a", b), "Invalid address"),
        (moved("terraform_data.a[var.x]", b), "Invalid address"),
        (moved(a, b) + "resource \"terraform_data\" \"a\" {}\n", "Moved object still exists"),
        (
            moved("terraform_data.a[1]", b) + "resource \"terraform_data\" \"a\" {\n  count = 2\n}\n",
            "Moved object still exists",
        ),
    ] {
        let words = refused(&root(&text), &["plan"]);
        assert!(words.contains(expected), "{text}\n{words}");
    }
    // Keys alone are no cycle, nor is a move of some instance.
    let fine = moved("terraform_data.a[0]", "terraform_data.a[\"x\"]")
        + &moved("terraform_data.a[1]", "terraform_data.a[\"y\"]")
        + "resource \"terraform_data\" \"a\" {\n  for_each = toset([\"x\", \"y\"])\n}\n";
    root(&fine).ok("x", &["plan"]);
}

#[test]
fn an_object_does_not_move_to_where_another_is() {
    let place = root("resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" {}\n");
    apply(&place);
    place.write(
        "x",
        "main.tf",
        "moved {\n  from = terraform_data.a\n  to = terraform_data.b\n}\nresource \"terraform_data\" \"b\" {}\n",
    );
    let said = place.ok("x", &["plan"]);
    assert!(said.stderr.contains("Object not moved"), "{}", said.stderr);
    assert_eq!(actions(&plan_json(&place, &[])), ["terraform_data.a delete"]);
}

#[test]
fn removed_blocks_forget_or_destroy() {
    let all = "resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" {}\nmodule \"m\" {\n  source = \"./m\"\n}\n";
    let place = root(all);
    place.write("x", "m/main.tf", MODULE);
    apply(&place);
    let removed = |from: &str, destroy: bool| {
        format!("removed {{\n  from = {from}\n  lifecycle {{\n    destroy = {destroy}\n  }}\n}}\n")
    };
    let text =
        removed("terraform_data.a", false) + &removed("terraform_data.b", true) + &removed("module.m", false);
    place.write("x", "main.tf", &text);
    let plan = plan_json(&place, &[]);
    let found = actions(&plan);
    assert_eq!(
        found,
        ["module.m.terraform_data.in forget", "terraform_data.a forget", "terraform_data.b delete"]
    );
    let said = apply(&place);
    assert!(said.stdout.contains("1 to destroy, 2 to forget"), "{}", said.stdout);
    assert!(said.stdout.contains("1 destroyed, 2 forgotten"), "{}", said.stdout);
    assert!(recorded(&place).is_empty());

    place.write("x", "main.tf", &(all.to_owned() + &removed("terraform_data.a", true)));
    assert!(refused(&place, &["plan"]).contains("Removed object still exists"));
    place.write("x", "main.tf", &removed("terraform_data.a[0]", true));
    assert!(refused(&place, &["plan"]).contains("without instance keys"));
    place.write("x", "main.tf", "removed {\n  from = terraform_data.a\n}\n");
    let said = place.ok("x", &["plan"]);
    assert!(said.stderr.contains("Removed block without lifecycle"), "{}", said.stderr);
}

#[test]
fn an_object_whose_block_says_so_is_never_destroyed() {
    let keep = "resource \"terraform_data\" \"a\" {\n  count            = 2\n  triggers_replace = \"1\"\n  lifecycle {\n    destroy = false\n  }\n}\n";
    let place = root(keep);
    apply(&place);
    assert_eq!(
        actions(&plan_json(&place, &["-destroy"])),
        ["terraform_data.a[0] forget", "terraform_data.a[1] forget"]
    );
    place.edit("x", "main.tf", "\"1\"", "\"2\"");
    assert_eq!(
        actions(&plan_json(&place, &[])),
        ["terraform_data.a[0] forget,create", "terraform_data.a[1] forget,create"]
    );
    let said = apply(&place);
    assert!(said.stdout.contains("2 added, 0 changed, 0 destroyed, 2 forgotten"), "{}", said.stdout);
    settled(&place);
    // Even when the block is gone.
    place.write("x", "main.tf", "\n");
    let plan = plan_json(&place, &[]);
    assert_eq!(actions(&plan), ["terraform_data.a[0] forget", "terraform_data.a[1] forget"]);
}

#[test]
fn imports_take_objects_in() {
    let place = root(
        r#"
import {
  to = terraform_data.a
  id = "x"
}
import {
  for_each = { p = "id-p", q = "id-q" }
  to       = terraform_data.b[each.key]
  id       = each.value
}
resource "terraform_data" "a" {}
resource "terraform_data" "b" {
  for_each = toset(["p", "q"])
  input    = 1
}
"#,
    );
    let plan = plan_json(&place, &[]);
    assert_eq!(actions(&plan), ["terraform_data.b[\"p\"] update", "terraform_data.b[\"q\"] update"]);
    let changes = plan["resource_changes"].as_array().unwrap();
    let imported = changes.iter().find(|change| change["address"] == "terraform_data.a").unwrap();
    assert_eq!(imported["change"]["importing"]["id"], "x");
    let said = place.ok("x", &["plan"]);
    for words in
        ["terraform_data.a will be imported", "imported from \"id-p\"", "3 to import, 0 to add, 2 to change"]
    {
        assert!(said.stdout.contains(words), "{words}\n{}", said.stdout);
    }
    let said = place.ok("x", &["apply", "p"]);
    assert!(said.stdout.contains("3 imported, 0 added, 2 changed"), "{}", said.stdout);
    assert_eq!(ids(&place)[0], ("terraform_data.a".to_owned(), "x".to_owned()));
    settled(&place);

    for (text, expected) in [
        (
            "import {\n  to = terraform_data.z\n  id = \"z\"\n}\n",
            "Configuration for import target does not exist",
        ),
        ("import {\n  to = terraform_data.b[\"r\"]\n  id = \"z\"\n}\n", "has no instance terraform_data.b"),
        (
            "import {\n  to = terraform_data.c\n  id = terraform_data.d.id\n}\nresource \"terraform_data\" \"c\" {}\nresource \"terraform_data\" \"d\" {}\n",
            "Import not possible yet",
        ),
        ("import {\n  to = terraform_data.c\n}\n", "The argument \"id\" is required"),
        ("import {\n  to = module.m\n  id = \"z\"\n}\n", "Invalid address"),
        ("import {\n  to = terraform_data.a\n  id = \"y\"\n}\n", "Duplicate import"),
    ] {
        place.write("x", "more.tf", text);
        let words = refused(&place, &["plan"]);
        assert!(words.contains(expected), "{text}\n{words}");
    }
}

#[test]
fn configuration_is_made_for_imported_objects() {
    let place = root("import {\n  to = terraform_data.a\n  id = \"x\"\n}\n");
    let said = place.ok("x", &["plan", "-generate-config-out=made.tf"]);
    assert!(said.stdout.contains("1 to import"), "{}", said.stdout);
    let made = std::fs::read_to_string(place.example("x").join("made.tf")).unwrap();
    assert!(made.contains("resource \"terraform_data\" \"a\" {"), "{made}");
    assert!(refused(&place, &["plan", "-generate-config-out=made.tf"]).contains("File exists"));
    let said = apply(&place);
    assert!(said.stdout.contains("1 imported, 0 added, 0 changed, 0 destroyed"), "{}", said.stdout);
    settled(&place);
}

#[test]
fn the_import_command_takes_one_object_in_and_does_nothing_else() {
    let place = root(
        "resource \"terraform_data\" \"a\" {\n  count = 2\n  input = 1\n}\nresource \"terraform_data\" \"b\" {}\n",
    );
    let said = place.ok("x", &["import", "terraform_data.a[1]", "the-id"]);
    assert!(said.stdout.contains("1 imported, 0 added, 0 changed, 0 destroyed"), "{}", said.stdout);
    assert_eq!(ids(&place), [("terraform_data.a[1]".to_owned(), "the-id".to_owned())]);
    assert!(refused(&place, &["import", "terraform_data.a[1]", "y"]).contains("Already managed"));
    let words = refused(&place, &["import", "terraform_data.a[2]", "y"]);
    assert!(words.contains("Configuration for import target does not exist"), "{words}");
    let words = refused(&place, &["import", "terraform_data.zz", "y"]);
    assert!(words.contains("Configuration for import target does not exist"), "{words}");
    assert_eq!(
        actions(&plan_json(&place, &[])),
        ["terraform_data.a[0] create", "terraform_data.a[1] update", "terraform_data.b create"]
    );
}

const CHECKED: &str = r#"
variable "v" {
  type    = number
  default = 3
}
resource "terraform_data" "a" {
  count = 2
  input = var.v
  lifecycle {
    precondition {
      condition     = var.v > 2
      error_message = "v is ${var.v}, which is small."
    }
    postcondition {
      condition     = self.output < 10 && self.id != "x"
      error_message = "output is ${self.output}"
    }
  }
}
resource "terraform_data" "b" {
  input = terraform_data.a[0].id
  lifecycle {
    precondition {
      condition     = var.v != 4 || terraform_data.a[0].id == "never"
      error_message = "a came out wrong"
    }
  }
}
check "health" {
  assert {
    condition     = terraform_data.b.id == "never"
    error_message = "b is not well"
  }
  assert {
    condition     = var.v == 3
    error_message = "v is ${var.v}"
  }
}
output "o" {
  value = var.v
  precondition {
    condition     = var.v != 5
    error_message = "not five"
  }
}
"#;

#[test]
fn conditions_stop_what_they_are_about_and_checks_warn() {
    let place = root(CHECKED);
    for (value, expected) in [
        ("2", "Resource precondition failed"),
        ("12", "Resource postcondition failed"),
        ("5", "Output precondition failed"),
    ] {
        let words = refused(&place, &["plan", &format!("-var=v={value}")]);
        assert!(words.contains(expected), "{value}: {words}");
        assert_eq!(words.matches(expected).count(), 1, "{words}");
    }
    let words = refused(&place, &["plan", "-var=v=2"]);
    assert!(words.contains("v is 2, which is small.") && words.contains("where: var.v is 2"), "{words}");

    // Known only at apply: what depends on it is not made.
    let said = place.run("x", &["apply", "-auto-approve", "-var=v=4"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stderr.contains("a came out wrong"), "{}", said.stderr);
    assert_eq!(recorded(&place), ["terraform_data.a[0]", "terraform_data.a[1]"]);

    let plan = plan_json(&place, &[]);
    let checks: Vec<(&str, &str)> = plan["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["address"]["to_display"].as_str().unwrap(), c["status"].as_str().unwrap()))
        .collect();
    let mut sorted = checks.clone();
    sorted.sort_unstable();
    let expected = [
        ("check.health", "unknown"),
        ("output.o", "pass"),
        ("terraform_data.a", "pass"),
        ("terraform_data.b", "pass"),
    ];
    assert_eq!(sorted, expected);
    let said = place.ok("x", &["apply", "p"]);
    assert!(said.stderr.contains("b is not well"), "{}", said.stderr);
    assert!(!said.stderr.contains("v is 3"), "{}", said.stderr);
    settled(&place);
    // Afterwards it is known, and still only a warning.
    let said = place.ok("x", &["plan"]);
    assert!(said.stderr.contains("Check failed") && said.stderr.contains("b is not well"), "{}", said.stderr);
}

#[test]
fn conditions_of_objects_that_do_not_change_are_judged_at_apply_too() {
    let place = root(
        r#"
variable "on" {
  default = false
}
resource "terraform_data" "a" {
  triggers_replace = var.on
}
resource "terraform_data" "b" {
  lifecycle {
    precondition {
      condition     = !var.on || terraform_data.a.id == "never"
      error_message = "a is not the one"
    }
  }
}
"#,
    );
    apply(&place);
    let said = place.run("x", &["apply", "-auto-approve", "-var=on=true"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stderr.contains("a is not the one"), "{}", said.stderr);
}

#[test]
fn misplaced_words_are_told() {
    for (text, expected) in [
        ("resource \"terraform_data\" \"a\" {\n  input = self.id\n}\n", "self stands for the object"),
        ("check \"c\" {\n}\n", "Missing assert block"),
        (
            "check \"c\" {\n  assert {\n    condition = true\n  }\n}\n",
            "needs \"condition\" and \"error_message\"",
        ),
        (
            "resource \"terraform_data\" \"a\" {\n  lifecycle {\n    precondition {\n      condition = 1\n      error_message = \"x\"\n    }\n  }\n}\n",
            "Invalid condition",
        ),
        (
            "resource \"terraform_data\" \"a\" {\n  count = 1\n  lifecycle {\n    enabled = true\n  }\n}\n",
            "Invalid combination",
        ),
        (
            "resource \"terraform_data\" \"a\" {\n  lifecycle {\n    ignore_changes = [input[var.x]]\n  }\n}\n",
            "Invalid ignore_changes",
        ),
        (
            "resource \"terraform_data\" \"a\" {\n  lifecycle {\n    replace_triggered_by = [var.x]\n  }\n}\nvariable \"x\" {\n  default = 1\n}\n",
            "Invalid replace_triggered_by",
        ),
    ] {
        let words = refused(&root(text), &["plan"]);
        assert!(words.contains(expected), "{text}\n{words}");
    }
}

#[test]
fn parts_of_attributes_are_ignored() {
    let text = |tags: &str| {
        format!(
            "resource \"terraform_data\" \"a\" {{\n  input = {{ tags = {{ {tags} }}, list = [\"p\", \"q\"] }}\n  lifecycle {{\n    ignore_changes = [input.tags[\"a\"], input.list[1]]\n  }}\n}}\n"
        )
    };
    let place = root(&text("a = 1, b = 1"));
    apply(&place);
    place.write("x", "main.tf", &text("a = 2, b = 1").replace("\"q\"", "\"changed\""));
    settled(&place);
    place.write("x", "main.tf", &text("b = 2"));
    let plan = plan_json(&place, &[]);
    assert_eq!(actions(&plan), ["terraform_data.a update"]);
    let after = &plan["resource_changes"][0]["change"]["after"]["input"];
    assert_eq!(after["tags"], serde_json::json!({ "a": 1, "b": 2 }));
    place.ok("x", &["apply", "p"]);
    settled(&place);
}

#[test]
fn triggers_replace_what_names_them() {
    let place = root(
        r#"
variable "v" {
  type    = number
  default = 1
}
variable "w" {
  type    = number
  default = 1
}
resource "terraform_data" "a" {
  for_each = toset(["p", "q"])
  input    = each.key == "p" ? var.v : var.w
}
resource "terraform_data" "each" {
  for_each = toset(["p", "q"])
  lifecycle {
    replace_triggered_by = [terraform_data.a[each.key]]
  }
}
resource "terraform_data" "any" {
  lifecycle {
    replace_triggered_by = [terraform_data.a]
  }
}
resource "terraform_data" "id" {
  lifecycle {
    replace_triggered_by = [terraform_data.a["p"].id]
  }
}
"#,
    );
    apply(&place);
    settled(&place);
    let plan = plan_json(&place, &["-var=v=2"]);
    let found = actions(&plan);
    assert_eq!(
        found,
        [
            "terraform_data.a[\"p\"] update",
            "terraform_data.any delete,create",
            "terraform_data.each[\"p\"] delete,create"
        ]
    );
    let plan = plan_json(&place, &["-replace=terraform_data.a[\"p\"]"]);
    assert!(actions(&plan).contains(&"terraform_data.id delete,create".to_owned()), "{:?}", actions(&plan));
    place.ok("x", &["apply", "p"]);
    settled(&place);
}

#[test]
fn create_first_spreads_to_what_is_depended_on() {
    let place = root(
        r#"
variable "v" {
  default = 1
}
resource "terraform_data" "base" {
  triggers_replace = var.v
}
resource "terraform_data" "top" {
  triggers_replace = terraform_data.base.id
  lifecycle {
    create_before_destroy = true
  }
}
"#,
    );
    apply(&place);
    let plan = plan_json(&place, &["-var=v=2"]);
    assert_eq!(actions(&plan), ["terraform_data.base create,delete", "terraform_data.top create,delete"]);
    let said = place.ok("x", &["apply", "p"]);
    let at = |words: &str| said.stdout.find(words).unwrap_or_else(|| panic!("no {words}: {}", said.stdout));
    assert!(at("base: Creation complete") < at("top: Creating"));
    assert!(at("top: Creation complete") < at("top: Destroying"));
    assert!(at("top: Destruction complete") < at("base: Destroying"));
    assert_eq!(place.run("x", &["plan", "-detailed-exitcode", "-var=v=2"]).code, 0);
}

#[test]
fn protection_may_be_an_expression() {
    let place = root(
        r#"
variable "guard" {
  default = true
}
variable "n" {
  default = 1
}
resource "terraform_data" "a" {
  count            = var.n
  triggers_replace = var.n
  lifecycle {
    prevent_destroy = var.guard
  }
}
"#,
    );
    apply(&place);
    for args in [&["plan", "-destroy"][..], &["plan", "-var=n=0"], &["plan", "-var=n=2"]] {
        assert!(refused(&place, args).contains("Object is protected"), "{args:?}");
        let free = [args, &["-var=guard=false"]].concat();
        place.ok("x", &free);
    }
    settled(&place);
}

#[test]
fn a_block_may_be_turned_off() {
    let text = r#"
variable "on" {
  default = true
}
resource "terraform_data" "a" {
  lifecycle {
    enabled = var.on
  }
}
module "m" {
  source = "./m"
  lifecycle {
    enabled = var.on
  }
}
output "there" {
  value = [terraform_data.a != null, module.m != null]
}
"#;
    let place = root(text);
    place.write("x", "m/main.tf", MODULE);
    apply(&place);
    settled(&place);
    assert_eq!(recorded(&place).len(), 2);
    let said = place.ok("x", &["apply", "-auto-approve", "-var=on=false"]);
    assert!(said.stdout.contains("2 destroyed"), "{}", said.stdout);
    let outputs: Json = serde_json::from_str(&place.ok("x", &["output", "-json"]).stdout).unwrap();
    assert_eq!(outputs["there"]["value"], serde_json::json!([false, false]));
}

const WAITING: &str = r#"
resource "terraform_data" "first" {}

locals {
  n = length(terraform_data.first.id) > 3 ? 2 : 1
}

resource "terraform_data" "many" {
  count = local.n
}

resource "terraform_data" "each" {
  for_each = { for i in range(local.n) : "k${i}" => i }
  input    = each.value
}

resource "terraform_data" "after" {
  input = terraform_data.many[*].id
}

module "m" {
  source = "./m"
  count  = local.n
}

resource "terraform_data" "free" {}

output "ids" {
  value = length(terraform_data.many)
}
"#;

#[test]
fn what_is_not_known_yet_waits_and_the_rest_is_done() {
    let place = root(WAITING);
    place.write("x", "m/main.tf", MODULE);
    let said = place.run("x", &["plan", "-detailed-exitcode", "-out=p"]);
    assert_eq!(said.code, 3, "{}\n{}", said.stdout, said.stderr);
    for words in [
        "terraform_data.many[*] deferred: waits for local.n",
        "terraform_data.each[*] deferred: waits for local.n",
        "terraform_data.after deferred: waits for terraform_data.many[*]",
        "module.m[*].terraform_data.in deferred: waits for local.n",
        "Plan: 2 to add, 0 to change, 0 to destroy. 4 resources wait for another apply.",
    ] {
        assert!(said.stdout.contains(words), "{words}\n{}", said.stdout);
    }
    let plan: Json = serde_json::from_str(&place.ok("x", &["show", "-json", "p"]).stdout).unwrap();
    assert_eq!(plan["complete"], false);
    let reasons: Vec<(&str, &str)> = plan["deferred_changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (d["resource_change"]["address"].as_str().unwrap(), d["reason"].as_str().unwrap()))
        .collect();
    assert!(reasons.contains(&("terraform_data.many[*]", "instance_count_unknown")), "{reasons:?}");
    assert!(reasons.contains(&("terraform_data.after", "deferred_prereq")), "{reasons:?}");

    let said = place.ok("x", &["apply", "p"]);
    assert!(said.stdout.contains("Run apply again to finish"), "{}", said.stdout);
    assert_eq!(recorded(&place), ["terraform_data.first", "terraform_data.free"]);
    let said = apply(&place);
    assert!(said.stdout.contains("7 added"), "{}", said.stdout);
    settled(&place);
    let outputs: Json = serde_json::from_str(&place.ok("x", &["output", "-json"]).stdout).unwrap();
    assert_eq!(outputs["ids"]["value"], 2);

    // What is there stays while it waits.
    let plan = plan_json(&place, &["-replace=terraform_data.first"]);
    assert_eq!(actions(&plan), ["terraform_data.first delete,create"]);
    place.ok("x", &["apply", "p"]);
    settled(&place);
}
