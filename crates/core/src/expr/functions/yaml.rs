//! YAML as `yamlencode` writes it and, in `decode`, as `yamldecode` reads it.
//!
//! Guarantees: keys sorted, keys and strings in double quotes, text of
//! several lines as a literal block, long lines folded, sequences level with
//! their key: the form Terraform writes, so that a migrated value does not
//! change.

mod decode;

use std::fmt::Write as _;

use super::declare::{Fault, check_size};
use super::json;
use crate::value::{Entries, Kind, Value};

/// Text in quotes goes on in the next line at the first space after this column.
const WIDTH: usize = 80;
/// The longest key that stands before its colon, in bytes.
const SIMPLE_KEY: usize = 128;

/// A wholly known value as a YAML document.
pub(super) fn encode(value: &Value) -> Result<String, Fault> {
    let mut out = String::new();
    node(value, 0, true, &mut out)?;
    // Something plain that stands alone has a mark of its end.
    if matches!(value.kind(), Kind::Null(_) | Kind::Bool(_) | Kind::Number(_)) {
        out.push_str("...\n");
    }
    Ok(out)
}

/// Writes a value and the line end after it. `level` is the indentation of
/// its lines; `fresh` says that the cursor is where they start.
fn node(value: &Value, level: usize, fresh: bool, out: &mut String) -> Result<(), Fault> {
    check_size(Some(out.len()))?;
    match value.kind() {
        Kind::List(_) | Kind::Set(_) | Kind::Tuple(_) => sequence(value, level, fresh, out),
        Kind::Map(_) | Kind::Object(_) => mapping(value, level, fresh, out),
        Kind::String(s) => {
            string(s, level, out);
            check_size(Some(out.len()))
        }
        _ => {
            out.push_str(&json::encode(value)?);
            out.push('\n');
            Ok(())
        }
    }
}

/// Writes text in the form that it needs, and the line end after it.
fn string(text: &str, level: usize, out: &mut String) {
    if is_block(text) {
        block(text, level.max(2), out);
    } else {
        quote(text, Some(level.max(2)), out);
        out.push('\n');
    }
}

/// Whether a key can stand before its colon; else it stands in an entry of its
/// own kind.
fn is_simple_key(key: &str) -> bool {
    key.len() <= SIMPLE_KEY && !key.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

fn start_line(level: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', level));
}

fn sequence(value: &Value, level: usize, fresh: bool, out: &mut String) -> Result<(), Fault> {
    let items = value.as_items().unwrap_or_default();
    if items.is_empty() {
        out.push_str("[]\n");
    }
    for (i, item) in items.iter().enumerate() {
        if i > 0 || !fresh {
            start_line(level, out);
        }
        out.push_str("- ");
        node(item, level + 2, true, out)?;
    }
    Ok(())
}

fn mapping(value: &Value, level: usize, fresh: bool, out: &mut String) -> Result<(), Fault> {
    let mut first = fresh;
    if value.as_entries().is_none_or(Entries::is_empty) {
        out.push_str("{}\n");
    }
    for (key, item) in value.as_entries().into_iter().flatten() {
        if !std::mem::take(&mut first) {
            start_line(level, out);
        }
        if !is_simple_key(key) {
            out.push_str("? ");
            string(key, level + 2, out);
            start_line(level, out);
            out.push_str(": ");
            node(item, level + 2, true, out)?;
            continue;
        }
        quote(key, None, out);
        out.push(':');
        let empty =
            item.as_items().is_some_and(<[_]>::is_empty) || item.as_entries().is_some_and(Entries::is_empty);
        match item.kind() {
            Kind::List(_) | Kind::Set(_) | Kind::Tuple(_) if !empty => {
                out.push('\n');
                node(item, level, false, out)?;
            }
            Kind::Map(_) | Kind::Object(_) if !empty => {
                out.push('\n');
                node(item, level + 2, false, out)?;
            }
            _ => {
                out.push(' ');
                node(item, level + 2, true, out)?;
            }
        }
    }
    Ok(())
}

fn printable(c: char) -> bool {
    match c {
        '\n' | ' '..='~' => true,
        '\u{a0}'..='\u{d7ff}' => !matches!(c, '\u{2028}' | '\u{2029}'),
        '\u{e000}'..='\u{fffd}' => c != '\u{feff}',
        // What is outside of the basic plane is written by its number.
        _ => false,
    }
}

/// Whether a literal block can hold the text unchanged, and ought to.
fn is_block(text: &str) -> bool {
    text.contains('\n') && text.chars().all(printable) && !text.contains(" \n") && !text.ends_with(' ')
}

fn block(text: &str, level: usize, out: &mut String) {
    out.push('|');
    // Without a hint, leading space would count as indentation.
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    match text.trim_end_matches('\n').len() {
        n if n == text.len() => out.push('-'),
        n if n == 0 || n + 1 < text.len() => out.push('+'),
        _ => {}
    }
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            start_line(level, out);
            out.push_str(line);
        }
    }
    out.push('\n');
}

