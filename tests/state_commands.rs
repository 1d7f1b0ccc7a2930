//! Commands that change what is kept and touch no object.

use serde_json::{Value as Json, json};

use crate::common::{Place, Said, said};

const ROOT: &str = r#"
variable "password" {
  type      = string
  sensitive = true
  default   = "canary-7d21"
}
resource "terraform_data" "a" { input = "one" }
resource "terraform_data" "b" {
  input    = terraform_data.a.output
  for_each = toset(["x", "y"])
}
resource "terraform_data" "secret" { input = { user = "u", password = var.password } }
output "all" {
  value     = { a = terraform_data.a.output, p = var.password }
  sensitive = true
}
"#;

const FLEET: &str = r#"
tenantctl { simulate = ["kubernetes"] }
platform "shop" { blueprint = "./blueprint" }
tier "starter" { isolation = "namespace" }
tenant "acme" { tier = "starter" }
tenant "globex" { tier = "starter" }
"#;

const APPLY: [&str; 2] = ["apply", "-auto-approve"];

fn root() -> Place {
    let place = Place::new();
    place.write("root", "main.tf", ROOT);
    place.ok("root", &APPLY);
    place
}

fn fleet() -> Place {
    let place = Place::new();
    place.write("fleet", "main.hcl", FLEET);
    place.write("fleet", "blueprint/main.tf", "resource \"terraform_data\" \"a\" { input = 1 }\n");
    place.ok("fleet", &APPLY);
    place
}

fn lines(place: &Place, example: &str, args: &[&str]) -> Vec<String> {
    place.ok(example, args).stdout.lines().map(str::to_owned).collect()
}

fn refused(place: &Place, example: &str, args: &[&str], words: &str) -> Said {
    let before = place.files();
    let said = place.run(example, args);
    assert_eq!(said.code, 1, "{args:?}\n{}", said.stdout);
    let told: Vec<&str> = said.stderr.split_whitespace().collect();
    assert!(told.join(" ").contains(words), "{words}\n{}", said.stderr);
    let kept = |files: Vec<(std::path::PathBuf, Vec<u8>)>| -> Vec<_> {
        files.into_iter().filter(|(path, _)| path.ends_with("journal") || path.ends_with("audit")).collect()
    };
    assert_eq!(kept(place.files()), kept(before), "{args:?} wrote something");
    said
}

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

#[test]
fn mv_renames_objects_and_what_depends_on_them() {
    let place = root();
    let said = place.ok("root", &["state", "mv", "-dry-run", "terraform_data.a", "terraform_data.c"]);
    assert_eq!(said.stdout, "Would move \"terraform_data.a\" to \"terraform_data.c\"\n");
    let said = place.ok("root", &["state", "mv", "terraform_data.a", "terraform_data.c"]);
    let told = "Move \"terraform_data.a\" to \"terraform_data.c\"\nSuccessfully moved 1 object(s).\n";
    assert_eq!(said.stdout, told);
    let state = place.states("root").remove(0);
    let b = state.resources.values().find(|r| r.key.address.to_string() == "terraform_data.b[\"x\"]");
    let depends: Vec<String> = b.expect("there").dependencies.iter().map(ToString::to_string).collect();
    assert_eq!(depends, ["terraform_data.c"]);
    place.edit("root", "main.tf", "\"terraform_data\" \"a\"", "\"terraform_data\" \"c\"");
    place.edit("root", "main.tf", "input    = terraform_data.a", "input    = terraform_data.c");
    place.edit("root", "main.tf", "a = terraform_data.a", "a = terraform_data.c");
    assert_eq!(place.run("root", &["plan", "-detailed-exitcode"]).code, 0);
    place.ok("root", &["state", "mv", "terraform_data.b", "module.m[0].terraform_data.k"]);
    let all = ["terraform_data.c", "terraform_data.secret"];
    let moved = ["module.m[0].terraform_data.k[\"x\"]", "module.m[0].terraform_data.k[\"y\"]"];
    assert_eq!(lines(&place, "root", &["state", "list"]), [all, moved].concat());
    place.ok("root", &["state", "mv", "module.m[0]", "module.n"]);
    assert_eq!(lines(&place, "root", &["state", "list", "module.n"]).len(), 2);
}

