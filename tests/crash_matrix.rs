//! `kill -9` at every single place where something is written or called.
//!
//! A run is first made with all places that it passes written down. Then it is
//! made again from the same beginning as often as there are places, and dies
//! at another one each time. One plain apply later, cloud and state agree: each
//! object is there once, and nothing else is.
//!
//! Needs the feature `failpoints`; without it there is nothing to die at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tenantctl_core::state::ResourceRecord;
use tenantctl_core::state::failpoint::PLACES;

use crate::common::Place;

const AT_ONCE: usize = 3;

const FLEET: &str = r#"
tenantctl { simulate = ["kubernetes"] }
platform "shop" { blueprint = "./blueprint" }
tier "starter" { isolation = "namespace" }
tenant "acme" { tier = "starter" }
tenant "globex" { tier = "starter" }
"#;

/// Two objects, the second of which is made of the first, by way of one that
/// nobody but the state knows.
const BLUEPRINT: &str = r#"
variable "tenant" { type = object({ name = string }) }

resource "kubernetes_manifest" "one" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "one", namespace = var.tenant.name }
    data       = { text = "SMALL" }
  }
}

resource "terraform_data" "between" { input = kubernetes_manifest.one.object.metadata.name }

resource "kubernetes_manifest" "two" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "two", namespace = var.tenant.name }
    data       = { of = terraform_data.between.output }
  }
  # LIFECYCLE
}
"#;

/// A run that dies, from a beginning, and what must be in the end.
struct Scenario {
    name: &'static str,
    /// What was run before, wholly.
    before: fn(&Place),
    /// What dies.
    args: &'static [&'static str],
    /// How the configuration is by then.
    change: fn(&Place),
    /// What makes it right again.
    after: &'static [&'static [&'static str]],
    /// Objects of acme and of globex in the end, by what they are called.
    end: [&'static [&'static str]; 2],
}

const APPLY: &[&str] = &["apply", "-auto-approve"];
/// What was made by others has a token that we do not know.
const IMPORT: &str = "import";
const NOTHING: fn(&Place) = |_| {};
const APPLIED: fn(&Place) = |place| drop(place.ok("fleet", APPLY));

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "create",
        before: NOTHING,
        args: APPLY,
        change: NOTHING,
        after: &[APPLY],
        end: [&["one", "two"], &["one", "two"]],
    },
    Scenario {
        name: "update",
        before: APPLIED,
        args: APPLY,
        change: |place| place.edit("fleet", "blueprint/main.tf", "SMALL", "other"),
        after: &[APPLY],
        end: [&["one", "two"], &["one", "two"]],
    },
    Scenario {
        name: "replace, the old one first",
        before: APPLIED,
        args: APPLY,
        change: |place| {
            place.edit("fleet", "blueprint/main.tf", "\"two\", namespace", "\"three\", namespace");
        },
        after: &[APPLY],
        end: [&["one", "three"], &["one", "three"]],
    },
    Scenario {
        name: "replace, the new one first",
        before: |place| {
            place.edit(
                "fleet",
                "blueprint/main.tf",
                "# LIFECYCLE",
                "lifecycle { create_before_destroy = true }",
            );
            APPLIED(place);
        },
        args: APPLY,
        change: |place| {
            place.edit("fleet", "blueprint/main.tf", "\"two\", namespace", "\"three\", namespace");
        },
        after: &[APPLY],
        end: [&["one", "three"], &["one", "three"]],
    },
    Scenario {
        name: "destroy",
        before: APPLIED,
        args: &["destroy", "-auto-approve"],
        change: NOTHING,
        after: &[&["destroy", "-auto-approve"]],
        end: [&[], &[]],
    },
    Scenario {
        name: IMPORT,
        before: |place| {
            APPLIED(place);
            for tenant in ["-tenant=acme", "-tenant=globex"] {
                place.ok("fleet", &["state", "rm", tenant, "kubernetes_manifest.two"]);
            }
        },
        args: APPLY,
        change: |place| {
            let id = "core/ConfigMap/${var.tenant.name}/two";
            let import = format!("import {{\n  to = kubernetes_manifest.two\n  id = \"{id}\"\n}}\n");
            place.write("fleet", "blueprint/import.tf", &import);
        },
        after: &[APPLY],
        end: [&["one", "two"], &["one", "two"]],
    },
    Scenario {
        name: "a journal begun anew",
        before: APPLIED,
        args: APPLY,
        change: |place| place.edit("fleet", "blueprint/main.tf", "SMALL", &"large ".repeat(30_000)),
        after: &[APPLY],
        end: [&["one", "two"], &["one", "two"]],
    },
];

/// What a run passes: the names of its places, in order.
fn recorded(place: &Place, args: &[&str], to: &Path) -> Vec<String> {
    let mut command = place.command("fleet", args);
    command.env("TENANTCTL_FAILPOINT", format!("record:{}", to.display()));
    let done = command.output().expect("runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = std::fs::read_to_string(to).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A place as the scenario begins.
fn beginning(scenario: &Scenario) -> Place {
    let place = Place::new();
    place.write("fleet", "main.hcl", FLEET);
    place.write("fleet", "blueprint/main.tf", BLUEPRINT);
    (scenario.before)(&place);
    (scenario.change)(&place);
    place
}

/// Dies at the so-manieth place; true when it did die there.
fn dies(place: &Place, args: &[&str], at: usize) -> bool {
    let mut command = place.command("fleet", args);
    command.env("TENANTCTL_FAILPOINT", at.to_string());
    command.output().expect("runs").status.code().is_none()
}

#[test]
fn after_death_at_any_place_one_apply_makes_it_right() {
    let seen = Mutex::new(BTreeSet::new());
    for scenario in SCENARIOS {
        let passed = recorded(&beginning(scenario), scenario.args, &Place::new().example("places"));
        let rounds = passed.len();
        seen.lock().unwrap_or_else(PoisonError::into_inner).extend(passed);
        assert!(rounds > 5, "{}: only {rounds} places", scenario.name);
        let next = AtomicUsize::new(1);
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at > rounds {
                    return;
                }
                let place = beginning(scenario);
                // Two workspaces run at once, so not every run passes as many.
                dies(&place, scenario.args, at);
                for args in scenario.after {
                    place.ok("fleet", args);
                }
                check(&place, scenario, at);
            }
        };
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
            all.into_iter().for_each(|thread| thread.join().expect("a round failed"));
        });
    }
    let (moved, rounds) = moves();
    assert!(rounds > 10, "a move passes only {rounds} places");
    let mut seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    seen.extend(moved);
    let all: BTreeSet<String> = PLACES.iter().map(|place| (*place).to_owned()).collect();
    assert_eq!(seen, all, "a place is never passed, or is not in the list");
}

