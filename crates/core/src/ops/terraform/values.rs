//! Values and types in the JSON that Terraform keeps in its state: by the
//! type that a schema gives, with the type beside the value where it gives
//! none.
//!
//! A sensitive value is `{"$sensitive": value}` here. Whoever writes it seals
//! it or takes the tag away; whoever reads it finds both forms.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::provider::{Block, BlockType, Nesting};
use crate::value::{Kind, Marks, Number, Type, Value, exact};

pub(super) const SENSITIVE: &str = "$sensitive";

/// A value by its type.
pub(super) fn to_json(value: &Value, ty: &Type) -> Json {
    if value.is_sensitive() {
        return json!({ SENSITIVE: to_json(&value.clone().unmark(), ty) });
    }
    if value.is_null() {
        return Json::Null;
    }
    if *ty == Type::Dynamic {
        let own = value.ty();
        return json!({ "value": to_json(value, &own), "type": type_to_json(&own) });
    }
    let of = |name: &str| match ty {
        Type::Object(object) => object.attributes.get(name).cloned().unwrap_or_default(),
        Type::Map(element) => (**element).clone(),
        _ => Type::Dynamic,
    };
    if let Some(entries) = value.as_entries() {
        return Json::Object(entries.iter().map(|(k, v)| (k.to_string(), to_json(v, &of(k)))).collect());
    }
    if let Some(items) = value.as_items() {
        let at = |i: usize| match ty {
            Type::List(element) | Type::Set(element) => (**element).clone(),
            Type::Tuple(elements) => elements.get(i).cloned().unwrap_or_default(),
            _ => Type::Dynamic,
        };
        return items.iter().enumerate().map(|(i, item)| to_json(item, &at(i))).collect();
    }
    match value.as_number() {
        Some(number) => exact::number(number),
        None => value.to_plain_json().unwrap_or(Json::Null),
    }
}

/// The reverse of [`to_json`].
///
/// # Errors
/// JSON that is not of that type, in words.
pub(super) fn from_json(json: &Json, ty: &Type) -> Result<Value, String> {
    if let Some(inner) = tagged(json) {
        return Ok(from_json(inner, ty)?.sensitive());
    }
    let wrong = || format!("{} was expected", ty.friendly());
    let all = |items: &[Json], of: &dyn Fn(usize) -> Type| -> Result<Vec<Value>, String> {
        items.iter().enumerate().map(|(i, item)| from_json(item, &of(i))).collect()
    };
    Ok(match (json, ty) {
        (Json::Null, Type::Dynamic) => Value::NULL,
        (Json::Null, _) => Value::null(ty.clone()),
        (Json::Object(wrapped), Type::Dynamic) => {
            let inner = wrapped.get("type").ok_or("a value without its type")?;
            from_json(wrapped.get("value").unwrap_or(&Json::Null), &type_from_json(inner)?)?
        }
        (Json::Bool(b), Type::Bool) => (*b).into(),
        // Terraform writes numbers that JSON readers would round as text.
        (Json::String(s), Type::Number) => number(s)?,
        (_, Type::Number) => exact::as_number(json).ok_or_else(wrong)?.into(),
        (Json::String(s), Type::String) => s.as_str().into(),
        (Json::Array(items), Type::List(element)) => {
            Value::list((**element).clone(), all(items, &|_| (**element).clone())?)
        }
        (Json::Array(items), Type::Set(element)) => {
            Value::set((**element).clone(), all(items, &|_| (**element).clone())?)
        }
        (Json::Array(items), Type::Tuple(elements)) if items.len() == elements.len() => {
            Value::tuple(all(items, &|i| elements[i].clone())?)
        }
        (Json::Object(entries), Type::Map(element)) => {
            let entry = |(k, v): (&String, &Json)| Ok((Arc::from(k.as_str()), from_json(v, element)?));
            Value::map((**element).clone(), entries.iter().map(entry).collect::<Result<Vec<_>, String>>()?)
        }
        (Json::Object(entries), Type::Object(object)) => {
            let entry = |(name, ty): (&Arc<str>, &Type)| {
                let value = from_json(entries.get(&**name).unwrap_or(&Json::Null), ty);
                Ok((name.clone(), value.map_err(|why| format!("{name}: {why}"))?))
            };
            Value::object(object.attributes.iter().map(entry).collect::<Result<Vec<_>, String>>()?)
        }
        _ => return Err(wrong()),
    })
}