#[test]
fn mv_and_rm_refuse_what_makes_no_sense() {
    let place = root();
    for (args, words) in [
        (&["mv", "terraform_data.a", "terraform_data.secret"][..], "which there is already"),
        (&["mv", "terraform_data.a", "kubernetes_manifest.a"], "an object keeps its type"),
        (&["mv", "terraform_data.b", "terraform_data.k[0]"], "which there is already"),
        (&["mv", "terraform_data.sekret", "terraform_data.k"], "terraform_data.secret"),
        (&["mv", "terraform_data.a", "module.m"], "not both modules"),
        (&["mv", "nowhere:terraform_data.a", "terraform_data.k"], "no state of \"nowhere\""),
        (&["rm", "terraform_data.q"], "holds nothing at terraform_data.q"),
        (&["rm", "terraform_data."], "not a valid"),
        (&["restore", "77"], "no state with serial 77"),
    ] {
        refused(&place, "root", &[&["state"], args].concat(), words);
    }
}

#[test]
fn mv_between_workspaces_and_rm() {
    let place = fleet();
    refused(&place, "fleet", &["state", "mv", "terraform_data.a", "terraform_data.b"], "2 workspaces");
    let said = place.ok("fleet", &["state", "mv", "acme:terraform_data.a", "globex:terraform_data.moved"]);
    let told = "Move \"acme:terraform_data.a\" to \"globex:terraform_data.moved\"\n";
    assert!(said.stdout.starts_with(told), "{}", said.stdout);
    assert_eq!(lines(&place, "fleet", &["state", "list", "-tenant=acme"]), Vec::<String>::new());
    let both = ["terraform_data.a", "terraform_data.moved"];
    assert_eq!(lines(&place, "fleet", &["state", "list", "-tenant=globex"]), both);
    let id = place.states("fleet")[1].resources.values().nth(1).and_then(|r| r.attributes.get("id"));
    let id = id.and_then(|id| id.as_str().map(str::to_owned)).expect("an id");
    let listed = lines(&place, "fleet", &["state", "list", &format!("-id={id}")]);
    assert_eq!(listed, ["globex:terraform_data.moved"]);
    let rm = ["state", "rm", "-tenant=globex", "terraform_data.moved", "terraform_data.a"];
    let said = place.ok("fleet", &[&rm[..], &["-dry-run"]].concat());
    assert_eq!(said.stdout, "Would remove terraform_data.moved\nWould remove terraform_data.a\n");
    let said = place.ok("fleet", &rm);
    assert!(said.stdout.ends_with("Successfully removed 2 resource instance(s).\n"), "{}", said.stdout);
    assert_eq!(place.states("fleet").iter().map(|s| s.resources.len()).sum::<usize>(), 0);
}

#[test]
fn taint_makes_the_next_plan_replace() {
    let place = root();
    let said = place.ok("root", &["taint", "terraform_data.a"]);
    assert_eq!(said.stdout, "Resource instance terraform_data.a has been marked as tainted.\n");
    let plan = place.ok("root", &["plan"]).stdout;
    assert!(plan.contains("tainted") && plan.contains("1 to destroy"), "{plan}");
    place.ok("root", &["untaint", "terraform_data.a"]);
    assert_eq!(place.run("root", &["plan", "-detailed-exitcode"]).code, 0);
    refused(&place, "root", &["taint", "terraform_data.q"], "No such object");
    place.ok("root", &["taint", "-allow-missing", "terraform_data.q"]);
}

