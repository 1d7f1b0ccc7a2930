use crate::common::Place;

const NATIVE: &str = r#"
variable "names" {
  type    = map(object({ size = optional(number, 3), tags = optional(list(string)) }))
  default = { a = { tags = ["$${x}"] } }
}
variable "plain" {
  default = "p"
}
locals {
  big    = 12345678901234567890123
  quoted = "é \"q\" ${var.plain} $${no}"
  keyed  = { (var.plain) = [for x in [1, 2] : x * 2] }
}
resource "terraform_data" "first" {
  input = local.keyed
}
resource "terraform_data" "each" {
  for_each   = var.names
  input      = { name = each.key, size = each.value, text = local.quoted, big = local.big }
  depends_on = [terraform_data.first]
  lifecycle {
    ignore_changes       = [triggers_replace]
    replace_triggered_by = [terraform_data.first]
  }
}
module "child" {
  source = "./child"
  given  = terraform_data.first.input
  count  = 2
}
output "all" {
  value = module.child[*].taken
}
"#;

const JSON: &str = r#"{
  "//": "The same in JSON",
  "variable": {
    "names": {
      "type": "map(object({ size = optional(number, 3), tags = optional(list(string)) }))",
      "default": { "a": { "tags": ["${x}"] } }
    },
    "plain": { "default": "p" }
  },
  "locals": {
    "big": 12345678901234567890123,
    "quoted": "\u00e9 \"q\" ${var.plain} $${no}",
    "keyed": { "${var.plain}": "${[for x in [1, 2] : x * 2]}" }
  },
  "resource": {
    "terraform_data": {
      "first": { "input": "${local.keyed}" },
      "each": [{
        "//": "a remark",
        "for_each": "${var.names}",
        "input": {
          "name": "${each.key}", "size": "${each.value}", "text": "${local.quoted}", "big": "${local.big}"
        },
        "depends_on": ["terraform_data.first"],
        "lifecycle": {
          "ignore_changes": ["triggers_replace"], "replace_triggered_by": ["terraform_data.first"]
        }
      }]
    }
  },
  "module": { "child": { "source": "./child", "given": "${terraform_data.first.input}", "count": 2 } },
  "output": { "all": { "value": "${module.child[*].taken}" } }
}
"#;

const CHILD: &str = r#"{
  "variable": { "given": { "type": "any" } },
  "output": { "taken": { "value": "${jsonencode(var.given)}", "description": "of ${nothing}" } }
}
"#;

#[test]
fn both_syntaxes_give_the_same_plan() {
    let place = Place::new();
    place.write("native", "main.tf", NATIVE);
    place.write("json", "main.tf.json", JSON);
    for example in ["native", "json"] {
        place.write(example, "child/main.tf.json", CHILD);
        place.ok(example, &["plan", "-out=saved.plan"]);
    }
    let [native, json] = ["native", "json"].map(|example| {
        let shown = place.ok(example, &["show", "-json", "saved.plan"]).stdout;
        let mut plan: serde_json::Value = serde_json::from_str(&shown).unwrap();
        // The two were made one after the other.
        assert!(plan.as_object_mut().unwrap().remove("timestamp").is_some());
        plan
    });
    assert_eq!(native, json);
}

#[test]
fn blocks_of_a_provider_are_told_from_arguments() {
    let place = Place::new();
    place.write(
        "json",
        "main.tf.json",
        r#"{
          "locals": { "conditions": { "Ready": "True" } },
          "resource": { "kubernetes_manifest": { "a": {
            "manifest": { "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a", "namespace": "b" } },
            "wait": {
              "dynamic": { "condition": {
                "for_each": "${local.conditions}",
                "iterator": "it",
                "content": { "type": "${it.key}", "status": "${it.value}" }
              } }
            }
          } } }
        }"#,
    );
    let said = place.ok("json", &["plan", "-simulate"]);
    assert!(said.stdout.contains("\"Ready\"") && said.stdout.contains("1 to add"), "{}", said.stdout);
}

#[test]
fn mistakes_are_told_with_their_places() {
    let place = Place::new();
    place.write(
        "json",
        "main.tf.json",
        "{\n  \"locals\": {\n    \"a\": \"\\u00e9 ${nope}\",\n    \"a\": 1\n  },\n  \"resorce\": {},\n  \
         \"resource\": { \"terraform_data\": { \"b\": { \"inputs\": 1 } } }\n}\n",
    );
    let said = place.run("json", &["validate"]);
    assert_eq!(said.code, 1);
    for words in
        ["main.tf.json:3:20", "main.tf.json:4:5", "main.tf.json:6:3", "\"resource\"", "main.tf.json:7:44"]
    {
        assert!(said.stderr.contains(words), "{words}\n{}", said.stderr);
    }
}

