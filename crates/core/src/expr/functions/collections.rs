//! Functions over collections of any kind.
//!
//! Guarantees: an answer that the known part of a collection already gives is
//! given, whatever else in it is unknown.

use unicode_segmentation::UnicodeSegmentation as _;

use super::FunctionContext;
use super::declare::Want::{Any, Bools, Number as Num, Sequence};
use super::declare::{Fault, Function, Param, Returns, conversion, failure, fault, integer, items, param};
use crate::expr::operators::same;
use crate::value::{Bounds, Kind, Number, Type, Unknown, Value, unify};

const BOOLS: &[Param] = &[param("list", Bools).partial()];
const SEARCH: &[Param] = &[param("list", Any).partial(), param("value", Any)];
/// What is there already is found, however many more there will be.
const OPEN_SEARCH: &[Param] = &[param("list", Sequence).open(), param("value", Any)];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("alltrue", BOOLS, Returns::Bool, |args, _| Ok(decide(args, false))),
    Function::new("anytrue", BOOLS, Returns::Bool, |args, _| Ok(decide(args, true))),
    Function::new("coalesce", &[], Returns::Any, coalesce).rest(param("vals", Any).unknown().nullable(), 1),
    Function::new("coalescelist", &[], Returns::Any, coalescelist)
        .rest(param("vals", Any).unknown().nullable(), 1),
    Function::new("contains", OPEN_SEARCH, Returns::Bool, contains),
    Function::new(
        "element",
        &[param("list", Any).shallow(), param("index", Num)],
        Returns::Maybe(element_type),
        element,
    ),
    Function::new("index", SEARCH, Returns::Number, index),
    Function::new("length", &[param("value", Any).unknown()], Returns::Number, length),
    Function::new("one", &[param("list", Sequence).partial()], Returns::Maybe(|args| common(args, 0)), one),
    Function::new("sum", &[param("list", Any)], Returns::Number, sum),
];

/// The elements of a list, set or tuple.
pub(super) fn sequence(args: &[Value], index: usize) -> Result<&[Value], Fault> {
    let found = args.get(index).and_then(Value::as_items);
    found.ok_or_else(|| fault(index, "a list, set or tuple is required"))
}

/// The type that every element has; `Dynamic` for tuples.
pub(super) fn common(args: &[Value], index: usize) -> Type {
    match args.get(index).map(Value::ty) {
        Some(Type::List(t) | Type::Set(t) | Type::Map(t)) => (*t).clone(),
        _ => Type::Dynamic,
    }
}

/// Whether some element is `wanted`; null counts as false.
fn decide(args: &[Value], wanted: bool) -> Value {
    let mut open = false;
    for item in items(args, 0) {
        match item.is_known() {
            true if item.as_bool().unwrap_or(false) == wanted => return wanted.into(),
            true => {}
            false => open = true,
        }
    }
    if open { Value::unknown_not_null(Type::Bool) } else { (!wanted).into() }
}

fn coalesce(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let ty = unify(args.iter().map(Value::ty));
    let ty = ty.ok_or_else(|| failure("all arguments must have the same type"))?;
    for (i, arg) in args.iter().enumerate() {
        if !arg.is_known() {
            return Ok(Value::unknown_not_null(ty));
        }
        if arg.is_null() {
            continue;
        }
        let value = arg.convert(&ty).map_err(|e| conversion(i, &e))?;
        if value.as_str() != Some("") {
            return Ok(value);
        }
    }
    Err(failure("no argument is neither null nor an empty string"))
}

fn coalescelist(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    for (i, arg) in args.iter().enumerate() {
        match arg.ty() {
            Type::List(_) | Type::Tuple(_) => {}
            Type::Dynamic if !arg.is_known() => {}
            _ => return Err(fault(i, "a list or tuple is required")),
        }
    }
    for arg in args {
        if arg.is_null() {
            continue;
        }
        if !arg.is_known() {
            let same = args.iter().all(|other| other.ty() == arg.ty());
            return Ok(Value::unknown(if same { arg.ty() } else { Type::Dynamic }));
        }
        if arg.as_items().is_some_and(|items| !items.is_empty()) {
            return Ok(arg.clone());
        }
    }
    Err(failure("no argument is neither null nor empty"))
}