#[test]
fn a_state_is_given_out_and_taken_back_as_it_was() {
    let place = root();
    let before = place.states("root").remove(0);
    let pulled = place.ok("root", &["state", "pull"]).stdout;
    assert!(!pulled.contains("canary"), "{pulled}");
    place.write("root", "state.json", &pulled);
    let said = place.ok("root", &["state", "push", "state.json"]);
    assert!(said.stdout.contains("is that already"), "{}", said.stdout);
    place.ok("root", &["state", "push", "-state-dir=other", "state.json"]);
    let again = place.ok("root", &["state", "pull", "-state-dir=other", "-show-sensitive"]).stdout;
    let plain = place.ok("root", &["state", "pull", "-show-sensitive"]).stdout;
    assert_eq!(json(&again)["lineage"], json(&plain)["lineage"]);
    assert_eq!(json(&again)["outputs"], json(&plain)["outputs"]);
    let values = |text: &str| -> Vec<Json> {
        let all = json(text)["resources"].as_array().cloned().unwrap_or_default();
        let instances = all.into_iter().flat_map(|r| r["instances"].as_array().cloned().unwrap_or_default());
        instances.map(|i| json!([i["attributes"], i["sensitive_attributes"], i["dependencies"]])).collect()
    };
    assert_eq!(values(&again), values(&plain));
    assert!(plain.contains("canary-7d21"));
    // Plain secrets are taken in as secrets.
    place.write("root", "plain.json", &plain);
    place.ok("root", &["state", "push", "-state-dir=third", "plain.json"]);
    std::fs::remove_file(place.example("root").join("plain.json")).expect("removed");
    place.edit("root", "main.tf", "canary-7d21", "canary-7d21");
    for dir in ["state", "other", "third"] {
        let said = place.run("root", &["plan", "-detailed-exitcode", &format!("-state-dir={dir}")]);
        assert_eq!(said.code, 0, "{dir}\n{}\n{}", said.stdout, said.stderr);
    }
    let leaks = place.files().into_iter().filter(|(path, bytes)| {
        !path.ends_with("main.tf") && bytes.windows(6).any(|window| window == b"canary")
    });
    assert_eq!(leaks.map(|(path, _)| path).collect::<Vec<_>>(), Vec::<std::path::PathBuf>::new());
    assert_eq!(place.states("root").remove(0), before);
    let shown = place.ok("root", &["audit", "-json"]).stdout;
    assert!(shown.lines().any(|line| json(line)["operation"] == "show-sensitive"), "{shown}");
}

/// As Terraform 1.9 writes it, providers from wherever.
const FOREIGN: &str = r#"{
  "version": 4,
  "terraform_version": "1.9.8",
  "serial": 12,
  "lineage": "3f4d8b1a-0000-4000-8000-5e5c31c8a0d1",
  "outputs": { "port": { "value": 8080, "type": "number" } },
  "resources": [
    {
      "mode": "managed", "type": "terraform_data", "name": "a",
      "provider": "provider[\"terraform.io/builtin/terraform\"]",
      "instances": [
        { "schema_version": 0,
          "attributes": { "id": "11111111-1111-4111-8111-111111111111",
            "input": { "value": { "n": 1, "l": ["a"] }, "type": ["object", { "n": "number", "l": ["list", "string"] }] },
            "output": { "value": { "n": 1, "l": ["a"] }, "type": ["object", { "n": "number", "l": ["list", "string"] }] },
            "triggers_replace": null },
          "sensitive_attributes": [] } ]
    },
    {
      "module": "module.web[\"eu\"]", "mode": "managed", "type": "kubernetes_manifest", "name": "cm",
      "provider": "module.web.provider[\"example.com/hashicorp/kubernetes\"]",
      "instances": [
        { "index_key": 0, "status": "tainted", "schema_version": 1,
          "attributes": {
            "computed_fields": null, "field_manager": [], "timeouts": [], "wait": [], "wait_for": null,
            "manifest": { "value": { "apiVersion": "v1", "kind": "ConfigMap" }, "type": ["object", { "apiVersion": "string", "kind": "string" }] },
            "object": { "value": { "apiVersion": "v1", "kind": "ConfigMap" }, "type": ["object", { "apiVersion": "string", "kind": "string" }] } },
          "sensitive_attributes": [],
          "private": "bm90IG91cnM=",
          "dependencies": ["terraform_data.a"], "create_before_destroy": true } ]
    }
  ],
  "check_results": null
}"#;

