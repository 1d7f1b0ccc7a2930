//! Numbers in JSON documents as they are: JSON has numbers of any size, the
//! library's documents have 64 bits.
//!
//! A number that does not fit stands in a document as an object with one key
//! that nobody can guess; [`text`] puts the number in its place once the
//! document is text, and [`parse`] makes such documents of text.
//!
//! Must not: be given to a provider, whose services have 64 bits too.

use std::sync::LazyLock;

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::Number;

/// The key: another one in each process, so that no value holds it.
static KEY: LazyLock<String> = LazyLock::new(|| format!("number {}", uuid::Uuid::new_v4().simple()));

/// How deep arrays and objects may be in one another.
const MAX_DEPTH: u32 = 128;

/// A number in a document; an infinity, which JSON has not, is null.
pub fn number(n: &Number) -> Json {
    // There is a zero below zero.
    if let Some(i) = n.as_i64().filter(|i| *i != 0) {
        return Json::from(i);
    }
    if n.is_infinite() {
        return Json::Null;
    }
    let written = n.to_string();
    #[expect(clippy::cmp_owned, reason = "a JSON number is not equal to its text")]
    let is_exact = |plain: &Json| plain.to_string() == written;
    let plain = written.parse::<u64>().map_or_else(|_| Json::from(n.to_f64()), Json::from);
    if is_exact(&plain) {
        return plain;
    }
    Json::Object(Map::from_iter([(KEY.clone(), Json::String(written))]))
}

/// The number that a document has somewhere.
pub fn as_number(json: &Json) -> Option<Number> {
    match json {
        Json::Number(n) => match n.as_i64() {
            Some(i) => Some(Number::written(i)),
            None => n.to_string().parse().ok(),
        },
        Json::Object(entries) => entries.get(&*KEY)?.as_str()?.parse().ok(),
        _ => None,
    }
}

/// The text of a document with the numbers in it, however it is laid out.
pub fn text(document: String) -> String {
    let key = format!("\"{}\":", *KEY);
    if !document.contains(&key) {
        return document;
    }
    let mut parts = document.split(&key);
    let mut whole = String::with_capacity(document.len());
    whole.push_str(parts.next().unwrap_or_default());
    for part in parts {
        // Before stands the opening bracket, behind the digits in quotes and
        // the closing one.
        whole.truncate(whole.trim_end().trim_end_matches('{').len());
        let (digits, rest) = part.trim_start().trim_start_matches('"').split_once('"').unwrap_or((part, ""));
        whole.push_str(digits);
        whole.push_str(rest.trim_start().strip_prefix('}').unwrap_or(rest));
    }
    whole
}

/// The document that a text is.
///
/// # Errors
/// Text that is not JSON, or is nested too deep.
pub fn parse(text: &str) -> Result<Json, serde_json::Error> {
    read(serde_json::from_str(text)?, MAX_DEPTH)
}

fn read(json: &RawValue, depth: u32) -> Result<Json, serde_json::Error> {
    use serde::de::Error as _;

    let text = json.get();
    let first = text.as_bytes().first();
    let deeper = || depth.checked_sub(1).ok_or_else(|| serde_json::Error::custom("too deeply nested"));
    Ok(match first {
        Some(b'{') => {
            let entries: std::collections::BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            let depth = deeper()?;
            let entries = entries.into_iter().map(|(key, item)| Ok((key, read(item, depth)?)));
            Json::Object(entries.collect::<Result<_, serde_json::Error>>()?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            let depth = deeper()?;
            Json::Array(items.into_iter().map(|item| read(item, depth)).collect::<Result<_, _>>()?)
        }
        Some(b'-' | b'0'..=b'9') => {
            let too_large = |()| serde_json::Error::custom(format!("the number {text} is too large"));
            number(&text.parse::<Number>().map_err(too_large)?)
        }
        _ => serde_json::from_str(text)?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_of_any_size_come_through() {
        let given =
            r#"{"a":[12345678901234567890123,1,0.1,18446744073709551615,0,-0],"b":-3.14159265358979323846}"#;
        let document = parse(given).expect("JSON");
        assert_eq!(document["a"][1], json!(1));
        assert_eq!(document["a"][2], json!(0.1));
        assert_eq!(as_number(&document["a"][0]).expect("a number").to_string(), "12345678901234567890123");
        assert_eq!(text(document.to_string()), given);
        let pretty = text(serde_json::to_string_pretty(&document).expect("text"));
        assert_eq!(pretty.replace([' ', '\n'], ""), given);
        assert_eq!(number(&Number::infinity(false)), Json::Null);
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
