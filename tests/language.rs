use crate::common::Place;

const MAIN: &str = r#"
variable "secret" {
  type      = string
  sensitive = true
}

resource "terraform_data" "a" {
  input = { password = var.secret, name = "x" }
}

resource "terraform_data" "b" {
  count            = 3
  input            = "id ${terraform_data.a.id} ${count.index}"
  triggers_replace = terraform_data.a.id
}

locals {
  all = [for b in terraform_data.b : upper(b.output)]
}

resource "terraform_data" "c" {
  for_each = toset(["p", "q"])
  input    = { key = each.key, all = join(",", local.all) }

  lifecycle {
    create_before_destroy = true
  }
}

module "m" {
  source = "./m"
  ids    = terraform_data.b[*].id
}

output "all" {
  value = terraform_data.c["p"].output.all
}

output "joined" {
  value = module.m.joined
}

output "secret" {
  value     = terraform_data.a.output
  sensitive = true
}
"#;

const MODULE: &str = r#"
variable "ids" {
  type = list(string)
}

resource "terraform_data" "x" {
  input = length(var.ids)
}

output "joined" {
  value = "${terraform_data.x.output}: ${join("/", var.ids)}"
}
"#;

const CANARY: &str = "canary-7f3a9c";

fn chained() -> Place {
    let place = Place::new();
    place.write("chained", "main.tf", MAIN);
    place.write("chained", "m/main.tf", MODULE);
    place
}

#[test]
fn what_only_the_apply_brings_reaches_all_that_depends_on_it() {
    let place = chained();
    let secret = format!("-var=secret={CANARY}");
    place.ok("chained", &["apply", "-auto-approve", &secret]);
    let said = place.ok("chained", &["output", "-json"]);
    let outputs: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let text = outputs.to_string();
    assert!(text.contains(" 0,ID ") && text.contains("3: "), "{text}");
    assert_eq!(place.run("chained", &["plan", "-detailed-exitcode", &secret]).code, 0);

    // Replacing the first renews everything that hangs on its id.
    let said = place.ok("chained", &["apply", "-auto-approve", &secret, "-replace=terraform_data.a"]);
    assert!(said.stdout.contains("4 added"), "{}", said.stdout);
    assert!(said.stdout.contains("4 destroyed"), "{}", said.stdout);
    assert_eq!(place.run("chained", &["plan", "-detailed-exitcode", &secret]).code, 0);
}

#[test]
fn a_secret_is_nowhere_on_disk_or_in_output() {
    let place = chained();
    let secret = format!("-var=secret={CANARY}");
    let mut said = String::new();
    for args in [
        vec!["plan", "-out=saved.plan", &secret],
        vec!["show", "saved.plan"],
        vec!["show", "-json", "saved.plan"],
        vec!["apply", "saved.plan"],
        vec!["plan", "-json", &secret],
        vec!["show"],
        vec!["show", "-json"],
        vec!["output"],
        vec!["state", "list"],
        vec!["state", "show", "terraform_data.a"],
        vec!["destroy", "-auto-approve", &secret],
    ] {
        let one = place.ok("chained", &args);
        said += &one.stdout;
        said += &one.stderr;
    }
    assert!(!said.contains(CANARY), "{said}");
    for (path, bytes) in place.files() {
        let found = bytes.windows(CANARY.len()).any(|w| w == CANARY.as_bytes());
        assert!(!found, "the secret is in {}", path.display());
    }
}
