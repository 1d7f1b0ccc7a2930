use serde_json::Value as Json;

use super::{MODULE, actions, apply, plan_json, recorded, refused, root, settled};

#[test]
fn parts_of_attributes_are_ignored() {
    let text = |tags: &str| {
        format!(
            "resource \"terraform_data\" \"a\" {{\n  input = {{ tags = tomap({{ {tags} }}), list = [\"p\", \"q\"] }}\n  lifecycle {{\n    ignore_changes = [input.tags[\"a\"], input.list[1]]\n  }}\n}}\n"
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