/// Text in double quotes. With a level, what is long goes on in lines that
/// begin there: never within spaces, and not before the last character.
fn quote(text: &str, fold: Option<usize>, out: &mut String) {
    let mut start = out.rfind('\n').map_or(0, |end| end + 1);
    let mut column = out[start..].chars().count();
    out.push('"');
    start = out.len() - 1;
    let mut after_space = false;
    for (at, c) in text.char_indices() {
        // What was written since the last look.
        column += out[start..].chars().count();
        start = out.len();
        let is_space = c == ' ';
        if let Some(level) = fold
            && is_space
            && !after_space
            && column > WIDTH
            && (1..text.len() - 1).contains(&at)
        {
            out.push('\n');
            start_line(level, out);
            (start, column) = (out.len(), level);
            // Space at the beginning of a line would not count.
            if text[at + 1..].starts_with(' ') {
                out.push('\\');
            }
            after_space = true;
            continue;
        }
        after_space = is_space;
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0' => out.push_str("\\0"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            c if printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                // Writing to a string does not fail.
                let _ = match code {
                    ..0x100 => write!(out, "\\x{code:02X}"),
                    0x100..0x1_0000 => write!(out, "\\u{code:04X}"),
                    _ => write!(out, "\\U{code:08X}"),
                };
            }
        }
    }
    out.push('"');
}

/// The value of a YAML text.
pub(super) fn decode(text: &str) -> Result<Value, Fault> {
    decode::decode(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn written_form() {
        let cases = [
            (
                json!({"b": [1, {"x": null, "y": "é"}], "a": {"c": true}, "e": [], "f": {}}),
                "\"a\":\n  \"c\": true\n\"b\":\n- 1\n- \"x\": null\n  \"y\": \"é\"\n\"e\": []\n\"f\": {}\n",
            ),
            (json!([["a"], []]), "- - \"a\"\n- []\n"),
            (
                json!({"t": "x\n\n  y\n", "u": {"v": "a\nb"}}),
                "\"t\": |\n  x\n\n    y\n\"u\":\n  \"v\": |-\n    a\n    b\n",
            ),
            (json!(["a\n\n", " a\nb"]), "- |+\n  a\n\n- |2-\n   a\n  b\n"),
            (json!("tab\tand\nline"), "\"tab\\tand\\nline\"\n"),
            (json!("a\nb"), "|-\n  a\n  b\n"),
            (json!("\n"), "|2+\n\n"),
            (json!({"a\nb": [1, 2]}), "? |-\n  a\n  b\n: - 1\n  - 2\n"),
        ];
        for (given, expected) in cases {
            let written = encode(&Value::from_plain_json(&given)).expect("known");
            assert_eq!(written, expected);
            let back = decode(&written).expect("own output");
            assert_eq!(back.to_plain_json().expect("known"), given);
        }
    }

    #[test]
    fn long_text_is_folded_and_read_back() {
        let long = |a: usize, rest: &str| format!("{}{rest}", "a".repeat(a));
        let cases = [
            (json!(long(79, " b")), format!("\"{} b\"\n", long(79, ""))),
            (json!(long(80, " b c")), format!("\"{}\n  b c\"\n", long(80, ""))),
            (json!(long(80, "  b")), format!("\"{}\n  \\ b\"\n", long(80, ""))),
            (json!(long(80, " ")), format!("\"{} \"\n", long(80, ""))),
            (json!([{"k": long(80, " b")}]), format!("- \"k\": \"{}\n    b\"\n", long(80, ""))),
            (json!({long(129, ""): {"c": 1}}), format!("? \"{}\"\n: \"c\": 1\n", long(129, ""))),
        ];
        for (given, expected) in cases {
            let written = encode(&Value::from_plain_json(&given)).expect("known");
            assert_eq!(written, expected);
            let back = decode(&written).expect("own output");
            assert_eq!(back.to_plain_json().expect("known"), given);
        }
    }
}
