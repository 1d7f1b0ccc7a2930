//! Prior, configured and planned values to an action and its reason.

use std::sync::Arc;

use super::change::{Action, Reason};
use crate::config::{IgnoredPart, Lifecycle};
use crate::provider::{Block, PlanResponse};
use crate::value::{Entries, Kind, Path, PathStep, Type, Value};

/// The configuration with what only the provider knows filled in: from the
/// prior object, or unknown when there is none.
pub(crate) fn proposed(schema: &Block, config: &Value, prior: Option<&Value>) -> Value {
    let Kind::Object(attributes) = config.kind() else { return config.clone() };
    let mut filled: Entries = (**attributes).clone();
    for (name, attribute) in &schema.attributes {
        if attribute.computed && filled.get(*name).is_none_or(Value::is_null) {
            let value = match prior {
                Some(prior) => prior.get(name).unwrap_or_else(|| Value::null(attribute.ty.clone())),
                None => Value::unknown(attribute.ty.clone()),
            };
            match filled.get_mut(*name) {
                Some(place) => *place = value,
                None => drop(filled.insert((*name).into(), value)),
            }
        }
    }
    Value::from(Kind::Object(Arc::new(filled))).with_marks(config.marks())
}

/// What of an object stays as it is, whatever the configuration says.
#[derive(Clone, Copy)]
pub(crate) enum Ignored<'a> {
    All,
    Parts(&'a [Path]),
}

/// Where the parts are that a block says are ignored, in a configuration of it.
pub(super) fn ignored_parts(lifecycle: &Lifecycle, config: &Value) -> Vec<Path> {
    let place = |part: &IgnoredPart| {
        let steps = part.path.steps();
        let outer = steps[..steps.len() - 1].iter().fold(Path::root(), |path, step| path.step(step.clone()));
        let is_map = || config.at_path(&outer).is_none_or(|outer| matches!(outer.ty(), Type::Map(_)));
        if part.by_key && !is_map() { outer } else { part.path.clone() }
    };
    lifecycle.ignore_changes.iter().map(place).collect()
}

/// The configuration with ignored parts as they are.
pub(crate) fn ignore_changes(config: &Value, prior: &Value, schema: &Block, ignored: Ignored<'_>) -> Value {
    let Kind::Object(attributes) = config.kind() else { return config.clone() };
    if matches!(ignored, Ignored::Parts([])) {
        return config.clone();
    }
    let kept = attributes.iter().map(|(name, value)| {
        let attribute = schema.attributes.get(&**name);
        // What the service fills in when it is not set is not set.
        let is_left = value.is_null() && attribute.is_some_and(|a| a.computed)
            || attribute.is_some_and(|a| !a.is_argument());
        let value = match ignored {
            _ if is_left => value.clone(),
            Ignored::All => prior.get(name).unwrap_or_else(|| value.clone()),
            Ignored::Parts(paths) => {
                let paths = paths.iter().map(Path::steps).filter_map(|steps| {
                    let (first, rest) = steps.split_first()?;
                    (*first == PathStep::Attribute(name.clone())).then_some(rest)
                });
                paths.fold(value.clone(), |value, path| {
                    as_it_is(Some(&value), prior.get(name).as_ref(), path).unwrap_or(value)
                })
            }
        };
        (name.clone(), value)
    });
    Value::object(kept)
}

/// A value whose part at a path is as it was; `None` where there was none.
fn as_it_is(value: Option<&Value>, prior: Option<&Value>, path: &[PathStep]) -> Option<Value> {
    let Some((step, rest)) = path.split_first() else { return prior.cloned() };
    let Some(value) = value else {
        // A part of what is not there cannot be kept.
        return None;
    };
    match (step, value.kind()) {
        (PathStep::Attribute(name), Kind::Map(_) | Kind::Object(_)) => {
            let entries = value.as_entries()?;
            let part = entries.get(name);
            let kept = as_it_is(part, prior.and_then(|p| p.get(name)).as_ref(), rest);
            let others = entries.iter().filter(|(other, _)| *other != name);
            let all = others.map(|(name, value)| (name.clone(), value.clone()));
            let all = all.chain(kept.map(|kept| (name.clone(), kept)));
            let changed = match value.ty() {
                Type::Map(element) => Value::map((*element).clone(), all),
                _ => Value::object(all),
            };
            Some(changed.with_marks(value.marks()))
        }
        (PathStep::Index(index), Kind::List(_) | Kind::Tuple(_)) => {
            let mut items = value.as_items()?.to_vec();
            let kept = as_it_is(items.get(*index), prior.and_then(|p| p.at(*index)).as_ref(), rest);
            if let (Some(place), Some(kept)) = (items.get_mut(*index), kept) {
                *place = kept;
            }
            let changed = match value.ty() {
                Type::List(element) => Value::list((*element).clone(), items),
                _ => Value::tuple(items),
            };
            Some(changed.with_marks(value.marks()))
        }
        _ => Some(value.clone()),
    }
}

