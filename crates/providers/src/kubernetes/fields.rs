//! Field paths as Kubernetes writes them, and parts of values by path.
//!
//! Pure. `spec.containers[0].image`, `metadata.annotations["a.example/b"]`;
//! in `computed_fields`, `[*]` stands for every element.

use std::sync::Arc;

use serde_json::Value as Json;
use tenantctl_core::provider::{Entries, Kind, Path, PathStep, Value};

/// One step of a field path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A field or key.
    Name(String),
    /// An element.
    Index(usize),
    /// Every element.
    Each,
}

/// The steps of a path; `None` when it is malformed.
pub(super) fn parse(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = text.trim_start_matches('.');
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (step, after) = bracket(inside)?;
            steps.push(step);
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Name(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        if let Some(after) = rest.strip_prefix('.') {
            if after.is_empty() {
                return None;
            }
            rest = after;
        }
    }
    (!steps.is_empty()).then_some(steps)
}

/// What stands in brackets, and what follows them.
fn bracket(inside: &str) -> Option<(Step, &str)> {
    if let Some(quoted) = inside.strip_prefix('"') {
        let (name, after) = quoted.split_once("\"]")?;
        return Some((Step::Name(name.to_owned()), after));
    }
    let (content, after) = inside.split_once(']')?;
    let step = match content {
        "*" => Step::Each,
        _ => content.parse().map_or_else(|_| Step::Name(content.to_owned()), Step::Index),
    };
    Some((step, after))
}

/// A path below `manifest`, up to where it can be followed.
pub(super) fn in_manifest(field: &str) -> Path {
    let root = Path::root().attribute("manifest");
    parse(field).unwrap_or_default().into_iter().fold(root, |path, step| match step {
        Step::Name(name) => path.attribute(name),
        Step::Index(i) => path.step(PathStep::Index(i)),
        Step::Each => path,
    })
}

/// `value` with what `source` has at a path.
pub(super) fn overlay(value: &Value, source: &Value, steps: &[Step]) -> Value {
    let Some((step, rest)) = steps.split_first() else { return source.clone() };
    match step {
        Step::Name(name) => match source.get(name) {
            Some(part) => {
                let inner = value.get(name).map_or_else(|| part.clone(), |v| overlay(&v, &part, rest));
                with_entry(value, name, inner)
            }
            None => value.clone(),
        },
        Step::Index(_) | Step::Each => {
            let Some(items) = value.as_items() else { return value.clone() };
            let wanted = |i: usize| *step == Step::Each || *step == Step::Index(i);
            let items = items.iter().enumerate().map(|(i, item)| match source.at(i) {
                Some(part) if wanted(i) => overlay(item, &part, rest),
                _ => item.clone(),
            });
            let changed = Value::tuple(items).with_marks(value.marks());
            if changed.as_items() == value.as_items() { value.clone() } else { changed }
        }
    }
}

/// What stands at a path; with `[*]`, all of it. Empty when nothing does.
pub(super) fn all_json<'a>(json: &'a Json, steps: &[Step]) -> Vec<&'a Json> {
    let Some((step, rest)) = steps.split_first() else { return vec![json] };
    let next: Vec<&Json> = match step {
        Step::Name(name) => json.get(name).into_iter().collect(),
        Step::Index(index) => json.get(index).into_iter().collect(),
        Step::Each => json.as_array().into_iter().flatten().collect(),
    };
    next.into_iter().flat_map(|json| all_json(json, rest)).collect()
}

/// `wire` with what `live` has at a path, where it has anything.
pub(super) fn overlay_json(wire: &mut Json, live: &Json, steps: &[Step]) {
    let Some((step, rest)) = steps.split_first() else {
        *wire = live.clone();
        return;
    };
    match (step, wire, live) {
        (Step::Name(name), Json::Object(wire), Json::Object(live)) => {
            if let (Some(wire), Some(live)) = (wire.get_mut(name), live.get(name)) {
                overlay_json(wire, live, rest);
            }
        }
        (step, Json::Array(wire), Json::Array(live)) => {
            for (i, (wire, live)) in wire.iter_mut().zip(live).enumerate() {
                if *step == Step::Each || *step == Step::Index(i) {
                    overlay_json(wire, live, rest);
                }
            }
        }
        _ => {}
    }
}

/// A map or object with one entry set, as an object.
pub(super) fn with_entry(value: &Value, name: &str, entry: Value) -> Value {
    with_entries(value, [(name, entry)])
}

/// A map or object with some entries set, as an object.
pub(super) fn with_entries<const N: usize>(value: &Value, new: [(&str, Value); N]) -> Value {
    let mut entries = value.as_entries().cloned().unwrap_or_default();
    for (name, entry) in new {
        match entries.get_mut(name) {
            Some(place) => *place = entry,
            None => drop(entries.insert(Arc::from(name), entry)),
        }
    }
    Value::from(Kind::Object(Arc::new(entries))).with_marks(value.marks())
}

/// A map or object without some entries; anything else as it is.
pub(super) fn retain(value: &Value, keep: &dyn Fn(&str, &Value) -> bool) -> Value {
    let filter = |entries: &Entries| -> Entries {
        entries.iter().filter(|(k, v)| keep(k, v)).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let kept = match value.kind() {
        Kind::Map(m) => Value::map(m.element.clone(), filter(&m.items)),
        Kind::Object(o) => Value::from(Kind::Object(Arc::new(filter(o)))),
        _ => return value.clone(),
    };
    kept.with_marks(value.marks())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_parse() {
        let name = |n: &str| Step::Name(n.into());
        let cases = [
            ("spec.replicas", Some(vec![name("spec"), name("replicas")])),
            ("a[0].b[*]", Some(vec![name("a"), Step::Index(0), name("b"), Step::Each])),
            (r#"m["x.y/z"].q"#, Some(vec![name("m"), name("x.y/z"), name("q")])),
            ("data[key]", Some(vec![name("data"), name("key")])),
            ("", None),
            ("a..b", None),
            ("a.", None),
            ("a[0", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{text}");
        }
        assert_eq!(in_manifest("spec.ports[1].port").to_string(), "manifest.spec.ports[1].port");
    }

    #[test]
    fn overlays_take_only_the_path() {
        let value = Value::object([("a", Value::object([("x", 1i64.into()), ("y", 1i64.into())]))]);
        let source = Value::object([("a", Value::object([("x", 2i64.into()), ("y", 2i64.into())]))]);
        let steps = parse("a.x").expect("a path");
        let expected = Value::object([("a", Value::object([("x", 2i64.into()), ("y", 1i64.into())]))]);
        assert_eq!(overlay(&value, &source, &steps), expected);
    }
}
