//! Tags: the provider's default ones merged with a resource's own, and the
//! marks that say whose an object is.
//!
//! Marks are on the wire only, never in a value. Guarantees: marks survive
//! every change of tags; a drift of tags shows in `tags` or `tags_all`.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use tenantctl_core::provider::{Type, Value};

use super::json::Fields as _;
use super::plan::Draft;
use super::resource::Call;

/// Tags by name.
pub(crate) type Tags = BTreeMap<String, String>;

/// Marks whose an object is.
pub(crate) const WORKSPACE: &str = "tenantctl:workspace";
/// Marks which creation made an object.
pub(crate) const CREATION: &str = "tenantctl:creation";

/// How names begin that are none of the user's: ours, and those that some
/// service keeps for itself. Tags are merged from layers that know no cloud, so
/// what one of them reserves is reserved.
pub(crate) const RESERVED: [&str; 3] = ["tenantctl:", "aws:", "hidden-"];

/// Whether a tag is none of the user's.
fn is_mark(name: &str) -> bool {
    RESERVED.iter().any(|prefix| name.starts_with(prefix))
}

/// Plans `tags_all`, where a type has it.
pub(crate) fn plan(draft: &mut Draft<'_>) {
    let own = draft.planned("tags");
    let defaults = draft.connection.get("default_tags").unwrap_or(Value::NULL);
    if !own.is_wholly_known() || !draft.connection.is_known() || !defaults.is_wholly_known() {
        draft.reopen("tags_all");
        return;
    }
    let entries = |value: &Value| -> Vec<_> {
        let entries = value.as_entries().into_iter().flatten();
        entries.map(|(k, v)| (k.clone(), v.clone())).filter(|(_, v)| !v.is_null()).collect()
    };
    let mut all = entries(&defaults);
    all.extend(entries(&own));
    let marks = own.marks().union(defaults.marks());
    draft.set("tags_all", Value::map(Type::String, all).with_marks(marks));
}

/// What a new object is tagged with.
pub(crate) fn at_creation<S>(call: &Call<'_, S>, planned: &Json) -> Tags {
    let mut tags = planned.texts_by_name("tags_all");
    tags.insert(WORKSPACE.into(), call.workspace.into());
    if !call.token.is_empty() {
        tags.insert(CREATION.into(), call.token.into());
    }
    tags
}

/// The tags that an object shall have, its marks kept, or set anew when
/// somebody took them away.
pub(crate) fn changed<S>(call: &Call<'_, S>, actual: &Tags, planned: &Json) -> Tags {
    with_marks_of(actual, at_creation(call, planned))
}

fn with_marks_of(actual: &Tags, mut wanted: Tags) -> Tags {
    wanted.extend(actual.iter().filter(|(name, _)| is_mark(name)).map(|(k, v)| (k.clone(), v.clone())));
    wanted
}

/// What has to be done to bring tags about: those to set, those to remove.
pub(crate) fn difference(actual: &Tags, wanted: &Tags) -> (Tags, Vec<String>) {
    let set = wanted.iter().filter(|(k, v)| actual.get(*k) != Some(v)).map(|(k, v)| (k.clone(), v.clone()));
    let removed = actual.keys().filter(|name| !wanted.contains_key(*name) && !is_mark(name));
    (set.collect(), removed.cloned().collect())
}

/// Whether an object carries the mark of this creation.
pub(crate) fn is_of<S>(call: &Call<'_, S>, tags: &Tags) -> bool {
    !call.token.is_empty() && tags.get(CREATION).is_some_and(|token| token == call.token)
}

/// The workspace that an object is marked for, when it is another.
pub(crate) fn stranger<'t>(workspace: &str, tags: &'t Tags) -> Option<&'t str> {
    tags.get(WORKSPACE).map(String::as_str).filter(|owner| *owner != workspace)
}

/// Writes `tags` and `tags_all` of what was read, given what is recorded.
pub(crate) fn show(object: &mut Json, prior: &Json, actual: &Tags) {
    let actual: Tags =
        actual.iter().filter(|(name, _)| !is_mark(name)).map(|(k, v)| (k.clone(), v.clone())).collect();
    let (own, all) = (prior.texts_by_name("tags"), prior.texts_by_name("tags_all"));
    let shown = actual.iter().filter(|(name, _)| own.contains_key(*name) || !all.contains_key(*name));
    let shown: Tags = shown.map(|(k, v)| (k.clone(), v.clone())).collect();
    let shown = if shown.is_empty() && prior.part("tags").is_none() { Json::Null } else { json(&shown) };
    if let Some(object) = object.as_object_mut() {
        object.insert("tags".into(), shown);
        object.insert("tags_all".into(), json(&actual));
    }
}

fn json(tags: &Tags) -> Json {
    Json::Object(tags.iter().map(|(k, v)| (k.clone(), Json::from(v.as_str()))).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn drift_of_tags_is_told_from_defaults_and_marks() {
        let prior = json!({"tags": {"a": "1", "b": "2"}, "tags_all": {"a": "1", "b": "2", "team": "x"}});
        let cases = [
            (tags(&[("a", "1"), ("b", "2"), ("team", "x"), (WORKSPACE, "w")]), json!({"a": "1", "b": "2"})),
            (tags(&[("a", "9"), ("team", "x")]), json!({"a": "9"})),
            (tags(&[("a", "1"), ("b", "2"), ("new", "n")]), json!({"a": "1", "b": "2", "new": "n"})),
            (tags(&[("team", "y")]), json!({})),
        ];
        for (actual, expected) in cases {
            let mut object = json!({});
            show(&mut object, &prior, &actual);
            assert_eq!(object["tags"], expected, "{actual:?}");
            assert_eq!(object["tags_all"].get(WORKSPACE), None);
        }
        let mut bare = json!({});
        show(&mut bare, &json!({"tags": null, "tags_all": {"team": "x"}}), &tags(&[("team", "x")]));
        assert_eq!(bare, json!({"tags": null, "tags_all": {"team": "x"}}));
    }

    #[test]
    fn marks_survive_changes() {
        let actual = tags(&[("a", "1"), ("old", "1"), (WORKSPACE, "w"), ("hidden-x", "y")]);
        let wanted = with_marks_of(&actual, tags(&[("a", "2"), (WORKSPACE, "other")]));
        assert_eq!(wanted, tags(&[("a", "2"), (WORKSPACE, "w"), ("hidden-x", "y")]));
        assert_eq!(difference(&actual, &wanted), (tags(&[("a", "2")]), vec!["old".to_owned()]));
    }
}
