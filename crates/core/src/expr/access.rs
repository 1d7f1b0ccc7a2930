//! Parts of values: attributes, elements, and defaults for absent ones.

use super::ast::Defaults;
use super::eval::{EvalResult, fail};
use crate::diag::{Diagnostic, Span, nearest};
use crate::value::{Entries, Kind, Type, Value};

/// `source.name`, with what there is named when there is no such attribute.
pub(super) fn attribute(source: &Value, name: &str, span: Span, source_span: Span) -> EvalResult {
    if let Some(value) = source.get(name) {
        return Ok(value);
    }
    if source.is_null() {
        return fail(
            "Attempt to get attribute from null value",
            format!("This value is null, so it has no attribute {name:?}."),
            source_span,
        );
    }
    if let Ok(index) = name.parse::<usize>()
        && let Some(value) = source.at(index)
    {
        return Ok(value);
    }
    let error = match source.as_entries() {
        Some(entries) => Diagnostic::error(
            "Unsupported attribute",
            format!("This {} has no attribute named {name:?}.", source.ty().friendly()),
        )
        .suggest(name, entries.keys().map(|k| &**k)),
        None => {
            let error = Diagnostic::error(
                "Unsupported attribute",
                format!("A {} has no attributes.", source.ty().friendly()),
            );
            match source.as_items() {
                Some(_) => {
                    error.hint(format!("Take one element first, as in [0].{name}, or all with [*].{name}."))
                }
                None => error,
            }
        }
    };
    Err(Box::new(error.at(span)))
}

/// That a value has no element of a key, and which it has, unless that is
/// nobody's business.
fn no_element(source: &Value, key: &Value) -> Diagnostic {
    let kind = source.ty().friendly();
    let detail = format!("The given key {} does not identify an element of this {kind}.", key.show());
    let error = Diagnostic::error("Invalid index", detail);
    if !source.marks().is_empty() || !key.marks().is_empty() {
        return error;
    }
    let Some(entries) = source.as_entries() else {
        return match source.as_items().map(<[Value]>::len) {
            None => error,
            Some(0) => error.hint("It is empty."),
            Some(length) => error.hint(format!("It has {length} elements, from 0 to {}.", length - 1)),
        };
    };
    let given = key.as_str().unwrap_or_default();
    if let Some(name) = nearest(given, entries.keys().map(|name| &**name)) {
        return error.hint(format!("Did you mean {name:?}?"));
    }
    let mut known: Vec<String> = entries.keys().take(8).map(|name| format!("{name:?}")).collect();
    if known.is_empty() {
        return error.hint("It is empty.");
    }
    known.extend((entries.len() > known.len()).then(|| "…".to_owned()));
    error.hint(format!("It has {}.", known.join(", ")))
}

pub(super) fn index(source: &Value, key: &Value, span: Span) -> EvalResult {
    let marks = source.marks().union(key.marks());
    if source.is_null() {
        return fail("Attempt to index null value", "This value is null, so it has no elements.", span);
    }
    let elements = elements(source);
    if elements == Elements::Apart {
        let hint = "Turn it into a list with tolist, or go through it with a for expression.";
        let detail = "The elements of a set have no position or key.";
        return Err(Box::new(Diagnostic::error("Invalid index", detail).at(span).hint(hint)));
    }
    if !key.is_known() {
        if let Type::Bool | Type::Number | Type::String = source.ty() {
            let detail = format!("A {} has no elements.", source.ty().friendly());
            return Err(Box::new(Diagnostic::error("Invalid index", detail).at(span)));
        }
        let element = match source.ty() {
            Type::List(t) | Type::Map(t) => (*t).clone(),
            _ => Type::Dynamic,
        };
        return Ok(Value::unknown(element).with_marks(marks));
    }
    let found = if elements == Elements::Named {
        key.convert(&Type::String).ok().and_then(|k| source.get(k.as_str()?))
    } else {
        let position =
            key.convert(&Type::Number).ok().and_then(|k| usize::try_from(k.as_number()?.as_i64()?).ok());
        position.and_then(|i| source.at(i))
    };
    match found {
        Some(value) => Ok(value.with_marks(marks)),
        None if !source.is_known() && source.ty() == Type::Dynamic => {
            Ok(Value::unknown(Type::Dynamic).with_marks(marks))
        }
        None => Err(Box::new(no_element(source, key).at(span))),
    }
}

/// How a value's elements are told apart.
#[derive(PartialEq, Eq)]
enum Elements {
    Named,
    /// Those of a set have neither name nor position.
    Apart,
    Other,
}

/// By the value alone: its whole type is as large as it is.
fn elements(value: &Value) -> Elements {
    match value.kind() {
        Kind::Map(_) | Kind::Object(_) => Elements::Named,
        Kind::Set(_) => Elements::Apart,
        Kind::Unknown(unknown) => match unknown.ty {
            Type::Map(_) | Type::Object(_) => Elements::Named,
            Type::Set(_) => Elements::Apart,
            _ => Elements::Other,
        },
        _ => Elements::Other,
    }
}

/// Puts in defaults of optional attributes that are absent or null.
pub(crate) fn fill_defaults(value: &Value, defaults: &Defaults) -> Value {
    if defaults.is_empty() || value.is_null() || !value.is_known() {
        return value.clone();
    }
    let child =
        |name: &str| defaults.children.iter().find(|(n, _)| &**n == name || &**n == "*").map(|(_, d)| d);
    let filled = match value.kind() {
        Kind::Map(_) | Kind::Object(_) => {
            let entries = value.as_entries().cloned().unwrap_or_default();
            let mut entries: Entries = entries
                .into_iter()
                .map(|(name, v)| {
                    let v = child(&name).map_or_else(|| v.clone(), |d| fill_defaults(&v, d));
                    (name, v)
                })
                .collect();
            for (name, default) in &defaults.attributes {
                let slot = entries.entry(name.clone()).or_insert(Value::NULL);
                if slot.is_null() {
                    *slot = child(name).map_or_else(|| default.clone(), |d| fill_defaults(default, d));
                }
            }
            Value::object(entries)
        }
        _ => match value.as_items() {
            Some(items) => Value::tuple(
                items
                    .iter()
                    .enumerate()
                    .map(|(i, v)| child(&i.to_string()).map_or_else(|| v.clone(), |d| fill_defaults(v, d))),
            ),
            None => return value.clone(),
        },
    };
    filled.with_marks(value.marks())
}
