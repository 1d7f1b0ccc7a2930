//! `provisioner "local-exec"`: commands and what comes of them.

use std::path::PathBuf;

use super::{actions, apply, one_line, plan_json, recorded, refused, root, settled};
use crate::common::Place;

fn read(place: &Place, file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(place.example("x").join(file)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

const LIFE: &str = r#"
variable "n" {
  default = 1
}
variable "trigger" {
  default = "a"
}
resource "terraform_data" "a" {
  count            = var.n
  input            = "in-${count.index}"
  triggers_replace = var.trigger
  provisioner "local-exec" {
    command     = "echo made ${self.output} $WHO $PWD >> log"
    environment = { WHO = "by-${path.module}" }
  }
  provisioner "local-exec" {
    when    = destroy
    command = "echo removed ${self.output} ${count.index} >> log"
  }
  provisioner "local-exec" {
    command     = "print('second ' + '${self.input}', file=open('../log', 'a'))"
    interpreter = ["python3", "-c"]
    working_dir = "sub"
    quiet       = true
  }
}
"#;

#[test]
fn commands_run_when_objects_are_made_and_removed() {
    let place = root(LIFE);
    place.write("x", "sub/empty", "");
    let here: PathBuf = place.example("x").canonicalize().unwrap();
    let said = apply(&place);
    assert_eq!(read(&place, "log"), [format!("made in-0 by-. {}", here.display()), "second in-0".into()]);
    assert!(
        said.stdout.contains("terraform_data.a[0]: Provisioning with 'local-exec'..."),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout
            .contains("terraform_data.a[0] (local-exec): Executing: [\"/bin/sh\", \"-c\", \"echo made"),
        "{}",
        said.stdout
    );
    assert!(!said.stdout.contains("python3"), "quiet: {}", said.stdout);
    settled(&place);

    // An object that is made anew is removed first.
    place.ok("x", &["apply", "-auto-approve", "-var=trigger=b"]);
    let log = read(&place, "log");
    assert_eq!((log[2].as_str(), log[3].starts_with("made in-0"), log.len()), ("removed in-0 0", true, 5));

    // An instance that is gone, and then all of them.
    place.ok("x", &["apply", "-auto-approve", "-var=n=2", "-var=trigger=b"]);
    place.ok("x", &["apply", "-auto-approve", "-var=trigger=b"]);
    assert_eq!(read(&place, "log").last().unwrap(), "removed in-1 1");
    place.ok("x", &["destroy", "-auto-approve"]);
    assert_eq!(read(&place, "log").last().unwrap(), "removed in-0 0");
    assert!(recorded(&place).is_empty());
}

const FAILING: &str = r#"
resource "terraform_data" "a" {
  input = "x"
  provisioner "local-exec" {
    command = "echo one; echo two >&2; test -e ok"
  }
}
resource "terraform_data" "after" {
  input = terraform_data.a.output
}
"#;

#[test]
fn an_object_whose_command_failed_is_made_anew() {
    let place = root(FAILING);
    let said = place.run("x", &["apply", "-auto-approve"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stderr.contains("local-exec provisioner error"), "{}", said.stderr);
    // What it said, in order, both of its outputs.
    let told: Vec<&str> =
        said.stdout.lines().filter_map(|l| l.strip_prefix("terraform_data.a (local-exec): ")).collect();
    assert_eq!(&told[1..], ["one", "two"], "{}", said.stdout);
    assert!(
        one_line(&said.stderr).contains("ended with exit status: 1. It said: one two"),
        "{}",
        said.stderr
    );
    assert_eq!(recorded(&place), ["terraform_data.a"], "what depends on it is not made");
    let plan = plan_json(&place, &[]);
    assert_eq!(actions(&plan), ["terraform_data.a delete,create", "terraform_data.after create"]);
    let change = &plan["resource_changes"][0];
    assert_eq!(change["action_reason"], "replace_because_tainted");
    place.write("x", "ok", "");
    apply(&place);
    settled(&place);
}

#[test]
fn a_failure_that_may_be_is_a_warning() {
    let text = "resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {\n    command    = \"exit 3\"\n    \
                on_failure = continue\n  }\n}\n";
    let place = root(text);
    let said = apply(&place);
    assert!(said.stderr.contains("warning: local-exec provisioner error"), "{}", said.stderr);
    settled(&place);
}

#[test]
fn an_object_whose_parting_command_fails_stays() {
    let text = "resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {\n    when    = destroy\n    command = \
                \"test -e ok\"\n  }\n}\n";
    let place = root(text);
    apply(&place);
    let said = place.run("x", &["destroy", "-auto-approve"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert_eq!(recorded(&place), ["terraform_data.a"]);
    // It is as it was, not half removed.
    settled(&place);
    place.write("x", "ok", "");
    place.ok("x", &["destroy", "-auto-approve"]);
    assert!(recorded(&place).is_empty());
}

#[test]
fn removed_blocks_have_commands_too() {
    let place =
        root("resource \"terraform_data\" \"a\" {\n  for_each = toset([\"k\"])\n  input = \"x\"\n}\n");
    apply(&place);
    let text = "removed {\n  from = terraform_data.a\n  lifecycle {\n    destroy = true\n  }\n  provisioner \"local-exec\" \
                {\n    when    = destroy\n    command = \"echo ${self.output} ${each.key} > log\"\n  }\n}\n";
    place.write("x", "main.tf", text);
    apply(&place);
    assert_eq!(read(&place, "log"), ["x k"]);
}

#[test]
fn nothing_of_a_command_with_secrets_is_told() {
    let text = "variable \"password\" {\n  sensitive = true\n}\nresource \"terraform_data\" \"a\" {\n  provisioner \
                \"local-exec\" {\n    command = \"echo ${var.password} | rev; exit 1\"\n  }\n}\n";
    let place = root(text);
    let said = place.run("x", &["apply", "-auto-approve", "-json", "-var=password=hunter2"]);
    assert_eq!(said.code, 1);
    let all = said.stdout + &said.stderr;
    assert!(!all.contains("hunter2") && !all.contains("2retnuh"), "{all}");
    assert!(all.contains("(output suppressed due to sensitive value in config)"), "{all}");
    for kind in ["provision_start", "provision_progress", "provision_errored"] {
        assert!(all.contains(&format!("\"type\":\"{kind}\"")), "{kind}\n{all}");
    }
    assert!(place.files().iter().all(|(_, bytes)| !bytes.windows(7).any(|w| w == b"hunter2")));
}

#[test]
fn a_rehearsal_runs_no_commands() {
    let place = root(LIFE);
    let said = place.ok("x", &["apply", "-auto-approve", "-simulate"]);
    assert!(said.stdout.contains("Not run, since providers are simulated"), "{}", said.stdout);
    assert!(read(&place, "log").is_empty());
}

#[test]
fn what_a_command_leaves_running_is_not_waited_for() {
    let text = "resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {\n    command = \"sleep 600 & echo $! > \
                pid; echo begun\"\n  }\n}\n";
    let place = root(text);
    let said = apply(&place);
    assert!(said.stdout.contains("(local-exec): begun"), "{}", said.stdout);
    let pid: i32 = read(&place, "pid")[0].parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it still runs");
}

#[test]
fn what_cannot_be_run_is_refused() {
    let provisioner = |kind: &str, body: &str| {
        format!("resource \"terraform_data\" \"a\" {{\n  provisioner \"{kind}\" {{\n{body}  }}\n}}\n")
    };
    let exec = |body: &str| provisioner("local-exec", body);
    for (text, expected) in [
        (provisioner("remote-exec", "    inline = []\n"), "tenantctl has no provisioner \"remote-exec\""),
        (provisioner("file", ""), "tenantctl has no provisioner \"file\""),
        (exec(""), "The argument \"command\" is required"),
        (exec("    command = \"x\"\n    wen = destroy\n"), "An argument named \"wen\" is not expected here"),
        (exec("    command = \"x\"\n    when = never\n"), "\"when\" is either create or destroy"),
        (exec("    command = \"x\"\n    on_failure = retry\n"), "\"on_failure\" is either fail or continue"),
        (exec("    command = var.c\n    when = destroy\n"), "Invalid reference from destroy provisioner"),
        (exec("    command = \"x\"\n    connection {\n    }\n"), "Connections not supported"),
        (exec("    command = self.nothing\n"), "no attribute"),
        ("resource \"terraform_data\" \"a\" {\n  connection {\n    host = \"h\"\n  }\n}\n".into(), "Connections not"),
        (
            "removed {\n  from = terraform_data.b\n  provisioner \"local-exec\" {\n    command = \"x\"\n  }\n}\n".into(),
            "so a provisioner needs: when destroy",
        ),
    ] {
        let text = format!("{text}variable \"c\" {{\n  default = \"x\"\n}}\n");
        let words = refused(&root(&text), &["plan"]);
        assert!(words.contains(expected), "{text}\n{words}");
    }
    let empty = root(&exec("    command = \"\"\n"));
    assert!(refused(&empty, &["apply", "-auto-approve"]).contains("must be text that is not empty"));
    let nothing = root(&exec("    command = \"x\"\n    interpreter = [\"no-such-program-here\"]\n"));
    assert!(refused(&nothing, &["apply", "-auto-approve"]).contains("cannot be run"));
}
