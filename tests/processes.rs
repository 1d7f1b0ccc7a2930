//! Several processes on one state directory, requests to stop, a state that
//! cannot be written, and what a terminal shows.
//!
//! Where something has to happen while a call is in flight, the call takes
//! long; where the machine was too slow even so, the test is made again with a
//! longer one, and only the last must do.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tenantctl_core::state::LockInfo;

use crate::common::{PATIENCE, Place, Running, Said, Terminal, said};

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
  for_each = toset(["a", "b", "c"])
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = each.key, namespace = var.tenant.name }
  }
}

resource "kubernetes_manifest" "whole" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "whole", namespace = var.tenant.name }
    data       = { for name, part in kubernetes_manifest.part : name => part.object.metadata.name }
  }
}
"#;

/// How long calls take that something has to happen in: in milliseconds, by
/// attempt.
const LATENCIES: [u64; 3] = [700, 4_000, 20_000];
/// An apply of one tenant.
const APPLY: [&str; 3] = ["apply", "-auto-approve", "-tenant=acme"];
const OBJECTS: [&str; 4] = [
    r#"kubernetes_manifest.part["a"]"#,
    r#"kubernetes_manifest.part["b"]"#,
    r#"kubernetes_manifest.part["c"]"#,
    "kubernetes_manifest.whole",
];

fn fleet() -> Place {
    let place = Place::new();
    place.write("fleet", "main.hcl", FLEET);
    place.write("fleet", "blueprint/main.tf", BLUEPRINT);
    place
}

