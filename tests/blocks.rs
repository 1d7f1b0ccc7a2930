/// Pre- and postconditions, checks.
mod conditions;
/// Values that are never stored.
mod ephemeral;
/// Objects that were there before.
mod imports;
/// What `lifecycle` changes.
mod lifecycle;
/// Objects that go with their blocks.
mod moves;
/// Aliases, configurations for each element, and what modules are given.
mod providers;
/// Commands that are run with objects.
mod provisioners;
/// Objects whose blocks are gone.
mod removals;
/// `-target` and `-exclude`.
mod targets;
/// Validations that refer to other objects, and what is deprecated.
mod variables;

use serde_json::Value as Json;

use crate::common::{Place, Said};

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
            "resource \"terraform_data\" \"a\" {\n  lifecycle {\n    precondition {\n      condition = length(path.root)\n      error_message = \"x\"\n    }\n  }\n}\n",
            "Invalid condition",
        ),
        (
            "resource \"terraform_data\" \"a\" {\n  count = 1\n  lifecycle {\n    enabled = true\n  }\n}\n",
            "Invalid combination",
        ),
        (
            "output \"o\" {\n  value = 1\n  precondition {\n    condition = length(\"x\") == 1\n    error_message = \"x\"\n  }\n}\n",
            "The condition refers to nothing",
        ),
        (
            "variable \"m\" {\n  default = { europe = 1, asia = 2 }\n}\noutput \"o\" {\n  value = var.m[\"us\"]\n}\n",
            "It has \"asia\", \"europe\".",
        ),
        ("output \"o\" {\n  value = [1, 2][2]\n}\n", "It has 2 elements, from 0 to 1."),
        ("output \"o\" {\n  value = \"n: \" + 3\n}\n", "Texts are joined in one"),
        ("variable \"v\" {\n  type = \"string\"\n}\n", "A type stands here, without quotes."),
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
