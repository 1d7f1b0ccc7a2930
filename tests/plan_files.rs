//! Saved plans: what each one refuses, by name, and that the others go on.

use crate::common::Place;

const FLEET: &str = r#"
tenantctl { simulate = ["kubernetes"] }
platform "shop" { blueprint = "./blueprint" }
tier "starter" { isolation = "namespace" }
tenant "acme" { tier = "starter" }
tenant "globex" { tier = "starter" }
tenant "initech" { tier = "starter" }
"#;

const BLUEPRINT: &str = r#"
variable "tenant" { type = object({ name = string }) }
variable "password" {
  type      = string
  sensitive = true
  default   = "canary-91f3"
}

resource "kubernetes_manifest" "part" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "part", namespace = var.tenant.name }
    data       = { password = var.password }
  }
}
"#;

fn fleet() -> Place {
    let place = Place::new();
    place.write("fleet", "main.hcl", FLEET);
    place.write("fleet", "blueprint/main.tf", BLUEPRINT);
    place
}

#[test]
fn one_stale_workspace_does_not_refuse_the_rest() {
    let place = fleet();
    place.ok("fleet", &["plan", "-out=saved.plan"]);
    place.ok("fleet", &["apply", "-auto-approve", "-tenant=globex"]);
    let said = place.run("fleet", &["apply", "saved.plan"]);
    assert_eq!(said.code, 1, "{}\n{}", said.stdout, said.stderr);
    for words in ["Plan is for another state", "The plan for globex"] {
        assert!(said.stderr.contains(words), "{words}\n{}", said.stderr);
    }
    assert!(!said.stderr.contains("The plan for acme"), "{}", said.stderr);
    assert!(said.stdout.contains("2 added"), "{}", said.stdout);
    for workspace in ["acme", "globex", "initech"] {
        assert_eq!(place.history("fleet", workspace).len(), 1, "{workspace}");
    }
    assert_eq!(place.run("fleet", &["plan", "-detailed-exitcode"]).code, 0);
    // All are now at a serial that the plan was not made from.
    let said = place.run("fleet", &["apply", "saved.plan"]);
    assert_eq!(said.code, 1);
    assert_eq!(said.stderr.matches("Plan is for another state").count(), 3, "{}", said.stderr);
}

#[test]
fn a_plan_from_an_earlier_serial_is_stale() {
    let place = fleet();
    place.ok("fleet", &["apply", "-auto-approve"]);
    place.ok("fleet", &["plan", "-destroy", "-tenant=acme", "-out=saved.plan"]);
    place.ok("fleet", &["taint", "-tenant=acme", "kubernetes_manifest.part"]);
    let said = place.run("fleet", &["apply", "saved.plan"]);
    assert_eq!(said.code, 1);
    let told: Vec<&str> = said.stderr.split_whitespace().collect();
    for words in ["Plan is stale", "made from serial 1", "at serial 2"] {
        assert!(told.join(" ").contains(words), "{words}\n{}", said.stderr);
    }
}

#[test]
fn a_changed_configuration_refuses_a_plan_and_an_absent_one_does_not() {
    let place = fleet();
    place.ok("fleet", &["plan", "-out=saved.plan"]);
    place.edit("fleet", "blueprint/main.tf", "name = \"part\"", "name = \"other\"");
    let said = place.run("fleet", &["apply", "saved.plan"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("Plan is for another configuration"), "{}", said.stderr);
    assert_eq!(place.history("fleet", "acme").len(), 0);
    let gone = place.example("fleet").join("blueprint");
    std::fs::remove_dir_all(&gone).expect("removed");
    std::fs::remove_file(place.example("fleet").join("main.hcl")).expect("removed");
    place.ok("fleet", &["apply", "saved.plan"]);
    assert_eq!(place.history("fleet", "acme").len(), 1);
}

/// A plan that was made with another schema of a type. The file is opened and
/// sealed again with the key, as only its owner can.
#[test]
fn a_plan_for_other_schemas_names_the_type() {
    let place = fleet();
    place.ok("fleet", &["plan", "-out=saved.plan"]);
    let path = place.example("fleet").join("saved.plan");
    let written = std::fs::read(&path).expect("there");
    for secret in ["canary", "kubernetes_manifest", "globex"] {
        let is_plain = written.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!is_plain, "{secret} can be read in the file");
    }
    let sealer = place.sealer();
    let mut plans = tenantctl_core::plan::file::read(&path, &sealer).expect("reads");
    let kind = "kubernetes: kubernetes_manifest";
    plans[1].schemas.get_mut(kind).expect("there").version += 1;
    plans[2].schemas.get_mut(kind).expect("there").digest.clear();
    tenantctl_core::plan::file::write(&path, &plans, &sealer).expect("writes");
    let said = place.run("fleet", &["apply", "saved.plan"]);
    assert_eq!(said.code, 1);
    let told: Vec<&str> = said.stderr.split_whitespace().collect();
    let told = told.join(" ");
    for words in [
        "The plan for globex was made with other schemas: kubernetes: kubernetes_manifest had schema version 1, and has 0 now",
        "The plan for initech was made with other schemas: kubernetes: kubernetes_manifest has other attributes now",
    ] {
        assert!(told.contains(words), "{words}\n{}", said.stderr);
    }
    assert!(said.stdout.contains("1 added"), "{}", said.stdout);
}

