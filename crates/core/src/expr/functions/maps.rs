//! Functions over maps and objects.
//!
//! Guarantees: entries come in the order of their keys; elements keep their
//! marks and their unknowns.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::FunctionContext;
use super::collections::common;
use super::declare::Want::{Any, MapOfStrings, String as Str, Strings};
use super::declare::{
    Fault, Function, Returns, check_count, conversion, failure, fault, items, param, quoting,
};
use super::declare::{strings, text};
use crate::value::{Entries, Kind, Type, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("keys", &[param("map", Any).unknown()], Returns::Any, keys),
    Function::new(
        "lookup",
        &[param("map", Any).shallow(), param("key", Str), param("default", Any).raw()],
        Returns::Maybe(lookup_type),
        lookup,
    )
    .optional(1),
    Function::new("merge", &[], Returns::Any, merge).rest(param("maps", Any).unknown().nullable(), 0),
    Function::new(
        "transpose",
        &[param("map", MapOfStrings)],
        Returns::Of(|_| Type::map(Type::list(Type::String))),
        transpose,
    ),
    Function::new("values", &[param("map", Any).unknown()], Returns::Any, values),
    Function::new(
        "zipmap",
        &[param("keys", Strings), param("values", Any).unknown()],
        Returns::Of(zipmap_type),
        zipmap,
    ),
];

/// The attributes of an object, unknown ones when it is not known itself.
fn attributes(value: &Value) -> Option<Entries> {
    match (value.kind(), value.ty()) {
        (Kind::Object(attributes), _) => Some((**attributes).clone()),
        (Kind::Unknown(_), Type::Object(object)) => {
            let unknown = |(name, ty): (&Arc<str>, &Type)| (name.clone(), Value::unknown(ty.clone()));
            Some(object.attributes.iter().map(unknown).collect())
        }
        _ => None,
    }
}

fn mapping_required(index: usize) -> Fault {
    fault(index, "a map or object is required")
}

fn keys(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let map = args.first().unwrap_or(&Value::NULL);
    if let Some(attributes) = attributes(map) {
        return Ok(Value::tuple(attributes.into_iter().map(|(name, _)| name.into())));
    }
    match (map.kind(), map.ty()) {
        (Kind::Map(m), _) => Ok(strings(m.items.keys().cloned())),
        (_, Type::Map(_)) => Ok(Value::unknown_not_null(Type::list(Type::String))),
        (_, Type::Dynamic) => Ok(Value::unknown(Type::Dynamic)),
        _ => Err(mapping_required(0)),
    }
}

fn values(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let map = args.first().unwrap_or(&Value::NULL);
    if let Some(attributes) = attributes(map) {
        return Ok(Value::tuple(attributes.into_iter().map(|(_, value)| value)));
    }
    match (map.kind(), map.ty()) {
        (Kind::Map(m), _) => Ok(Value::list(m.element.clone(), m.items.values().cloned().collect())),
        (_, Type::Map(element)) => Ok(Value::unknown_not_null(Type::list((*element).clone()))),
        (_, Type::Dynamic) => Ok(Value::unknown(Type::Dynamic)),
        _ => Err(mapping_required(0)),
    }
}

fn lookup(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let map = args.first().unwrap_or(&Value::NULL);
    let key = text(args, 1);
    let entries = map.as_entries().ok_or_else(|| mapping_required(0))?;
    match (entries.get(key), args.get(2), map.kind()) {
        // A map's default is of the type of its elements, needed or not.
        (Some(found), Some(default), Kind::Map(m)) => {
            default.convert(&m.element).map(|_| found.clone()).map_err(|e| conversion(2, &e))
        }
        (Some(found), ..) => Ok(found.clone()),
        (None, Some(default), Kind::Map(m)) => default.convert(&m.element).map_err(|e| conversion(2, &e)),
        (None, Some(default), _) => Ok(default.clone()),
        (None, None, _) => {
            let message = format!("there is no key {key:?}, and no default is given");
            Err(quoting(1, message, "there is no such key, and no default is given"))
        }
    }
}