#[test]
fn a_terraform_state_is_taken_over() {
    let place = Place::new();
    let file = FOREIGN.to_owned();
    place.write("root", "terraform.tfstate", &file);
    place.write(
        "root",
        "main.tf",
        "resource \"terraform_data\" \"a\" { input = { n = 1, l = tolist([\"a\"]) } }\n",
    );
    place.ok("root", &["state", "push", "terraform.tfstate"]);
    let state = place.states("root").remove(0);
    assert_eq!((state.name.as_str(), state.serial), ("default", 12));
    let pulled = json(&place.ok("root", &["state", "pull"]).stdout);
    let given = json(&file);
    for path in ["/lineage", "/serial", "/outputs/port/value"] {
        assert_eq!(pulled.pointer(path), given.pointer(path), "{path}");
    }
    let find = |doc: &Json, kind: &str| {
        let all = doc["resources"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|r| r["type"] == kind).expect("there")
    };
    let (old, new) = (find(&given, "terraform_data"), find(&pulled, "terraform_data"));
    assert_eq!(old["instances"][0]["attributes"], new["instances"][0]["attributes"]);
    assert_eq!(old["provider"], new["provider"]);
    let (old, new) = (find(&given, "kubernetes_manifest"), find(&pulled, "kubernetes_manifest"));
    assert_eq!(old["module"], new["module"]);
    for part in ["index_key", "status", "dependencies", "create_before_destroy"] {
        assert_eq!(old["instances"][0][part], new["instances"][0][part], "{part}");
    }
    // As Terraform writes it: null where nothing is set, and nothing unknown to it.
    let attributes = new["instances"][0]["attributes"].as_object().expect("an object");
    assert_eq!(attributes.get("computed_fields"), Some(&Json::Null));
    assert!(!attributes.contains_key("cluster"), "{attributes:?}");
    for part in ["manifest", "object"] {
        assert_eq!(
            old["instances"][0]["attributes"][part], new["instances"][0]["attributes"][part],
            "{part}"
        );
    }
    place.ok("root", &["state", "rm", "module.web[\"eu\"]"]);
    let said = place.run("root", &["plan", "-detailed-exitcode"]);
    assert!(
        said.stdout.contains("port") && !said.stdout.contains("terraform_data.a will"),
        "{}",
        said.stdout
    );
}

#[test]
fn push_keeps_terraforms_rules() {
    let place = Place::new();
    place.write("root", "main.tf", "");
    let file = FOREIGN.to_owned();
    place.write("root", "a.json", &file);
    place.ok("root", &["state", "push", "a.json"]);
    let write = |name: &str, from: &str, to: &str| place.write("root", name, &file.replace(from, to));
    write("older.json", "\"serial\": 12", "\"serial\": 11");
    place.write("root", "other.json", &file.replace("3f4d8b1a", "00000000").replace("8080", "9090"));
    write("same.json", "8080", "9090");
    write("newer.json", "\"serial\": 12", "\"serial\": 20");
    write("v3.json", "\"version\": 4", "\"version\": 3");
    write("unknown.json", "\"terraform_data\"", "\"aws_thing\"");
    place.write("root", "text.json", "nothing");
    for (file, words) in [
        ("older.json", "is at 12 already"),
        ("other.json", "another state's"),
        ("same.json", "they differ"),
        ("v3.json", "only version 4"),
        ("unknown.json", "aws_thing"),
        ("text.json", "no JSON"),
    ] {
        refused(&place, "root", &["state", "push", file], words);
    }
    place.ok("root", &["state", "push", "newer.json"]);
    assert_eq!(place.states("root")[0].serial, 20);
    // Forced, it becomes the pushed one in all; the one before can be had back.
    let is = |serial: u64, lineage: &str| {
        let state = place.states("root").remove(0);
        assert_eq!((state.serial, &state.lineage[..8]), (serial, lineage));
    };
    place.ok("root", &["state", "push", "-force", "other.json"]);
    is(12, "00000000");
    place.ok("root", &["state", "push", "-force", "older.json"]);
    is(11, "3f4d8b1a");
    // Of one lineage the serial never falls, or old plans would fit again.
    place.ok("root", &["state", "push", "-force", "newer.json"]);
    place.ok("root", &["state", "push", "-force", "older.json"]);
    is(20, "3f4d8b1a");
    let history = place.ok("root", &["state", "history"]).stdout;
    assert_eq!(history.lines().count(), 6, "{history}");
    place.ok("root", &["state", "check"]);
}