/// Cloud and state agree, and are what they should be.
fn check(place: &Place, scenario: &Scenario, at: usize) {
    let which = format!("{}, dead at {at}", scenario.name);
    let plan = place.run("fleet", &["plan", "-detailed-exitcode"]);
    if scenario.args[0] != "destroy" {
        assert_eq!(plan.code, 0, "{which}\n{}\n{}", plan.stdout, plan.stderr);
    }
    let check = place.ok("fleet", &["state", "check"]);
    assert!(check.stdout.contains(" 0 broken"), "{which}\n{}", check.stdout);
    let states = place.states("fleet");
    for (workspace, wanted) in ["acme", "globex"].into_iter().zip(scenario.end) {
        let mut cloud = BTreeMap::new();
        for change in place.history("fleet", workspace) {
            match change.object {
                Some((token, object)) => {
                    let name =
                        object.get("object").and_then(|o| o.get("metadata")).and_then(|m| m.get("name"));
                    let name = name.and_then(|name| name.as_str().map(str::to_owned)).expect("a name");
                    cloud.insert(change.key, (token.to_string(), name));
                }
                None => drop(cloud.remove(&change.key)),
            }
        }
        let state = states.iter().find(|state| state.name.as_str() == workspace);
        let (known, own): (Vec<&ResourceRecord>, Vec<&ResourceRecord>) = state
            .iter()
            .flat_map(|state| state.resources.values())
            .partition(|record| &*record.provider == "kubernetes");
        assert_eq!(own.len(), usize::from(!wanted.is_empty()), "{which}: what only the state knows");
        let records: Vec<String> = known.into_iter().map(|record| record.token.clone()).collect();
        assert!(state.is_none_or(|state| state.open.is_empty()), "{which}");
        let names: BTreeSet<&str> = cloud.values().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, wanted.iter().copied().collect(), "{which}: {workspace} in the cloud");
        assert_eq!(cloud.len(), wanted.len(), "{which}: something is there twice");
        let made: BTreeSet<&String> = cloud.values().map(|(token, _)| token).collect();
        if scenario.name != IMPORT {
            assert_eq!(made, records.iter().collect(), "{which}: the state knows others");
        }
        assert_eq!(records.len(), wanted.len(), "{which}");
    }
}

const MOVE: [&str; 4] = ["state", "mv", "acme:kubernetes_manifest.two", "globex:kubernetes_manifest.moved"];

/// A move between workspaces: wherever it dies, the object is in one of them.
fn moves() -> (Vec<String>, usize) {
    let fresh = || {
        let place = Place::new();
        place.write("fleet", "main.hcl", FLEET);
        place.write("fleet", "blueprint/main.tf", BLUEPRINT);
        APPLIED(&place);
        place
    };
    let passed = recorded(&fresh(), &MOVE, &Place::new().example("places"));
    let mut ends = BTreeSet::new();
    for at in 1..=passed.len() {
        let place = fresh();
        let before: Vec<String> = tokens(&place).concat();
        assert!(dies(&place, &MOVE, at), "a move passes the same places each time");
        let [acme, globex] = tokens(&place);
        assert_eq!(acme.len() + globex.len(), before.len(), "dead at {at}");
        ends.insert(acme.len());
        // Whoever comes next finishes it, one workspace after the other.
        for workspace in ["globex", "acme"] {
            let objects = place.ok("fleet", &["state", "list", &format!("-tenant={workspace}")]).stdout;
            let first = objects.lines().next().expect("an object").to_owned();
            let tenant = format!("-tenant={workspace}");
            place.ok("fleet", &["taint", &tenant, &first]);
            place.ok("fleet", &["untaint", &tenant, &first]);
        }
        let mut after = tokens(&place).concat();
        let mut before = before;
        before.sort();
        after.sort();
        assert_eq!(after, before, "dead at {at}");
        let left = std::fs::read_dir(place.example("fleet").join("state/pending"));
        let is_change = |name: &std::ffi::OsStr| Path::new(name).extension().is_some_and(|e| e == "change");
        let left = left.into_iter().flatten().flatten().filter(|file| is_change(&file.file_name()));
        assert_eq!(left.count(), 0, "dead at {at}");
    }
    assert_eq!(ends, BTreeSet::from([2, 3]), "it died on both sides of the instant at which it counts");
    let number = passed.len();
    (passed, number)
}

/// The objects that the states of the two workspaces have.
fn tokens(place: &Place) -> [Vec<String>; 2] {
    let states = place.states("fleet");
    ["acme", "globex"].map(|workspace| {
        let state = states.iter().find(|state| state.name.as_str() == workspace).expect("there");
        state.resources.values().map(|record| record.token.clone()).collect()
    })
}