fn lookup_type(args: &[Value]) -> Type {
    let key = args.get(1).and_then(Value::as_str);
    match (args.first().map(Value::ty), key) {
        (Some(Type::Object(object)), Some(key)) => object.attributes.get(key).cloned().unwrap_or_default(),
        _ => common(args, 0),
    }
}

/// Later arguments win; null ones are left out. Arguments of one type give
/// that type, others an object.
fn merge(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let mut merged = Entries::new();
    let (mut known, mut shape_known) = (true, true);
    for (i, arg) in args.iter().enumerate() {
        match arg.ty() {
            Type::Map(_) | Type::Object(_) => {}
            Type::Dynamic if arg.is_null() => continue,
            Type::Dynamic => {
                shape_known = false;
                continue;
            }
            _ => return Err(mapping_required(i)),
        }
        if arg.is_null() {
            continue;
        }
        known &= arg.is_known();
        match arg.as_entries().cloned().or_else(|| attributes(arg)) {
            Some(entries) => merged.extend(entries),
            None => shape_known = false,
        }
        check_count(Some(merged.len()))?;
    }
    let typed = || args.iter().filter(|a| !(a.is_null() && a.ty() == Type::Dynamic)).map(Value::ty);
    let first = typed().next();
    // What is null altogether is of no type, so that the types are not the same.
    let is_typed = typed().count() == args.len();
    let same = first.filter(|first| is_typed && *first != Type::Dynamic && typed().all(|ty| ty == *first));
    match same {
        Some(ty) if !known => Ok(Value::unknown_not_null(ty)),
        Some(Type::Map(element)) => Ok(Value::map((*element).clone(), merged)),
        _ if !shape_known => Ok(Value::unknown(Type::Dynamic)),
        _ => Ok(Value::object(merged)),
    }
}

fn transpose(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let mut turned: BTreeMap<Arc<str>, Vec<Value>> = BTreeMap::new();
    for (key, list) in args.first().and_then(Value::as_entries).into_iter().flatten() {
        if list.is_null() {
            return Err(fault(0, "no list may be null"));
        }
        for item in list.as_items().unwrap_or_default() {
            let Kind::String(item) = item.kind() else {
                return Err(fault(0, "no list may hold null"));
            };
            turned.entry(item.clone()).or_default().push(key.clone().into());
        }
    }
    let lists = turned.into_iter().map(|(key, list)| (key, strings(list)));
    Ok(Value::map(Type::list(Type::String), lists))
}

fn zipmap(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let keys = items(args, 0);
    let values = args.get(1).unwrap_or(&Value::NULL);
    let zipped: Vec<Value> = match (values.kind(), values.ty()) {
        (Kind::List(list), _) => list.items.clone(),
        (Kind::Tuple(items), _) => items.to_vec(),
        (Kind::Unknown(_), Type::Tuple(types)) => types.iter().cloned().map(Value::unknown).collect(),
        (Kind::Unknown(_), Type::List(_) | Type::Dynamic) => {
            return Ok(Value::unknown_not_null(zipmap_type(args)));
        }
        _ => return Err(fault(1, "a list or tuple is required")),
    };
    if keys.len() != zipped.len() {
        return Err(failure(format!("there are {} keys but {} values", keys.len(), zipped.len())));
    }
    let mut entries = Entries::new();
    for (i, (key, value)) in keys.iter().zip(zipped).enumerate() {
        let Kind::String(key) = key.kind() else {
            return Err(fault(0, format!("the element at {i} is null")));
        };
        entries.insert(key.clone(), value);
    }
    Ok(match zipmap_type(args) {
        Type::Map(element) => Value::map((*element).clone(), entries),
        _ => Value::object(entries),
    })
}

