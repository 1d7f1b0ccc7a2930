use serde_json::Value as Json;

use super::{apply, plan_json, recorded, refused, root, settled};
use crate::common::Place;

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
      condition     = self.input < 10 && self.id != "x"
      error_message = "input is ${self.input}"
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

/// What a check reads for itself it reads once more when all is done.
#[test]
fn a_check_sees_what_the_apply_made() {
    let place = root(
        r#"
variable "n" {
  type    = number
  default = 1
}
resource "terraform_data" "made" {
  triggers_replace = var.n
  provisioner "local-exec" {
    command = "cp ${var.n}.json made.json"
  }
}
check "made" {
  data "terraform_remote_state" "found" {
    backend = "local"
    config  = { path = "made.json" }
  }
  assert {
    condition     = data.terraform_remote_state.found.outputs.n == var.n
    error_message = "It is ${data.terraform_remote_state.found.outputs.n}."
  }
}
"#,
    );
    for (n, found) in [(1, 1), (2, 2), (3, 7)] {
        let state =
            format!(r#"{{"version": 4, "outputs": {{"n": {{"value": {found}, "type": "number"}}}}}}"#);
        place.write("x", &format!("{n}.json"), &state);
    }
    let checked = |plan: &serde_json::Value| plan["checks"][0]["status"].as_str().unwrap().to_owned();
    let plan = plan_json(&place, &[]);
    assert_eq!(checked(&plan), "fail", "there is nothing to read yet");
    let said = place.ok("x", &["apply", "p"]);
    assert!(!said.stderr.contains("Check failed"), "{}", said.stderr);

    let plan = plan_json(&place, &[]);
    assert_eq!(checked(&plan), "pass");
    let read = plan["resource_changes"].as_array().unwrap().iter().find(|one| one["mode"] == "data").unwrap();
    assert_eq!(
        (&read["change"]["actions"][0], &read["action_reason"]),
        (&"read".into(), &"read_because_check_nested".into())
    );
    // To look is no change.
    settled(&place);

    let said = place.ok("x", &["apply", "-auto-approve", "-var=n=2"]);
    assert_eq!(said.stderr.matches("Check failed").count(), 1, "only before it: {}", said.stderr);
    assert!(said.stderr.contains("It is 1."), "{}", said.stderr);
    let said = place.ok("x", &["apply", "-auto-approve", "-var=n=3"]);
    assert!(said.stderr.contains("It is 2.") && said.stderr.contains("It is 7."), "{}", said.stderr);
}

/// The values that a condition refers to are told by the apply as by the plan.
#[test]
fn what_the_apply_judges_is_told_with_its_values() {
    let place = root(
        r#"
variable "password" {
  sensitive = true
  default   = "hunter2"
}
resource "terraform_data" "a" {
  input = { n = 1, secret = var.password }
}
check "c" {
  assert {
    condition     = terraform_data.a.output.n == 2 && terraform_data.a.output.secret != null
    error_message = "No."
  }
}
"#,
    );
    let said = place.ok("x", &["apply", "-auto-approve"]);
    assert!(said.stderr.contains("terraform_data.a.output.n is 1"), "{}", said.stderr);
    assert!(!said.stderr.contains("hunter2"), "{}", said.stderr);
}

/// What an output was stays, until a run comes to what it will be.
#[test]
fn outputs_outlive_a_failure() {
    let place = Place::new();
    let text = |value: &str| {
        format!(
            "resource \"terraform_data\" \"b\" {{\n  input = {value:?}\n}}\n\
             resource \"terraform_data\" \"a\" {{\n  input = terraform_data.b.output\n  lifecycle {{\n    precondition {{\n      \
             condition     = terraform_data.b.output != \"bad\"\n      error_message = \"No.\"\n    }}\n  }}\n}}\n\
             output \"o\" {{\n  value = \"is ${{terraform_data.a.output}}\"\n}}\n"
        )
    };
    let is = |said: &str| assert_eq!(place.ok("e", &["output", "-raw", "o"]).stdout, said);
    place.write("e", "main.tf", &text("one"));
    place.ok("e", &["apply", "-auto-approve"]);
    is("is one");
    place.write("e", "main.tf", &text("bad"));
    assert_eq!(place.run("e", &["apply", "-auto-approve"]).code, 1);
    is("is one");
    place.write("e", "main.tf", &text("two"));
    place.ok("e", &["apply", "-auto-approve"]);
    is("is two");
}

/// The state keeps what conditions came to, is written only where that is
/// something else, and gives it out and takes it in again.
#[test]
fn what_conditions_came_to_is_kept() {
    let place = root(
        r#"
variable "size" {
  default = 1
}
resource "terraform_data" "a" {
  count = 2
  input = count.index
  lifecycle {
    postcondition {
      condition     = self.output < 5
      error_message = "Too much."
    }
  }
}
check "small" {
  assert {
    condition     = var.size < 2
    error_message = "The size is ${var.size}."
  }
}
"#,
    );
    let kept = |place: &Place| {
        let state: Json = serde_json::from_str(&place.ok("x", &["show", "-json"]).stdout).unwrap();
        let all = state["checks"].as_array().unwrap().iter();
        let told = all.map(|one| format!("{} {}", one["address"]["to_display"], one["status"]));
        (state["serial"].as_u64().unwrap(), told.collect::<Vec<_>>().join(", ").replace('"', ""))
    };
    apply(&place);
    let passes = "check.small pass, terraform_data.a pass";
    assert_eq!(kept(&place), (1, passes.into()));
    apply(&place);
    assert_eq!(kept(&place), (1, passes.into()), "nothing is written");
    let said = place.ok("x", &["apply", "-auto-approve", "-var", "size=3"]);
    assert!(said.stdout.contains("0 added, 0 changed, 0 destroyed"), "{}", said.stdout);
    let fails = "check.small fail, terraform_data.a pass";
    assert_eq!(kept(&place), (2, fails.into()), "it is all that changed");

    let file = place.ok("x", &["state", "pull"]).stdout;
    place.write("x", "there.tfstate", &file);
    let said = place.ok("x", &["state", "push", "there.tfstate"]);
    assert_eq!(kept(&place), (2, fails.into()), "{}", said.stdout);
    place.write(
        "x",
        "there.tfstate",
        &file.replace("The size is 3.", "Large.").replace("\"serial\": 2", "\"serial\": 3"),
    );
    place.ok("x", &["state", "push", "there.tfstate"]);
    assert!(place.ok("x", &["state", "pull"]).stdout.contains("Large."));
    apply(&place);
    assert_eq!(kept(&place).1, passes);
    place.ok("x", &["apply", "-destroy", "-auto-approve"]);
    let left = place.ok("x", &["state", "pull"]).stdout;
    assert!(left.contains("\"status\": \"unknown\"") && !left.contains("\"pass\""), "{left}");
}

/// What depends on a module waits for all that is in it, and what an object
/// depends on is kept in step with its block.
#[test]
fn a_module_is_waited_for_as_a_whole() {
    let place = root(
        "module \"m\" {\n source = \"./m\"\n}\n\
         resource \"terraform_data\" \"after\" {\n depends_on = [module.m]\n}\n",
    );
    let inner =
        "resource \"terraform_data\" \"in\" {\n provisioner \"local-exec\" {\n command = \"exit 1\"\n }\n}\n";
    place.write("x", "m/main.tf", "module \"n\" {\n source = \"./n\"\n}\n");
    place.write("x", "m/n/main.tf", inner);
    let said = place.run("x", &["apply", "-auto-approve"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(!said.stdout.contains("terraform_data.after: Creat"), "{}", said.stdout);

    place.write("x", "m/n/main.tf", "resource \"terraform_data\" \"in\" {}\n");
    place.edit("x", "main.tf", "depends_on = [module.m]", "");
    apply(&place);
    place.edit("x", "main.tf", "\"after\" {\n ", "\"after\" {\n depends_on = [module.m]");
    settled(&place);
    apply(&place);
    let said = place.ok("x", &["apply", "-destroy", "-auto-approve"]).stdout;
    let ends = said.find("terraform_data.after: Destruction complete").unwrap();
    assert!(ends < said.find("terraform_data.in: Destroying").unwrap(), "{said}");
}
