//! Functions that give something else each time: while planning they are
//! unknown, so that what was planned stays true.
//!
//! Must not: read the clock; [`FunctionContext::now`] has the time.

use uuid::Uuid;

use super::FunctionContext;
use super::declare::Want::{Number as Num, String as Str};
use super::declare::{Fault, Function, Returns, fault, integer, param, quoting, text};
use crate::value::{Type, Value};

/// What bcrypt takes for a password at most, in bytes.
const MAX_PASSWORD: usize = 72;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("bcrypt", &[param("str", Str), param("cost", Num)], Returns::String, bcrypt).optional(1),
    Function::new("timestamp", &[], Returns::String, |_, context| {
        Ok(context.now.map_or_else(later, Value::from))
    }),
    Function::new("uuid", &[], Returns::String, |_, context| {
        Ok(context.now.map_or_else(later, |_| Uuid::new_v4().to_string().into()))
    }),
];

fn later() -> Value {
    Value::unknown_not_null(Type::String)
}

fn bcrypt(args: &[Value], context: &FunctionContext<'_>) -> Result<Value, Fault> {
    let cost = if args.len() > 1 { integer(args, 1)? } else { 10 };
    let cost = match u32::try_from(cost) {
        Ok(cost @ 4..=31) => cost,
        Ok(32..) => return Err(fault(1, "must be 31 or less")),
        _ => 10,
    };
    let password = text(args, 0);
    if password.len() > MAX_PASSWORD {
        return Err(fault(0, format!("must have no more than {MAX_PASSWORD} bytes")));
    }
    if context.now.is_none() {
        return Ok(later());
    }
    let made = bcrypt::hash_with_result(password, cost);
    let made = made.map_err(|error| quoting(0, error.to_string(), "cannot be hashed"))?;
    Ok(made.format_for_version(bcrypt::Version::TwoA).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{check, context, run};
    use super::super::{FunctionContext, call};

    #[test]
    fn cases() {
        check(&[
            ("bcrypt", json!(["x", 32]), Err("31 or less")),
            ("bcrypt", json!(["x".repeat(73)]), Err("72 bytes")),
            ("timestamp", json!([]), Ok(json!("2026-01-02T04:00:00Z"))),
            ("timestamp", json!([1]), Err("too many")),
            ("uuid", json!([1]), Err("too many")),
        ]);
        let hash = run("bcrypt", &json!(["secret", 4])).expect("hashed");
        let hash = hash.as_str().expect("text");
        assert!(hash.starts_with("$2a$04$"), "{hash}");
        assert!(bcrypt::verify("secret", hash).expect("a hash"));
        assert_ne!(run("uuid", &json!([])).expect("one"), run("uuid", &json!([])).expect("another"));
    }

    #[test]
    fn while_planning_they_are_unknown() {
        let planning = FunctionContext { now: None, ..context() };
        for (name, args) in [("bcrypt", vec!["x".into()]), ("timestamp", vec![]), ("uuid", vec![])] {
            assert!(!call(name, &args, &planning).expect(name).is_known(), "{name}");
        }
    }
}