fn zipmap_type(args: &[Value]) -> Type {
    match args.get(1).map(Value::ty) {
        Some(Type::List(element)) => Type::map((*element).clone()),
        _ => Type::Dynamic,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::call;
    use super::super::testing::{check, context};
    use super::*;

    #[test]
    fn cases() {
        check(&[
            ("keys", json!([{"b": 1, "a": 2}]), Ok(json!(["a", "b"]))),
            ("keys", json!([[]]), Err("a map or object")),
            ("lookup", json!([{"a": "x"}, "a", "y"]), Ok(json!("x"))),
            ("lookup", json!([{"a": "x"}, "b", null]), Ok(json!(null))),
            ("lookup", json!([{"a": "x"}, "b"]), Err("no key \"b\"")),
            ("lookup", json!([[], "b"]), Err("a map or object")),
            ("merge", json!([{"a": 1, "b": 1}, null, {"b": "x"}]), Ok(json!({"a": 1, "b": "x"}))),
            ("merge", json!([]), Ok(json!({}))),
            ("merge", json!([{}, []]), Err("a map or object")),
            ("transpose", json!([{"a": ["1", "2"], "b": ["2"]}]), Ok(json!({"1": ["a"], "2": ["a", "b"]}))),
            ("transpose", json!([{"a": [null]}]), Err("null")),
            ("transpose", json!([{"a": "b"}]), Err("list of string")),
            ("values", json!([{"b": 1, "a": "x"}]), Ok(json!(["x", 1]))),
            ("values", json!(["a"]), Err("a map or object")),
            ("zipmap", json!([["a", "b"], [1, "x"]]), Ok(json!({"a": 1, "b": "x"}))),
            ("zipmap", json!([["a"], []]), Err("1 keys but 0 values")),
            ("zipmap", json!([["a"], {}]), Err("a list or tuple")),
        ]);
    }

    #[test]
    fn unknown_parts_stay_parts() {
        let open = Value::unknown(Type::String);
        let object = Value::object([("a", open.clone()), ("b", "x".into())]);
        let cases: [(&str, Vec<Value>, Value); 5] = [
            ("keys", vec![object.clone()], Value::tuple(["a".into(), "b".into()])),
            ("values", vec![object.clone()], Value::tuple([open.clone(), "x".into()])),
            ("lookup", vec![object.clone(), "b".into()], "x".into()),
            (
                "merge",
                vec![object.clone(), Value::object([("c", 1i64.into())])],
                Value::object([("a", open.clone()), ("b", "x".into()), ("c", 1i64.into())]),
            ),
            ("zipmap", vec![strings(["k"]), Value::tuple([open.clone()])], Value::object([("k", open)])),
        ];
        for (name, args, expected) in cases {
            assert_eq!(call(name, &args, &context()).expect(name), expected, "{name}");
        }
    }

    #[test]
    fn merge_gives_a_map_of_maps_of_one_type() {
        let map = |k: &str| Value::map(Type::String, [(k.into(), "v".into())]);
        let both = call("merge", &[map("a"), map("b")], &context()).expect("merge");
        assert_eq!(both.ty(), Type::map(Type::String));
        let later = Value::unknown(Type::map(Type::String));
        let merged = call("merge", &[map("a"), later], &context()).expect("merge");
        assert_eq!(merged, Value::unknown_not_null(Type::map(Type::String)));
        let mixed = call("merge", &[map("a"), Value::object([("n", 1i64.into())])], &context());
        assert!(matches!(mixed.expect("merge").ty(), Type::Object(_)));
    }

    #[test]
    fn only_the_secret_entry_is_marked() {
        let secret = Value::object([("p", Value::from("s").sensitive())]);
        let merged = call("merge", &[secret, Value::object([("q", "t".into())])], &context()).expect("merge");
        assert!(!merged.is_sensitive());
        assert!(merged.get("p").expect("p").is_sensitive() && !merged.get("q").expect("q").is_sensitive());
    }
}
