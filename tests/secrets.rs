//! A canary in every secret input, then a search of every byte that was
//! written or printed. Services repeat it in every answer they give.

use std::path::{Path, PathBuf};

use crate::common::{Place, Running, Said, said};

const CANARY: &str = "canary-5e0c77a1";

const ROOT: &str = r#"
tenantctl { simulate = ["kubernetes"] }

variable "password" {
  type      = string
  sensitive = true
}

variable "deep" {
  type      = object({ keys = list(string) })
  sensitive = true
}

variable "size" { default = 1 }

provider "kubernetes" {
  host  = "https://cluster.example"
  token = var.password
}

resource "kubernetes_manifest" "secret" {
  manifest = {
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "s", namespace = "d" }
    stringData = { password = var.password, size = tostring(var.size) }
  }
}

resource "terraform_data" "a" {
  input = { password = var.password, keys = var.deep.keys, size = var.size }
}

output "secret" {
  value     = [var.password, terraform_data.a.output]
  sensitive = true
}
"#;

/// A file of values, with a secret of more than one line.
fn values() -> String {
    format!("password = \"{CANARY}\"\ndeep = {{ keys = [\"first of {CANARY}\\nand \\\"second\\\"\"] }}\n")
}

/// What the test writes itself.
const INPUTS: [&str; 4] = ["secret.auto.tfvars", "other.tfvars", "faults.json", "plain.json"];

struct Searched {
    place: Place,
    told: String,
}

impl Searched {
    fn new() -> Self {
        let place = Place::new();
        place.write("root", "main.tf", ROOT);
        place.write("root", "secret.auto.tfvars", &values());
        Searched { place, told: String::new() }
    }

    fn run(&mut self, args: &[&str], environment: &[(&str, &str)]) -> Said {
        let mut command = self.place.command("root", args);
        // There is no log; should there be one, it is searched.
        command.env("RUST_LOG", "trace").env("TF_LOG", "trace").env("TENANTCTL_LOG", "trace");
        command.envs(environment.iter().copied());
        let said = said(command.output().expect("runs"));
        self.search(&args.join(" "), &said);
        said
    }

    fn search(&mut self, what: &str, said: &Said) {
        for text in [&said.stdout, &said.stderr] {
            assert!(!text.contains(CANARY), "{what} says it:\n{text}");
            self.told += text;
        }
        let files: Vec<PathBuf> =
            self.place.files().into_iter().filter(holds).map(|(path, _)| path).collect();
        assert_eq!(files, Vec::<PathBuf>::new(), "after {what}");
    }

    /// A run in which calls fail, or take long, with the secret in their words.
    fn faulty(&mut self, rules: &[&str], args: &[&str], code: i32) {
        self.script(rules);
        let said = self.run(&[args, &["-fault-script=faults.json"]].concat(), &[]);
        assert_eq!(said.code, code, "{rules:?}\n{}\n{}", said.stdout, said.stderr);
        let told = format!("{}{}", said.stdout, said.stderr);
        assert!(told.contains("(sensitive value)"), "{rules:?} was not told:\n{told}");
    }