fn number(text: &str) -> Result<Value, String> {
    text.parse::<Number>().map(Value::from).map_err(|()| format!("{text:?} is no number"))
}

/// What stands under the tag of a sensitive value.
pub(super) fn tagged(json: &Json) -> Option<&Json> {
    json.as_object().filter(|object| object.len() == 1)?.get(SENSITIVE)
}

/// The same JSON with sensitive values in the open.
pub(super) fn opened(json: Json) -> Json {
    match json {
        Json::Object(mut object) if object.len() == 1 && object.contains_key(SENSITIVE) => {
            opened(object.remove(SENSITIVE).unwrap_or_default())
        }
        Json::Object(object) => Json::Object(object.into_iter().map(|(k, v)| (k, opened(v))).collect()),
        Json::Array(items) => items.into_iter().map(opened).collect(),
        other => other,
    }
}

/// Terraform keeps nested blocks as lists, those that stand once at most, too.
pub(super) fn with_block_lists(json: Json, block: &Block) -> Json {
    each_block(json, block, &|inner, nested| match (inner, nested.nesting) {
        (Json::Null, Nesting::Single) => Json::Array(Vec::new()),
        (one @ Json::Object(_), Nesting::Single) => Json::Array(vec![with_block_lists(one, &nested.block)]),
        (Json::Array(items), _) => {
            items.into_iter().map(|item| with_block_lists(item, &nested.block)).collect()
        }
        (other, _) => other,
    })
}

/// The reverse of [`with_block_lists`].
pub(super) fn without_block_lists(json: Json, block: &Block) -> Json {
    each_block(json, block, &|inner, nested| match (inner, nested.nesting) {
        (Json::Array(items), Nesting::Single) => {
            let one = items.into_iter().next().unwrap_or_default();
            without_block_lists(one, &nested.block)
        }
        (Json::Array(items), Nesting::List) => {
            items.into_iter().map(|item| without_block_lists(item, &nested.block)).collect()
        }
        (other, _) => other,
    })
}

fn each_block(json: Json, block: &Block, f: &dyn Fn(Json, &BlockType) -> Json) -> Json {
    let Json::Object(mut entries) = json else { return json };
    for (name, nested) in &block.blocks {
        if let Some(inner) = entries.remove(*name) {
            entries.insert((*name).to_owned(), f(inner, nested));
        }
    }
    Json::Object(entries)
}

/// A type in Terraform's notation: `"string"`, `["list", "string"]`.
pub(super) fn type_to_json(ty: &Type) -> Json {
    match ty {
        Type::Dynamic => json!("dynamic"),
        Type::Bool => json!("bool"),
        Type::Number => json!("number"),
        Type::String => json!("string"),
        Type::List(element) => json!(["list", type_to_json(element)]),
        Type::Set(element) => json!(["set", type_to_json(element)]),
        Type::Map(element) => json!(["map", type_to_json(element)]),
        Type::Tuple(elements) => json!(["tuple", elements.iter().map(type_to_json).collect::<Vec<_>>()]),
        Type::Object(object) => {
            let attributes: Map<String, Json> =
                object.attributes.iter().map(|(name, t)| (name.to_string(), type_to_json(t))).collect();
            json!(["object", attributes])
        }
    }
}

