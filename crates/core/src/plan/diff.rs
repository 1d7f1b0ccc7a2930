//! Prior, configured and planned values to an action and its reason.

use std::sync::Arc;

use super::model::{Action, Reason};
use crate::config::Lifecycle;
use crate::provider::{Block, PlanResponse};
use crate::state::ResourceRecord;
use crate::value::{Entries, Kind, Value};

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
            filled.insert((*name).into(), value);
        }
    }
    Value::from(Kind::Object(Arc::new(filled))).with_marks(config.marks())
}

/// The configuration with ignored attributes as they are.
pub(super) fn ignore_changes(config: &Value, prior: &Value, lifecycle: &Lifecycle) -> Value {
    let Kind::Object(attributes) = config.kind() else { return config.clone() };
    if !lifecycle.ignore_all && lifecycle.ignore_changes.is_empty() {
        return config.clone();
    }
    let kept = attributes.iter().map(|(name, value)| {
        let ignored = lifecycle.ignore_all || lifecycle.ignore_changes.contains(name);
        let value = if ignored && !value.is_null() {
            prior.get(name).unwrap_or_else(|| value.clone())
        } else {
            value.clone()
        };
        (name.clone(), value)
    });
    Value::object(kept)
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

/// What is done to an object that the configuration has, and why.
pub(super) fn decide(
    record: Option<&ResourceRecord>,
    response: &PlanResponse,
    asked: bool,
    triggered: bool,
    create_first: bool,
) -> (Action, Option<Reason>) {
    let Some(record) = record else { return (Action::Create, None) };
    let replace = if create_first { Action::CreateThenDelete } else { Action::DeleteThenCreate };
    if record.tainted {
        (replace, Some(Reason::Tainted))
    } else if asked {
        (replace, Some(Reason::ReplaceByRequest))
    } else if !response.requires_replace.is_empty() {
        (replace, Some(Reason::CannotUpdate(response.requires_replace.clone())))
    } else if triggered {
        (replace, Some(Reason::ReplaceByTriggers))
    } else if response.planned == record.attributes {
        (Action::NoOp, None)
    } else {
        (Action::Update, None)
    }
}
