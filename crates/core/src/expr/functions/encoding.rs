//! Functions that write values as text and read them back.
//!
//! Guarantees: what `jsonencode` and `yamlencode` write is what Terraform
//! writes; reading is bounded in depth and in the growth of YAML aliases.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::FunctionContext;
use super::declare::Want::{Any, String as Str};
use super::declare::{Fault, Function, Param, Returns, check_count, check_size, fault, param, quoting, text};
use super::{json, yaml};
use crate::value::{Type, Value};

const TEXT: &[Param] = &[param("str", Str)];
const VALUE: &[Param] = &[param("value", Any).nullable()];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base64decode", TEXT, Returns::String, base64decode),
    Function::new("base64encode", TEXT, Returns::String, |args, _| {
        check_size(text(args, 0).len().checked_mul(4).map(|n| n / 3))?;
        Ok(STANDARD.encode(text(args, 0)).into())
    }),
    Function::new("csvdecode", TEXT, Returns::Any, csvdecode),
    Function::new("jsondecode", TEXT, Returns::Any, jsondecode),
    Function::new("jsonencode", &[param("value", Any).open().nullable()], Returns::String, |args, _| {
        json::encode_known(args.first().unwrap_or(&Value::NULL))
    }),
    Function::new("urldecode", TEXT, Returns::String, urldecode),
    Function::new("urlencode", TEXT, Returns::String, urlencode),
    Function::new("yamldecode", TEXT, Returns::Any, |args, _| yaml::decode(text(args, 0))),
    Function::new("yamlencode", VALUE, Returns::String, |args, _| {
        Ok(yaml::encode(args.first().unwrap_or(&Value::NULL))?.into())
    }),
];

fn base64decode(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let compact: String = text(args, 0).chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = STANDARD.decode(compact).map_err(|_| fault(0, "is not valid Base64"))?;
    let text = String::from_utf8(bytes);
    text.map(Value::from).map_err(|_| fault(0, "what it encodes is not valid UTF-8"))
}

fn jsondecode(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    json::decode(text(args, 0)).map_err(|error| quoting(0, format!("is not JSON: {error}"), "is not JSON"))
}

fn urlencode(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let text = text(args, 0);
    check_size(text.len().checked_mul(3))?;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte.into()),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(out.into())
}

fn urldecode(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let mut out = Vec::new();
    let mut rest = text(args, 0).as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = rest.get(..2).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
                let digits = digits.and_then(|d| std::str::from_utf8(d).ok());
                let byte = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
                out.push(byte.ok_or_else(|| fault(0, "has a % without two hexadecimal digits after it"))?);
                rest = &rest[2..];
            }
            byte => out.push(*byte),
        }
    }
    String::from_utf8(out).map(Value::from).map_err(|_| fault(0, "what it encodes is not valid UTF-8"))
}

fn csvdecode(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let mut records = records(text(args, 0))?.into_iter();
    let header = records.next().ok_or_else(|| fault(0, "has no header line"))?;
    let mut seen = std::collections::BTreeSet::new();
    for name in &header {
        if !seen.insert(name) {
            let message = format!("the column {name:?} is there twice");
            return Err(quoting(0, message, "a column is there twice"));
        }
    }
    let mut rows = Vec::new();
    for record in records {
        if record.len() != header.len() {
            let message = format!(
                "record {} has {} fields, where the header has {}",
                rows.len() + 1,
                record.len(),
                header.len()
            );
            return Err(fault(0, message));
        }
        rows.push(Value::object(header.iter().map(String::as_str).zip(record.into_iter().map(Value::from))));
    }
    Ok(Value::list(Type::object(header.into_iter().map(|name| (name, Type::String))), rows))
}

/// The records of RFC 4180 text; empty lines are none.
fn records(text: &str) -> Result<Vec<Vec<String>>, Fault> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut fields = 0;
    let text = text.replace("\r\n", "\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        if record.is_empty() && rest.starts_with('\n') {
            rest = &rest[1..];
            continue;
        }
        let (field, after) =
            field(rest).map_err(|why| fault(0, format!("record {}: {why}", records.len() + 1)))?;
        record.push(field);
        fields += 1;
        check_count(Some(fields))?;
        match after.strip_prefix(',') {
            // After a comma at the very end there is one more, empty field.
            Some("") => record.push(String::new()),
            Some(next) => {
                rest = next;
                continue;
            }
            None => {}
        }
        records.push(std::mem::take(&mut record));
        rest = after.strip_prefix(['\n', ',']).unwrap_or(after);
    }
    Ok(records)
}

