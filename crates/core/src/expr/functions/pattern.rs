//! Functions over regular expressions.
//!
//! Guarantees: patterns mean what they mean in Terraform; `re2` sees to that.

use regex::Captures;

use super::FunctionContext;
use super::declare::Want::String as Str;
use super::declare::{Fault, Function, Returns, check_size, failure, fault, param, quoting, text};
use super::re2::Pattern;
use crate::value::{Type, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("regex", &[param("pattern", Str), param("string", Str)], Returns::Of(match_type), first),
    Function::new(
        "regexall",
        &[param("pattern", Str), param("string", Str)],
        Returns::Of(|args| Type::list(match_type(args))),
        all,
    ),
    Function::new(
        "replace",
        &[param("str", Str), param("substr", Str), param("replace", Str)],
        Returns::String,
        replace,
    ),
];

fn compile(argument: usize, pattern: &str) -> Result<Pattern, Fault> {
    Pattern::new(pattern).map_err(|reason| {
        quoting(argument, format!("is not a regular expression: {reason}"), "is not a regular expression")
    })
}

/// The type of one match: a string, or what the groups make of it.
fn match_type(args: &[Value]) -> Type {
    let pattern = args.first().and_then(Value::as_str);
    pattern.and_then(|text| Pattern::new(text).ok()).map_or(Type::Dynamic, |pattern| type_of(&pattern))
}

fn type_of(pattern: &Pattern) -> Type {
    match pattern.names.as_slice() {
        [] => Type::String,
        names @ [Some(_), ..] => {
            Type::object(names.iter().flatten().map(|name| (name.as_str(), Type::String)))
        }
        names @ [None, ..] => Type::Tuple(names.iter().map(|_| Type::String).collect()),
    }
}

fn pattern(args: &[Value]) -> Result<Pattern, Fault> {
    let pattern = compile(0, text(args, 0))?;
    let named = pattern.names.iter().flatten().count();
    match named == 0 || named == pattern.names.len() {
        true => Ok(pattern),
        false => Err(fault(0, "either all groups must have names or none")),
    }
}

fn matched(pattern: &Pattern, captures: &Captures<'_>) -> Value {
    let group = |i: usize| match captures.get(i) {
        Some(group) => group.as_str().into(),
        None => Value::null(Type::String),
    };
    let names = pattern.names.iter().zip(1..);
    match pattern.names.first() {
        None => group(0),
        Some(Some(_)) => {
            Value::object(names.filter_map(|(name, i)| name.as_deref().map(|name| (name, group(i)))))
        }
        Some(None) => Value::tuple(names.map(|(_, i)| group(i))),
    }
}

fn first(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let pattern = pattern(args)?;
    let captures = pattern.regex.captures(text(args, 1));
    let captures = captures.ok_or_else(|| failure("the pattern did not match any part of the string"))?;
    Ok(matched(&pattern, &captures))
}

fn all(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let pattern = pattern(args)?;
    let mut found = Vec::new();
    for captures in pattern.regex.captures_iter(text(args, 1)) {
        super::declare::check_count(found.len().checked_mul(pattern.names.len() + 1))?;
        found.push(matched(&pattern, &captures));
    }
    Ok(Value::list(type_of(&pattern), found))
}

fn replace(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let (whole, part, with) = (text(args, 0), text(args, 1), text(args, 2));
    let slashed = part.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    if let Some(pattern) = slashed {
        return replace_pattern(whole, &compile(1, pattern)?, with);
    }
    let count = whole.matches(part).count();
    check_size(count.checked_mul(with.len()).and_then(|n| n.checked_add(whole.len())))?;
    Ok(whole.replace(part, with).into())
}

fn replace_pattern(whole: &str, pattern: &Pattern, with: &str) -> Result<Value, Fault> {
    let mut out = String::new();
    let mut done = 0;
    for captures in pattern.regex.captures_iter(whole) {
        let Some(found) = captures.get(0) else { continue };
        out.push_str(&whole[done..found.start()]);
        // One expansion is at most this long; check before it is made.
        check_size(
            with.len().checked_add(expansion(&captures, with)).and_then(|n| n.checked_add(out.len())),
        )?;
        pattern.expand(&captures, with, &mut out);
        done = found.end();
    }
    out.push_str(&whole[done..]);
    Ok(out.into())
}

fn expansion(captures: &Captures<'_>, with: &str) -> usize {
    let longest = captures.iter().flatten().map(|m| m.len()).max().unwrap_or_default();
    with.matches('$').count().saturating_mul(longest)
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
            ("regex", json!(["[a-z]+", "53a-b"]), Ok(json!("a"))),
            ("regex", json!([r"(\d+)-(x)?", "53-b"]), Ok(json!(["53", null]))),
            ("regex", json!([r"(?P<n>\d+)", "a53"]), Ok(json!({"n": "53"}))),
            ("regex", json!(["x", "a"]), Err("did not match")),
            ("regex", json!(["(", "a"]), Err("unclosed group")),
            ("regex", json!(["(?P<a>x)(y)", "xy"]), Err("either all groups")),
            ("regex", json!([r"^[[\d&&]+\Q[.\E$", "[1&[."]), Ok(json!("[1&[."))),
            ("regex", json!([r"^\d$", "٣"]), Err("did not match")),
            ("regex", json!([r"[[:alpha:]\-]+", "1a-"]), Ok(json!("a-"))),
            ("regexall", json!(["[a-z]", "1a2b"]), Ok(json!(["a", "b"]))),
            ("regexall", json!(["[a-z]", "1"]), Ok(json!([]))),
            ("regexall", json!(["*", "1"]), Err("not a regular expression")),
            ("replace", json!(["1+2+3", "+", "-"]), Ok(json!("1-2-3"))),
            ("replace", json!(["hello world", r"/w(.*)d/", "$1"]), Ok(json!("hello orl"))),
            ("replace", json!(["ab", "/x*/", "-"]), Ok(json!("-a-b-"))),
            ("replace", json!(["a", "/(/", "-"]), Err("unclosed group")),
            ("replace", json!(["a/b", "/", "-"]), Ok(json!("a-b"))),
        ]);
    }

    #[test]
    fn blow_up_is_refused() {
        let many = Value::from("a".repeat(20_000));
        for pattern in ["a", "/a/"] {
            let args = [many.clone(), pattern.into(), many.clone()];
            let error = call("replace", &args, &context()).expect_err("too large");
            assert!(error.message.contains("larger"), "{error}");
        }
    }

    #[test]
    fn the_pattern_gives_the_type() {
        let later = call("regexall", &["(a)".into(), Value::unknown(Type::String)], &context());
        assert_eq!(later.expect("unknown").ty(), Type::list(Type::Tuple([Type::String].into())));
    }
}
