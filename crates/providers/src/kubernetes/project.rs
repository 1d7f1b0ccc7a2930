//! The live object, seen through the manifest.
//!
//! A server adds defaults, status and other people's fields. What counts for
//! plan and drift are the fields that the manifest sets. Which those are, the
//! server itself knows: `managedFields` says for each path whether a list is
//! merged by keys, is a set, or belongs to one owner as a whole. Where there is
//! no such record (an imported object), lists whose elements all have a unique
//! name are taken as merged by it and all others as one.
//!
//! Pure. Guarantees: what means the same keeps the manifest's spelling and
//! marks, so that an unchanged object projects to exactly the manifest; a
//! field or list that somebody else took over shows in full.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};
use tenantctl_core::provider::{Entries, Kind, Number, Value};

use super::manifest::{desired, strip_annotations};
use super::ownership::{Owned, element_record, key_names, record};
use super::settings::View;
use super::{fields, quantity};

/// The fields of the manifest as the live object has them.
pub(super) fn project(manifest: &Value, live: &Json, view: View<'_>) -> Value {
    let want = desired(manifest);
    let record = record(live, view.manager);
    let owned = record.as_deref().map_or(Owned::Unrecorded, Owned::Parts);
    let seen = outermost(&want, live, owned);
    view.computed
        .iter()
        .filter_map(|path| fields::parse(path))
        .fold(seen, |seen, steps| fields::overlay(&seen, &want, &steps))
}

/// Where in the object we are: tells which texts are quantities.
#[derive(Clone, Copy)]
struct Place<'a> {
    key: &'a str,
    parent: &'a str,
}

impl Place<'_> {
    fn is_quantity(self) -> bool {
        const HOLDERS: [&str; 10] = [
            "limits",
            "requests",
            "hard",
            "default",
            "defaultRequest",
            "max",
            "min",
            "maxLimitRequestRatio",
            "capacity",
            "podFixed",
        ];
        HOLDERS.contains(&self.parent)
            || ["sizeLimit", "divisor", "averageValue"].contains(&self.key)
            || (self.parent == "target" && self.key == "value")
    }
}

/// The `stringData` of a Secret whose manifest speaks of it.
fn decoded_strings(want: &Value, live: &Map<String, Json>) -> Option<Json> {
    let decoded = |key: &str| {
        let encoded = live.get("data")?.get(key)?.as_str()?;
        let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        Some((key.to_owned(), Json::from(text)))
    };
    Some(Json::Object(want.as_entries()?.keys().filter_map(|key| decoded(key)).collect()))
}

/// What others than tools see of `metadata`.
fn told_metadata(live: &Map<String, Json>) -> Option<Json> {
    let metadata = live.get("metadata")?.as_object()?;
    let told = metadata.iter().filter(|(key, _)| *key != "managedFields");
    let mut told = told.map(|(key, value)| (key.clone(), value.clone())).collect();
    strip_annotations(&mut told);
    Some(Json::Object(told))
}

/// The object itself, which is always seen part by part.
fn outermost(want: &Value, live: &Json, owned: Owned<'_>) -> Value {
    let (Some(entries), Json::Object(live)) = (want.as_entries(), live) else {
        return from_live(live, want);
    };
    parts(want, entries, |key, want| {
        let own = owned.part(&format!("f:{key}"));
        // The record has no entries for what names the object, and knows
        // `stringData` as `data`.
        let (live, own) = match (key, own) {
            ("stringData", _) => (decoded_strings(want, live).map(Cow::Owned), Owned::Unrecorded),
            ("metadata", Owned::Lost) => (told_metadata(live).map(Cow::Owned), Owned::Unrecorded),
            ("metadata", own) => (told_metadata(live).map(Cow::Owned), own),
            (_, own) => (live.get(key).map(Cow::Borrowed), own),
        };
        field(want, live.as_deref(), own, Place { key, parent: "" })
    })
}

/// An object in it.
fn object(want: &Value, live: &Json, owned: Owned<'_>, place: Place<'_>) -> Value {
    let (Some(entries), Json::Object(live)) = (want.as_entries(), live) else {
        return from_live(live, want);
    };
    parts(want, entries, |key, want| {
        let place = Place { key, parent: place.key };
        field(want, live.get(key), owned.part(&format!("f:{key}")), place)
    })
}

