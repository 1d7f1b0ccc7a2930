//! Variables: validations that look at other things, and what is deprecated.

use super::{apply, one_line, plan_json, recorded, refused, root, settled};

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
fn a_validation_looks_at_other_things_but_not_at_what_the_variable_makes() {
    let text = "variable \"v\" {\n  default = \"a\"\n  validation {\n    condition = length(var.v) < length(terraform_data.a.input)\n    \
                error_message = \"too long\"\n  }\n}\nresource \"terraform_data\" \"a\" {\n  input = \"abc\"\n}\n";
    let place = root(text);
    apply(&place);
    settled(&place);
    assert!(refused(&place, &["plan", "-var=v=abc"]).contains("too long"));
    let words = refused(&root(&text.replace("terraform_data.a.input", "local.none")), &["plan"]);
    assert!(words.contains("There is no local value \"none\""), "{words}");
    let words = refused(&root(&text.replace("\"abc\"", "var.v")), &["plan"]);
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("validation of var.v -> terraform_data.a"), "{words}");
}

#[test]
fn what_a_type_drops_is_told() {
    let place = root("module \"m\" {\n  source = \"./m\"\n  pools  = [{ siez = 2 }]\n}\n");
    let module = "variable \"pools\" {\n  type    = list(object({ size = optional(number) }))\n  default = [for n in [1] : { size = n, more = n }]\n}\n";
    place.write("x", "m/main.tf", module);
    let words = place.ok("x", &["plan"]).stderr;
    assert_eq!(words.matches("Object attribute is ignored").count(), 2, "{words}");
    assert!(words.contains("Did you mean \"size\"?") && words.contains("no attribute \"more\""), "{words}");
}

