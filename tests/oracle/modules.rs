//! Whole modules in ordinary Terraform, planned and applied step by step by
//! OpenTofu and by this program: the same plans, in JSON, for the keys that
//! both have, and the same outputs, states and what states say of conditions.
//!
//! `modules/NAME/N` has the files of the root directory that step N brings; the
//! others stay. Where the two are meant to differ, `modules/differences.txt`
//! says so and why, by the path in the plan; a star there stands for any text,
//! for what differs in the same way all over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};
use tenantctl_core::value::exact;

use super::place::{Place, copy};
use super::{folder, is_like};

/// Keys that say who made the plan and when, and how providers are named.
const OWN: [&str; 6] =
    ["terraform_version", "tenantctl_version", "timestamp", "provider_name", "full_name", "format_version"];

/// Keys whose parts that are false or empty say nothing.
const FLAGS: [&str; 5] =
    ["after_unknown", "before_sensitive", "after_sensitive", "sensitive_values", "sensitive"];

/// A program in a place of its own.
struct Tool {
    place: Place,
    program: PathBuf,
    is_ours: bool,
}

impl Tool {
    fn new(program: PathBuf, is_ours: bool) -> Self {
        Tool { place: Place::new(), program, is_ours }
    }

    fn run(&self, args: &[&str]) -> String {
        let (text, complaints, is_good) = self.place.run(&self.program, args);
        assert!(is_good, "{} {args:?}\n{text}\n{complaints}", self.program.display());
        text
    }

    /// Puts the files of a step over those of the one before.
    fn enter(&self, step: &Path) {
        copy(step, &self.place.root());
        if !self.is_ours {
            self.run(&["init", "-input=false"]);
        }
    }

    /// A document, with all that is sensitive.
    fn read(&self, args: &[&str]) -> Json {
        let all: &[&str] = if self.is_ours { &["-show-sensitive"] } else { &[] };
        let (verb, rest) = args.split_at(args.iter().position(|arg| *arg == "saved").unwrap_or(args.len()));
        exact::parse(&self.run(&[verb, all, rest].concat())).expect("JSON")
    }

    /// The plan in JSON, which is then applied, and what there is after that:
    /// the outputs, the state, the state as a file, and the outputs and the list
    /// of objects as text.
    fn step(&self, args: &[&str]) -> [Json; 5] {
        self.run(&[&["plan", "-input=false", "-out=saved"], args].concat());
        let plan = self.read(&["show", "-json", "saved"]);
        self.run(&["apply", "-input=false", "saved"]);
        let outputs = self.read(&["output", "-json"]);
        let state = self.read(&["show", "-json"]);
        let file = about(&self.read(&["state", "pull"]));
        // Where there are none, each says so in its words.
        let mut text = if is_empty(&outputs) { String::new() } else { self.run(&["output", "-no-color"]) };
        // What is only read is in OpenTofu's states too.
        let list = self.run(&["state", "list"]);
        let is_read = |line: &&str| line.starts_with("data.") || line.contains(".data.");
        text.extend(list.lines().filter(|line| !is_read(line)).map(|line| format!("{line}\n")));
        let text = text.into();
        [plan, outputs, state, file, text].map(|json| normal(json, ""))
    }
}

/// What a state file says of conditions, and of what depends on what.
fn about(file: &Json) -> Json {
    let none = Vec::new();
    let of = |json: &Json| json.as_array().unwrap_or(&none).clone();
    let mut dependencies = Map::new();
    for resource in of(&file["resources"]).iter().filter(|resource| resource["mode"] == "managed") {
        for instance in of(&resource["instances"]) {
            let names = ["module", "type", "name"].map(|name| resource[name].as_str().unwrap_or_default());
            let which = format!("{} {} {}", names.join(" "), instance["index_key"], instance["deposed"]);
            dependencies.insert(which, instance["dependencies"].clone());
        }
    }
    let by_address = |key: &'static str| {
        move |all: Vec<Json>| -> Map<String, Json> {
            let named = all.into_iter().map(|one| (one[key].as_str().unwrap_or_default().to_owned(), one));
            named.collect()
        }
    };
    let mut checks = by_address("config_addr")(of(&file["check_results"]));
    for check in checks.values_mut() {
        let objects = of(&check["objects"]);
        check["objects"] = by_address("object_addr")(objects).into();
    }
    serde_json::json!({ "dependencies": dependencies, "checks": checks })
}

