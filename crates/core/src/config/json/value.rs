//! JSON values to expressions.

use std::borrow::Cow;
use std::collections::HashMap;

use jsonc_parser::ast::{ObjectProp, StringLit, Value as Json};
use jsonc_parser::common::{Range, Ranged};

use super::{MAX_DEPTH, NameRange, Reader};
use crate::diag::Diagnostic;
use crate::expr::{Expr, ExprKind};
use crate::syntax::{Embedded, Places, takes_keywords};
use crate::value::{Number, Value};

/// What strings are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Templates.
    Template,
    /// The text that they are.
    Text,
    /// Expressions.
    Expression,
    /// Expressions in which bare names are keywords.
    Keywords,
}

/// What strings are in an argument of a block.
fn reading(kind: &str, argument: &str) -> Reading {
    if takes_keywords(kind, argument) {
        return Reading::Keywords;
    }
    match (kind, argument) {
        // Nothing can be referred to there.
        ("values" | "variable" | "terraform" | "required_providers", _) => Reading::Text,
        ("output", "description") => Reading::Text,
        (_, "depends_on") | ("lifecycle", "replace_triggered_by") => Reading::Expression,
        ("run", "expect_failures") | ("plan_options", "replace" | "target") => Reading::Expression,
        ("override_resource" | "override_data" | "override_module", "target") => Reading::Expression,
        ("moved", "from" | "to") | ("removed", "from") | ("import", "to") => Reading::Expression,
        _ => Reading::Template,
    }
}

impl Reader<'_> {
    /// The value of an argument of a block.
    pub(super) fn argument(&mut self, kind: &str, name: &str, value: &Json<'_>) -> Expr {
        // Of the arguments of a schema's block none is the language's.
        let reading = if kind.is_empty() { Reading::Template } else { reading(kind, name) };
        // What a dynamic block goes through is outside its iterator's reach.
        let iterator = if (kind, name) == ("dynamic", "for_each") { self.bound.pop() } else { None };
        let value = self.value(value, reading);
        self.bound.extend(iterator);
        value
    }

    fn value(&mut self, value: &Json<'_>, reading: Reading) -> Expr {
        let range = value.range();
        if self.depth >= MAX_DEPTH {
            self.too_deep(range);
            return Expr::literal(Value::NULL, self.span(range));
        }
        self.depth += 1;
        let kind = match value {
            Json::NullKeyword(_) => ExprKind::Literal(Value::NULL),
            Json::BooleanLit(boolean) => ExprKind::Literal(boolean.value.into()),
            Json::NumberLit(number) => self.number(number.value, range),
            Json::StringLit(string) => self.string(string, reading).kind,
            Json::Array(array) => {
                ExprKind::Tuple(array.elements.iter().map(|element| self.value(element, reading)).collect())
            }
            Json::Object(object) => self.object(&object.properties, reading),
        };
        self.depth -= 1;
        Expr { kind, span: self.span(range) }
    }

    fn number(&mut self, text: &str, range: Range) -> ExprKind {
        let number = text.parse::<Number>().map(Value::from);
        if number.is_err() {
            self.error("Invalid number", "This number is too large or too small to be handled.", range);
        }
        ExprKind::Literal(number.unwrap_or(Value::NULL))
    }

    fn object(&mut self, properties: &[ObjectProp<'_>], reading: Reading) -> ExprKind {
        let mut seen = HashMap::new();
        let mut items = Vec::with_capacity(properties.len());
        for property in properties {
            let range = property.name_range();
            let name = property.name.as_str();
            if let Some(first) = seen.insert(name, range) {
                let detail = format!("The object has two properties {name:?}.");
                let error = Diagnostic::error("Duplicate object attribute", detail);
                let error = error.related(self.span(first), "the first one");
                self.report(error, range);
                continue;
            }
            let key = match &property.name {
                jsonc_parser::ast::ObjectPropName::String(name) if reading == Reading::Template => {
                    self.string(name, reading)
                }
                _ => Expr::literal(name.into(), self.span(range)),
            };
            items.push((key, self.value(&property.value, reading)));
        }
        ExprKind::Object(items)
    }

    fn string(&mut self, string: &StringLit<'_>, reading: Reading) -> Expr {
        let span = self.span(string.range);
        let text: &str = &string.value;
        let is_plain = match reading {
            Reading::Text => true,
            Reading::Template => !text.contains("${") && !text.contains("%{"),
            Reading::Expression | Reading::Keywords => false,
        };
        if is_plain {
            return Expr::literal(text.into(), span);
        }
        let embedded =
            Embedded { file: self.file, text, places: self.places(string), bound: self.bound.clone() };
        let expr = match reading {
            Reading::Text | Reading::Template => embedded.template(self.diagnostics),
            Reading::Expression => embedded.expression(false, self.diagnostics),
            Reading::Keywords => embedded.expression(true, self.diagnostics),
        };
        expr.unwrap_or_else(|| Expr::literal(Value::NULL, span))
    }

    /// Where the parts of a string's text stand.
    fn places(&self, string: &StringLit<'_>) -> Places {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let start = string.range.start + 1;
        let mut shifts = Vec::new();
        if let Cow::Owned(_) = string.value {
            let raw = self.text.get(start..string.range.end.saturating_sub(1)).unwrap_or_default();
            let (mut read, mut meant) = (0, 0);
            while let Some(found) = raw[read..].find('\\') {
                let (long, short) = escape(&raw[read + found..]);
                read = (read + found + long).min(raw.len());
                meant += found + short;
                shifts.push((offset(meant), offset(read.saturating_sub(meant))));
            }
        }
        Places::new(offset(start), shifts)
    }
}

/// How many bytes the escape at the start of a text has, and how many what it
/// stands for. The text has been read already, so it is valid.
fn escape(raw: &str) -> (usize, usize) {
    let unit = |at: usize| {
        raw.get(at..at + 6)
            .and_then(|escape| escape.strip_prefix("\\u"))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
    };
    match unit(0) {
        None => (2, 1),
        Some(0xd800..=0xdbff) if unit(6).is_some() => (12, 4),
        Some(code) => (6, char::from_u32(code).map_or(3, char::len_utf8)),
    }
}