fn contains(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let list = args.first().unwrap_or(&Value::NULL);
    if !list.is_known() {
        return Ok(Value::unknown_not_null(Type::Bool));
    }
    let items = sequence(args, 0)?;
    let wanted = args.get(1).unwrap_or(&Value::NULL);
    if items.contains(wanted) {
        return Ok(true.into());
    }
    let open = items.iter().any(|item| same(item, wanted).is_none());
    Ok(if open { Value::unknown_not_null(Type::Bool) } else { false.into() })
}

fn index(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let items = match args.first().map(Value::kind) {
        Some(Kind::List(_) | Kind::Tuple(_)) => sequence(args, 0)?,
        _ => return Err(fault(0, "a list or tuple is required")),
    };
    let wanted = args.get(1).unwrap_or(&Value::NULL);
    for (i, item) in items.iter().enumerate() {
        match same(item, wanted) {
            None => return Ok(Value::unknown_not_null(Type::Number)),
            Some(_) if item == wanted => return Ok(i.into()),
            Some(_) => {}
        }
    }
    Err(failure("the list does not hold the value"))
}

fn element(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let items = match args.first().map(Value::kind) {
        Some(Kind::List(_) | Kind::Tuple(_)) => sequence(args, 0)?,
        Some(Kind::Set(_)) => {
            return Err(fault(0, "a set has no order; turn it into a list with tolist or sort first"));
        }
        _ => return Err(fault(0, "a list or tuple is required")),
    };
    let index = integer(args, 1)?;
    // From the end, when negative; around and around, when too large.
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let index = index.checked_rem_euclid(length).and_then(|i| usize::try_from(i).ok());
    let found = index.and_then(|i| items.get(i));
    found.cloned().ok_or_else(|| fault(0, "must not be empty"))
}

fn element_type(args: &[Value]) -> Type {
    let index = args.get(1).and_then(Value::as_number).and_then(Number::as_i64);
    match (args.first().map(Value::ty), index) {
        (Some(Type::Tuple(types)), Some(index)) => {
            let length = i64::try_from(types.len()).unwrap_or(i64::MAX);
            let index = index.checked_rem_euclid(length).and_then(|i| usize::try_from(i).ok());
            index.and_then(|i| types.get(i)).cloned().unwrap_or_default()
        }
        _ => common(args, 0),
    }
}

fn length(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let value = args.first().unwrap_or(&Value::NULL);
    Ok(match value.kind() {
        Kind::String(s) => s.graphemes(true).count().into(),
        // Elements that are not known yet may turn out to be the same.
        Kind::Set(set) if set.items.len() > 1 && !value.is_wholly_known() => counted(value.known().lengths),
        Kind::List(_) | Kind::Set(_) | Kind::Tuple(_) => items(args, 0).len().into(),
        Kind::Map(_) | Kind::Object(_) => value.as_entries().map_or(0, crate::value::Entries::len).into(),
        Kind::Unknown(u) => match &u.ty {
            Type::Tuple(types) => types.len().into(),
            Type::Object(object) => object.attributes.len().into(),
            Type::List(_) | Type::Set(_) | Type::Map(_) => counted(u.lengths.clone()),
            // More text only adds to what is there.
            Type::String => {
                let prefix = u.prefix.as_deref().unwrap_or_default();
                counted(Bounds::from(prefix.graphemes(true).count()))
            }
            Type::Bool | Type::Number => return Err(no_length()),
            _ => Value::unknown_not_null(Type::Number),
        },
        _ => return Err(no_length()),
    })
}

/// A number of elements that is not known but for its bounds.
fn counted(lengths: Bounds<usize>) -> Value {
    let least = Number::from(lengths.least.unwrap_or(0));
    let numbers = Bounds { least: Some(least), most: lengths.most.map(Number::from) };
    Value::refined(Unknown { numbers, ..Unknown::not_null(Type::Number) })
}

fn no_length() -> Fault {
    fault(0, "a string, list, set, tuple, map or object is required")
}

fn one(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    match sequence(args, 0)? {
        [] => Ok(Value::null(common(args, 0))),
        [only] => Ok(only.clone()),
        more => Err(fault(0, format!("must have one element or none, but has {}", more.len()))),
    }
}

