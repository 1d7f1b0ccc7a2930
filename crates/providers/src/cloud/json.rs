//! Values as plain JSON and back, and reading plain JSON without ceremony.
//!
//! Resources speak JSON with their service; the engine speaks values with types,
//! unknowns and marks. Guarantees: what the configuration does not own stays
//! as it is recorded; marks of what is recorded or planned stay on what is
//! read; what a read says nothing of (`force_destroy`) stays, too.
//! Must not: know any one resource type.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use tenantctl_core::provider::{Block, Kind, Nesting, Value};

use super::resource::Likeness;

/// Reading of JSON objects: what is null is not there.
pub(crate) trait Fields {
    /// A part that is there.
    fn part(&self, name: &str) -> Option<&Json>;
    /// Text; empty when not there.
    fn text(&self, name: &str) -> &str;
    /// Text that is there.
    fn given(&self, name: &str) -> Option<String>;
    /// A truth value.
    fn flag(&self, name: &str) -> Option<bool>;
    /// A whole number.
    fn int(&self, name: &str) -> Option<i64>;

    /// The same, of the size that many services take.
    fn int32(&self, name: &str) -> Option<i32> {
        self.int(name).and_then(|number| i32::try_from(number).ok())
    }
    /// The elements of a list or set, the blocks of a type.
    fn items(&self, name: &str) -> &[Json];
    /// The one block of a type.
    fn block(&self, name: &str) -> Option<&Json>;
    /// A list or set of texts.
    fn texts(&self, name: &str) -> Vec<String>;
    /// A map of texts.
    fn texts_by_name(&self, name: &str) -> BTreeMap<String, String>;
}

impl Fields for Json {
    fn part(&self, name: &str) -> Option<&Json> {
        self.get(name).filter(|part| !part.is_null())
    }

    fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Json::as_str).unwrap_or_default()
    }

    fn given(&self, name: &str) -> Option<String> {
        self.get(name).and_then(Json::as_str).map(str::to_owned)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).and_then(Json::as_bool)
    }

    fn int(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Json::as_i64)
    }

    fn items(&self, name: &str) -> &[Json] {
        self.get(name).and_then(Json::as_array).map_or(&[], Vec::as_slice)
    }

    fn block(&self, name: &str) -> Option<&Json> {
        self.items(name).first().filter(|block| !block.is_null())
    }

    fn texts(&self, name: &str) -> Vec<String> {
        self.items(name).iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    }

    fn texts_by_name(&self, name: &str) -> BTreeMap<String, String> {
        let entries = self.get(name).and_then(Json::as_object).into_iter().flatten();
        entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    }
}

/// A value as plain JSON; what is unknown is null.
pub(crate) fn plain(value: &Value) -> Json {
    let json: Result<Json, std::convert::Infallible> = value.to_json_with(&|_| None, &|_| Ok(Json::Null));
    match json {
        Ok(json) => json,
        Err(never) => match never {},
    }
}

/// The object that a service's answer comes to, given what is recorded or
/// planned of it.
pub(crate) fn settled(resource: &dyn Likeness, block: &Block, reference: &Value, actual: &Json) -> Value {
    object(resource, block, reference, actual)
}

fn object(resource: &dyn Likeness, block: &Block, reference: &Value, actual: &Json) -> Value {
    let parts = block.unset().iter().map(|(name, unset)| {
        let before = reference.get(name).unwrap_or_else(|| unset.clone());
        let value = match (actual.get(&**name), block.attributes.get(&**name), block.blocks.get(&**name)) {
            // A read says nothing of it: it is the configuration's alone.
            (None, ..) if before.is_wholly_known() => before,
            (None, ..) => unset.clone(),
            (Some(actual), Some(attribute), _) => {
                // A null that the service has a default for.
                if before.is_null() && !attribute.computed {
                    before
                } else {
                    let actual = Value::from_plain_json(actual);
                    let actual = actual.convert(&attribute.ty).unwrap_or_else(|_| unset.clone());
                    attribute_as_before(resource, name, &before, actual)
                }
            }
            (Some(actual), _, Some(nested)) => {
                let defaulted = resource.defaulted_blocks().contains(&&**name);
                if defaulted && before.as_items().is_some_and(<[_]>::is_empty) {
                    before
                } else {
                    blocks(resource, nested.nesting, &nested.block, &before, actual)
                }
            }
            (Some(_), None, None) => unset.clone(),
        };
        (name.clone(), value)
    });
    Value::object(parts)
}

fn attribute_as_before(resource: &dyn Likeness, name: &str, before: &Value, actual: Value) -> Value {
    let same = before.is_wholly_known() && (*before == actual || resource.same(name, before, &actual));
    if same { before.clone() } else { actual.with_marks(before.deep_marks()) }
}

fn blocks(resource: &dyn Likeness, nesting: Nesting, block: &Block, before: &Value, actual: &Json) -> Value {
    let one = |before: Option<Value>, actual: &Json| {
        let known = before.filter(|before| before.is_known() && !before.is_null());
        object(resource, block, &known.unwrap_or_else(|| open(block)), actual)
    };
    match nesting {
        Nesting::Single if actual.is_null() => Value::null(block.ty()),
        Nesting::Single => one(Some(before.clone()), actual),
        Nesting::List => {
            let actual = actual.as_array().map_or(&[][..], Vec::as_slice);
            let items = actual.iter().enumerate().map(|(i, part)| one(before.at(i), part)).collect();
            Value::list(block.ty(), items)
        }
    }
}

/// The object of a block of which nothing is recorded: all of it counts.
pub(crate) fn open(block: &Block) -> Value {
    Value::object(block.unset().iter().map(|(name, unset)| (name.clone(), Value::unknown(unset.ty()))))
}

/// Whether two lists or sets hold the same, in whatever order.
pub(crate) fn same_in_any_order(a: &Value, b: &Value) -> bool {
    let sorted = |value: &Value| {
        let mut items = value.as_items()?.to_vec();
        items.sort_by(Value::total_cmp);
        Some(items)
    };
    matches!((a.kind(), b.kind()), (Kind::List(_) | Kind::Tuple(_), Kind::List(_) | Kind::Tuple(_)))
        && sorted(a) == sorted(b)
}

/// What a data source found, with the configuration it was asked for.
pub(crate) fn found(block: &Block, config: &Value, actual: &Json) -> Value {
    Value::object(block.unset().iter().map(|(name, unset)| {
        let given = config.get(name).filter(|value| !value.is_null());
        let value = match (given, actual.get(&**name)) {
            (Some(given), _) => given,
            (None, Some(actual)) => {
                Value::from_plain_json(actual).convert(&unset.ty()).unwrap_or_else(|_| unset.clone())
            }
            (None, None) => unset.clone(),
        };
        let secret = block.attributes.get(&**name).is_some_and(|attribute| attribute.sensitive);
        (name.clone(), if secret { value.sensitive() } else { value })
    }))
}