/// The same for all programs: lists of what has an address by that, ids hidden,
/// flags that say nothing gone.
fn normal(json: Json, key: &str) -> Json {
    match json {
        Json::Object(entries) => {
            let kept = entries.into_iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
            let all = kept.map(|(name, value)| {
                let value = if FLAGS.contains(&name.as_str()) { flags(value) } else { normal(value, &name) };
                (name, value)
            });
            Json::Object(all.collect())
        }
        Json::Array(items) => {
            let address = |item: &Json| match &item["address"] {
                Json::String(address) => Some(address.clone()),
                Json::Object(address) => address["to_display"].as_str().map(str::to_owned),
                _ => None,
            };
            let by_address: Option<Vec<String>> = items.iter().map(address).collect();
            match by_address {
                Some(addresses) if !addresses.is_empty() => {
                    let items = items.into_iter().map(|item| normal(item, key));
                    Json::Object(addresses.into_iter().zip(items).collect())
                }
                // One object may stand in several, in no order.
                _ if ["relevant_attributes", "problems"].contains(&key) => {
                    let mut items = items;
                    items.sort_by_cached_key(ToString::to_string);
                    Json::Array(items)
                }
                _ => Json::Array(items.into_iter().map(|item| normal(item, key)).collect()),
            }
        }
        Json::String(text) => Json::String(without_ids(&text)),
        other => other,
    }
}

/// What of flags is true.
fn flags(json: Json) -> Json {
    let says_something = |json: &Json| match json {
        Json::Bool(flag) => *flag,
        Json::Object(entries) => !entries.is_empty(),
        Json::Array(items) => items.iter().any(|item| *item != Json::Null),
        _ => false,
    };
    match json {
        Json::Object(entries) => {
            let all = entries.into_iter().map(|(name, value)| (name, flags(value)));
            Json::Object(all.filter(|(_, value)| says_something(value)).collect())
        }
        Json::Array(items) => {
            let all: Vec<Json> = items
                .into_iter()
                .map(flags)
                .map(|item| if says_something(&item) { item } else { Json::Null })
                .collect();
            if all.iter().all(Json::is_null) { Json::Object(Map::new()) } else { Json::Array(all) }
        }
        Json::Bool(true) => Json::Bool(true),
        _ => Json::Object(Map::new()),
    }
}

/// Ids are made up by each.
pub(super) fn without_ids(text: &str) -> String {
    let is_id = |candidate: &str| {
        candidate.len() == 36
            && candidate.char_indices().all(|(at, c)| match at {
                8 | 13 | 18 | 23 => c == '-',
                _ => c.is_ascii_hexdigit(),
            })
    };
    let mut result = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if rest.get(..36).is_some_and(is_id) {
            result.push_str("<id>");
            rest = &rest[36..];
        } else {
            result.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    result
}

/// Where two documents differ: path and both sides. Keys that one of them does
/// not have do not count, unless they are a part of somebody's values.
fn differ(path: &str, theirs: &Json, ours: &Json, strict: bool, found: &mut BTreeMap<String, String>) {
    match (theirs, ours) {
        (Json::Object(a), Json::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let inner = format!("{path}/{name}");
                let strict = strict || is_content(name, path);
                match (a.get(name), b.get(name)) {
                    (Some(x), Some(y)) => differ(&inner, x, y, strict, found),
                    (x, y) if strict && ![x, y].iter().flatten().all(|side| is_empty(side)) => {
                        let side = |json: Option<&Json>| json.map_or("nothing".into(), ToString::to_string);
                        found.insert(inner, format!("OpenTofu: {}, tenantctl: {}", side(x), side(y)));
                    }
                    _ => {}
                }
            }
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            for (at, (x, y)) in a.iter().zip(b).enumerate() {
                differ(&format!("{path}/{at}"), x, y, strict, found);
            }
        }
        _ if theirs == ours => {}
        _ => {
            found.insert(path.to_owned(), format!("OpenTofu: {theirs}, tenantctl: {ours}"));
        }
    }
}

