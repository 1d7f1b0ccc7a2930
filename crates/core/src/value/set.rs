//! The order of a set's elements, which a `for` goes through and output shows.
//!
//! Guarantees: primitives stand in their natural order, everything else in the
//! order of the text that Terraform makes of it to find duplicates; what is
//! unknown comes after what is known, null last.

use std::fmt::Write as _;

use super::{Kind, Value};

/// Puts the elements of a set in order.
pub(super) fn sort(items: &mut [Value]) {
    let primitive = |v: &Value| {
        matches!(
            v.kind(),
            Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Null(_) | Kind::Unknown(_)
        )
    };
    if items.iter().all(primitive) {
        items.sort_by(Value::total_cmp);
    } else {
        items.sort_by_cached_key(|item| (item.is_null(), !item.is_known(), key(item)));
    }
}

fn key(value: &Value) -> String {
    let mut text = String::new();
    write_key(&mut text, value);
    text
}

fn write_key(out: &mut String, value: &Value) {
    match value.kind() {
        Kind::Null(_) => out.push('~'),
        Kind::Unknown(_) => out.push('?'),
        Kind::Bool(b) => out.push(if *b { 'T' } else { 'F' }),
        Kind::Number(n) => out.push_str(&n.rounded_text()),
        // Writing to a string cannot fail.
        Kind::String(s) => _ = write!(out, "{s:?}"),
        Kind::List(items) | Kind::Set(items) => write_all(out, ['[', ']'], items.items.iter()),
        Kind::Tuple(items) => write_all(out, ['<', '>'], items.iter()),
        Kind::Object(attributes) => write_all(out, ['<', '>'], attributes.values()),
        Kind::Map(entries) => {
            out.push('{');
            for (name, value) in &entries.items {
                _ = write!(out, "{name:?}:");
                write_key(out, value);
                out.push(';');
            }
            out.push('}');
        }
    }
}

fn write_all<'v>(out: &mut String, [open, close]: [char; 2], items: impl Iterator<Item = &'v Value>) {
    out.push(open);
    for item in items {
        write_key(out, item);
        out.push(';');
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::super::{Type, Value};

    #[test]
    fn what_has_parts_stands_in_the_order_of_its_text() {
        let tuple = |i: i64| Value::tuple([i.into()]);
        let set = Value::set(Type::Tuple([Type::Number].into()), vec![tuple(2), tuple(10), tuple(1)]);
        assert_eq!(set.as_items().expect("a set"), [tuple(10), tuple(1), tuple(2)]);
    }

    #[test]
    fn unknown_and_null_come_last() {
        let items = vec![Value::null(Type::String), Value::unknown(Type::String), "b".into(), "a".into()];
        let set = Value::set(Type::String, items);
        let items = set.as_items().expect("a set");
        assert!(items[0].as_str() == Some("a") && !items[2].is_known() && items[3].is_null());
    }
}
