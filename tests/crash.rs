use std::time::Duration;

use crate::common::Place;

/// Kills applies with SIGKILL at many moments: the next one settles it without
/// hand work, and then there is nothing left to do.
#[test]
fn kill_at_any_moment_loses_nothing() {
    let place = Place::new();
    // Each creation takes a while before its work, so that a kill can fall
    // between begin and end. What this does not show yet: a kill after the work
    // and before the end, and how many kills fell into a call; only every tenth
    // round starts from nothing, so later rounds of a group may find no creates.
    let script = place.example("quickstart").join("slow.json");
    std::fs::write(&script, r#"{"version":1,"rules":[{"match":{"operation":"create"},"latency_ms":20}]}"#)
        .unwrap();
    let mut interrupted = 0;
    for round in 0..50u64 {
        let mut child = place
            .command("quickstart", &["apply", "-auto-approve", "-fault-script=slow.json"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(40 + (round * 37) % 160));
        child.kill().unwrap();
        interrupted += u32::from(!child.wait().unwrap().success());
        if round % 10 == 9 {
            place.ok("quickstart", &["apply", "-auto-approve"]);
            let said = place.run("quickstart", &["plan", "-detailed-exitcode"]);
            assert_eq!(said.code, 0, "round {round}: {}\n{}", said.stdout, said.stderr);
            place.ok("quickstart", &["destroy", "-auto-approve"]);
        }
    }
    assert!(interrupted > 10, "only {interrupted} runs were interrupted");
    place.ok("quickstart", &["apply", "-auto-approve"]);
    let said = place.ok("quickstart", &["state", "list", "-tenant=acme"]);
    assert_eq!(said.stdout.lines().count(), 13, "{}", said.stdout);
}