#[test]
fn a_validation_looks_at_its_variable() {
    let text = "variable \"v\" {\n  default = 1\n  validation {\n    condition = var.w > 0\n    error_message = \"x\"\n  }\n}\n\
                variable \"w\" {\n  default = 1\n}\n";
    let words = refused(&root(text), &["plan"]);
    assert!(words.contains("must look at var.v"), "{words}");
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

#[test]
fn the_last_word_on_the_command_line_counts() {
    let place = root("variable \"v\" {\n  default = \"default\"\n}\noutput \"v\" {\n  value = var.v\n}\n");
    let value = |place: &crate::common::Place, args: &[&str], environment: bool| {
        let mut command = place.command("x", &[&["plan", "-out=p"], args].concat());
        if environment {
            command.env("TF_VAR_v", "environment");
        }
        let said = crate::common::said(command.output().unwrap());
        assert_eq!(said.code, 0, "{}", said.stderr);
        let shown = place.ok("x", &["show", "-json", "p"]).stdout;
        let plan: serde_json::Value = serde_json::from_str(&shown).unwrap();
        plan["variables"]["v"]["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(value(&place, &[], false), "default");
    assert_eq!(value(&place, &[], true), "environment");
    for (file, expected) in [
        ("terraform.tfvars", "terraform.tfvars"),
        ("terraform.tfvars.json", "terraform.tfvars.json"),
        ("b.auto.tfvars", "b.auto.tfvars"),
        // By name, whatever their form.
        ("a.auto.tfvars.json", "b.auto.tfvars"),
        ("c.auto.tfvars.json", "c.auto.tfvars.json"),
    ] {
        let json = file.ends_with(".json");
        place.write(
            "x",
            file,
            &if json { format!("{{\"v\": \"{file}\"}}") } else { format!("v = \"{file}\"\n") },
        );
        assert_eq!(value(&place, &[], true), expected);
    }
    place.write("x", "one.tfvars", "v = \"one\"\n");
    place.write("x", "two.tfvars", "v = \"two\"\n");
    for (args, expected) in [
        (&["-var-file=one.tfvars", "-var=v=said"][..], "said"),
        (&["-var=v=said", "-var-file=one.tfvars"], "one"),
        (&["-var-file=one.tfvars", "-var=v=said", "-var-file=two.tfvars"], "two"),
        (&["-var=v=said", "-var", "v=again"], "again"),
        (&["-var-file=two.tfvars", "-var-file=one.tfvars"], "one"),
    ] {
        assert_eq!(value(&place, args, true), expected, "{args:?}");
    }
}

#[test]
fn who_uses_a_deprecated_output_is_told_once_a_place() {
    let text = "module \"m\" {\n  source = \"./m\"\n  count  = 2\n}\nlocals {\n  a = module.m[0].old\n}\n\
                resource \"terraform_data\" \"a\" {\n  input = [local.a, module.m[1].old.x, module.m[1].fresh]\n}\n\
                output \"passing\" {\n  value = module.m[0].old\n  deprecated = \"Nobody needs it.\"\n}\n";
    let place = root(text);
    let module = "output \"old\" {\n  value = { x = 1 }\n  deprecated = \"Use fresh.\"\n}\noutput \"fresh\" {\n  value = 2\n}\n";
    place.write("x", "m/main.tf", module);
    let said = place.ok("x", &["plan"]);
    let words = one_line(&said.stderr);
    assert_eq!(words.matches("Value derived from a deprecated source").count(), 2, "{words}");
    for told in ["module.m[0].old is deprecated", "module.m[1].old.x is deprecated", "Use fresh."] {
        assert!(words.contains(told), "{told}: {words}");
    }
    let said = place.ok("x", &["validate", "-json"]);
    let json: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(json["warning_count"], 2, "{json}");
}

#[test]
fn what_is_given_to_a_variable_without_a_type_is_text() {
    let place = root(
        "variable \"v\" {}\nvariable \"any\" {\n  type = any\n}\n\
         output \"o\" {\n  value = [jsondecode(var.v), var.any]\n}\n",
    );
    place.ok("x", &["apply", "-auto-approve", "-var=v={\"a\": [1]}", "-var=any={ b = 2 }"]);
    let outputs: serde_json::Value =
        serde_json::from_str(&place.ok("x", &["output", "-json"]).stdout).expect("JSON");
    assert_eq!(outputs["o"]["value"], serde_json::json!([{ "a": [1] }, { "b": 2 }]));
}

#[test]
fn a_module_is_valid_that_its_defaults_are_not_good_for() {
    let text = r#"
variable "cidr" {
  default = ""
}
variable "zones" {
  default = []
}
provider "terraform" {
  alias    = "by"
  for_each = toset(var.zones)
}
import {
  for_each = toset(var.zones)
  to       = terraform_data.a[each.key]
  id       = "${var.cidr}-${each.key}"
}
resource "terraform_data" "a" {
  for_each = toset(var.zones)
  provider = terraform.by[each.key]
  input    = cidrsubnet(var.cidr, 8, 1)
  lifecycle {
    precondition {
      condition     = var.cidr != ""
      error_message = "m"
    }
  }
}
output "first" {
  value = var.zones[0]
  precondition {
    condition     = length(var.zones) > 0
    error_message = "no zones"
  }
}
"#;
    let place = root(text);
    place.ok("x", &["validate"]);
    assert!(refused(&place, &["plan"]).contains("no zones"));
    // What is wrong for all values is found.
    let words = refused(&root(&text.replace("var.zones[0]", "var.zones[0] + {}")), &["validate"]);
    assert!(words.contains("Invalid operand"), "{words}");
}

/// What is only known at the apply is judged before anything uses the value.
#[test]
fn a_value_is_judged_before_it_is_used() {
    let place = root(
        r#"
resource "terraform_data" "source" {
  input = "bad"
}
resource "terraform_data" "limit" {
  input = 3
}
module "m" {
  source = "./m"
  v      = terraform_data.source.output
  w      = length(terraform_data.source.id)
}
"#,
    );
    let inner = r#"
variable "v" {
  validation {
    condition     = var.v != "bad"
    error_message = "It is ${var.v}."
  }
}
variable "w" {
  validation {
    condition     = var.w < tonumber(terraform_data.most.output)
    error_message = "${var.w} is too much."
  }
}
locals {
  shown = "<${var.v}>"
}
resource "terraform_data" "most" {
  input = 5
}
resource "terraform_data" "user" {
  input = local.shown
}
resource "terraform_data" "other" {
  input = var.w
}
output "shown" {
  value = local.shown
}
"#;
    place.write("x", "m/main.tf", inner);
    let said = place.run("x", &["apply", "-auto-approve"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    for words in ["It is bad.", "36 is too much."] {
        assert_eq!(said.stderr.matches(words).count(), 1, "{}", said.stderr);
    }
    let made = recorded(&place);
    assert_eq!(made, ["terraform_data.limit", "terraform_data.source", "module.m.terraform_data.most"]);
}
