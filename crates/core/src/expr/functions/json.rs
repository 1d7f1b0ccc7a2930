//! JSON as `jsonencode` writes it and `jsondecode` reads it.
//!
//! Guarantees: byte for byte what Terraform writes: keys sorted, no spaces,
//! `<`, `>`, `&` and the two Unicode line separators escaped; numbers are
//! exact both ways; reading is bounded in depth.

use std::fmt::Write as _;

use super::declare::{Fault, check_size, failure};
use crate::value::{Kind, Type, Unknown, Value};

/// A wholly known value as JSON.
pub(super) fn encode(value: &Value) -> Result<String, Fault> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

/// A value as JSON; of one that is not wholly known, what it begins with.
pub(super) fn encode_known(value: &Value) -> Result<Value, Fault> {
    if value.is_wholly_known() {
        return Ok(encode(value)?.into());
    }
    let known = value.known();
    Ok(Value::refined(Unknown::beginning(match known.ty {
        _ if !known.not_null => "",
        Type::String => "\"",
        Type::Map(_) | Type::Object(_) => "{",
        Type::List(_) | Type::Set(_) | Type::Tuple(_) => "[",
        _ => "",
    })))
}

fn write(value: &Value, out: &mut String) -> Result<(), Fault> {
    check_size(Some(out.len()))?;
    match value.kind() {
        Kind::Null(_) => out.push_str("null"),
        Kind::Unknown(_) => return Err(failure("the value is not known yet")),
        Kind::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Kind::Number(n) if n.is_infinite() => return Err(failure("infinity cannot be written")),
        Kind::Number(n) => out.push_str(&n.to_string()),
        Kind::String(s) => quote(s, out),
        Kind::List(l) | Kind::Set(l) => sequence(&l.items, out)?,
        Kind::Tuple(items) => sequence(items, out)?,
        Kind::Map(_) | Kind::Object(_) => {
            out.push('{');
            for (i, (key, item)) in value.as_entries().into_iter().flatten().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                quote(key, out);
                out.push(':');
                write(item, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn sequence(items: &[Value], out: &mut String) -> Result<(), Fault> {
    out.push('[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(item, out)?;
    }
    out.push(']');
    Ok(())
}

/// Appends a string in quotes.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The value that a JSON text stands for.
pub(super) fn decode(text: &str) -> Result<Value, serde_json::Error> {
    Value::from_json_text(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Number;

    #[test]
    fn numbers_are_exact() {
        let read = |text: &str| decode(text).expect("JSON");
        assert_eq!(
            encode(&read("[123456789012345678901, {\"a\": 0.10}]")).expect("known"),
            "[123456789012345678901,{\"a\":0.1}]"
        );
        assert_eq!(read("1e400"), "1e400".parse::<Number>().expect("a number").into());
        assert!(decode(&"[".repeat(100_000)).is_err());
        assert!(decode(&format!("{}{}", "[".repeat(200), "]".repeat(200))).is_err());
    }

    #[test]
    fn escapes() {
        let cases = [("a<&>", r#""a\u003c\u0026\u003e""#), ("\u{1}\n\u{2028}é", r#""\u0001\n\u2028é""#)];
        for (text, expected) in cases {
            assert_eq!(encode(&text.into()).expect("known"), expected);
        }
    }

    #[test]
    fn shared_structure_that_explodes_is_refused() {
        let mut value = Value::from("0123456789");
        for _ in 0..40 {
            value = Value::tuple([value.clone(), value]);
        }
        assert!(encode(&value).is_err());
    }
}
