//! Functions over regular expressions.
//!
//! Guarantees: patterns mean what they mean in Terraform (RE2): `\d`, `\s`,
//! `\w` and `\b` are ASCII, `[` in a class is a plain character, `\Q..\E`
//! quotes. Matching takes linear time, whatever the pattern.

use regex::{Captures, Regex};

use super::FunctionContext;
use super::declare::Want::String as Str;
use super::declare::{Fault, Function, Returns, check_size, failure, fault, param, quoting, text};
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

fn compile(pattern: &str, argument: usize) -> Result<Regex, Fault> {
    Regex::new(&translate(pattern)).map_err(|error| {
        let reason = match error {
            regex::Error::CompiledTooBig(_) => "it is too large".into(),
            // The last line says what is wrong; those before quote the pattern.
            error => {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                last.trim_start_matches("error: ").to_owned()
            }
        };
        quoting(argument, format!("is not a regular expression: {reason}"), "is not a regular expression")
    })
}

/// Rewrites what RE2 and the regex crate understand differently.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('Q') => quote(&mut chars, &mut out),
                Some(escape) => translate_escape(escape, in_class, &mut out),
                None => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // A bracket right at the start is a member of the class.
                if chars.next_if_eq(&']').is_some() {
                    out.push_str(r"\]");
                }
            }
            '[' if chars.peek() == Some(&':') => {
                out.push('[');
                for inner in chars.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '[' => out.push_str(r"\["),
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

fn quote(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next_if_eq(&'E').is_some() {
            return;
        }
        out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }
}

fn translate_escape(escape: char, in_class: bool, out: &mut String) {
    out.push_str(match (escape, in_class) {
        ('d', false) => "[0-9]",
        ('d', true) => "0-9",
        ('D', _) => "[^0-9]",
        ('s', false) => r"[\t\n\f\r ]",
        ('s', true) => r"\t\n\f\r ",
        ('S', _) => r"[^\t\n\f\r ]",
        ('w', false) => "[0-9A-Za-z_]",
        ('w', true) => "0-9A-Za-z_",
        ('W', _) => "[^0-9A-Za-z_]",
        ('b', false) => r"(?-u:\b)",
        ('<', _) => "<",
        ('>', _) => ">",
        _ => {
            out.extend(['\\', escape]);
            return;
        }
    });
}

/// The type of one match: a string, or what the groups make of it.
fn match_type(args: &[Value]) -> Type {
    let pattern = args.first().and_then(Value::as_str);
    let Some(Ok(regex)) = pattern.map(|p| compile(p, 0)) else { return Type::Dynamic };
    let names: Vec<_> = regex.capture_names().skip(1).collect();
    match names.as_slice() {
        [] => Type::String,
        [Some(_), ..] => Type::object(names.into_iter().flatten().map(|name| (name, Type::String))),
        [None, ..] => Type::Tuple(names.iter().map(|_| Type::String).collect()),
    }
}

fn pattern(args: &[Value]) -> Result<Regex, Fault> {
    let regex = compile(text(args, 0), 0)?;
    let groups = regex.captures_len() - 1;
    let named = regex.capture_names().flatten().count();
    match named == 0 || named == groups {
        true => Ok(regex),
        false => Err(fault(0, "either all groups must have names or none")),
    }
}

fn matched(regex: &Regex, captures: &Captures<'_>) -> Value {
    let group = |i: usize| match captures.get(i) {
        Some(group) => group.as_str().into(),
        None => Value::null(Type::String),
    };
    let names: Vec<_> = regex.capture_names().enumerate().skip(1).collect();
    match names.as_slice() {
        [] => group(0),
        [(_, Some(_)), ..] => {
            Value::object(names.iter().filter_map(|(i, name)| name.map(|name| (name, group(*i)))))
        }
        [(_, None), ..] => Value::tuple(names.iter().map(|(i, _)| group(*i))),
    }
}

fn first(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let regex = pattern(args)?;
    let captures = regex.captures(text(args, 1));
    let captures = captures.ok_or_else(|| failure("the pattern did not match any part of the string"))?;
    Ok(matched(&regex, &captures))
}

fn all(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let regex = pattern(args)?;
    let mut found = Vec::new();
    for captures in regex.captures_iter(text(args, 1)) {
        super::declare::check_count(found.len().checked_mul(regex.captures_len()))?;
        found.push(matched(&regex, &captures));
    }
    Ok(Value::list(match_type(args), found))
}

fn replace(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let (whole, part, with) = (text(args, 0), text(args, 1), text(args, 2));
    let slashed = part.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    if let Some(pattern) = slashed {
        return replace_pattern(whole, &compile(pattern, 1)?, with);
    }
    let count = whole.matches(part).count();
    check_size(count.checked_mul(with.len()).and_then(|n| n.checked_add(whole.len())))?;
    Ok(whole.replace(part, with).into())
}

fn replace_pattern(whole: &str, regex: &Regex, with: &str) -> Result<Value, Fault> {
    let mut out = String::new();
    let mut done = 0;
    for captures in regex.captures_iter(whole) {
        let Some(found) = captures.get(0) else { continue };
        out.push_str(&whole[done..found.start()]);
        // One expansion is at most this long; check before it is made.
        check_size(
            with.len().checked_add(expansion(&captures, with)).and_then(|n| n.checked_add(out.len())),
        )?;
        captures.expand(with, &mut out);
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
