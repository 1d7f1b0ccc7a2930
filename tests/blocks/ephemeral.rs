//! Values that are never stored: where they come from, where they may go.

use super::{apply, one_line, plan_json, recorded, refused, root, settled};
use crate::common::Place;

const SECRET: &str = "hunter2-never-kept";

/// A secret from outside, through a local value, a module and an ephemeral
/// object to a command.
const WAY: &str = r#"
variable "token" {
  type      = string
  ephemeral = true
  validation {
    condition     = length(var.token) > 3
    error_message = "The token is too short."
  }
}
variable "run" {
  default = "1"
}
locals {
  header = "Bearer ${var.token}"
}
module "m" {
  source = "./m"
  header = local.header
}
resource "terraform_data" "a" {
  input            = "plain"
  triggers_replace = var.run
  provisioner "local-exec" {
    command     = "echo \"$HEADER\" >> log"
    environment = { HEADER = module.m.header }
  }
}
output "known" {
  value = ephemeralasnull(var.token) == null
}
"#;

const MODULE: &str = r#"
variable "header" {
  type      = string
  ephemeral = true
}
ephemeral "terraform_data" "t" {
  input = { header = var.header }
}
output "header" {
  value     = ephemeral.terraform_data.t.output.header
  ephemeral = true
}
"#;

fn way() -> Place {
    let place = root(WAY);
    place.write("x", "m/main.tf", MODULE);
    place
}

