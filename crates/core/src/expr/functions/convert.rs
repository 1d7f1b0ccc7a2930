//! Conversions that the configuration asks for, and functions over marks.
//!
//! Guarantees: only `nonsensitive` and `ephemeralasnull` ever take a mark
//! away.

use super::FunctionContext;
use super::declare::Want::Any;
use super::declare::{Fault, Function, Param, Returns, fault, param, quoting};
use crate::value::{Kind, Marks, Type, Value};

const RAW: &[Param] = &[param("value", Any).raw()];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("tobool", RAW, Returns::Bool, |args, _| to(args, &Type::Bool)),
    Function::new("tolist", RAW, Returns::Any, |args, _| to(args, &Type::list(Type::Dynamic))),
    Function::new("tomap", RAW, Returns::Any, |args, _| to(args, &Type::map(Type::Dynamic))),
    Function::new("tonumber", RAW, Returns::Number, |args, _| to(args, &Type::Number)),
    Function::new("toset", RAW, Returns::Any, |args, _| to(args, &Type::set(Type::Dynamic))),
    Function::new("tostring", RAW, Returns::String, |args, _| to(args, &Type::String)),
    Function::new("sensitive", RAW, Returns::Any, |args, _| Ok(only(args).sensitive())),
    Function::new("nonsensitive", RAW, Returns::Any, nonsensitive),
    Function::new("issensitive", RAW, Returns::Bool, issensitive),
    Function::new("ephemeralasnull", RAW, Returns::Any, |args, _| Ok(without_ephemeral(&only(args)))),
];

fn only(args: &[Value]) -> Value {
    args.first().cloned().unwrap_or(Value::NULL)
}

fn to(args: &[Value], want: &Type) -> Result<Value, Fault> {
    let value = only(args);
    value.convert(want).map_err(|error| {
        let have = value.ty().friendly();
        let want = want.friendly();
        match value.kind() {
            Kind::String(s) => {
                quoting(0, format!("cannot convert {s:?} to {want}"), "the text cannot be converted")
            }
            _ if error.path.steps().is_empty() => {
                fault(0, format!("cannot convert {have} to {want}: {}", error.message))
            }
            _ => quoting(
                0,
                format!("cannot convert {have} to {want}: at {}, {}", error.path, error.message),
                "an element cannot be converted",
            ),
        }
    })
}

fn nonsensitive(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let value = only(args);
    let rest = value.marks().without(Marks::SENSITIVE);
    Ok(value.unmark().with_marks(rest))
}

fn issensitive(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let value = only(args);
    // What is unknown now may still turn out to be sensitive.
    Ok(match value.is_known() || value.is_sensitive() {
        true => value.is_sensitive().into(),
        false => Value::unknown_not_null(Type::Bool),
    })
}

fn without_ephemeral(value: &Value) -> Value {
    if value.marks().contains(Marks::EPHEMERAL) {
        return Value::null(value.ty()).with_marks(value.marks().without(Marks::EPHEMERAL));
    }
    value.map_children(&without_ephemeral)
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
            ("tobool", json!(["true"]), Ok(json!(true))),
            ("tobool", json!([null]), Ok(json!(null))),
            ("tobool", json!(["yes"]), Err("cannot convert \"yes\" to bool")),
            ("tolist", json!([[1, "a"]]), Ok(json!(["1", "a"]))),
            ("tolist", json!([1]), Err("cannot convert number to list")),
            ("tomap", json!([{"a": 1, "b": "x"}]), Ok(json!({"a": "1", "b": "x"}))),
            ("tomap", json!([[]]), Err("cannot convert tuple to map")),
            ("tonumber", json!(["1.5"]), Ok(json!(1.5))),
            ("tonumber", json!(["a"]), Err("cannot convert \"a\" to number")),
            ("toset", json!([["b", "a", "b"]]), Ok(json!(["a", "b"]))),
            ("toset", json!([{}]), Err("cannot convert object")),
            ("tostring", json!([1.50]), Ok(json!("1.5"))),
            ("tostring", json!([[]]), Err("a string is required")),
            ("sensitive", json!([1]), Ok(json!(1))),
            ("sensitive", json!([]), Err("missing")),
            ("nonsensitive", json!([1]), Ok(json!(1))),
            ("nonsensitive", json!([]), Err("missing")),
            ("issensitive", json!([1]), Ok(json!(false))),
            ("issensitive", json!([]), Err("missing")),
            ("ephemeralasnull", json!([[1]]), Ok(json!([1]))),
            ("ephemeralasnull", json!([]), Err("missing")),
        ]);
    }

    #[test]
    fn marks_come_and_go() {
        let one = |name: &str, value: &Value| {
            call(name, std::slice::from_ref(value), &context()).expect("one argument")
        };
        let secret = one("sensitive", &"x".into());
        assert!(secret.is_sensitive());
        assert!(!one("nonsensitive", &secret).is_sensitive());
        let asked = one("issensitive", &secret);
        assert_eq!((asked.as_bool(), asked.is_sensitive()), (Some(true), false));
        assert!(!one("issensitive", &Value::unknown(Type::String)).is_known());
        let passing = Value::from("x").with_marks(Marks::EPHEMERAL);
        let object = Value::object([("a", passing), ("b", 1i64.into())]);
        let kept = one("ephemeralasnull", &object);
        assert!(kept.get("a").expect("there").is_null() && kept.deep_marks().is_empty());
        assert!(one("tolist", &Value::tuple([secret])).at(0).expect("one").is_sensitive());
    }
}
