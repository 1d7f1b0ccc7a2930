//! `kill -9` at random instants of an apply.
//!
//! Each round starts from nothing. The kill falls into the time in which
//! objects are made, and the state that it leaves says into what: a creation
//! that has begun and not ended is found in the journal, and the simulated
//! cloud's log says whether its work was done. Rounds go on until enough kills
//! fell between a begin and its end, before and after the work.
#![allow(clippy::print_stdout, reason = "what a failed run needs to be repeated")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tenantctl_core::provider::Value;
use tenantctl_core::state::{Begin, Verb, WorkspaceState};

use crate::common::{Place, Running};

/// Kills that must fall between begin and end.
const WANTED: usize = 50;
/// Of these, before the work was done, and after.
const WANTED_OF_EACH: usize = 10;
/// More rounds than this mean that the kills miss.
const MOST_ROUNDS: u64 = 400;
const AT_ONCE: usize = 3;

/// An apply of the fleet below creates in three stages of 20 to 60 ms each.
const LATEST_KILL_MICROS: u64 = 200_000;

const FLEET: &str = r#"
tenantctl { simulate = ["kubernetes"] }
platform "shop" { blueprint = "./blueprint" }
tier "starter" { isolation = "namespace" }
tenant "acme" { tier = "starter" }
tenant "globex" { tier = "starter" }
"#;

/// One, four and one object, each made of what came of those before.
const BLUEPRINT: &str = r#"
variable "tenant" { type = object({ name = string }) }

resource "kubernetes_manifest" "namespace" {
  manifest = { apiVersion = "v1", kind = "Namespace", metadata = { name = "tenant-${var.tenant.name}" } }
}

resource "kubernetes_manifest" "part" {
  for_each = toset(["a", "b", "c", "d"])
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = each.key, namespace = kubernetes_manifest.namespace.object.metadata.name }
  }
}

resource "kubernetes_manifest" "whole" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "whole", namespace = kubernetes_manifest.namespace.object.metadata.name }
    data       = { for name, part in kubernetes_manifest.part : name => part.object.metadata.namespace }
  }
}
"#;

/// Creations take time before and after their work, not all the same.
const SLOW: &str = r#"{"version": 1, "rules": [
  {"match": {"operation": "create"}, "latency_ms": 10, "latency_after_ms": 10},
  {"match": {"operation": "create"}, "nth": {"every": 2}, "latency_ms": 20},
  {"match": {"operation": "create"}, "nth": {"every": 3}, "latency_after_ms": 20},
  {"match": {"operation": "find"}, "latency_ms": 5, "latency_after_ms": 5}
]}"#;

const WORKSPACES: [&str; 2] = ["acme", "globex"];

