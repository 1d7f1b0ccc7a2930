//! Values without parts as text of the configuration language.

use std::borrow::Cow;

use tenantctl_core::value::{Kind, Value};

use super::text::printable;

/// Stands for a value that is not known yet.
pub(super) const UNKNOWN: &str = "(known after apply)";
/// Stands for a value that is not shown.
pub(super) const SENSITIVE: &str = "(sensitive value)";

/// The text of a value that has no parts to show; empty containers are such.
pub(super) fn text(value: &Value) -> Option<String> {
    Some(match value.kind() {
        Kind::Null(_) => "null".into(),
        Kind::Unknown(_) => UNKNOWN.into(),
        Kind::Bool(b) => b.to_string(),
        Kind::Number(n) => n.to_string(),
        Kind::String(s) => quote(s),
        Kind::List(_) | Kind::Set(_) | Kind::Tuple(_) => {
            return value.as_items().is_some_and(<[Value]>::is_empty).then(|| "[]".into());
        }
        Kind::Map(_) | Kind::Object(_) => {
            return value
                .as_entries()
                .is_some_and(tenantctl_core::provider::Entries::is_empty)
                .then(|| "{}".into());
        }
    })
}

/// Quoted, with everything escaped that could be taken for something else.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '$' | '%' if chars.peek() == Some(&'{') => quoted.extend([c, c]),
            c if c.is_control() => quoted.push_str(&printable(&c.to_string())),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A name of an attribute or element as it stands before `=`.
pub(super) fn key(name: &str, of_map: bool) -> Cow<'_, str> {
    let mut chars = name.chars();
    let plain = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if plain && !of_map { name.into() } else { quote(name).into() }
}

/// What a text holds when it is a JSON object or array.
pub(super) fn json(value: &Value) -> Option<Value> {
    let text = value.as_str()?.trim_start();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let parsed = Value::from_json_text(text).ok()?;
    self::text(&parsed).is_none().then_some(parsed)
}

/// The lines of a text that has several.
pub(super) fn lines(value: &Value) -> Option<Vec<String>> {
    let text = value.as_str()?;
    text.trim_end_matches('\n').contains('\n').then(|| text.lines().map(printable).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting() {
        assert_eq!(quote("a\"b\n${c} $d \u{1b}"), r#""a\"b\n$${c} $d \u001b""#);
        assert_eq!(key("app.kubernetes.io/name", false), r#""app.kubernetes.io/name""#);
        assert_eq!(key("replicas", false), "replicas");
        assert_eq!(key("replicas", true), r#""replicas""#);
    }

    #[test]
    fn only_json_with_content_is_taken_apart() {
        assert!(json(&Value::from(r#"{"a":1}"#)).is_some());
        for text in ["{}", "[not json", "1", "plain"] {
            assert!(json(&Value::from(text)).is_none(), "{text}");
        }
    }
}