/// Keys below which every key counts: objects by address, and values.
fn is_content(key: &str, path: &str) -> bool {
    let whole = ["resource_changes", "output_changes", "outputs", "before", "after", "variables", "checks"];
    whole.contains(&key)
        || ["configuration", "relevant_attributes", "depends_on"].contains(&key)
        || key == "values" && path.contains("/resources/")
        || FLAGS.contains(&key)
}

fn is_empty(json: &Json) -> bool {
    json.as_object().is_some_and(Map::is_empty) || json.as_array().is_some_and(Vec::is_empty)
}

fn compare(name: &str, found: &mut BTreeMap<String, String>) {
    let dir = folder().join("modules").join(name);
    let tools = [
        Tool::new(tenantctl_test_servers::opentofu(), false),
        Tool::new(env!("CARGO_BIN_EXE_tenantctl").into(), true),
    ];
    let mut steps: Vec<_> =
        std::fs::read_dir(dir).expect("steps").map(|step| step.expect("a step").path()).collect();
    steps.sort();
    let destroy: (String, Option<PathBuf>) = ("destroy".into(), None);
    let steps = steps.into_iter().map(|step| {
        let number = step.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (number, Some(step))
    });
    for (number, step) in steps.chain([destroy]) {
        let one = |tool: &Tool| match &step {
            Some(step) => {
                tool.enter(step);
                tool.step(&[])
            }
            None => tool.step(&["-destroy"]),
        };
        let [theirs, ours]: [[Json; 5]; 2] = std::thread::scope(|scope| {
            let theirs = scope.spawn(|| one(&tools[0]));
            let ours = one(&tools[1]);
            [theirs.join().expect("OpenTofu plans"), ours]
        });
        let documents =
            [("", false), ("/outputs", true), ("/state", false), ("/file", true), ("/text", true)];
        for ((document, strict), (theirs, ours)) in documents.into_iter().zip(theirs.iter().zip(&ours)) {
            differ(&format!("{name}/{number}{document}"), theirs, ours, strict, found);
        }
    }
}

#[test]
fn modules_are_planned_and_applied_as_by_opentofu() {
    let dir = folder().join("modules");
    let known = std::fs::read_to_string(dir.join("differences.txt")).expect("the file is there");
    assert!(known.starts_with("# "), "every difference has a reason");
    let known: Vec<&str> = super::expressions(&known).collect();
    let mut found = BTreeMap::new();
    let mut names: Vec<String> = std::fs::read_dir(&dir)
        .expect("modules")
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    assert!(names.len() >= 25, "only {names:?}");
    for name in &names {
        compare(name, &mut found);
    }
    let unknown: Vec<String> = found
        .iter()
        .filter(|(path, _)| !known.iter().any(|known| is_like(known, "*", path)))
        .map(|(path, sides)| format!("{path}\n  {sides}"))
        .collect();
    let gone: Vec<_> =
        known.iter().filter(|known| !found.keys().any(|path| is_like(known, "*", path))).collect();
    assert!(
        unknown.is_empty(),
        "{} of {} differences are not known:\n{}",
        unknown.len(),
        found.len(),
        unknown.join("\n")
    );
    assert!(gone.is_empty(), "no longer different: {gone:#?}");
}
