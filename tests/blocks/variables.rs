//! Variables: validations that look at other things, and what is deprecated.

use super::{apply, one_line, plan_json, refused, root, settled};

const REFERRING: &str = r#"
variable "kind" {
  type    = string
  default = "small"
  validation {
    condition     = contains(local.kinds, var.kind)
    error_message = "The kind must be one of ${join(", ", local.kinds)}."
  }
}
variable "size" {
  type    = number
  default = 1
  validation {
    condition     = var.kind != "large" || var.size >= local.least["large"]
    error_message = "A large one has at least ${local.least["large"]}, not ${var.size}."
  }
}
variable "id" {
  default = ""
  validation {
    condition     = var.id == "" || var.id == terraform_data.owner.id
    error_message = "The owner is another."
  }
}
locals {
  kinds = sort(keys(local.least))
  least = { small = 1, large = 5 }
}
resource "terraform_data" "owner" {
  input = var.size
}
module "m" {
  source = "./m"
  count  = 2
  low    = count.index
  high   = var.size
}
"#;

const MODULE: &str = r#"
variable "low" {
  type = number
}
variable "high" {
  type = number
  validation {
    condition     = var.low < var.high
    error_message = "high must be above ${var.low}"
  }
}
"#;

#[test]
fn validations_refer_to_other_objects() {
    let place = root(REFERRING);
    place.write("x", "m/main.tf", MODULE);
    for (args, expected) in [
        (&["-var=kind=huge", "-var=size=2"][..], "The kind must be one of large, small."),
        (&["-var=kind=large", "-var=size=4"], "A large one has at least 5, not 4."),
        (&["-var=size=1"], "high must be above 1"),
    ] {
        let words = refused(&place, &[&["plan"], args].concat());
        assert!(
            words.contains("Invalid value for variable") && words.contains(expected),
            "{args:?}\n{words}"
        );
        assert_eq!(words.matches("Invalid value").count(), 1, "{words}");
    }
    // Only the apply can tell whose id it is.
    let said = place.run("x", &["apply", "-auto-approve", "-var=size=2", "-var=id=mine"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(one_line(&said.stderr).contains("The owner is another."), "{}", said.stderr);
    let plan = plan_json(&place, &["-var=size=2"]);
    let status = |display: &str| {
        let checks = plan["checks"].as_array().unwrap();
        let one = checks.iter().find(|c| c["address"]["to_display"] == display).expect(display);
        (one["address"]["kind"].clone(), one["status"].clone())
    };
    for name in ["var.kind", "var.size", "var.id", "module.m.var.high"] {
        assert_eq!(status(name), ("var".into(), "pass".into()), "{name}");
    }
    // Of a plan in part, too.
    let words = refused(&place, &["plan", "-target=terraform_data.owner", "-var=kind=large"]);
    assert!(words.contains("A large one has at least 5"), "{words}");
}

#[test]
fn a_validation_may_look_at_what_the_variable_makes() {
    let text = "variable \"v\" {\n  default = \"a\"\n  validation {\n    condition = length(terraform_data.a.input) < 3\n    \
                error_message = \"too long\"\n  }\n}\nresource \"terraform_data\" \"a\" {\n  input = var.v\n}\n";
    let place = root(text);
    apply(&place);
    settled(&place);
    assert!(refused(&place, &["plan", "-var=v=abc"]).contains("too long"));
    let words = refused(&root(&text.replace("terraform_data.a.input", "local.none")), &["plan"]);
    assert!(words.contains("There is no local value \"none\""), "{words}");
}

#[test]
fn who_sets_a_deprecated_variable_is_told() {
    let call = |more: &str| format!("module \"m\" {{\n  source = \"./m\"\n{more}}}\n");
    let module = "variable \"old\" {\n  default = 1\n  deprecated = \"Use \\\"new\\\" instead.\"\n}\n";
    for (text, told) in [(call("  old = 2\n"), true), (call(""), false)] {
        let place = root(&text);
        place.write("x", "m/main.tf", module);
        let said = place.run("x", &["plan"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        assert_eq!(said.stderr.contains("Use \"new\" instead."), told, "{}", said.stderr);
    }
}