#[test]
fn values_come_from_files_in_their_order() {
    let place = Place::new();
    let echo =
        |name: &str| format!("variable \"{name}\" {{}}\noutput \"{name}\" {{\n  value = var.{name}\n}}\n");
    place.write("values", "main.tf", &["a", "b", "c", "d", "e"].map(echo).concat());
    place.write(
        "values",
        "terraform.tfvars",
        "a = \"1\"\nb = \"1\"\nc = \"1\"\nd = \"1\"\ne = [\"$${x}\", \"[1]\"]\n",
    );
    place.write("values", "terraform.tfvars.json", r#"{"b": "2", "c": "2", "d": "2"}"#);
    place.write("values", "x.auto.tfvars.json", r#"{"c": "${3}", "d": "3", "unknown": {}}"#);
    place.write("values", "given.tfvars.json", r#"{"d": "[4]"}"#);
    let mut command = place.command("values", &["apply", "-auto-approve", "-var-file=given.tfvars.json"]);
    let output = command.env("TF_VAR_a", "0").env("TF_VAR_other", "0").output().expect("the binary runs");
    let warned = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{warned}");
    assert!(warned.contains("There is no variable \"unknown\"") && !warned.contains("other"), "{warned}");
    let said = place.ok("values", &["output", "-json"]);
    let outputs: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let values = ["a", "b", "c", "d", "e"].map(|name| outputs[name]["value"].clone());
    let expected = serde_json::json!(["1", "2", "${3}", "[4]", ["${x}", "[1]"]]);
    assert_eq!(serde_json::Value::from(values.to_vec()), expected);
}

#[test]
fn a_value_of_the_wrong_type_is_told_where_it_stands() {
    let place = Place::new();
    place.write("values", "main.tf", "variable \"a\" {\n  type = list(number)\n}\n");
    place.write("values", "terraform.tfvars.json", "{\n  \"a\": [1, \"x\"]\n}\n");
    let said = place.run("values", &["validate"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("terraform.tfvars.json:2:8"), "{}", said.stderr);
}

#[test]
fn override_files_of_both_syntaxes_are_laid_over_the_others() {
    let place = Place::new();
    place.write(
        "over",
        "main.tf",
        "resource \"terraform_data\" \"a\" {\n  input = 1\n}\nlocals {\n  b = 2\n}\n",
    );
    place.write("over", "z.tf", "output \"all\" {\n  value = [terraform_data.a.output, local.b]\n}\n");
    place.write("over", "a_override.tf", "resource \"terraform_data\" \"a\" {\n  input = 5\n}\n");
    place.write("over", "b_override.tf.json", r#"{"locals": {"b": 6}}"#);
    place.write("over", "case.tftest.hcl", "run \"x\" {}\n");
    place.ok("over", &["apply", "-auto-approve"]);
    let said = place.ok("over", &["output", "-json", "all"]);
    assert_eq!(said.stdout.trim(), "[5,6]");

    place.write("over", "override.tf", "variable \"nowhere\" {}\n");
    let said = place.run("over", &["validate"]);
    assert_eq!(said.code, 1);
    assert!(
        said.stderr.contains("override.tf:1:1") && said.stderr.contains("variable \"nowhere\""),
        "{}",
        said.stderr
    );
}

#[test]
fn bad_files_are_told_in_words() {
    let place = Place::new();
    let dir = place.example("bad");
    std::fs::create_dir_all(&dir).expect("a folder");
    for (file, bytes, words) in [
        (
            "main.tf.json",
            format!("{{\"locals\": {{\"a\": {}", "[".repeat(100_000)).into_bytes(),
            "Nested too deeply",
        ),
        ("main.tf.json", b"{\"locals\": \"\xff\"}".to_vec(), "Line 1 of"),
        ("main.tf.json", b"{\n\"locals\": \0}".to_vec(), "main.tf.json:2:11"),
        ("main.tf.json", vec![b' '; 17 * 1024 * 1024], "16 MiB"),
        ("main.tf.json", Vec::new(), "The file is empty"),
        ("main.tf", b"a = \xff\n".to_vec(), "Line 1 of"),
        ("main.tf", b"locals {\n  a = \0\n}\n".to_vec(), "main.tf:2:7"),
        ("main.tf", vec![b' '; 17 * 1024 * 1024], "16 MiB"),
        (
            "main.tf",
            format!("locals {{\n a = {}\n}}\n", "[".repeat(100_000)).into_bytes(),
            "Nested too deeply",
        ),
    ] {
        std::fs::write(dir.join(file), &bytes).expect("written");
        let said = place.run("bad", &["validate"]);
        std::fs::remove_file(dir.join(file)).expect("removed");
        assert_eq!(said.code, 1, "{words}");
        assert!(said.stderr.contains(words), "{words}: {:.1000}", said.stderr);
        assert!(said.stderr.len() < 20_000, "{} bytes of complaint", said.stderr.len());
    }
    std::fs::write(dir.join("main.tf.json"), "\u{feff}{\r\n\"output\": {\"a\": {\"value\": 1}}\r\n}\r\n")
        .expect("written");
    place.ok("bad", &["validate"]);
}