/// Marks what the schema says is sensitive.
pub(crate) fn mark_sensitive(value: Value, schema: &Block) -> Value {
    let Kind::Object(attributes) = value.kind() else { return value };
    if !schema.attributes.iter().any(|(_, a)| a.sensitive) {
        return value;
    }
    let marks = value.marks();
    let marked = attributes.iter().map(|(name, value)| {
        let secret = schema.attributes.get(&**name).is_some_and(|a| a.sensitive);
        (name.clone(), if secret { value.clone().sensitive() } else { value.clone() })
    });
    Value::object(marked).with_marks(marks)
}

/// What is done to an object that the configuration has, and why; `replace`
/// is how it would be replaced.
pub(super) fn decide(
    prior: Option<&Value>,
    tainted: bool,
    response: &PlanResponse,
    asked: bool,
    triggered: bool,
    replace: Action,
) -> (Action, Option<Reason>) {
    let Some(prior) = prior else {
        return (Action::Create, triggered.then_some(Reason::ReplaceByTriggers));
    };
    if tainted {
        (replace, Some(Reason::Tainted))
    } else if asked {
        (replace, Some(Reason::ReplaceByRequest))
    } else if !response.requires_replace.is_empty() {
        (replace, Some(Reason::CannotUpdate(response.requires_replace.clone())))
    } else if triggered {
        (replace, Some(Reason::ReplaceByTriggers))
    } else if response.planned == *prior {
        (Action::NoOp, None)
    } else {
        (Action::Update, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Attribute;

    fn value(json: serde_json::Value) -> Value {
        Value::from_plain_json(&json)
    }

    #[test]
    fn ignored_parts_stay_as_they_are() {
        let schema = Block::new(
            [
                ("a", Attribute::optional(Type::Dynamic)),
                ("b", Attribute::optional(Type::Dynamic).or_computed()),
                ("id", Attribute::computed(Type::String)),
            ],
            [],
        );
        let root = Path::root();
        let (a, b) = (root.attribute("a"), root.attribute("b"));
        let config = serde_json::json!({ "a": { "k": 1, "l": [1, 2] }, "b": null, "id": null });
        let prior = serde_json::json!({ "a": { "k": 2, "l": [3, 4], "more": 5 }, "b": 6, "id": "x" });
        for (paths, expected) in [
            (vec![], serde_json::json!({ "k": 1, "l": [1, 2] })),
            (vec![a.clone()], serde_json::json!({ "k": 2, "l": [3, 4], "more": 5 })),
            (vec![a.attribute("k")], serde_json::json!({ "k": 2, "l": [1, 2] })),
            (vec![a.attribute("l").index(1)], serde_json::json!({ "k": 1, "l": [1, 4] })),
            // What only the object has, and what it does not have.
            (vec![a.attribute("more")], serde_json::json!({ "k": 1, "l": [1, 2], "more": 5 })),
            (vec![a.attribute("none").attribute("x")], serde_json::json!({ "k": 1, "l": [1, 2] })),
            (vec![a.attribute("k"), b], serde_json::json!({ "k": 2, "l": [1, 2] })),
        ] {
            let parts = Ignored::Parts(&paths);
            let found = ignore_changes(&value(config.clone()), &value(prior.clone()), &schema, parts);
            assert_eq!(found.get("a"), Some(value(expected)), "{paths:?}");
            // What the service fills in is its own.
            assert!(found.get("b").is_some_and(|b| b.is_null()), "{paths:?}");
        }
        let found = ignore_changes(&value(config), &value(prior.clone()), &schema, Ignored::All);
        assert_eq!(found.get("a"), value(prior).get("a"));
        assert!(found.get("id").is_some_and(|id| id.is_null()));
    }
}
