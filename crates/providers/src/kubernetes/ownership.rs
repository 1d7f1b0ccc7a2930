//! Whose a field is, as the server itself recorded it in `managedFields`.
//!
//! Pure.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

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
