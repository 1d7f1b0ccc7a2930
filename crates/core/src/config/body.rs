//! Bodies of resources to one expression that follows the type's schema.
//!
//! Guarantees: evaluating the expression gives an object with every attribute
//! and block of the schema, of its type; mistakes of names are all reported.

use std::sync::Arc;

use super::reader::{is_misspelt, unexpected_argument, unexpected_block};
use super::vocabulary::vocabulary;
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::expr::{Constraint, Expr, ExprKind, ForExpr};
use crate::provider::{Block, Nesting};
use crate::syntax::{Block as BlockSyntax, Body};
use crate::value::{Path, PathStep, Type};

/// Names that the engine takes from a body before its schema is looked at.
pub(super) struct Meta {
    pub attributes: &'static [&'static str],
    pub blocks: &'static [&'static str],
}

impl Meta {
    /// Those of a block of the language.
    pub(super) fn of(kind: &str) -> Meta {
        let known = vocabulary(kind);
        Meta { attributes: known.arguments, blocks: known.blocks }
    }
}

/// No such names: nested blocks.
const NOTHING: Meta = Meta { attributes: &[], blocks: &[] };

/// Compiles a body, taking out what the schema has. `span` is the block's
/// header, for what is missing.
pub(super) fn compile(
    body: &mut Body,
    schema: &Block,
    meta: &Meta,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Expr {
    for attribute in &body.attributes {
        let name = &*attribute.name.name;
        if meta.attributes.contains(&name) {
            continue;
        }
        match schema.attributes.get(name) {
            Some(a) if a.is_argument() => {}
            Some(_) => diagnostics.push(
                Diagnostic::error(
                    "Value cannot be set",
                    format!("{name:?} is decided by the service, so it cannot be set."),
                )
                .at(attribute.name.span),
            ),
            None => {
                let blocks: Vec<&str> = schema.blocks.keys().chain(meta.blocks).copied().collect();
                let known = schema.attributes.iter().filter(|(_, a)| a.is_argument()).map(|(n, _)| *n);
                diagnostics.push(unexpected_argument(
                    attribute,
                    known.chain(meta.attributes.iter().copied()),
                    &blocks,
                ));
            }
        }
    }
    for block in &body.blocks {
        let name = &*block.kind.name;
        if name == "dynamic" {
            if !block.labels.first().is_some_and(|made| schema.blocks.contains_key(&*made.name)) {
                let made = block.labels.first().unwrap_or(&block.kind);
                let detail = format!("Blocks of type {:?} are not made dynamically here.", made.name);
                let problem = Diagnostic::error("Unsupported block type", detail).at(made.span);
                diagnostics.push(problem.suggest(&made.name, schema.blocks.keys().copied()));
            }
        } else if !schema.blocks.contains_key(name) && !meta.blocks.contains(&name) {
            let attributes: Vec<&str> = schema.attributes.keys().copied().collect();
            diagnostics.push(unexpected_block(
                block,
                schema.blocks.keys().chain(meta.blocks).copied(),
                &attributes,
            ));
        }
    }
    let mut items = Vec::with_capacity(schema.unset().len());
    let mut unset = schema.unset().iter();
    for ((name, attribute), (key, absent)) in schema.attributes.iter().zip(&mut unset) {
        let set = if attribute.is_argument() { body.take(name) } else { None };
        let known = || schema.attributes.iter().filter(|(_, a)| a.is_argument()).map(|(n, _)| *n);
        if set.is_none()
            && attribute.required
            && !is_misspelt(body, name, known().chain(meta.attributes.iter().copied()))
        {
            diagnostics.push(
                Diagnostic::error("Missing required argument", format!("The argument {name:?} is required."))
                    .at(span),
            );
        }
        let (key_span, value) = match set {
            None => (span, Expr::literal(absent.clone(), span)),
            Some(set) if attribute.ty == Type::Dynamic => (set.name.span, set.value),
            Some(set) => (set.name.span, converted(set.value, attribute.ty.clone())),
        };
        items.push((Expr::literal(key.clone().into(), key_span), value));
    }
    for ((name, nested), (key, absent)) in schema.blocks.iter().zip(&mut unset) {
        let value = blocks(body, name, nested, span, diagnostics);
        let value = value.unwrap_or_else(|| Expr::literal(absent.clone(), span));
        items.push((Expr::literal(key.clone().into(), span), value));
    }
    Expr { kind: ExprKind::Object(items), span }
}

fn converted(value: Expr, ty: Type) -> Expr {
    let span = value.span;
    let constraint = Arc::new(Constraint { ty, ..Constraint::default() });
    Expr { kind: ExprKind::Convert(Box::new(value), constraint), span }
}

/// The value of all blocks of one type in a body; `None` when there are none.
fn blocks(
    body: &mut Body,
    name: &str,
    nested: &crate::provider::BlockType,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Option<Expr> {
    let mut parts = Vec::new();
    for block in &mut body.blocks {
        if &*block.kind.name == name {
            let header = block.header();
            let object = compile(&mut block.body, &nested.block, &NOTHING, header, diagnostics);
            parts.push(Expr { span: object.span, kind: ExprKind::Tuple(vec![object]) });
        } else if &*block.kind.name == "dynamic" && block.labels.first().is_some_and(|l| &*l.name == name) {
            parts.extend(dynamic(block, &nested.block, diagnostics));
        }
    }
    if nested.required && parts.is_empty() {
        diagnostics.push(
            Diagnostic::error("Missing required block", format!("At least one {name:?} block is required."))
                .at(span),
        );
    }
    if parts.is_empty() {
        return None;
    }
    Some(match nested.nesting {
        Nesting::List => {
            let list = Expr { kind: ExprKind::Blocks(parts), span };
            converted(list, Type::list(nested.block.ty()))
        }
        Nesting::Single => {
            if parts.len() > 1 {
                diagnostics.push(
                    Diagnostic::error("Duplicate block", format!("There may be one {name:?} block at most."))
                        .at(parts[1].span),
                );
            }
            match parts.remove(0).kind {
                ExprKind::Tuple(mut items) if items.len() == 1 => items.remove(0),
                kind => {
                    let tuple = Expr { kind, span };
                    let call = crate::expr::Call { name: "one".into(), args: vec![tuple], expand: false };
                    converted(Expr { kind: ExprKind::Call(Box::new(call)), span }, nested.block.ty())
                }
            }
        }
    })
}

/// `dynamic "x" { for_each = …, content { … } }` as a `for` over objects of
/// `key` and `value`, which is what its iterator stands for.
fn dynamic(block: &mut BlockSyntax, schema: &Block, diagnostics: &mut Diagnostics) -> Option<Expr> {
    let span = block.header();
    let mut missing = |what: &str| {
        diagnostics.push(
            Diagnostic::error("Invalid dynamic block", format!("A dynamic block needs {what}.")).at(span),
        );
    };
    let Some(each) = block.body.take("for_each") else {
        missing("a \"for_each\" argument");
        return None;
    };
    let Some(content) = block.body.blocks.iter_mut().find(|b| &*b.kind.name == "content") else {
        missing("a \"content\" block");
        return None;
    };
    // The parser has put the iterator's name here.
    let iterator = block.iterator.clone()?;
    let variable = |name: &str| Expr { kind: ExprKind::Variable(name.into()), span };
    let literal = |text: &str| Expr::literal(text.into(), span);
    let pair = Expr {
        kind: ExprKind::Object(vec![
            (literal("key"), variable("dynamic key")),
            (literal("value"), variable("dynamic value")),
        ]),
        span,
    };
    let repeat = |collection, key_name: Option<&str>, value_name: &str, value| Expr {
        kind: ExprKind::For(Box::new(ForExpr {
            key_name: key_name.map(Into::into),
            value_name: value_name.into(),
            collection,
            key: None,
            value,
            condition: None,
            group: false,
        })),
        span,
    };
    let pairs = repeat(each.value, Some("dynamic key"), "dynamic value", pair);
    let header = content.header();
    let object = compile(&mut content.body, schema, &NOTHING, header, diagnostics);
    Some(repeat(pairs, None, &iterator, object))
}

/// The place of what a path leads to, as near as the text has it.
pub fn span_of(body: &Expr, path: &Path) -> Span {
    part_of(body, path).0.span
}

/// What a path leads to, as near as the text has it, and the steps that are
/// left from there.
pub fn part_of<'e, 'p>(body: &'e Expr, path: &'p Path) -> (&'e Expr, &'p [PathStep]) {
    let (mut at, mut rest) = (body, path.steps());
    while let Some((step, further)) = rest.split_first()
        && let Some(next) = part(at, step)
    {
        (at, rest) = (next, further);
    }
    (at, rest)
}

fn part<'e>(expr: &'e Expr, step: &PathStep) -> Option<&'e Expr> {
    match (&expr.kind, step) {
        (ExprKind::Convert(inner, _) | ExprKind::Group(inner), _) => part(inner, step),
        (ExprKind::Object(items), PathStep::Attribute(name)) => {
            let is_it =
                |key: &Expr| matches!(&key.kind, ExprKind::Literal(key) if key.as_str() == Some(name));
            items.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value)
        }
        (ExprKind::Tuple(items), PathStep::Index(i)) => items.get(*i),
        (ExprKind::Blocks(parts), PathStep::Index(i)) => {
            // How many a dynamic block makes is not to be seen.
            let one = |part: &'e Expr| match &part.kind {
                ExprKind::Tuple(items) => items.first(),
                _ => None,
            };
            parts.iter().take(i + 1).map(one).collect::<Option<Vec<_>>>()?.into_iter().nth(*i)
        }
        _ => None,
    }
}