/// What every workspace has in the end: address, and the object's kind and
/// name.
const OBJECTS: [(&str, &str); 6] = [
    ("kubernetes_manifest.namespace", "Namespace tenant"),
    (r#"kubernetes_manifest.part["a"]"#, "ConfigMap a"),
    (r#"kubernetes_manifest.part["b"]"#, "ConfigMap b"),
    (r#"kubernetes_manifest.part["c"]"#, "ConfigMap c"),
    (r#"kubernetes_manifest.part["d"]"#, "ConfigMap d"),
    ("kubernetes_manifest.whole", "ConfigMap whole"),
];

/// What the first kills of the rounds fell into.
#[derive(Clone, Debug, Default)]
struct Tally {
    kills: usize,
    /// Between the begin of a creation and its end.
    inside: usize,
    /// Of these, with a creation whose work was not done.
    before_work: usize,
    /// Of these, with a creation whose work was done.
    after_work: usize,
    /// Creations adopted, and made anew.
    adopted: usize,
    redone: usize,
}

impl Tally {
    fn is_enough(&self) -> bool {
        self.inside >= WANTED && self.before_work >= WANTED_OF_EACH && self.after_work >= WANTED_OF_EACH
    }

    fn add(&mut self, hit: &Hit) {
        let done = hit.open.iter().filter(|open| open.made.is_some()).count();
        let not_done = hit.open.len() - done;
        self.kills += usize::from(hit.killed);
        self.inside += usize::from(!hit.open.is_empty());
        self.before_work += usize::from(not_done > 0);
        self.after_work += usize::from(done > 0);
        self.adopted += done;
        self.redone += not_done;
    }
}

/// A creation that a kill left open.
struct Open {
    workspace: String,
    begin: Begin,
    /// The object, when the cloud has it.
    made: Option<Value>,
}

/// One kill and what it left open.
struct Hit {
    killed: bool,
    open: Vec<Open>,
}

#[test]
fn killed_between_begin_and_end_the_next_apply_adopts_or_redoes() {
    let seed = std::env::var("TENANTCTL_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| rand::rng().random());
    println!("TENANTCTL_TEST_SEED={seed}");
    let (tally, rounds, failed) = (Mutex::<Tally>::default(), AtomicU64::new(0), AtomicBool::new(false));
    let tally_now = || tally.lock().unwrap_or_else(PoisonError::into_inner);
    let worker = || {
        let watch = Watch(&failed);
        while !tally_now().is_enough() && !failed.load(Ordering::Relaxed) {
            let number = rounds.fetch_add(1, Ordering::Relaxed);
            if number >= MOST_ROUNDS {
                break;
            }
            let hits = round(seed, number);
            tally_now().add(&hits[0]);
        }
        drop(watch);
    };
    std::thread::scope(|scope| (0..AT_ONCE).for_each(|_| drop(scope.spawn(worker))));
    let tally = tally_now().clone();
    println!("{} rounds: {tally:?}", rounds.load(Ordering::Relaxed));
    assert!(tally.is_enough(), "too few kills fell between begin and end: {tally:?}");
}

/// Stops the other threads when its own panics.
struct Watch<'a>(&'a AtomicBool);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// From nothing to a fleet with one kill on the way, in every third round with
/// a second one while the first is recovered from.
fn round(seed: u64, number: u64) -> Vec<Hit> {
    let mut chance = StdRng::seed_from_u64(seed.wrapping_add(number));
    let place = Place::new();
    place.write("fleet", "main.hcl", FLEET);
    place.write("fleet", "blueprint/main.tf", BLUEPRINT);
    place.write("fleet", "slow.json", SLOW);
    let mut hits = vec![hit(&place, &mut chance, number)];
    if number % 3 == 2 {
        let first: Vec<String> = hits[0].open.iter().map(|open| open.begin.record.token.clone()).collect();
        let mut second = hit(&place, &mut chance, number);
        second.open.retain(|open| !first.contains(&open.begin.record.token));
        hits.push(second);
    }
    let last = place.states("fleet");
    let said = place.ok("fleet", &["apply", "-auto-approve"]);
    for open in hits.iter().flat_map(|hit| &hit.open).filter(|open| is_open(&last, open)) {
        let how = if open.made.is_some() { "adopted" } else { "was not made" };
        let line = format!("{}:{}: Left open by the last run: {how}", open.workspace, open.begin.record.key);
        assert!(said.stdout.contains(&line), "{line}\n{}", said.stdout);
    }
    let plan = place.run("fleet", &["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}\n{}", plan.stdout, plan.stderr);
    check_end(&place, &hits);
    hits
}

fn is_open(states: &[WorkspaceState], open: &Open) -> bool {
    states.iter().flat_map(|state| &state.open).any(|begin| begin.record.token == open.begin.record.token)
}

/// One apply with its kill.
fn hit(place: &Place, chance: &mut StdRng, number: u64) -> Hit {
    let after = Duration::from_micros(chance.random_range(0..LATEST_KILL_MICROS));
    // Most kills count from the first creation, so that they hit creations on
    // a slow machine, too; the others hit reading, planning and recovery.
    let at_work = number % 5 != 4;
    println!(
        "round {number}: kill {after:?} after {}",
        if at_work { "the first creation" } else { "the start" }
    );
    let apply = place.start("fleet", &["apply", "-auto-approve", "-fault-script=slow.json"]);
    if at_work {
        apply.wait_for_any(&["Creating...", "Left open", "No changes"]);
    }
    std::thread::sleep(after);
    let killed = Running::kill(apply);
    let open: Vec<Open> =
        place.states("fleet").into_iter().flat_map(|state| left_open(place, state)).collect();
    assert!(killed || open.is_empty(), "an apply that was not killed left something open");
    Hit { killed, open }
}

fn left_open(place: &Place, state: WorkspaceState) -> Vec<Open> {
    let history = place.history("fleet", state.name.as_str());
    let made = |token: &str| {
        let objects = history.iter().filter_map(|change| change.object.as_ref());
        objects.filter(|(by, _)| **by == *token).map(|(_, object)| object.clone()).next()
    };
    let open = state.open.into_iter().map(|begin| {
        assert_eq!(begin.verb, Verb::Create);
        Open { workspace: state.name.to_string(), made: made(&begin.record.token), begin }
    });
    open.collect()
}

/// What is set of an object; states do not keep the rest.
fn set(object: &Value) -> Vec<(&str, &Value)> {
    let entries = object.as_entries().expect("an object").iter();
    entries.filter(|(_, value)| !value.is_null()).map(|(name, value)| (&**name, value)).collect()
}

/// The cloud and the state hold exactly what is wanted, each once, and what
/// kills left made is still the same.
fn check_end(place: &Place, hits: &[Hit]) {
    let states = place.states("fleet");
    assert_eq!(states.iter().map(|state| state.name.as_str()).collect::<Vec<_>>(), WORKSPACES);
    for state in &states {
        let workspace = state.name.as_str();
        assert_eq!(state.open, [], "{workspace}");
        let mut cloud = BTreeMap::new();
        for change in place.history("fleet", workspace) {
            // Nothing is ever deleted or changed here, so each entry of the
            // cloud's log is a creation.
            let (token, object) = change.object.expect("nothing is deleted");
            let again = cloud.insert(label(&object), (token, object));
            assert!(again.is_none(), "{} was made twice", change.key);
        }
        let wanted: Vec<String> = OBJECTS.iter().map(|(_, label)| in_workspace(label, workspace)).collect();
        let mut names: Vec<&String> = cloud.keys().collect();
        names.sort_by_key(|name| wanted.iter().position(|w| w == *name));
        assert_eq!(names, wanted.iter().collect::<Vec<_>>());
        let addresses: Vec<String> = state.resources.keys().map(ToString::to_string).collect();
        assert_eq!(addresses, OBJECTS.map(|(address, _)| address));
        for (record, (address, label)) in state.resources.values().zip(OBJECTS) {
            let (token, object) = &cloud[&in_workspace(label, workspace)];
            assert_eq!((&*record.token, set(&record.attributes)), (&**token, set(object)), "{address}");
        }
        let listed = place.ok("fleet", &["state", "list", &format!("-tenant={workspace}")]).stdout;
        assert_eq!(listed.lines().collect::<Vec<_>>(), OBJECTS.map(|(address, _)| address));
    }
    for open in hits.iter().flat_map(|hit| &hit.open) {
        let state = states.iter().find(|state| state.name.as_str() == open.workspace).expect("there");
        let record = &state.resources[&open.begin.record.key];
        if let Some(made) = &open.made {
            assert_eq!(
                (&record.token, set(&record.attributes)),
                (&open.begin.record.token, set(made)),
                "adopted"
            );
        }
    }
}

fn label(object: &Value) -> String {
    let object = object.get("object").expect("an object");
    let text = |value: Option<Value>| value.and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let name = object.get("metadata").and_then(|metadata| metadata.get("name"));
    format!("{} {}", text(object.get("kind")), text(name))
}

fn in_workspace(label: &str, workspace: &str) -> String {
    label.replace("tenant", &format!("tenant-{workspace}"))
}