/// What is wanted, with each part as it is seen.
fn parts(want: &Value, entries: &Entries, see: impl Fn(&str, &Value) -> Option<Value>) -> Value {
    let seen: Entries =
        entries.iter().filter_map(|(key, want)| Some((key.clone(), see(key, want)?))).collect();
    if seen == *entries {
        return want.clone();
    }
    Value::from(Kind::Object(Arc::new(seen))).with_marks(want.marks())
}

/// One field; `None` where the live object has none.
fn field(want: &Value, live: Option<&Json>, owned: Owned<'_>, place: Place<'_>) -> Option<Value> {
    let Some(live) = live.filter(|l| !l.is_null()) else {
        return is_zero(want).then(|| want.clone());
    };
    let composite = want.as_entries().is_some() || want.as_items().is_some();
    if composite && matches!(owned, Owned::Lost) {
        return Some(if exactly(want, live, place) { want.clone() } else { from_live(live, want) });
    }
    Some(match live {
        Json::Object(_) if want.as_entries().is_some() => object(want, live, owned, place),
        Json::Array(items) if want.as_items().is_some() => list(want, items, owned, place),
        _ if same_scalar(want, live, place) => want.clone(),
        _ => from_live(live, want),
    })
}

/// A list, matched as its record says.
fn list(want: &Value, live: &[Json], owned: Owned<'_>, place: Place<'_>) -> Value {
    let items = want.as_items().unwrap_or_default();
    let seen = match owned {
        Owned::Parts(parts) => match parts.keys().find(|k| *k != ".") {
            Some(key) if key.starts_with("k:") => by_key(items, live, &key_names(key), owned, place),
            Some(key) if key.starts_with("v:") => members(items, live, place),
            _ => None,
        },
        Owned::Unrecorded => {
            let names = ["name".to_owned()];
            if has_unique_names(items, live) { by_key(items, live, &names, owned, place) } else { None }
        }
        Owned::Whole | Owned::Lost => None,
    };
    let seen = seen.or_else(|| by_position(items, live, place));
    match seen {
        Some(seen) if seen == items => want.clone(),
        Some(seen) => Value::tuple(seen).with_marks(want.marks()),
        None => from_live(&Json::Array(live.to_vec()), want),
    }
}

/// Elements matched by their merge keys, in the manifest's order. Elements of
/// others do not show.
fn by_key(
    items: &[Value],
    live: &[Json],
    names: &[String],
    owned: Owned<'_>,
    place: Place<'_>,
) -> Option<Vec<Value>> {
    let mut taken = vec![false; live.len()];
    let mut seen = Vec::with_capacity(items.len());
    for item in items {
        item.as_entries()?;
        // A key that the manifest leaves out is one that the server filled in.
        let matches = |l: &Json| {
            names.iter().all(|name| match item.get(name) {
                Some(want) => {
                    l.get(name).is_some_and(|l| same_scalar(&want, l, Place { key: name, parent: "" }))
                }
                None => true,
            })
        };
        let free: Vec<usize> = (0..live.len()).filter(|i| !taken[*i] && matches(&live[*i])).collect();
        let recorded =
            |i: &&usize| matches!(element_record(owned, &live[**i], names), Owned::Parts(_) | Owned::Whole);
        if let Some(&i) = free.iter().find(recorded).or(free.first()) {
            taken[i] = true;
            let element = element_record(owned, &live[i], names);
            seen.push(field(item, Some(&live[i]), element, Place { key: "", parent: place.key })?);
        }
    }
    Some(seen)
}

/// Members of a set: those of ours that are there.
fn members(items: &[Value], live: &[Json], place: Place<'_>) -> Option<Vec<Value>> {
    let there = |item: &&Value| live.iter().any(|l| same_scalar(item, l, place));
    Some(items.iter().filter(there).cloned().collect())
}

/// Elements of a list that is one value; `None` when the lengths differ.
fn by_position(items: &[Value], live: &[Json], place: Place<'_>) -> Option<Vec<Value>> {
    if items.len() != live.len() {
        return None;
    }
    let place = Place { key: "", parent: place.key };
    let parts = items.iter().zip(live);
    Some(parts.filter_map(|(item, live)| field(item, Some(live), Owned::Whole, place)).collect())
}

