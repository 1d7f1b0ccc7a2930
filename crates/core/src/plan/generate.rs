//! Configuration for objects that were imported without any.
//!
//! Guarantees: what is written reads back to the object's arguments; nothing
//! sensitive is in it.

use std::fmt::Write as _;

use crate::addr::ResourceAddress;
use crate::config::ProviderRef;
use crate::expr::ExprKind;
use crate::provider::{Block, Nesting};
use crate::value::{Kind, Value};

/// A resource block; `provider` is the configuration that it is made with,
/// where that is not the default one.
pub(super) fn block(
    address: &ResourceAddress,
    provider: Option<&ProviderRef>,
    schema: &Block,
    value: &Value,
) -> String {
    let mut body = String::new();
    if let Some(named) = provider.filter(|named| named.alias.is_some()) {
        let key = named.key.as_ref().and_then(|key| match &key.kind {
            ExprKind::Literal(key) => Some(format!("[{}]", literal(key, 0))),
            _ => None,
        });
        let _ = writeln!(body, "  provider = {named}{}\n", key.unwrap_or_default());
    }
    arguments(&mut body, schema, value, 1);
    format!("resource \"{}\" \"{}\" {{\n{body}}}\n", address.kind, address.name)
}

fn arguments(text: &mut String, schema: &Block, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    for (name, attribute) in schema.attributes.iter().filter(|(_, a)| a.is_argument()) {
        let Some(value) = value.get(name).filter(|value| !value.is_null() || attribute.required) else {
            continue;
        };
        if value.deep_marks().contains(crate::value::Marks::SENSITIVE) || attribute.sensitive {
            let _ = writeln!(text, "{indent}{name} = null # sensitive");
        } else {
            let _ = writeln!(text, "{indent}{name} = {}", literal(&value, depth));
        }
    }
    for (name, nested) in &schema.blocks {
        let Some(value) = value.get(name).filter(|value| !value.is_null()) else { continue };
        let single = [value.clone()];
        let items = match nested.nesting {
            Nesting::Single => &single[..],
            Nesting::List => value.as_items().unwrap_or_default(),
        };
        for item in items {
            let _ = writeln!(text, "\n{indent}{name} {{");
            arguments(text, &nested.block, item, depth + 1);
            let _ = writeln!(text, "{indent}}}");
        }
    }
}

/// A value as an expression.
fn literal(value: &Value, depth: usize) -> String {
    let (indent, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    if let Some(entries) = value.as_entries() {
        if entries.is_empty() {
            return "{}".into();
        }
        let lines = entries.iter().map(|(name, value)| {
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let name = if is_name { name.to_string() } else { quoted(name) };
            format!("{indent}{name} = {}\n", literal(value, depth + 1))
        });
        return format!("{{\n{}{outer}}}", lines.collect::<String>());
    }
    if let Some(items) = value.as_items() {
        let items: Vec<String> = items.iter().map(|item| literal(item, depth + 1)).collect();
        return match items.iter().any(|item| item.contains('\n')) {
            false => format!("[{}]", items.join(", ")),
            true => {
                let lines: String = items.iter().map(|item| format!("{indent}{item},\n")).collect();
                format!("[\n{lines}{outer}]")
            }
        };
    }
    match value.kind() {
        Kind::Bool(b) => b.to_string(),
        Kind::Number(n) => n.to_string(),
        Kind::String(s) => quoted(s),
        _ => "null".into(),
    }
}

/// Text in quotes, in which nothing is a template.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => quoted.extend([c, c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