#[test]
fn the_past_is_listed_and_gone_back_to() {
    let place = root();
    place.edit("root", "main.tf", "\"one\"", "\"two\"");
    place.ok("root", &APPLY);
    let first = place.ok("root", &["state", "history"]).stdout;
    assert_eq!(first.lines().count(), 3, "{first}");
    let runs = json(&place.ok("root", &["state", "history", "-json"]).stdout);
    assert_eq!(runs["runs"][0]["run"]["operation"], "apply");
    place.ok("root", &["state", "restore", "1"]);
    let shown = place.ok("root", &["state", "show", "terraform_data.a"]).stdout;
    assert!(shown.contains("\"one\""), "{shown}");
    assert_eq!(place.states("root")[0].serial, 3);
    let plan = place.ok("root", &["plan"]).stdout;
    assert!(plan.contains("\"one\" -> \"two\""), "{plan}");
}

#[test]
fn check_says_what_is_broken() {
    let place = fleet();
    // What follows the damage says that it is none of a crash.
    place.edit("fleet", "blueprint/main.tf", "1", "2");
    place.ok("fleet", &APPLY);
    let said = place.ok("fleet", &["state", "check"]);
    assert_eq!(said.stdout, "Checked 2 workspaces: 2 sound, 0 broken.\n");
    let journal = place.example("fleet").join("state/workspaces/acme/journal");
    let mut bytes = std::fs::read(&journal).expect("read");
    bytes[40] ^= 1;
    std::fs::write(&journal, bytes).expect("written");
    let said = place.run("fleet", &["state", "check"]);
    assert_eq!(said.code, 1);
    assert!(
        said.stdout.contains("is damaged in line 1") && said.stdout.contains("1 broken"),
        "{}",
        said.stdout
    );
}

#[test]
fn workspaces_are_listed_shown_and_deleted() {
    let place = fleet();
    assert_eq!(lines(&place, "fleet", &["workspace", "list"]), ["acme", "globex"]);
    let shown = json(&place.ok("fleet", &["workspace", "show", "acme", "-json"]).stdout);
    assert_eq!((&shown["objects"], &shown["serial"]), (&json!(1), &json!(1)));
    refused(&place, "fleet", &["workspace", "delete", "acme"], "still has 1 object");
    let said = place.ok("fleet", &["workspace", "delete", "-force", "acme"]);
    assert!(said.stdout.contains("1 object stay"), "{}", said.stdout);
    assert_eq!(lines(&place, "fleet", &["workspace", "list"]), ["globex"]);
    place.ok("fleet", &["destroy", "-auto-approve", "-tenant=globex"]);
    place.ok("fleet", &["workspace", "delete", "globex"]);
    assert_eq!(lines(&place, "fleet", &["workspace", "list"]), Vec::<String>::new());
    refused(&place, "fleet", &["workspace", "delete", "globex"], "no state of \"globex\"");
}