fn has_unique_names(items: &[Value], live: &[Json]) -> bool {
    let ours: Option<Vec<String>> =
        items.iter().map(|i| i.get("name").and_then(|n| n.as_str().map(str::to_owned))).collect();
    let theirs: Option<Vec<String>> =
        live.iter().map(|l| l.get("name").and_then(Json::as_str).map(str::to_owned)).collect();
    let unique = |names: Vec<String>| {
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        sorted.len() == names.len()
    };
    ours.is_some_and(unique) && theirs.is_some_and(unique)
}

/// Equal with nothing added.
fn exactly(want: &Value, live: &Json, place: Place<'_>) -> bool {
    match live {
        Json::Object(live) => want.as_entries().is_some_and(|entries| {
            let known = live.keys().all(|k| entries.contains_key(k.as_str()));
            known
                && entries.iter().all(|(k, v)| match live.get(&**k) {
                    Some(l) => exactly(v, l, Place { key: k, parent: place.key }),
                    None => is_zero(v),
                })
        }),
        Json::Array(live) => want.as_items().is_some_and(|items| {
            let place = Place { key: "", parent: place.key };
            items.len() == live.len() && items.iter().zip(live).all(|(v, l)| exactly(v, l, place))
        }),
        _ => same_scalar(want, live, place),
    }
}

/// Values that a server leaves out when it writes an object.
fn is_zero(want: &Value) -> bool {
    match want.kind() {
        Kind::Null(_) => true,
        Kind::Bool(b) => !b,
        Kind::String(s) => s.is_empty(),
        Kind::Number(n) => *n == Number::from(0i64),
        Kind::Unknown(_) => false,
        _ => {
            let mut zero = true;
            want.for_each_child(&mut |child| zero = zero && want.as_entries().is_some() && is_zero(child));
            zero
        }
    }
}

fn same_scalar(want: &Value, live: &Json, place: Place<'_>) -> bool {
    if want.as_str().is_some_and(|want| live.as_str() == Some(want)) {
        return true;
    }
    let theirs = Value::from_plain_json(live);
    if *want == theirs {
        return true;
    }
    let text = |v: &Value| match v.kind() {
        Kind::String(s) => Some(s.to_string()),
        Kind::Number(n) => Some(n.to_string()),
        _ => None,
    };
    place.is_quantity() && matches!((text(want), text(&theirs)), (Some(a), Some(b)) if quantity::same(&a, &b))
}