    fn script(&self, rules: &[&str]) {
        let rules = rules.join(", ").replace("CANARY", &format!("it said {CANARY}, and {CANARY}!"));
        self.place.write("root", "faults.json", &format!(r#"{{"version": 1, "rules": [{rules}]}}"#));
    }
}

fn holds(file: &(PathBuf, Vec<u8>)) -> bool {
    let is_input = |name: &str| file.0.ends_with(Path::new("root").join(name));
    !INPUTS.into_iter().any(is_input) && file.1.windows(CANARY.len()).any(|part| part == CANARY.as_bytes())
}

const APPLY: [&str; 2] = ["apply", "-auto-approve"];

#[test]
fn no_command_writes_or_says_a_secret() {
    let mut all = Searched::new();
    let var = format!("-var=password={CANARY}");
    // `output -json` and -show-sensitive are for handing values to programs.
    let commands: [&[&str]; 25] = [
        &["validate"],
        &["plan"],
        &["plan", "-json", &var],
        &["plan", "-out=saved.plan", "-var-file=other.tfvars"],
        &["show", "saved.plan"],
        &["show", "-json", "saved.plan"],
        &["apply", "saved.plan"],
        &["plan", "-detailed-exitcode"],
        &["apply", "-auto-approve", "-json", "-var=size=2"],
        &["refresh"],
        &["show"],
        &["show", "-json"],
        &["output"],
        &["state", "list"],
        &["state", "show", "terraform_data.a"],
        &["state", "show", "kubernetes_manifest.secret"],
        &["state", "pull"],
        &["state", "history", "-json"],
        &["state", "check", "-json"],
        &["taint", "terraform_data.a"],
        &["plan", "-refresh-only"],
        &["state", "mv", "terraform_data.a", "terraform_data.b"],
        &["state", "restore", "1"],
        &["audit", "-json"],
        &["destroy", "-auto-approve"],
    ];
    all.place.write("root", "other.tfvars", &values());
    for args in commands {
        let said = all.run(args, &[("TF_VAR_password", CANARY)]);
        assert!(said.code != 1, "{args:?}\n{}\n{}", said.stdout, said.stderr);
    }
    assert!(all.told.contains("(sensitive value)"));
}

#[test]
fn what_services_repeat_is_not_passed_on() {
    let mut all = Searched::new();
    let fail = |operation: &str, class: &str| {
        format!(
            r#"{{"match": {{"operation": "{operation}"}}, "then": {{"fail": {{"class": "{class}", "message": "CANARY"}}}}}}"#
        )
    };
    let again = |operation: &str| fail(operation, "transient").replace("\"then\"", "\"nth\": [1], \"then\"");
    let pending = |operation: &str| {
        format!(
            r#"{{"match": {{"operation": "{operation}"}}, "then": {{"pending": {{"polls": 2, "message": "CANARY", "after_ms": 1}}}}}}"#
        )
    };
    all.faulty(&[&fail("create", "invalid")], &APPLY, 1);
    all.faulty(&[&fail("create", "denied")], &["apply", "-auto-approve", "-json"], 1);
    all.faulty(&[&again("create")], &APPLY, 0);
    all.faulty(&[&again("read")], &["plan"], 0);
    all.faulty(&[&fail("read", "denied")], &["plan", "-json"], 1);
    all.faulty(&[&fail("update", "conflict")], &["apply", "-auto-approve", "-var=size=2"], 1);
    // A secret that is in the state alone by now is known, too.
    all.place.write("root", "secret.auto.tfvars", "password = \"another-one\"\ndeep = { keys = [] }\n");
    all.faulty(&[&fail("update", "invalid")], &["apply", "-auto-approve"], 1);
    all.place.write("root", "secret.auto.tfvars", &values());
    all.faulty(
        &[&pending("update"), &fail("poll", "invalid")],
        &["apply", "-auto-approve", "-var=size=3"],
        1,
    );
    all.faulty(&[&again("delete")], &["destroy", "-auto-approve"], 0);
}

#[test]
fn a_killed_run_leaves_no_secret_and_its_recovery_says_none() {
    let mut all = Searched::new();
    let hang = r#"{"match": {"operation": "create"}, "latency_after_ms": 86400000}"#;
    let wait = r#"{"match": {"operation": "update"}, "then": {"pending": {"polls": 20, "message": "CANARY", "after_ms": 500}}}"#;
    let find = r#"{"match": {"operation": "find"}, "nth": [1], "then": {"fail": {"class": "transient", "message": "CANARY"}}}"#;
    let poll = r#"{"match": {"operation": "poll"}, "nth": [1], "then": {"fail": {"class": "transient", "message": "CANARY"}}}"#;
    for (rule, words, script, args) in [
        (hang, "Creating...", find, &["apply", "-auto-approve"][..]),
        (wait, "Modifying...", poll, &["apply", "-auto-approve", "-var=size=2"]),
    ] {
        all.script(&[rule]);
        let apply: Running = all.place.start("root", &[args, &["-fault-script=faults.json"]].concat());
        apply.wait_for(&format!("kubernetes_manifest.secret: {words}"));
        let is_open = |place: &Place| {
            let states = place.states("root");
            let mut open = states.iter().flat_map(|state| &state.open);
            open.any(|begin| begin.operation.is_some() || words.starts_with("Creating"))
        };
        while !is_open(&all.place) || all.place.history("root", "default").is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(apply.kill());
        all.search("a kill", &Said { code: 0, stdout: String::new(), stderr: String::new() });
        all.faulty(&[script], args, 0);
        let said = all.run(&[&["plan", "-detailed-exitcode"], &args[2..]].concat(), &[]);
        assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
    }
}

#[test]
fn keys_are_not_said_either() {
    let mut all = Searched::new();
    let said = all.run(&APPLY, &[("TENANTCTL_PASSPHRASE", CANARY)]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let digits = "c0ffee".repeat(10) + "abcd";
    let said = all.run(&["state", "list"], &[("TENANTCTL_KEY_COMMAND", &format!("echo {digits}"))]);
    assert_eq!(said.code, 1, "another key opens nothing");
    assert!(!format!("{}{}", said.stdout, said.stderr).contains(&digits));
    let said = all.run(&["state", "list"], &[("TENANTCTL_KEY_COMMAND", &format!("echo {CANARY}"))]);
    assert_eq!(said.code, 1, "it is no key");
    let said = all.run(&["state", "list"], &[("TENANTCTL_PASSPHRASE", "wrong")]);
    assert_eq!(said.code, 1, "it is another one");
}