fn field(text: &str) -> Result<(String, &str), &'static str> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find([',', '\n']).unwrap_or(text.len());
        let (field, rest) = text.split_at(end);
        return match field.contains('"') {
            true => Err("a quote in a field that does not start with one"),
            false => Ok((field.to_owned(), rest)),
        };
    };
    let mut field = String::new();
    loop {
        let end = rest.find('"').ok_or("a quoted field without end")?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None if rest.is_empty() || rest.starts_with([',', '\n']) => return Ok((field, rest)),
            None => return Err("text after the closing quote of a field"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::call;
    use super::super::testing::{check, context};
    use super::*;
    use crate::value::{Type, Unknown};

    #[test]
    fn cases() {
        check(&[
            ("base64decode", json!(["aGVs\nbG8="]), Ok(json!("hello"))),
            ("base64decode", json!(["aGVsbG8"]), Err("not valid Base64")),
            ("base64decode", json!(["/wA="]), Err("not valid UTF-8")),
            ("base64encode", json!(["hello"]), Ok(json!("aGVsbG8="))),
            ("base64encode", json!([[]]), Err("a string")),
            (
                "csvdecode",
                json!(["a,b\n1,\"x \"\"y\"\"\nz\"\r\n\n2,\n"]),
                Ok(json!([{"a": "1", "b": "x \"y\"\nz"}, {"a": "2", "b": ""}])),
            ),
            ("csvdecode", json!(["a,b\n1,"]), Ok(json!([{"a": "1", "b": ""}]))),
            ("csvdecode", json!([""]), Err("no header")),
            ("csvdecode", json!(["a,a"]), Err("\"a\" is there twice")),
            ("csvdecode", json!(["a,b\n1"]), Err("record 1 has 1 fields")),
            ("csvdecode", json!(["a\n\"x"]), Err("without end")),
            ("jsondecode", json!(["{\"a\":[1,null]}"]), Ok(json!({"a": [1, null]}))),
            ("jsondecode", json!(["{"]), Err("is not JSON")),
            (
                "jsonencode",
                json!([{"b": [1.5, true], "a": "<>"}]),
                Ok(json!(r#"{"a":"\u003c\u003e","b":[1.5,true]}"#)),
            ),
            ("jsonencode", json!([null]), Ok(json!("null"))),
            ("jsonencode", json!([]), Err("missing")),
            ("urldecode", json!(["a%20b+c"]), Ok(json!("a b c"))),
            ("urldecode", json!(["%zz"]), Err("without two hexadecimal")),
            ("urlencode", json!(["a b&é~"]), Ok(json!("a+b%26%C3%A9~"))),
            ("urlencode", json!([null]), Err("null")),
            (
                "yamldecode",
                json!(["a: [1, yes, ~, 1.5, true]\n1: x"]),
                Ok(json!({"a": [1, true, null, 1.5, true], "1": "x"})),
            ),
            (
                "yamldecode",
                json!(["x: &a {k: 1}\nz:\n  <<: *a\n  l: 2"]),
                Ok(json!({"x": {"k": 1}, "z": {"k": 1, "l": 2}})),
            ),
            ("yamldecode", json!(["a: [",]), Err("is not YAML")),
            ("yamldecode", json!(["a: .nan"]), Err("not-a-number")),
            ("yamldecode", json!(["!x a"]), Err("tag")),
            ("yamlencode", json!([{"a": 1}]), Ok(json!("\"a\": 1\n"))),
            ("yamlencode", json!([]), Err("missing")),
        ]);
    }

    #[test]
    fn an_unknown_inside_makes_the_text_unknown() {
        let value = Value::tuple([Value::unknown(Type::Number)]);
        for (name, beginning) in [("jsonencode", "["), ("yamlencode", "")] {
            let made = call(name, std::slice::from_ref(&value), &context()).expect(name);
            assert_eq!(made, Value::refined(Unknown::beginning(beginning)), "{name}");
        }
    }

    #[test]
    fn yaml_aliases_do_not_explode() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for i in 1..12 {
            let aliases = vec![format!("*a{}", i - 1); 9].join(",");
            bomb.push_str(&format!("a{i}: &a{i} [{aliases}]\n"));
        }
        assert!(call("yamldecode", &[bomb.into()], &context()).is_err());
    }
}
