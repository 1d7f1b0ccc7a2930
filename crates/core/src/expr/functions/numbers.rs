//! Functions over numbers.
//!
//! Guarantees: only `log` and `pow` go through 64-bit floats, as they do in
//! Terraform.

pub(super) mod decimal;
mod floats;

use super::FunctionContext;
use super::declare::Want::{Number as Num, Text};
use super::declare::{Fault, Function, Returns, failure, fault, integer, number, param, quoting};
use crate::value::{Number, Type, Value};

/// Digits that `parseint` reads at most; more is no number a person wrote.
const MAX_DIGITS: usize = 10_000;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("abs", &[param("num", Num)], Returns::Number, |args, _| Ok(number(args, 0).abs().into())),
    Function::new("ceil", &[param("num", Num)], Returns::Number, |args, _| Ok(number(args, 0).ceil().into())),
    Function::new("floor", &[param("num", Num)], Returns::Number, |args, _| {
        Ok(number(args, 0).floor().into())
    }),
    Function::new("log", &[param("num", Num), param("base", Num)], Returns::Number, log),
    Function::new("max", &[], Returns::Number, max).rest(param("numbers", Num), 1),
    Function::new("min", &[], Returns::Number, min).rest(param("numbers", Num), 1),
    Function::new(
        "parseint",
        &[param("number", Text), param("base", Num)],
        Returns::Of(parseint_type),
        parseint,
    ),
    Function::new("pow", &[param("num", Num), param("power", Num)], Returns::Number, pow),
    Function::new("signum", &[param("num", Num)], Returns::Number, signum),
];

fn max(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    Ok((0..args.len()).map(|i| number(args, i)).max().unwrap_or_else(|| 0i64.into()).into())
}

fn min(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    Ok((0..args.len()).map(|i| number(args, i)).min().unwrap_or_else(|| 0i64.into()).into())
}

fn signum(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    Ok(integer(args, 0)?.signum().into())
}

fn log(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let natural = |i| floats::logarithm(number(args, i).to_f64());
    from_float(natural(0) / natural(1))
}

fn pow(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    from_float(floats::power(number(args, 0).to_f64(), number(args, 1).to_f64()))
}

fn from_float(float: f64) -> Result<Value, Fault> {
    if float.is_infinite() {
        return Ok(Number::infinity(float < 0.0).into());
    }
    Number::from_f64(float).map(Value::from).ok_or_else(|| failure("there is no such number"))
}

/// What is not known to be text may still turn out to be no number.
fn parseint_type(args: &[Value]) -> Type {
    if args.first().is_some_and(|v| v.ty() == Type::String) { Type::Number } else { Type::Dynamic }
}

fn parseint(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let base = u32::try_from(integer(args, 1)?)
        .ok()
        .filter(|base| (2..=62).contains(base))
        .ok_or_else(|| fault(1, "must be a whole number between 2 and 62 inclusive"))?;
    let Some(given) = args.first().and_then(Value::as_str) else {
        return Err(fault(0, "a string is required, which parseint does not make of other types"));
    };
    if given.len() > MAX_DIGITS {
        return Err(fault(0, format!("must have no more than {MAX_DIGITS} digits")));
    }
    parse_digits(given, base).map(Value::from).ok_or_else(|| {
        let message = format!("cannot parse {given:?} as an integer of base {base}");
        quoting(0, message, "cannot be parsed as an integer of that base")
    })
}

fn parse_digits(text: &str, base: u32) -> Option<Number> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let values = digits.iter().map(|b| digit(*b, base)).collect::<Option<Vec<_>>>()?;
    let magnitude = match base {
        ..=36 => Number::parse_radix(std::str::from_utf8(digits).ok()?, base)?,
        _ if values.is_empty() => return None,
        _ => {
            let base = Number::from(i64::from(base));
            values
                .iter()
                .try_fold(Number::from(0i64), |all, digit| all.mul(&base)?.add(&Number::from(*digit)))?
        }
    };
    Some(if negative { magnitude.neg() } else { magnitude })
}

/// Up to base 36 letter case does not matter; beyond, `A` follows `z`.
fn digit(byte: u8, base: u32) -> Option<i64> {
    let value = match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'z' => byte - b'a' + 10,
        b'A'..=b'Z' if base > 36 => byte - b'A' + 36,
        b'A'..=b'Z' => byte - b'A' + 10,
        _ => return None,
    };
    (u32::from(value) < base).then_some(i64::from(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::check;

    #[test]
    fn cases() {
        check(&[
            ("abs", json!([-1.5]), Ok(json!(1.5))),
            ("abs", json!(["x"]), Err("a number is required")),
            ("ceil", json!([1.2]), Ok(json!(2))),
            ("ceil", json!([null]), Err("must not be null")),
            ("floor", json!([-1.2]), Ok(json!(-2))),
            ("floor", json!([[]]), Err("a number is required")),
            ("log", json!([16, 2]), Ok(json!(4))),
            ("log", json!([-1, 2]), Err("no such number")),
            ("max", json!([1, "3", 2]), Ok(json!(3))),
            ("max", json!([1, "a"]), Err("a number")),
            ("min", json!([1, -3, 2]), Ok(json!(-3))),
            ("min", json!([]), Err("missing")),
            ("parseint", json!(["ff", 16]), Ok(json!(255))),
            ("parseint", json!(["-1010", 2]), Ok(json!(-10))),
            ("parseint", json!(["zA", 62]), Ok(json!(35 * 62 + 36))),
            ("parseint", json!(["12", 2]), Err("cannot parse \"12\"")),
            ("parseint", json!(["", 10]), Err("cannot parse")),
            ("parseint", json!(["1_0", 10]), Err("cannot parse")),
            ("parseint", json!(["1", 99]), Err("between 2 and 62")),
            ("pow", json!([2, 10]), Ok(json!(1024))),
            ("pow", json!([6.25, 0.5]), Ok(json!(2.5))),
            ("pow", json!([-1, 3]), Ok(json!(-1))),
            ("pow", json!([1.1, 10]), Ok(json!(2.593_742_460_100_002))),
            ("pow", json!([-1, 0.5]), Err("no such number")),
            ("signum", json!([-9]), Ok(json!(-1))),
            ("signum", json!([0.1]), Err("whole number")),
            ("signum", json!(["x"]), Err("a number")),
        ]);
    }
}
