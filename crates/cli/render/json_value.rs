//! Values, and what is known and shown of them, in Terraform's JSON.
//!
//! Guarantees: a sensitive value is `null` unless the user asked to see it;
//! numbers are exact once the document is written by `Output::json`.

use serde_json::{Map, Value as Json, json};
use tenantctl_core::value::{Type, Value, exact};

/// The value; what is not known is left out of objects and `null` in lists.
pub(crate) fn value(value: &Value, show_sensitive: bool) -> Json {
    let special = |part: &Value| (!show_sensitive && !part.marks().is_empty()).then_some(Json::Null);
    if let Some(hidden) = special(value) {
        return hidden;
    }
    let part = |part: &Value| self::value(part, show_sensitive);
    if let Some(entries) = value.as_entries() {
        let known = entries.iter().filter(|(_, v)| v.is_known());
        return Json::Object(known.map(|(k, v)| (k.to_string(), part(v))).collect());
    }
    if let Some(items) = value.as_items() {
        return Json::Array(items.iter().map(part).collect());
    }
    match value.as_number() {
        Some(number) => exact::number(number),
        None => value.to_plain_json().unwrap_or(Json::Null),
    }
}

/// `true` where the value is not known; known parts of objects are left out.
pub(crate) fn unknown(value: &Value) -> Json {
    tree(value, &|part| !part.is_known())
}

/// `true` where the value is sensitive; other parts of objects are left out.
pub(crate) fn sensitive(value: &Value) -> Json {
    tree(value, &|part| !part.marks().is_empty())
}

fn tree(value: &Value, holds: &dyn Fn(&Value) -> bool) -> Json {
    if holds(value) {
        return Json::Bool(true);
    }
    if let Some(entries) = value.as_entries() {
        let parts = entries.iter().map(|(k, v)| (k.to_string(), tree(v, holds)));
        return Json::Object(parts.filter(|(_, part)| *part != Json::Bool(false)).collect());
    }
    match value.as_items() {
        Some(items) => items.iter().map(|item| tree(item, holds)).collect(),
        None => Json::Bool(false),
    }
}

/// A type in Terraform's JSON notation: `"string"`, `["list", "string"]`.
pub(crate) fn ty(ty: &Type) -> Json {
    match ty {
        Type::Dynamic => json!("dynamic"),
        Type::Bool => json!("bool"),
        Type::Number => json!("number"),
        Type::String => json!("string"),
        Type::List(element) => json!(["list", self::ty(element)]),
        Type::Set(element) => json!(["set", self::ty(element)]),
        Type::Map(element) => json!(["map", self::ty(element)]),
        Type::Tuple(elements) => json!(["tuple", elements.iter().map(self::ty).collect::<Vec<_>>()]),
        Type::Object(object) => {
            let attributes: Map<String, Json> =
                object.attributes.iter().map(|(name, t)| (name.to_string(), self::ty(t))).collect();
            json!(["object", attributes])
        }
    }
}

/// An output as state and plan show it.
pub(crate) fn output(value: &Value, sensitive: bool, show_sensitive: bool) -> Json {
    let hidden = (sensitive || !value.marks().is_empty()) && !show_sensitive;
    let mut json = json!({ "sensitive": sensitive || !value.marks().is_empty() });
    // Of what is known in part, nothing is said.
    if value.is_wholly_known() {
        json["type"] = ty(&value.ty());
        json["value"] = if hidden { Json::Null } else { self::value(value, show_sensitive) };
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_views_of_a_value() {
        let all = Value::object([
            ("id", Value::unknown(Type::String)),
            ("n", Value::from(1i64)),
            ("password", Value::from("hunter2").sensitive()),
            ("ports", Value::tuple([Value::from(1i64), Value::unknown(Type::Number)])),
        ]);
        assert_eq!(value(&all, false), json!({ "n": 1, "password": null, "ports": [1, null] }));
        assert_eq!(value(&all, true)["password"], "hunter2");
        assert_eq!(unknown(&all), json!({ "id": true, "ports": [false, true] }));
        assert_eq!(sensitive(&all), json!({ "password": true, "ports": [false, false] }));
    }
}