fn sum(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let items = sequence(args, 0)?;
    if items.is_empty() {
        return Err(fault(0, "must not be empty"));
    }
    let mut total: Option<Number> = None;
    for (i, item) in items.iter().enumerate() {
        let number = item.convert(&Type::Number).map_err(|e| fault(0, format!("at [{i}]: {e}")))?;
        let number = number.as_number().ok_or_else(|| fault(0, format!("the element at {i} is null")))?;
        total = Some(match total {
            None => number.clone(),
            Some(total) => {
                total.add(number).ok_or_else(|| failure("infinities of different signs have no sum"))?
            }
        });
    }
    Ok(total.map_or(Value::NULL, Value::from))
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
            ("alltrue", json!([[true, "true"]]), Ok(json!(true))),
            ("alltrue", json!([[]]), Ok(json!(true))),
            ("alltrue", json!([[true, null]]), Ok(json!(false))),
            ("alltrue", json!([["x"]]), Err("a bool is required")),
            ("anytrue", json!([[false, true]]), Ok(json!(true))),
            ("anytrue", json!([[]]), Ok(json!(false))),
            ("anytrue", json!([1]), Err("list of bool")),
            ("coalesce", json!([null, "", "b", "c"]), Ok(json!("b"))),
            ("coalesce", json!([1, "b"]), Ok(json!("1"))),
            ("coalesce", json!([null, ""]), Err("neither null nor")),
            ("coalesce", json!([[1], true]), Err("the same type")),
            ("coalescelist", json!([[], ["c"], ["d"]]), Ok(json!(["c"]))),
            ("coalescelist", json!([[]]), Err("neither null nor empty")),
            ("coalescelist", json!(["a"]), Err("a list or tuple")),
            ("contains", json!([["a", "b"], "a"]), Ok(json!(true))),
            ("contains", json!([[1], "1"]), Ok(json!(false))),
            ("contains", json!([{}, "1"]), Err("a list, set or tuple")),
            ("element", json!([["a", "b", "c"], 4]), Ok(json!("b"))),
            ("element", json!([[], 0]), Err("must not be empty")),
            ("element", json!([["a", "b", "c"], -4]), Ok(json!("c"))),
            ("index", json!([["a", "b"], "b"]), Ok(json!(1))),
            ("index", json!([["a", "b"], "c"]), Err("does not hold")),
            ("length", json!([["a", "b"]]), Ok(json!(2))),
            ("length", json!(["👨\u{200d}👩\u{200d}👧x"]), Ok(json!(2))),
            ("length", json!([{"a": 1}]), Ok(json!(1))),
            ("length", json!([5]), Err("a string, list")),
            ("one", json!([[]]), Ok(json!(null))),
            ("one", json!([["a"]]), Ok(json!("a"))),
            ("one", json!([["a", "b"]]), Err("has 2")),
            ("sum", json!([[1, 0.5, "2"]]), Ok(json!(3.5))),
            ("sum", json!([[]]), Err("must not be empty")),
            ("sum", json!([[null]]), Err("null")),
        ]);
    }

    #[test]
    fn what_is_known_is_used() {
        let open = || Value::unknown(Type::String);
        let list = Value::tuple(["a".into(), open()]);
        let cases: [(&str, Vec<Value>, Option<Value>); 7] = [
            ("length", vec![list.clone()], Some(2i64.into())),
            ("length", vec![Value::unknown(Type::object([("a", Type::Bool)]))], Some(1i64.into())),
            ("length", vec![Value::set(Type::String, vec![open(), "a".into()])], None),
            ("contains", vec![list.clone(), "a".into()], Some(true.into())),
            ("contains", vec![list.clone(), "b".into()], None),
            ("element", vec![list, 0i64.into()], Some("a".into())),
            ("alltrue", vec![Value::tuple([false.into(), open()])], Some(false.into())),
        ];
        for (name, args, expected) in cases {
            let got = call(name, &args, &context()).expect(name);
            assert_eq!(got.is_known().then_some(got), expected, "{name}");
        }
    }

    #[test]
    fn a_search_in_marked_elements_is_marked() {
        let list = Value::tuple([Value::from("a").sensitive()]);
        let found = call("contains", &[list.clone(), "b".into()], &context()).expect("contains");
        assert!(found.is_sensitive());
        assert!(!call("length", &[list], &context()).expect("length").is_sensitive());
    }
}
