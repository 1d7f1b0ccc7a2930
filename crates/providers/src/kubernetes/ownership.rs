//! Whose a field is, as the server itself recorded it in `managedFields`.
//!
//! Pure.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};
use tenantctl_core::provider::{Author, Value};

/// What is recorded of our ownership of some part.
#[derive(Clone, Copy)]
pub(super) enum Owned<'a> {
    /// Nothing: the object has no record of us.
    Unrecorded,
    /// All of it, as one.
    Whole,
    /// Some parts of it.
    Parts(&'a Map<String, Json>),
    /// None of it: somebody else has set it since.
    Lost,
}

impl<'a> Owned<'a> {
    /// What is recorded of a part of it.
    pub(super) fn part(self, key: &str) -> Owned<'a> {
        match self {
            Owned::Parts(parts) => match parts.get(key) {
                Some(Json::Object(parts)) if !parts.is_empty() => Owned::Parts(parts),
                Some(_) => Owned::Whole,
                None => Owned::Lost,
            },
            other => other,
        }
    }
}

/// Our entries of `managedFields`, as one tree.
pub(super) fn record<'a>(live: &'a Json, manager: &str) -> Option<Cow<'a, Map<String, Json>>> {
    fn merge(into: &mut Map<String, Json>, from: &Map<String, Json>) {
        for (key, part) in from {
            match (into.get_mut(key), part) {
                (Some(Json::Object(into)), Json::Object(from)) => merge(into, from),
                _ => {
                    into.insert(key.clone(), part.clone());
                }
            }
        }
    }
    let entries = live.pointer("/metadata/managedFields")?.as_array()?;
    let version = live.get("apiVersion");
    let ours = |e: &&Json| {
        e["manager"] == manager && e.get("subresource").is_none() && e.get("apiVersion") == version
    };
    let mut trees = entries.iter().filter(ours).map(|entry| entry.get("fieldsV1")?.as_object());
    // There is nearly always one.
    let mut record = Cow::Borrowed(trees.next()??);
    for tree in trees {
        merge(record.to_mut(), tree?);
    }
    (!record.is_empty()).then_some(record)
}

/// The names in a key such as `k:{"containerPort":80,"protocol":"TCP"}`.
pub(super) fn key_names(key: &str) -> Vec<String> {
    let fields: Map<String, Json> = serde_json::from_str(&key[2..]).unwrap_or_default();
    fields.keys().cloned().collect()
}

/// The record of the element that has the live element's keys.
pub(super) fn element_record<'a>(owned: Owned<'a>, live: &Json, names: &[String]) -> Owned<'a> {
    let Owned::Parts(parts) = owned else { return owned };
    let key: Map<String, Json> =
        names.iter().map(|n| (n.clone(), live.get(n).cloned().unwrap_or_default())).collect();
    let key = Json::Object(key);
    let entry = parts.iter().find(|(text, _)| {
        text.strip_prefix("k:").and_then(|t| serde_json::from_str::<Json>(t).ok()).is_some_and(|k| k == key)
    });
    match entry {
        Some((text, _)) => owned.part(text),
        // Taken over as a whole; its fields still show one by one.
        None => Owned::Unrecorded,
    }
}

/// Managers other than ours that have something of what differs between what
/// was recorded of an object and what was found. Who took a field away is not
/// known: the server keeps no record of it.
pub(super) fn authors(live: &Json, manager: &str, before: &Value, after: &Value) -> Vec<Author> {
    if before == after {
        return Vec::new();
    }
    let entries = live.pointer("/metadata/managedFields").and_then(Json::as_array);
    let mut authors: Vec<Author> = entries
        .into_iter()
        .flatten()
        .filter(|entry| entry["manager"] != manager)
        .filter(|entry| entry["fieldsV1"].as_object().is_some_and(|tree| has_changed(tree, before, after)))
        .filter_map(|entry| {
            let time = entry["time"].as_str().map(str::to_owned);
            Some(Author { name: entry["manager"].as_str()?.to_owned(), time })
        })
        .collect();
    authors.sort();
    authors
}

