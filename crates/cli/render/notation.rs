//! Values and types in the notation of Terraform's console: as they would be
//! written, with the conversions that give them their type.
//!
//! Must not: show what is sensitive.

use std::fmt::Write as _;

use tenantctl_core::value::{Kind, Marks, Type, Value};
use unicode_normalization::char::is_combining_mark;

/// A value, with line breaks between the parts of a collection.
pub(crate) fn value(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value, 0);
    text
}

fn write_value(out: &mut String, value: &Value, indent: usize) {
    if !value.is_known() {
        return out.push_str("(known after apply)");
    }
    if value.is_sensitive() {
        return out.push_str("(sensitive value)");
    }
    if value.marks().contains(Marks::EPHEMERAL) {
        return out.push_str("(ephemeral value)");
    }
    match value.kind() {
        Kind::Null(ty) => write_null(out, ty),
        Kind::Bool(b) => write_to(out, b),
        Kind::Number(n) => write_to(out, n),
        Kind::String(s) => write_string(out, s, indent),
        Kind::Tuple(items) => write_items(out, "", items, indent),
        Kind::List(list) => write_items(out, "tolist", &list.items, indent),
        Kind::Set(set) => write_items(out, "toset", &set.items, indent),
        Kind::Object(attributes) => write_entries(out, "", attributes.iter(), indent),
        Kind::Map(map) => write_entries(out, "tomap", map.items.iter(), indent),
        Kind::Unknown(_) => {}
    }
}

fn write_null(out: &mut String, ty: &Type) {
    match ty {
        Type::Dynamic => out.push_str("null"),
        Type::String => out.push_str("tostring(null)"),
        Type::Number => out.push_str("tonumber(null)"),
        Type::Bool => out.push_str("tobool(null)"),
        Type::List(t) => write_to(out, format_args!("tolist(null) /* of {} */", friendly(t))),
        Type::Set(t) => write_to(out, format_args!("toset(null) /* of {} */", friendly(t))),
        Type::Map(t) => write_to(out, format_args!("tomap(null) /* of {} */", friendly(t))),
        other => write_to(out, format_args!("null /* {} */", friendly(other))),
    }
}

/// The kind in words, in the console's terms.
fn friendly(ty: &Type) -> String {
    ty.friendly().replace("any type", "dynamic")
}

fn write_items(out: &mut String, conversion: &str, items: &[Value], indent: usize) {
    wrapped(out, conversion, ['[', ']'], indent, |out, inner| {
        for item in items {
            line(out, inner);
            write_value(out, item, inner);
            out.push(',');
        }
        !items.is_empty()
    });
}

fn write_entries<'v, K: AsRef<str> + 'v>(
    out: &mut String,
    conversion: &str,
    entries: impl Iterator<Item = (&'v K, &'v Value)>,
    indent: usize,
) {
    wrapped(out, conversion, ['{', '}'], indent, |out, inner| {
        let mut some = false;
        for (key, value) in entries {
            some = true;
            line(out, inner);
            write_string(out, key.as_ref(), inner);
            out.push_str(" = ");
            write_value(out, value, inner);
        }
        some
    });
}

/// Brackets, inside the conversion if there is one; `fill` says whether it
/// wrote anything between them.
fn wrapped(
    out: &mut String,
    conversion: &str,
    [open, close]: [char; 2],
    indent: usize,
    fill: impl FnOnce(&mut String, usize) -> bool,
) {
    if !conversion.is_empty() {
        write_to(out, format_args!("{conversion}("));
    }
    out.push(open);
    if fill(out, indent + 2) {
        line(out, indent);
    }
    out.push(close);
    if !conversion.is_empty() {
        out.push(')');
    }
}

/// Text in quotes; as a heredoc when it has several lines.
fn write_string(out: &mut String, text: &str, indent: usize) {
    if !text.contains('\n') {
        return write_quoted(out, text);
    }
    let mut end = "EOT".to_owned();
    while text.split('\n').any(|line| line.trim() == end) {
        end.push('_');
    }
    write_to(out, format_args!("<<{}{end}", if indent > 0 { "-" } else { "" }));
    for part in text.split('\n') {
        line(out, indent);
        out.push_str(part);
    }
    line(out, indent);
    out.push_str(&end);
}

fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            ' '..='~' => out.push(c),
            _ if is_printable(c) => out.push(c),
            '\0'..='\u{7f}' => write_to(out, format_args!("\\x{:02x}", u32::from(c))),
            '\u{80}'..='\u{ffff}' => write_to(out, format_args!("\\u{:04x}", u32::from(c))),
            _ => write_to(out, format_args!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
}

/// The standard library escapes what does not print, and combining marks,
/// which do.
fn is_printable(c: char) -> bool {
    c.escape_debug().len() == 1 || is_combining_mark(c)
}

/// A type, with line breaks between the parts of a tuple or object.
pub(crate) fn ty(ty: &Type) -> String {
    let mut text = String::new();
    write_type(&mut text, ty, 0);
    text
}

fn write_type(out: &mut String, ty: &Type, indent: usize) {
    let inner = indent + 4;
    match ty {
        Type::Dynamic => out.push_str("dynamic"),
        Type::Bool | Type::Number | Type::String => write_to(out, ty),
        Type::List(t) => write_wrapped_type(out, "list", t, indent),
        Type::Set(t) => write_wrapped_type(out, "set", t, indent),
        Type::Map(t) => write_wrapped_type(out, "map", t, indent),
        Type::Tuple(types) if types.is_empty() => out.push_str("tuple([])"),
        Type::Tuple(types) => {
            out.push_str("tuple([");
            for ty in types.iter() {
                line(out, inner);
                write_type(out, ty, inner);
                out.push(',');
            }
            line(out, indent);
            out.push_str("])");
        }
        Type::Object(object) if object.attributes.is_empty() => out.push_str("object({})"),
        Type::Object(object) => {
            out.push_str("object({");
            for (name, ty) in &object.attributes {
                line(out, inner);
                write_to(out, format_args!("{name}: "));
                write_type(out, ty, inner);
                out.push(',');
            }
            line(out, indent);
            out.push_str("})");
        }
    }
}

fn write_wrapped_type(out: &mut String, name: &str, element: &Type, indent: usize) {
    write_to(out, format_args!("{name}("));
    if matches!(element, Type::Tuple(_) | Type::Object(_)) {
        line(out, indent + 4);
        write_type(out, element, indent + 4);
        out.push(',');
        line(out, indent);
    } else {
        write_type(out, element, indent);
    }
    out.push(')');
}

fn line(out: &mut String, indent: usize) {
    write_to(out, format_args!("\n{:indent$}", ""));
}

fn write_to(out: &mut String, text: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_with_their_conversions() {
        let cases: [(Value, &str); 8] = [
            (Value::NULL, "null"),
            (Value::null(Type::list(Type::String)), "tolist(null) /* of string */"),
            (Value::tuple([]), "[]"),
            (Value::list(Type::Number, vec![1i64.into()]), "tolist([\n  1,\n])"),
            (Value::map(Type::Bool, [("a".into(), true.into())]), "tomap({\n  \"a\" = true\n})"),
            (Value::object([("s", Value::from("x").sensitive())]), "{\n  \"s\" = (sensitive value)\n}"),
            (Value::unknown(Type::String), "(known after apply)"),
            (Value::from("é\u{200b}\u{1}\"e\u{301}"), "\"é\\u200b\\x01\\\"é\""),
        ];
        for (given, expected) in cases {
            assert_eq!(value(&given), expected);
        }
    }

    #[test]
    fn several_lines_are_a_heredoc() {
        assert_eq!(value(&"a\nEOT".into()), "<<EOT_\na\nEOT\nEOT_");
        assert_eq!(value(&Value::tuple(["a\n".into()])), "[\n  <<-EOT\n  a\n  \n  EOT,\n]");
    }

    #[test]
    fn types_are_written_out() {
        let object = Type::object([("a", Type::list(Type::String)), ("b", Type::Tuple([].into()))]);
        assert_eq!(ty(&object), "object({\n    a: list(string),\n    b: tuple([]),\n})");
    }
}