#[test]
fn a_plan_tells_what_it_was_made_from_and_nothing_secret_of_it() {
    let place = fleet();
    place.ok("fleet", &["plan", "-out=saved.plan"]);
    let shown = place.ok("fleet", &["show", "-json", "saved.plan"]).stdout;
    assert!(!shown.contains("canary"), "{shown}");
    let json: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let of = |tenant: &str| json["workspaces"][tenant]["configuration"].clone();
    assert_eq!(of("acme"), of("globex"));
    let module = &of("acme")["root_module"];
    assert_eq!(module["variables"]["password"]["default"], serde_json::Value::Null);
    assert_eq!(module["variables"]["password"]["sensitive"], true);
    assert_eq!(
        module["resources"][0]["expressions"]["manifest"]["references"],
        serde_json::json!(["var.tenant.name", "var.tenant", "var.password"])
    );
    // Asked for, it is there; one description serves all tenants.
    let shown = place.ok("fleet", &["show", "-json", "-show-sensitive", "saved.plan"]).stdout;
    assert!(shown.contains(r#""default":"canary-91f3""#), "{shown}");
    let path = place.example("fleet").join("saved.plan");
    let (plans, configurations) =
        tenantctl_core::plan::file::read_with(&path, &place.sealer()).expect("reads");
    assert_eq!((plans.len(), configurations.len()), (3, 1));
    assert_eq!(configurations[0].plans, [0, 1, 2]);
}

#[test]
fn numbers_of_any_size_are_exact_in_every_document() {
    let place = Place::new();
    let text = r#"
variable "big" {
  default = 123456789012345678901234567890
}
resource "terraform_data" "a" {
  input = { big = var.big, third = 1 / 3, most = 18446744073709551615 }
}
output "all" {
  value = terraform_data.a.input
}
"#;
    place.write("root", "main.tf", text);
    place.ok("root", &["plan", "-out=saved.plan"]);
    let third = format!("0.{}5", "3".repeat(154));
    let pulled = |place: &Place| place.ok("root", &["state", "pull"]).stdout;
    let exact = |shown: &str, what: &str| {
        for number in ["123456789012345678901234567890", third.as_str(), "18446744073709551615"] {
            assert!(shown.replace(' ', "").contains(&format!(":{number}")), "{number} in {what}: {shown}");
        }
    };
    exact(&place.ok("root", &["show", "-json", "saved.plan"]).stdout, "the plan");
    place.ok("root", &["apply", "saved.plan"]);
    exact(&place.ok("root", &["output", "-json"]).stdout, "outputs");
    exact(&place.ok("root", &["show", "-json"]).stdout, "the state");
    let before = pulled(&place);
    exact(&before, "Terraform's state");
    // And they come back as they went.
    place.write("root", "terraform.tfstate", &before);
    place.ok("root", &["state", "push", "-force", "terraform.tfstate"]);
    exact(&place.ok("root", &["output", "-json"]).stdout, "outputs of a pushed state");
    assert_eq!(place.run("root", &["plan", "-detailed-exitcode"]).code, 0);
}