/// The reverse of [`type_to_json`].
///
/// # Errors
/// JSON that is no type, in words.
pub(super) fn type_from_json(json: &Json) -> Result<Type, String> {
    let wrong = || format!("{json} is no type");
    if let Some(name) = json.as_str() {
        return match name {
            "dynamic" => Ok(Type::Dynamic),
            "bool" => Ok(Type::Bool),
            "number" => Ok(Type::Number),
            "string" => Ok(Type::String),
            _ => Err(wrong()),
        };
    }
    let parts = json.as_array().filter(|parts| parts.len() >= 2).ok_or_else(wrong)?;
    let element = || type_from_json(&parts[1]);
    match parts[0].as_str() {
        Some("list") => Ok(Type::list(element()?)),
        Some("set") => Ok(Type::set(element()?)),
        Some("map") => Ok(Type::map(element()?)),
        Some("tuple") => {
            let elements = parts[1].as_array().ok_or_else(wrong)?;
            Ok(Type::Tuple(elements.iter().map(type_from_json).collect::<Result<_, _>>()?))
        }
        Some("object") => {
            let attributes = parts[1].as_object().ok_or_else(wrong)?.iter();
            let attributes = attributes.map(|(name, ty)| Ok((name.as_str(), type_from_json(ty)?)));
            Ok(Type::object(attributes.collect::<Result<Vec<_>, String>>()?))
        }
        _ => Err(wrong()),
    }
}

/// Terraform's paths to the sensitive parts of a value.
pub(super) fn sensitive_paths(value: &Value, at: &[Json], paths: &mut Vec<Json>) {
    if value.is_sensitive() {
        paths.push(Json::Array(at.to_vec()));
        return;
    }
    let is_object = matches!(value.kind(), Kind::Object(_));
    let mut below = |step: Json, child: &Value| {
        let mut at = at.to_vec();
        at.push(step);
        sensitive_paths(child, &at, paths);
    };
    for (name, child) in value.as_entries().into_iter().flatten() {
        let name = &**name;
        below(if is_object { json!({ "type": "get_attr", "value": name }) } else { key(json!(name)) }, child);
    }
    for (i, child) in value.as_items().into_iter().flatten().enumerate() {
        below(key(json!(i)), child);
    }
}

fn key(value: Json) -> Json {
    let ty = if value.is_string() { "string" } else { "number" };
    json!({ "type": "index", "value": { "value": value, "type": ty } })
}

/// The value with the part at a path marked sensitive; the whole of what
/// cannot be gone into.
pub(super) fn marked(value: &Value, path: &[Json]) -> Value {
    let Some((step, rest)) = path.split_first() else { return value.clone().sensitive() };
    let name = match step.get("type").and_then(Json::as_str) {
        Some("get_attr") => step.get("value"),
        _ => step.get("value").and_then(|value| value.get("value")),
    };
    let marks = value.marks();
    let text = name.and_then(Json::as_str);
    let index = name.and_then(Json::as_u64).and_then(|i| usize::try_from(i).ok());
    match (value.kind(), text, index) {
        (Kind::Object(entries), Some(name), _) => {
            let entry = |(k, v): (&Arc<str>, &Value)| {
                (k.clone(), if **k == *name { marked(v, rest) } else { v.clone() })
            };
            Value::object(entries.iter().map(entry)).with_marks(marks)
        }
        (Kind::Map(map), Some(name), _) => {
            let entry = |(k, v): (&Arc<str>, &Value)| {
                (k.clone(), if **k == *name { marked(v, rest) } else { v.clone() })
            };
            Value::map(map.element.clone(), map.items.iter().map(entry)).with_marks(marks)
        }
        (Kind::Tuple(items), _, Some(at)) => {
            let item = |(i, v): (usize, &Value)| if i == at { marked(v, rest) } else { v.clone() };
            Value::tuple(items.iter().enumerate().map(item)).with_marks(marks)
        }
        (Kind::List(list), _, Some(at)) => {
            let item = |(i, v): (usize, &Value)| if i == at { marked(v, rest) } else { v.clone() };
            Value::list(list.element.clone(), list.items.iter().enumerate().map(item).collect())
                .with_marks(marks)
        }
        (Kind::Null(_), ..) => value.clone(),
        _ => value.clone().with_marks(Marks::SENSITIVE),
    }
}
