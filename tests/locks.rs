//! Locks: who has one, waiting for it, taking it away from a process that
//! hangs, and a fleet of more workspaces than a process may have open files.

use std::process::Command;
use std::time::Instant;

use crate::common::{PATIENCE, Place, Running, said};

const FLEET: &str = r#"
tenantctl { simulate = ["kubernetes"] }
platform "shop" { blueprint = "./blueprint" }
tier "starter" { isolation = "namespace" }
tenant "acme" { tier = "starter" }
tenant "globex" { tier = "starter" }
"#;

const BLUEPRINT: &str = r#"
variable "tenant" { type = object({ name = string }) }

resource "kubernetes_manifest" "part" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "part", namespace = var.tenant.name }
  }
}
"#;

const APPLY: [&str; 3] = ["apply", "-auto-approve", "-tenant=acme"];

fn fleet() -> Place {
    let place = Place::new();
    place.write("fleet", "main.hcl", FLEET);
    place.write("fleet", "blueprint/main.tf", BLUEPRINT);
    place
}

/// An apply that has made its object, and waits so long before it says so.
fn holder(place: &Place, wait_ms: u64) -> Running {
    let script = format!(
        r#"{{"version": 1, "rules": [{{"match": {{"operation": "create"}}, "latency_after_ms": {wait_ms}}}]}}"#
    );
    place.write("fleet", "slow.json", &script);
    let apply = place.start("fleet", &[&APPLY[..], &["-fault-script=slow.json"]].concat());
    let start = Instant::now();
    while place.history("fleet", "acme").is_empty() {
        assert!(start.elapsed() < PATIENCE, "nothing is ever made");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    apply
}

const FOR_EVER: u64 = 86_400_000;

#[test]
fn a_lock_is_waited_for_and_its_holder_named() {
    let place = fleet();
    let holder = holder(&place, FOR_EVER);
    let process = format!("(process {})", holder.pid());
    let refused = place.run("fleet", &[&APPLY[..], &["-lock-timeout=20ms"]].concat());
    assert_eq!(refused.code, 1);
    for words in ["Waiting for a lock", &process, "\"apply\"", "is locked by", "force-unlock"] {
        assert!(
            format!("{}{}", refused.stdout, refused.stderr).contains(words),
            "{words}\n{}",
            refused.stderr
        );
    }
    let next = place.start("fleet", &[&APPLY[..], &["-lock-timeout=1h"]].concat());
    next.wait_for("Waiting for a lock");
    assert!(holder.kill());
    let said = next.end();
    assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("Left open by the last run: adopted"), "{}", said.stdout);
    let said = place.run("fleet", &[&APPLY[..], &["-lock-timeout=soon"]].concat());
    assert!(said.code == 1 && said.stderr.contains("30s, 5m or 1h30m"), "{}", said.stderr);
}

#[test]
fn locks_are_listed_and_what_the_dead_left_is_known_as_that() {
    let place = fleet();
    assert_eq!(place.ok("fleet", &["lock", "list"]).stdout, "No workspace is locked.\n");
    let holder = holder(&place, FOR_EVER);
    let pid = holder.pid();
    let list = place.ok("fleet", &["lock", "list"]).stdout;
    assert!(list.contains("acme       yes   apply") && list.contains(&pid.to_string()), "{list}");
    let json: serde_json::Value =
        serde_json::from_str(&place.ok("fleet", &["lock", "list", "-json"]).stdout).expect("JSON");
    let id = json["locks"][0]["holder"]["ID"].as_str().expect("an id").to_owned();
    assert_eq!(json["locks"][0]["held"], true);
    for which in ["acme", id.as_str()] {
        let shown = place.ok("fleet", &["lock", "show", which]).stdout;
        assert!(shown.contains(&id) && shown.contains(&format!("Process:   {pid}")), "{shown}");
    }
    assert!(holder.kill());
    let list = place.ok("fleet", &["lock", "list"]).stdout;
    assert!(list.contains("no, its process is gone"), "{list}");
    let said = place.ok("fleet", &["force-unlock", &id]);
    assert!(said.stdout.contains("was not locked any more"), "{}", said.stdout);
    assert_eq!(place.ok("fleet", &["lock", "list"]).stdout, "No workspace is locked.\n");
    let said = place.run("fleet", &["force-unlock", "-force", "acme"]);
    assert!(said.code == 1 && said.stderr.contains("is locked"), "{}", said.stderr);
}