/// What the server has, with the marks of what was wanted.
fn from_live(live: &Json, want: &Value) -> Value {
    Value::from_plain_json(live).with_marks(want.deep_marks())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(want: &Json, live: &Json) -> Value {
        project(&Value::from_plain_json(want), live, View { manager: "tenantctl", computed: &[] })
    }

    fn with_record(mut live: Json, fields: Json) -> Json {
        live["apiVersion"] = "v1".into();
        live["metadata"]["managedFields"] = json!([{
            "manager": "tenantctl", "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields,
        }]);
        live
    }

    #[test]
    fn what_means_the_same_projects_to_the_manifest() {
        let cases = [
            (json!({"a": 1}), json!({"a": 1, "status": {"x": 1}, "b": 2})),
            (json!({"a": {"x": null}}), json!({"a": {}})),
            (json!({"spec": {"paused": false, "labels": {}, "text": "", "n": 0}}), json!({"spec": {}})),
            (
                json!({"limits": {"cpu": "1000m", "memory": "1Gi"}}),
                json!({"limits": {"cpu": "1", "memory": "1024Mi"}}),
            ),
            (json!({"requests": {"cpu": 0.5}}), json!({"requests": {"cpu": "500m"}})),
            (
                json!({"l": [{"name": "a", "v": 1}]}),
                json!({"l": [{"name": "z"}, {"name": "a", "v": 1, "d": 2}]}),
            ),
            (json!({"l": [{"x": 1}]}), json!({"l": [{"x": 1, "default": true}]})),
            (json!({"targetPort": "http"}), json!({"targetPort": "http"})),
            (json!({"n": 1}), json!({"n": 1.0})),
        ];
        for (want, live) in cases {
            assert_eq!(seen(&want, &live), desired(&Value::from_plain_json(&want)), "{want} in {live}");
        }
    }

    #[test]
    fn what_differs_shows() {
        let cases = [
            (json!({"a": 1}), json!({"a": 2}), json!({"a": 2})),
            (json!({"a": {"x": 1, "y": 2}}), json!({"a": {"x": 1}}), json!({"a": {"x": 1}})),
            (json!({"data": {"cpu": "1000m"}}), json!({"data": {"cpu": "1"}}), json!({"data": {"cpu": "1"}})),
            (json!({"port": 80}), json!({"port": "80"}), json!({"port": "80"})),
            (json!({"l": [1, 2]}), json!({"l": [1]}), json!({"l": [1]})),
            (json!({"l": [{"name": "a"}]}), json!({"l": [{"name": "b"}]}), json!({"l": []})),
            (
                json!({"subjects": [{"name": "a", "kind": "User"}]}),
                json!({"subjects": [{"name": "a", "kind": "User"}, {"name": "a", "kind": "Group"}]}),
                json!({"subjects": [{"name": "a", "kind": "User"}, {"name": "a", "kind": "Group"}]}),
            ),
            (json!({"a": {"x": 1}}), json!({"a": "text"}), json!({"a": "text"})),
        ];
        for (want, live, expected) in cases {
            assert_eq!(seen(&want, &live), Value::from_plain_json(&expected), "{want} in {live}");
        }
    }

    #[test]
    fn the_record_tells_how_lists_merge() {
        let want =
            json!({"apiVersion": "v1", "ports": [{"port": 80}], "subjects": [{"name": "a"}], "fin": ["x"]});
        let live = json!({
            "ports": [{"port": 80, "protocol": "UDP"}, {"port": 80, "protocol": "TCP", "nodePort": 3}],
            "subjects": [{"name": "a"}, {"name": "b"}],
            "fin": ["y", "x"],
            "metadata": {},
        });
        let live = with_record(
            live,
            json!({
                "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}},
                "f:subjects": {},
                "f:fin": {"v:\"x\"": {}},
            }),
        );
        let expected = json!({
            "apiVersion": "v1", "ports": [{"port": 80}], "subjects": [{"name": "a"}, {"name": "b"}], "fin": ["x"],
        });
        assert_eq!(seen(&want, &live), Value::from_plain_json(&expected));
    }

    #[test]
    fn what_others_took_over_shows_in_full() {
        let want = json!({"apiVersion": "v1", "metadata": {"name": "a"}, "spec": {"selector": {"app": "x"}, "n": 1}});
        let live = json!({
            "metadata": {"name": "a", "uid": "u"}, "spec": {"selector": {"app": "x", "extra": "y"}, "n": 1},
        });
        let lost = with_record(live.clone(), json!({"f:spec": {"f:n": {}}}));
        let mut expected = want.clone();
        expected["spec"]["selector"]["extra"] = "y".into();
        assert_eq!(seen(&want, &lost), Value::from_plain_json(&expected));
        let kept = with_record(live, json!({"f:spec": {"f:n": {}, "f:selector": {}}}));
        assert_eq!(seen(&want, &kept), Value::from_plain_json(&want), "while ours, additions are defaults");
    }

    #[test]
    fn secrets_stay_sealed_and_show_as_changed() {
        let want = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
            "stringData": {"password": "hunter2"}, "data": {"k": "aGVsbG8="},
        });
        let live = |password: &str| {
            json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
                "data": {"password": STANDARD.encode(password), "k": "aGVsbG8="},
            })
        };
        assert_eq!(seen(&want, &live("hunter2")), desired(&Value::from_plain_json(&want)));
        let changed = seen(&want, &live("changed"));
        assert_ne!(changed, desired(&Value::from_plain_json(&want)));
        let shown = format!("{changed:?}");
        assert!(!shown.contains("changed") && !shown.contains("aGVsbG8="), "{shown}");
    }

    #[test]
    fn fields_of_others_keep_what_was_recorded() {
        let want = Value::from_plain_json(&json!({"spec": {"replicas": 2, "x": 1}}));
        let view = View { manager: "tenantctl", computed: &["spec.replicas".to_owned()] };
        let seen = project(&want, &json!({"spec": {"replicas": 9, "x": 2}}), view);
        assert_eq!(seen, Value::from_plain_json(&json!({"spec": {"replicas": 2, "x": 2}})));
    }
}