/// Whether a tree of owned fields has something that differs.
fn has_changed(tree: &Map<String, Json>, before: &Value, after: &Value) -> bool {
    if before == after {
        return false;
    }
    // A leaf: all of it, as one.
    if tree.keys().all(|key| key == ".") {
        return true;
    }
    tree.iter().any(|(key, part)| {
        let parts = |before: Option<Value>, after: Option<Value>| match (before, after) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(before), Some(after)) => {
                part.as_object().is_some_and(|part| has_changed(part, &before, &after))
            }
        };
        match key.split_once(':') {
            Some(("f", name)) => parts(before.get(name), after.get(name)),
            Some(("k", keys)) => {
                let keys: Map<String, Json> = serde_json::from_str(keys).unwrap_or_default();
                let is_meant = |item: &Value| {
                    keys.iter().all(|(name, value)| item.get(name) == Some(Value::from_plain_json(value)))
                };
                parts(element(before, is_meant), element(after, is_meant))
            }
            Some(("v", value)) => {
                let value = Value::from_plain_json(&serde_json::from_str(value).unwrap_or_default());
                let is_meant = |item: &Value| *item == value;
                element(before, is_meant).is_none() && element(after, is_meant).is_some()
            }
            _ => false,
        }
    })
}

fn element(list: &Value, is_meant: impl Fn(&Value) -> bool) -> Option<Value> {
    list.as_items()?.iter().find(|item| is_meant(item)).cloned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_has_what_differs_changed_it() {
        let live = json!({"metadata": {"managedFields": [
            {"manager": "tenantctl", "fieldsV1": {"f:spec": {"f:replicas": {}, "f:hard": {"f:pods": {}}}}},
            {"manager": "scaler", "time": "2026-01-02T03:04:05Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "lists", "fieldsV1": {"f:ports": {".": {}, "k:{\"port\":80}": {".": {}, "f:name": {}, "f:port": {}}}}},
            {"manager": "sets", "fieldsV1": {"f:finalizers": {"v:\"b\"": {}}}},
            {"manager": "whole", "fieldsV1": {"f:data": {"f:list": {}}}},
        ]}});
        let cases = [
            (json!({"spec": {"replicas": 1}}), json!({"spec": {"replicas": 2}}), "scaler"),
            (json!({"spec": {"replicas": 1}}), json!({"spec": {"replicas": 1}}), ""),
            (json!({"spec": {"hard": {"pods": 1}}}), json!({"spec": {"hard": {"pods": 2}}}), ""),
            (
                json!({"ports": [{"port": 80, "name": "a"}]}),
                json!({"ports": [{"port": 80, "name": "b"}]}),
                "lists",
            ),
            (
                json!({"ports": [{"port": 81, "name": "a"}]}),
                json!({"ports": [{"port": 81, "name": "b"}]}),
                "",
            ),
            (json!({"ports": []}), json!({"ports": [{"port": 80, "name": "b"}]}), "lists"),
            (json!({"finalizers": ["a"]}), json!({"finalizers": ["a", "b"]}), "sets"),
            (json!({"finalizers": ["a", "b"]}), json!({"finalizers": ["b"]}), ""),
            (json!({"data": {"list": [1]}}), json!({"data": {"list": [2]}}), "whole"),
            (
                json!({"data": {"list": [1]}, "spec": {"replicas": 3}}),
                json!({"data": {"list": []}, "spec": {"replicas": 4}}),
                "scaler whole",
            ),
            // It is gone, and nobody has it.
            (json!({"spec": {"replicas": 1}}), json!({"spec": {}}), ""),
        ];
        for (before, after, expected) in cases {
            let [was, is] = [&before, &after].map(Value::from_plain_json);
            let found = authors(&live, "tenantctl", &was, &is);
            let names: Vec<&str> = found.iter().map(|author| author.name.as_str()).collect();
            assert_eq!(names.join(" "), expected, "{before} {after}");
        }
    }
}