fn log(place: &Place) -> Vec<String> {
    let text = std::fs::read_to_string(place.example("x").join("log")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Nothing but the command's own file has the secret.
fn kept_nowhere(place: &Place) {
    for (path, bytes) in place.files().iter().filter(|(path, _)| !path.ends_with("log")) {
        assert!(!bytes.windows(SECRET.len()).any(|w| w == SECRET.as_bytes()), "{}", path.display());
    }
}

#[test]
fn an_ephemeral_value_reaches_its_use_and_is_kept_nowhere() {
    let place = way();
    let token = format!("-var=token={SECRET}");
    let said = place.ok("x", &["apply", "-auto-approve", &token]);
    assert_eq!(log(&place), [format!("Bearer {SECRET}")]);
    assert!(!(said.stdout + &said.stderr).contains(SECRET));
    assert_eq!(recorded(&place), ["terraform_data.a"]);
    assert_eq!(place.ok("x", &["output", "known"]).stdout.trim(), "true");
    kept_nowhere(&place);
    let said = place.run("x", &["plan", "-detailed-exitcode", &token]);
    assert_eq!(said.code, 0, "{}", said.stdout);
}

#[test]
fn a_saved_plan_is_given_its_ephemeral_variables_again() {
    let place = way();
    let token = format!("-var=token={SECRET}");
    let plan = plan_json(&place, &[&token]);
    assert_eq!(plan["resource_changes"].as_array().unwrap().len(), 1, "ephemeral objects are no changes");
    assert!(plan["variables"].get("token").is_none());
    assert!(!plan.to_string().contains(SECRET));
    let words = refused(&place, &["apply", "p"]);
    assert!(words.contains("No value for ephemeral variable") && words.contains("-var 'token"), "{words}");
    assert!(refused(&place, &["apply", "p", "-var=run=2"]).contains("no ephemeral variable \"run\""));
    place.ok("x", &["apply", "p", &token]);
    assert_eq!(log(&place), [format!("Bearer {SECRET}")]);
    kept_nowhere(&place);
    assert!(refused(&place, &["plan", "-var=token=abc"]).contains("The token is too short."));
}

#[test]
fn what_is_known_only_at_apply_is_opened_there() {
    let text = "resource \"terraform_data\" \"first\" {\n  input = \"x\"\n}\nephemeral \"terraform_data\" \"late\" {\n  for_each = \
                toset([\"k\"])\n  input = \"${each.key} of ${terraform_data.first.output}\"\n}\nresource \"terraform_data\" \
                \"use\" {\n  provisioner \"local-exec\" {\n    command = \"echo '${ephemeral.terraform_data.late[\"k\"].output}' \
                >> log\"\n  }\n}\n";
    let place = root(text);
    let said = apply(&place);
    assert_eq!(log(&place), ["k of x"]);
    assert!(!said.stdout.contains("k of x"), "{}", said.stdout);
    settled(&place);
}

#[test]
fn what_would_be_stored_takes_no_ephemeral_values() {
    let token = "variable \"token\" {\n  default = \"x\"\n  ephemeral = true\n}\n";
    let call = "module \"m\" {\n  source = \"./m\"\n  v = var.token\n}\n";
    let cluster = "provider \"kubernetes\" {\n  host = \"https://c.example.com\"\n  token = var.token\n}\nresource \
                   \"kubernetes_manifest\" \"a\" {\n  manifest = {\n    apiVersion = \"v1\"\n    kind = \"Namespace\"\n    metadata = \
                   { name = \"a\" }\n  }\n}\n";
    for (text, module, expected) in [
        (
            "resource \"terraform_data\" \"a\" {\n  input = [var.token]\n}\n",
            "",
            "\"input\" of terraform_data.a is stored",
        ),
        ("output \"o\" {\n  value = var.token\n}\n", "", "\"o\" is not declared to be ephemeral"),
        (
            "output \"o\" {\n  value = 1\n  ephemeral = true\n}\n",
            "",
            "the root module is stored, so it cannot be ephemeral",
        ),
        (
            "resource \"terraform_data\" \"a\" {\n  count = length(var.token)\n}\n",
            "",
            "How many instances there are is recorded",
        ),
        (call, "variable \"v\" {}\n", "\"v\" is not declared to be ephemeral"),
        (
            call,
            "variable \"v\" {\n  ephemeral = true\n}\noutput \"o\" {\n  value = var.v\n}\n",
            "\"o\" is not declared to be",
        ),
        (cluster, "", "Ephemeral value in a connection"),
        ("ephemeral \"terraform_dat\" \"a\" {}\n", "", "No provider of this build has the type"),
        ("ephemeral \"null_resource\" \"a\" {}\n", "", "is a resource, not an ephemeral resource"),
        (
            "output \"o\" {\n  value = ephemeral.terraform_data.none.output\n}\n",
            "",
            "There is no resource ephemeral.terraform_data.none",
        ),
        ("removed {\n  from = ephemeral.terraform_data.a\n}\n", "", "Invalid \"removed\" address"),
    ] {
        let place = root(&format!("{token}{text}"));
        if !module.is_empty() {
            place.write("x", "m/main.tf", module);
        }
        let words = refused(&place, &["plan"]);
        assert!(words.contains(expected), "{text}\n{words}");
    }
}

#[test]
fn conditions_of_ephemeral_objects_are_judged() {
    let text = "variable \"n\" {\n  default = 1\n}\nephemeral \"terraform_data\" \"a\" {\n  input = var.n\n  lifecycle {\n    \
                postcondition {\n      condition = self.output < 3\n      error_message = \"n is ${self.output}\"\n    }\n  }\n}\n";
    let place = root(text);
    place.ok("x", &["plan"]);
    let words = refused(&place, &["plan", "-var=n=5"]);
    assert!(words.contains("The message holds ephemeral values, so it is not shown."), "{words}");
}

#[test]
fn sensitive_variables_and_outputs_of_modules_stay_so_when_the_apply_brings_their_values() {
    let text = "resource \"terraform_data\" \"id\" {}\nmodule \"m\" {\n  source = \"./m\"\n  v = terraform_data.id.id\n}\nresource \
                \"terraform_data\" \"b\" {\n  input = module.m.o\n}\n";
    let module = "variable \"v\" {\n  sensitive = true\n}\nresource \"terraform_data\" \"a\" {\n  input = var.v\n}\nresource \
                  \"terraform_data\" \"c\" {}\noutput \"o\" {\n  value = terraform_data.c.id\n  sensitive = true\n}\n";
    let place = root(text);
    place.write("x", "m/main.tf", module);
    apply(&place);
    for address in ["module.m.terraform_data.a", "terraform_data.b"] {
        let said = place.ok("x", &["state", "show", address]);
        let input = said.stdout.lines().find(|line| line.trim().starts_with("input")).unwrap().to_owned();
        assert!(input.contains("(sensitive value)"), "{address}: {}", one_line(&said.stdout));
    }
    settled(&place);
}

#[test]
fn a_configuration_can_tell_an_apply_from_a_plan() {
    let text = "locals {\n  command = terraform.applying ? \"echo applied >> log\" : \"exit 1\"\n}\n\
                resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {\n    command = local.command\n  }\n  \
                provisioner \"local-exec\" {\n    when = destroy\n    command = tofu.applying ? \"echo gone >> log\" : \"exit 1\"\n  }\n}\n\
                output \"nothing\" {\n  value = ephemeralasnull(terraform.applying) == null\n}\n";
    let place = root(text);
    place.ok("x", &["plan", "-out=p"]);
    place.ok("x", &["apply", "p"]);
    settled(&place);
    place.ok("x", &["destroy", "-auto-approve"]);
    let log = std::fs::read_to_string(place.example("x").join("log")).unwrap();
    assert_eq!(log, "applied\ngone\n");
    // It is as ephemeral as other such values.
    let place = root("output \"o\" {\n  value = terraform.applying\n}\n");
    assert!(refused(&place, &["plan"]).contains("\"o\" is not declared to be ephemeral"));
}