/// Starts an apply of a tenant under a fault script of one rule.
fn faulty(place: &Place, tenant: &str, rule: &str, more: &[&str]) -> Running {
    let script = format!(r#"{{"version": 1, "rules": [{rule}]}}"#);
    place.write("fleet", &format!("{tenant}.json"), &script);
    let (tenant, script) = (format!("-tenant={tenant}"), format!("-fault-script={tenant}.json"));
    let args = ["apply", "-auto-approve", &tenant, &script];
    place.start("fleet", &[&args, more].concat())
}

/// An apply whose first creations hang, before or after their work.
fn hanging(place: &Place, tenant: &str, done: bool) -> Running {
    let never = if done { r#""latency_after_ms": 86400000"# } else { r#""then": "hang""# };
    let apply = faulty(place, tenant, &format!(r#"{{"match": {{"operation": "create"}}, {never}}}"#), &[]);
    for object in &OBJECTS[..3] {
        apply.wait_for(&format!("{tenant}:{object}: Creating..."));
    }
    wait_until(|| begun(place, tenant) && place.history("fleet", tenant).len() == if done { 3 } else { 0 });
    apply
}

/// Whether the journal says that the first creations have begun.
fn begun(place: &Place, tenant: &str) -> bool {
    let states = place.states("fleet");
    states.iter().any(|state| state.name.as_str() == tenant && state.open.len() == 3)
}

fn wait_until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "never came to be");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Tries with longer and longer latencies until `attempt` says that it was in
/// time.
fn in_time(attempt: impl Fn(u64) -> bool) {
    assert!(LATENCIES.into_iter().any(attempt), "too slow a machine, or it does not happen");
}

fn lock_info(place: &Place, tenant: &str) -> LockInfo {
    let path = place.example("fleet").join("state/workspaces").join(tenant).join("lock.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Applies what is left and has nothing to do then.
fn finishes(place: &Place) -> Said {
    let said = place.ok("fleet", &["apply", "-auto-approve"]);
    let plan = place.run("fleet", &["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}\n{}", plan.stdout, plan.stderr);
    for tenant in ["acme", "globex"] {
        assert_eq!(listed(place, tenant), OBJECTS);
        let history = place.history("fleet", tenant);
        let made: BTreeSet<_> = history.into_iter().map(|change| change.object.expect("kept").0).collect();
        assert_eq!(made.len(), OBJECTS.len(), "each was made once");
    }
    said
}

fn listed(place: &Place, tenant: &str) -> Vec<String> {
    let said = place.ok("fleet", &["state", "list", &format!("-tenant={tenant}")]);
    said.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_second_process_on_a_workspace_is_refused_and_told_who_has_it() {
    in_time(|latency| {
        let place = fleet();
        let slow = format!(r#"{{"match": {{"operation": "create"}}, "latency_ms": {latency}}}"#);
        let mut holder = faulty(&place, "acme", &slow, &[]);
        wait_until(|| begun(&place, "acme"));
        let info = lock_info(&place, "acme");
        let before = place.files();
        let refused = [&APPLY[..], &["plan", "-tenant=acme"]].map(|args| place.run("fleet", args));
        if place.files() != before || !holder.is_alive() {
            return false;
        }
        assert_eq!(info.pid, holder.pid());
        for said in refused {
            assert_eq!(said.code, 1, "{}", said.stderr);
            let process = format!("(process {})", info.pid);
            for words in ["workspace acme is locked", &process, "\"apply\"", &info.created, &info.id] {
                assert!(said.stderr.contains(words), "{words}\n{}", said.stderr);
            }
            assert_eq!(said.stdout, "");
        }
        assert_eq!(holder.end().code, 0);
        finishes(&place);
        true
    });
}

#[test]
fn two_workspaces_are_worked_on_at_once() {
    let place = fleet();
    let (mut acme, mut globex) = (hanging(&place, "acme", false), hanging(&place, "globex", false));
    // Neither call ends, so both are in flight now.
    assert!(acme.is_alive() && globex.is_alive());
    assert_eq!(lock_info(&place, "acme").pid, acme.pid());
    assert_eq!(lock_info(&place, "globex").pid, globex.pid());
    assert!(acme.kill() && globex.kill());
    // What killed processes held is free, and both finish side by side.
    let both = ["-tenant=acme", "-tenant=globex"].map(|tenant| {
        let apply = place.start("fleet", &["apply", "-auto-approve", tenant]);
        apply.wait_for("Left open by the last run: was not made");
        apply
    });
    for apply in both {
        let said = apply.end();
        assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
    }
    assert!(finishes(&place).stdout.contains("No changes"));
}

/// None is in another's way: all work, at once, and none fails.
#[test]
fn sixteen_processes_work_on_sixteen_workspaces_at_once() {
    let place = fleet();
    let names: Vec<String> = (0..16).map(|i| format!("t{i}")).collect();
    let tenants: String =
        names.iter().map(|t| format!("tenant \"{t}\" {{ tier = \"starter\" }}\n")).collect();
    let main = std::fs::read_to_string(place.example("fleet").join("main.hcl")).unwrap();
    place.write("fleet", "main.hcl", &format!("{main}{tenants}"));
    // The first run of all says that it made a key.
    place.ok("fleet", &["state", "list"]);
    // Each holds its lock until all have one.
    let slow = r#"{"match": {"operation": "create"}, "latency_ms": 1500}"#;
    let running: Vec<Running> = names.iter().map(|tenant| faulty(&place, tenant, slow, &[])).collect();
    running.iter().for_each(|apply| apply.wait_for("Creating..."));
    for (apply, tenant) in running.into_iter().zip(&names) {
        let said = apply.end();
        assert_eq!(said.code, 0, "{tenant}\n{}\n{}", said.stdout, said.stderr);
        assert_eq!(said.stderr, "", "{tenant} had something to complain of");
        assert_eq!(place.history("fleet", tenant).len(), OBJECTS.len());
    }
    let again: Vec<Running> = names
        .iter()
        .map(|tenant| place.start("fleet", &["plan", "-detailed-exitcode", &format!("-tenant={tenant}")]))
        .collect();
    for plan in again {
        let said = plan.end();
        assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
    }
    assert!(place.ok("fleet", &["state", "check"]).stdout.contains("16 workspaces: 16 sound"));
}

#[test]
fn a_state_that_cannot_be_written_is_said_where_and_why() {
    let place = fleet();
    let below_a_file = "-state-dir=main.hcl/state";
    let cases = [("-state-dir=main.hcl", "main.hcl"), (below_a_file, "main.hcl/state")];
    for (flag, path) in cases.into_iter().chain(cfg!(target_os = "linux").then_some(NOWHERE)) {
        for command in [&APPLY[..], &["plan"]] {
            let said = place.run("fleet", &[command, &[flag]].concat());
            assert_refused(&said, path);
        }
    }
    let said = place.run("fleet", &["state", "list", "-state-dir=main.hcl"]);
    assert_refused(&said, "main.hcl");
    let workspace = place.example("fleet").join("state/workspaces/acme");
    // Where the journal should be, there is something else.
    std::fs::create_dir_all(workspace.join("journal")).unwrap();
    assert_refused(&place.run("fleet", &APPLY), "workspaces/acme/journal");
    std::fs::remove_dir_all(&workspace).unwrap();
    // Where the workspace should be, there is a file.
    std::fs::write(&workspace, "").unwrap();
    assert_refused(&place.run("fleet", &APPLY), "workspaces/acme");
    std::fs::remove_file(&workspace).unwrap();
    assert_eq!(place.history("fleet", "acme").len(), 0, "something was made all the same");
    finishes(&place);
}

/// Not even root can make a directory there.
const NOWHERE: (&str, &str) = ("-state-dir=/proc/tenantctl/state", "/proc/tenantctl/state");

fn assert_refused(said: &Said, path: &str) {
    let all = format!("{}\n{}", said.stdout, said.stderr);
    assert_eq!(said.code, 1, "{all}");
    assert!(said.stderr.starts_with("error: ") || said.stderr.contains("\nerror: "), "{all}");
    assert!(said.stderr.contains(path), "{path}\n{all}");
    assert!(!all.contains("panicked"), "{all}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told() {
    let place = fleet();
    let workspace = place.example("fleet").join("state/workspaces/acme");
    std::fs::create_dir_all(&workspace).unwrap();
    std::os::unix::fs::symlink("/dev/full", workspace.join("lock.json")).unwrap();
    let said = place.run("fleet", &APPLY);
    assert_refused(&said, "workspaces/acme/lock.json");
    assert!(said.stderr.contains("No space left"), "{}", said.stderr);
    std::fs::remove_file(workspace.join("lock.json")).unwrap();
    finishes(&place);
}

/// What is written there cannot be made durable, so that nothing may be called.
#[test]
#[cfg(target_os = "linux")]
fn a_file_system_that_cannot_sync_is_told() {
    let place = fleet();
    let workspace = place.example("fleet").join("state/workspaces/acme");
    std::fs::create_dir_all(&workspace).unwrap();
    std::os::unix::fs::symlink("/dev/null", workspace.join("journal")).unwrap();
    let said = place.run("fleet", &APPLY);
    assert_refused(&said, "workspaces/acme/journal");
    let told = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(told.matches("cannot make durable").count(), 1, "{}", said.stderr);
    assert!(told.contains("-state-dir"), "{}", said.stderr);
    assert_eq!(place.history("fleet", "acme").len(), 0, "something was made all the same");
    std::fs::remove_file(workspace.join("journal")).unwrap();
    finishes(&place);
}

/// A disk that fills up in mid-run, wherever that is: files may not become
/// larger than so many blocks.
#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_fills_up_in_mid_run_loses_nothing() {
    let (mut failed, mut cut) = (0, 0);
    for blocks in 2.. {
        let place = fleet();
        let command = place.command("fleet", &APPLY);
        let words: Vec<&str> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| word.to_str().unwrap())
            .collect();
        let mut shell = std::process::Command::new("sh");
        // Without the trap the system ends the process itself.
        shell.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec {}", words.join(" ")));
        shell.env_clear().current_dir(place.example("fleet"));
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let limited = said(shell.output().unwrap());
        assert!(limited.code == 0 || limited.code == 1, "{}\n{}", limited.stdout, limited.stderr);
        if limited.code == 1 {
            failed += 1;
            assert!(limited.stderr.contains("File too large"), "{}", limited.stderr);
        }
        let next = place.ok("fleet", &["apply", "-auto-approve"]);
        cut += usize::from(next.stderr.contains("incomplete line"));
        finishes(&place);
        if limited.code == 0 {
            break;
        }
    }
    assert!(failed > 3 && cut > 0, "{failed} runs failed, {cut} left half a line");
}

/// One who may read the state and not write it.
#[test]
#[cfg(target_os = "linux")]
fn a_read_only_state_is_read_and_not_written() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let place = fleet();
    place.ok("fleet", &APPLY);
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let state = place.example("fleet").join("state");
    let workspace = state.join("workspaces/acme");
    let is_root = rustix::process::geteuid().is_root();
    let run = |args: &[&str]| {
        let mut command = place.command("fleet", args);
        if is_root {
            // Root may write everywhere.
            command.uid(65534).gid(65534);
        }
        command.output().map(said)
    };
    if is_root {
        for dir in place.example("fleet").ancestors().take(3) {
            mode(dir, 0o755);
        }
        let home = place.example("fleet").ancestors().nth(2).unwrap().join("home");
        let status = std::process::Command::new("chown").arg("-R").arg("65534:65534").arg(&home).status();
        assert!(status.unwrap().success());
        if !run(&["version"]).is_ok_and(|said| said.code == 0) {
            // The program stands where nobody else can run it.
            return;
        }
    }
    let files = ["lock", "journal"].map(|name| workspace.join(name));
    files.iter().for_each(|file| mode(file, 0o444));
    [&workspace, &state].into_iter().for_each(|dir| mode(dir, 0o555));
    let listed = run(&["state", "list", "-tenant=acme"]).unwrap();
    assert_eq!((listed.code, listed.stdout.lines().count()), (0, OBJECTS.len()), "{}", listed.stderr);
    let planned = run(&["plan", "-tenant=acme", "-lock=false", "-refresh=false"]).unwrap();
    assert!(planned.code == 0 && planned.stdout.contains("No changes"), "{}", planned.stderr);
    for args in [&["plan", "-tenant=acme"][..], &["taint", "-tenant=acme", OBJECTS[0]]] {
        let said = run(args).unwrap();
        assert_refused(&said, "workspaces/acme");
        assert!(said.stderr.contains("Permission denied"), "{}", said.stderr);
    }
    [&workspace, &state].into_iter().for_each(|dir| mode(dir, 0o755));
    files.iter().for_each(|file| mode(file, 0o644));
    if is_root {
        let home = place.example("fleet").ancestors().nth(2).unwrap().join("home");
        let status = std::process::Command::new("chown").arg("-R").arg("0:0").arg(&home).status();
        assert!(status.unwrap().success());
    }
    finishes(&place);
}

/// The service works on it, whoever has asked for it: the next run waits for
/// that, and asks for nothing a second time.
#[test]
fn a_long_operation_that_a_run_died_in_is_waited_for() {
    let place = fleet();
    let runs: [(&str, &[&str]); 3] = [
        ("create", &["apply", "-auto-approve"]),
        ("update", &["apply", "-auto-approve"]),
        ("delete", &["destroy", "-auto-approve"]),
    ];
    for (operation, args) in runs {
        if operation == "update" {
            let metadata = "{ name = each.key, namespace = var.tenant.name }";
            let larger = format!("{metadata}\n    data       = {{ size = \"large\" }}");
            place.edit("fleet", "blueprint/main.tf", metadata, &larger);
        }
        let before = place.history("fleet", "acme").len();
        let slow = format!(
            r#"{{"version": 1, "rules": [{{"match": {{"operation": "{operation}"}},
            "then": {{"pending": {{"polls": 12, "message": "on it", "after_ms": 500}}}}}}]}}"#
        );
        place.write("fleet", "slow.json", &slow);
        let args = [args, &["-tenant=acme"]].concat();
        let died = place.start("fleet", &[&args[..], &["-fault-script=slow.json"]].concat());
        let is_pending = || {
            let states = place.states("fleet");
            let open: Vec<_> = states.iter().flat_map(|state| &state.open).collect();
            !open.is_empty() && open.iter().all(|begin| begin.operation.is_some())
        };
        wait_until(is_pending);
        assert!(died.kill(), "{operation}");
        let said = place.ok("fleet", &args);
        let line = "Left open by the last run: went on, and is done";
        assert!(said.stdout.contains(line), "{operation}\n{}", said.stdout);
        let states = place.states("fleet");
        assert!(states.iter().all(|state| state.open.is_empty()));
        let history = place.history("fleet", "acme");
        assert!(history.len() > before);
        if operation != "delete" {
            let plan = place.run("fleet", &["plan", "-detailed-exitcode", "-tenant=acme"]);
            assert_eq!(plan.code, 0, "{operation}\n{}", plan.stdout);
            let made: BTreeSet<_> =
                history.into_iter().filter_map(|change| change.object).map(|o| o.0).collect();
            assert_eq!(made.len(), OBJECTS.len(), "{operation}: each was made once");
        }
    }
    assert_eq!(listed(&place, "acme"), Vec::<String>::new());
}

/// The first request to stop lets the one call in flight end; what waits for a
/// slot is not begun, nor what waits for other objects.
fn drains(signal: Signal) {
    in_time(|latency| {
        let place = fleet();
        let slow = format!(r#"{{"match": {{"operation": "create"}}, "latency_ms": {latency}}}"#);
        let apply = faulty(&place, "acme", &slow, &["-parallelism=1"]);
        apply.wait_for("Creating...");
        apply.signal(signal);
        let said = apply.end();
        if said.stdout.matches("Creating...").count() > 1 {
            return false;
        }
        assert_eq!(said.code, 1, "{}\n{}", said.stdout, said.stderr);
        assert_eq!(said.stdout.matches("Creation complete").count(), 1, "{}", said.stdout);
        assert!(said.stdout.contains("1 added"), "{}", said.stdout);
        for words in
            ["no new calls are made, those in flight are awaited", "3 of 4 steps in acme were not done"]
        {
            assert!(said.stderr.contains(words), "{words}\n{}", said.stderr);
        }
        let [kept] = &listed(&place, "acme")[..] else { panic!("kept: {:?}", listed(&place, "acme")) };
        assert!(OBJECTS.contains(&kept.as_str()));
        assert_eq!(place.history("fleet", "acme").len(), 1);
        let states = place.states("fleet");
        assert!(states.iter().all(|state| state.open.is_empty()), "a call was begun and not made");
        assert!(finishes(&place).stdout.contains("7 added"));
        true
    });
}

#[test]
fn ctrl_c_drains() {
    drains(Signal::INT);
}

#[test]
fn a_service_managers_request_drains() {
    drains(Signal::TERM);
}

/// Stops twice: a call that hangs keeps the process from ending the first
/// time, but not the second time.
fn abort(apply: Running) -> Said {
    apply.signal(Signal::INT);
    apply.wait_for("those in flight are awaited");
    apply.signal(Signal::INT);
    let said = apply.end();
    assert_eq!(said.code, 1, "{}\n{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("Stopping now"), "{}", said.stderr);
    said
}

#[test]
fn a_second_ctrl_c_leaves_calls_to_the_next_run() {
    for (done, how) in [(false, "was not made"), (true, "adopted")] {
        let place = fleet();
        let said = abort(hanging(&place, "acme", done));
        assert!(said.stderr.contains("the next run looks what became of it"), "{}", said.stderr);
        let said = finishes(&place);
        for object in &OBJECTS[..3] {
            let line = format!("acme:{object}: Left open by the last run: {how}");
            assert!(said.stdout.contains(&line), "{line}\n{}", said.stdout);
        }
    }
}

/// Starts an apply, and returns when one of its calls of this kind hangs.
fn hanging_before_the_plan(place: &Place, operation: &str) -> Running {
    let before = place.history("fleet", "acme").len();
    // A change to what is there anyway shows that the call has come.
    let matched = format!(r#"{{"match": {{"operation": "{operation}"}}, "then""#);
    let touch = format!(r#"{matched}: {{"change": {{"path": ["object", "kind"], "value": "ConfigMap"}}}}}}"#);
    let apply = faulty(place, "acme", &format!(r#"{touch}, {matched}: "hang"}}"#), &[]);
    wait_until(|| place.history("fleet", "acme").len() > before);
    apply
}

/// What the last run left has been begun, and is waited for; who only reads
/// leaves when asked the first time.
#[test]
fn recovery_ends_by_a_second_ctrl_c_and_reading_by_the_first() {
    let place = fleet();
    assert!(hanging(&place, "acme", true).kill());
    let recovering = hanging_before_the_plan(&place, "find");
    let unplanned = |said: Said| {
        assert!(said.stderr.contains("acme was not planned"), "{}", said.stderr);
        assert!(!said.stdout.contains("No changes"), "{}", said.stdout);
    };
    unplanned(abort(recovering));
    finishes(&place);
    let reading = hanging_before_the_plan(&place, "read");
    reading.signal(Signal::INT);
    let said = reading.end();
    assert_eq!(said.code, 1, "{}\n{}", said.stdout, said.stderr);
    unplanned(said);
    assert!(finishes(&place).stdout.contains("No changes"));
}

#[test]
fn without_a_terminal_progress_is_plain_lines() {
    let place = fleet();
    let said = place.ok("fleet", &APPLY);
    for object in OBJECTS {
        let at = |words: &str| said.stdout.find(&format!("\nacme:{object}: {words}")).unwrap();
        assert!(at("Creating...\n") < at("Creation complete after"), "{}", said.stdout);
    }
    assert!(
        said.stdout.ends_with("Apply complete! Resources: 4 added, 0 changed, 0 destroyed. Workspaces: 1.\n")
    );
    for text in [said.stdout, said.stderr] {
        assert!(!text.contains(['\x1b', '\r']), "{text:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn on_a_terminal_a_bar_comes_and_goes() {
    let place = fleet();
    let slow = r#"{"version": 1, "rules": [{"match": {"operation": "create"}, "latency_ms": 500}]}"#;
    place.write("fleet", "slow.json", slow);
    let mut command = place.command("fleet", &[&APPLY[..], &["-fault-script=slow.json"]].concat());
    command.env("TERM", "xterm-256color");
    let (mut terminal, mut child) = Terminal::start(command);
    terminal.wait_for("Applying: 0 of 1 tenant, 0 of 4 objects");
    terminal.wait_for("3 of 4 objects");
    let screen = terminal.end();
    assert!(child.wait().unwrap().success(), "{screen}");
    let lines: Vec<&str> = screen.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    // The bar is gone, and every line stands whole where it belongs.
    assert!(!screen.contains("Applying:") && !screen.contains("[="), "{screen}");
    for object in OBJECTS {
        let at = |words: &str| {
            let start = format!("acme:{object}: {words}");
            lines
                .iter()
                .position(|line| line.starts_with(&start))
                .unwrap_or_else(|| panic!("{start}\n{screen}"))
        };
        assert!(at("Creating...") < at("Creation complete after"), "{screen}");
    }
    let last = "Apply complete! Resources: 4 added, 0 changed, 0 destroyed. Workspaces: 1.";
    assert_eq!(lines.last(), Some(&last), "{screen}");
}

/// As a terminal answers, so may a pipe; one that ends without an answer is none.
#[test]
fn an_answer_may_come_through_a_pipe() {
    use std::io::Write as _;
    use std::process::Stdio;
    let place = fleet();
    for (answer, code, told) in [
        ("", 1, "Approval needed"),
        ("y\n", 1, "Not approved"),
        ("yes\n", 0, "Apply complete! Resources: 4 added"),
    ] {
        let mut command = place.command("fleet", &["apply", "-tenant=acme"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        // It may have ended already.
        let _ = child.stdin.take().expect("piped").write_all(answer.as_bytes());
        let said = said(child.wait_with_output().expect("ends"));
        assert_eq!(said.code, code, "{answer:?}: {}", said.stderr);
        assert!(said.stdout.contains("Do you want to perform these actions?"), "{}", said.stdout);
        assert!([said.stdout, said.stderr].concat().contains(told), "{answer:?}");
    }
}
