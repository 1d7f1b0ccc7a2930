//! `kill -9` at random instants of applies and destroys on a real API server.
//!
//! A few rounds by default; `TENANTCTL_CRASH_ROUNDS=200` makes more of them.
//! After each kill one plain apply, or destroy, finishes: the cluster has each
//! object as it is meant and none besides, the state the same, and the plan is
//! empty.
#![allow(clippy::print_stdout, reason = "what a failed run needs to be repeated")]

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tenantctl_test_servers::Cluster;

use crate::common::{Place, Running, Said, said};

const ROUNDS: u32 = 6;
const NAMESPACE: &str = "killed";
/// Every object has it, so that what is orphaned is found.
const LABEL: &str = "tenantctl.example/killed=yes";

const MAIN: &str = r#"
resource "kubernetes_manifest" "part" {
  for_each = toset(["a", "b", "c", "d"])
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "part-${each.key}", namespace = "killed", labels = { "tenantctl.example/killed" = "yes" } }
    data       = { level = "LEVEL" }
  }
}

resource "kubernetes_manifest" "whole" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "whole-LEVEL", namespace = "killed", labels = { "tenantctl.example/killed" = "yes" } }
    data       = { parts = join(",", [for part in kubernetes_manifest.part : part.object.metadata.name]) }
  }
}
"#;

fn kubectl(args: &[&str]) -> String {
    let output = Cluster::shared().kubectl(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

struct Root(Place);

impl Root {
    fn level(&self, level: &str) {
        self.0.write("killed", "main.tf", &MAIN.replace("LEVEL", level));
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.0.command("killed", args);
        command.env("KUBECONFIG", Cluster::shared().kubeconfig());
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        said(self.command(args).output().expect("the binary runs"))
    }

    /// Kills a run at a random instant of the time that such a run takes; true
    /// when it was in time.
    fn killed(&self, args: &[&str], chance: &mut StdRng, takes: Duration) -> bool {
        let after = takes.mul_f64(chance.random_range(0.0..1.1));
        let running = Running::start(self.command(args));
        std::thread::sleep(after);
        running.kill()
    }

    /// Finishes, and everything is as it should be.
    fn finishes(&self, args: &[&str], expected: &[&str]) {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
        let found = kubectl(&["get", "configmaps", "-n", NAMESPACE, "-l", LABEL, "-o", "name"]);
        let found: Vec<&str> = found.lines().map(|line| line.trim_start_matches("configmap/")).collect();
        assert_eq!(found, expected);
        let states = self.0.states("killed");
        let state = states.first().expect("a state");
        assert_eq!((state.resources.len(), state.open.len()), (expected.len(), 0));
        if !expected.is_empty() {
            let plan = self.run(&["plan", "-detailed-exitcode"]);
            assert_eq!(plan.code, 0, "{}\n{}", plan.stdout, plan.stderr);
        }
    }
}

const APPLY: [&str; 2] = ["apply", "-auto-approve"];
const DESTROY: [&str; 2] = ["destroy", "-auto-approve"];

#[test]
fn on_a_real_server_one_run_makes_right_what_a_kill_left() {
    let rounds = std::env::var("TENANTCTL_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok());
    let rounds: u32 = rounds.unwrap_or(ROUNDS);
    let seed = std::env::var("TENANTCTL_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| rand::rng().random());
    println!("TENANTCTL_TEST_SEED={seed}");
    let mut chance = StdRng::seed_from_u64(seed);
    kubectl(&["create", "namespace", NAMESPACE]);
    let root = Root(Place::new());
    let first = ["part-a", "part-b", "part-c", "part-d", "whole-one"];
    let second = ["part-a", "part-b", "part-c", "part-d", "whole-two"];
    // How long each takes when nobody kills it.
    let mut takes = [Duration::ZERO; 3];
    let mut kills = 0;
    for round in 0..=rounds {
        let steps: [(&str, &[&str], &[&str]); 3] =
            [("one", &APPLY, &first), ("two", &APPLY, &second), ("two", &DESTROY, &[])];
        for (at, (level, args, expected)) in steps.into_iter().enumerate() {
            root.level(level);
            if round == 0 {
                let start = Instant::now();
                root.finishes(args, expected);
                takes[at] = start.elapsed() / if expected.is_empty() { 1 } else { 2 };
                continue;
            }
            for _ in 0..chance.random_range(1..3) {
                kills += u32::from(root.killed(args, &mut chance, takes[at]));
            }
            root.finishes(args, expected);
        }
    }
    println!("{kills} runs were killed in {rounds} rounds");
    assert!(kills >= rounds, "only {kills} runs were killed");
}