#[test]
fn force_unlock_shuts_a_living_holder_out() {
    // The holder must live longer than the two commands after it take.
    let is_in_time = |wait_ms: u64| {
        let place = fleet();
        let mut holder = holder(&place, wait_ms);
        let said = place.run("fleet", &["force-unlock", "acme"]);
        if !holder.is_alive() {
            return false;
        }
        assert!(said.code == 1 && said.stderr.contains("Pass -force"), "{}", said.stderr);
        let said = place.run("fleet", &["force-unlock", "-force", "acme"]);
        if !holder.is_alive() {
            return false;
        }
        assert!(said.stdout.contains("acme has been unlocked"), "{}\n{}", said.stdout, said.stderr);
        let said = place.ok("fleet", &APPLY);
        assert!(said.stdout.contains("Left open by the last run: adopted"), "{}", said.stdout);
        let before = place.states("fleet");
        let late = holder.end();
        assert_eq!(late.code, 1, "{}", late.stdout);
        assert!(late.stderr.contains("force-unlock"), "{}", late.stderr);
        assert_eq!(place.states("fleet"), before, "it wrote all the same");
        assert_eq!(place.history("fleet", "acme").len(), 1);
        assert!(place.ok("fleet", &["audit"]).stdout.contains("force-unlock"));
        true
    };
    assert!([3_000, 15_000, 60_000].into_iter().any(is_in_time), "too slow a machine");
}

#[test]
fn lock_false_plans_beside_a_holder_and_an_apply_locks_all_the_same() {
    let place = fleet();
    let holder = holder(&place, FOR_EVER);
    let said = place.run("fleet", &["plan", "-tenant=acme", "-lock=false"]);
    assert!(said.code == 1 && said.stderr.contains("Unfinished run"), "{}", said.stderr);
    place.ok("fleet", &["plan", "-tenant=globex", "-lock=false"]);
    assert!(holder.kill());
    place.ok("fleet", &[&APPLY[..], &["-lock=false"]].concat());
}

#[test]
#[cfg(unix)]
fn a_fleet_may_have_more_workspaces_than_a_process_files() {
    let place = Place::new();
    let tenants: String = (0..500).map(|i| format!("tenant \"t{i}\" {{ tier = \"starter\" }}\n")).collect();
    let head =
        "platform \"shop\" { blueprint = \"./blueprint\" }\ntier \"starter\" { isolation = \"namespace\" }\n";
    place.write("fleet", "main.hcl", &format!("{head}{tenants}"));
    place.write("fleet", "blueprint/main.tf", "resource \"terraform_data\" \"x\" { input = 1 }\n");
    let command = place.command("fleet", &[]);
    let limited = |args: &str| {
        let mut shell = Command::new("sh");
        let binary = command.get_program().to_str().expect("a path");
        shell.arg("-c").arg(format!("ulimit -n 480; exec {binary} {args}"));
        shell.env_clear().current_dir(place.example("fleet"));
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let said = said(shell.output().expect("runs"));
        assert_eq!(said.code, 0, "{}", said.stderr);
        said
    };
    let said = limited("apply -auto-approve");
    assert!(said.stdout.contains("500 added"), "{}", &said.stdout[said.stdout.len() - 300..]);
    assert!(limited("plan").stdout.contains("No changes"));
    assert_eq!(place.ok("fleet", &["workspace", "list"]).stdout.lines().count(), 500);
}