#[test]
fn who_did_what_is_recorded() {
    let place = fleet();
    place.ok("fleet", &["state", "mv", "acme:terraform_data.a", "globex:terraform_data.b"]);
    place.ok("fleet", &["refresh"]);
    let told = place.ok("fleet", &["audit"]).stdout;
    for words in ["apply", "1 added, 0 changed, 0 destroyed", "state mv", "acme:terraform_data.a", "plan "] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    let globex = place.ok("fleet", &["audit", "-tenant=globex", "-json"]).stdout;
    assert!(globex.lines().all(|line| line.contains("globex")), "{globex}");
    let applied = globex.lines().map(json).find(|entry| entry["operation"] == "apply").expect("recorded");
    assert_eq!((&applied["serial"], &applied["complete"]), (&json!(1), &json!(true)));
    assert!(applied["plan"].as_str().is_some_and(|plan| plan.contains("/0 of ")), "{applied}");
}

#[test]
fn keys_change_and_what_was_sealed_follows() {
    let place = root();
    let dir = place.example("root");
    let key = |name: &str, digit: &str| {
        let path = dir.join(name);
        std::fs::write(&path, digit.repeat(64)).expect("written");
        private(&path);
        path
    };
    let (old, new) = (dir.join("../../home/.config/tenantctl/key"), key("new.key", "7"));
    let run = |settings: &[(&str, &str)], args: &[&str]| {
        let mut command = place.command("root", args);
        command.envs(settings.iter().copied());
        said(command.output().expect("runs"))
    };
    let (old, new) = (old.to_str().expect("a path"), new.to_str().expect("a path"));
    let show = ["output", "-show-sensitive", "-json"];
    let wrong = run(&[("TENANTCTL_KEY_FILE", new)], &show);
    assert!(wrong.code == 1 && wrong.stderr.contains("TENANTCTL_EARLIER_KEY_FILE"), "{}", wrong.stderr);
    let both = [("TENANTCTL_KEY_FILE", new), ("TENANTCTL_EARLIER_KEY_FILE", old)];
    assert!(run(&both, &show).stdout.contains("canary-7d21"));
    let done = run(&both, &["state", "reencrypt"]);
    assert!(done.stdout.contains("Sealed 1 workspace"), "{}\n{}", done.stdout, done.stderr);
    assert!(run(&[("TENANTCTL_KEY_FILE", new)], &show).stdout.contains("canary-7d21"));
    assert_eq!(run(&[("TENANTCTL_KEY_FILE", new)], &["plan", "-detailed-exitcode"]).code, 0);
    assert_eq!(run(&[], &show).code, 1, "the old key still opens it");

    let phrase = [("TENANTCTL_PASSPHRASE", "correct horse"), ("TENANTCTL_EARLIER_KEY_FILE", new)];
    assert_eq!(run(&phrase, &["state", "reencrypt"]).code, 0);
    assert!(run(&phrase[..1], &show).stdout.contains("canary-7d21"));
    assert_eq!(run(&[("TENANTCTL_PASSPHRASE", "wrong horse")], &show).code, 1);

    let digits = format!("printf {}", "3".repeat(64));
    let command =
        [("TENANTCTL_KEY_COMMAND", digits.as_str()), ("TENANTCTL_EARLIER_PASSPHRASE", "correct horse")];
    assert_eq!(run(&command, &["state", "reencrypt"]).code, 0);
    assert!(run(&command[..1], &show).stdout.contains("canary-7d21"));
    for (bad, words) in [("exit 3", "failed"), ("printf hello", "is no key")] {
        let said = run(&[("TENANTCTL_KEY_COMMAND", bad)], &show);
        assert!(said.code == 1 && said.stderr.contains(words), "{}", said.stderr);
        assert!(!said.stderr.contains("hello\""), "{}", said.stderr);
    }
    for (path, bytes) in place.files() {
        for secret in [&b"canary"[..], b"correct horse"] {
            let holds = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!holds || path.ends_with("main.tf"), "{}", path.display());
        }
    }
}

#[cfg(unix)]
fn private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("chmod");
}

#[cfg(not(unix))]
fn private(_: &std::path::Path) {}
