//! `timeouts` of a resource: a block, or an object.
//!
//! They are the engine's: no value of the object, so a change of them is no
//! change of the object. Guarantees: what is written out in the file is
//! checked when the file is read, the rest when it is planned.

use std::time::Duration;

use super::body::span_of;
use super::reader::unexpected_block;
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::expr::{Expr, ExprKind, duration};
use crate::provider::{Block, Timed, Timeouts};
use crate::syntax::Body;
use crate::value::{Kind, Path, Value};

/// The name of the block and of the argument.
const NAME: &str = "timeouts";
/// What a provider has beyond its own deadlines, to say what it waits for.
const GRACE: Duration = Duration::from_secs(60);

/// Takes `timeouts` out of a body whose type has operations that take long.
pub(super) fn take(body: &mut Body, schema: &Block, diagnostics: &mut Diagnostics) -> Option<Box<Expr>> {
    if schema.timeouts.is_empty() || schema.blocks.contains_key(NAME) {
        return None;
    }
    let mut given: Vec<Expr> = body.take(NAME).map(|attribute| attribute.value).into_iter().collect();
    while let Some(at) = body.blocks.iter().position(|block| &*block.kind.name == NAME) {
        let block = body.blocks.remove(at);
        for inner in &block.body.blocks {
            diagnostics.push(unexpected_block(inner, std::iter::empty(), &[]));
        }
        let span = block.header();
        let items = block.body.attributes.into_iter();
        let items =
            items.map(|a| (Expr::literal(a.name.name.clone().into(), a.name.span), a.value)).collect();
        given.push(Expr { kind: ExprKind::Object(items), span });
    }
    if let Some(second) = given.get(1) {
        let detail = format!("A resource has one {NAME:?} block at most.");
        diagnostics.push(Diagnostic::error("Duplicate block", detail).at(second.span));
    }
    let expr = given.into_iter().next()?;
    if let ExprKind::Object(items) = &expr.kind {
        for (key, value) in items {
            let ExprKind::Literal(name) = &key.kind else { continue };
            let Some(name) = name.as_str() else { continue };
            match (operation(name, schema, key.span), &value.kind) {
                (Err(unknown), _) => diagnostics.push(*unknown),
                (Ok(timed), ExprKind::Literal(limit)) => {
                    diagnostics.extend(read(timed, limit, value.span).err().map(|problem| *problem));
                }
                (Ok(_), _) => {}
            }
        }
    }
    Some(Box::new(expr))
}

/// What is written out in the file, for those who cannot evaluate.
pub fn constant(expr: &Expr) -> Option<Timeouts> {
    let ExprKind::Object(items) = &expr.kind else { return None };
    let mut timeouts = Timeouts::default();
    for (key, value) in items {
        let (ExprKind::Literal(name), ExprKind::Literal(limit)) = (&key.kind, &value.kind) else {
            return None;
        };
        let timed = Timed::of(name.as_str()?)?;
        timeouts.set(timed, read(timed, limit, value.span).ok()?);
    }
    Some(timeouts)
}

/// The deadlines that an evaluated expression sets.
///
/// # Errors
/// What is wrong with one of them, at its place.
pub fn timeouts(expr: &Expr, value: &Value, schema: &Block) -> Result<Timeouts, Box<Diagnostic>> {
    let mut timeouts = Timeouts::default();
    if value.is_null() {
        return Ok(timeouts);
    }
    let Some(entries) = value.as_entries().filter(|_| value.is_known()) else {
        let detail = "timeouts must be an object of durations, and known when it is planned.";
        return Err(Box::new(Diagnostic::error("Invalid timeouts", detail).at(expr.span)));
    };
    for (name, limit) in entries {
        let span = span_of(expr, &Path::root().attribute(name.clone()));
        let timed = operation(name, schema, span)?;
        timeouts.set(timed, read(timed, limit, span)?);
    }
    Ok(timeouts)
}

/// Deadlines that a type has among its own arguments, and some more.
pub fn read_own(config: &Value) -> Timeouts {
    let mut timeouts = Timeouts::default();
    let Some(own) = config.get(NAME) else { return timeouts };
    for (name, limit) in own.as_entries().into_iter().flatten() {
        let limit = limit.as_str().and_then(duration).and_then(|limit| Duration::try_from(limit).ok());
        if let (Some(timed), Some(limit)) = (Timed::of(name), limit) {
            timeouts.set(timed, Some(limit.saturating_add(GRACE)));
        }
    }
    timeouts
}

fn operation(name: &str, schema: &Block, span: Span) -> Result<Timed, Box<Diagnostic>> {
    let known: Vec<&str> = schema.timeouts.operations().map(|(timed, _)| timed.name()).collect();
    match Timed::of(name).filter(|timed| known.contains(&timed.name())) {
        Some(timed) => Ok(timed),
        None => {
            let detail =
                format!("{name:?} is no operation that has a deadline: here are {}.", known.join(", "));
            Err(Box::new(Diagnostic::error("Unknown operation", detail).at(span).suggest(name, known)))
        }
    }
}

fn read(timed: Timed, limit: &Value, span: Span) -> Result<Option<Duration>, Box<Diagnostic>> {
    if limit.is_null() {
        return Ok(None);
    }
    let positive = |text: &str| Duration::try_from(duration(text)?).ok().filter(|limit| !limit.is_zero());
    let found = match limit.kind() {
        Kind::String(text) => positive(text),
        _ => None,
    };
    found.map(Some).ok_or_else(|| {
        let what = if limit.is_known() { limit.show() } else { "not known yet".into() };
        let detail = format!("The deadline {:?} is {what}, which is no duration.", timed.name());
        let error = Diagnostic::error("Invalid duration", detail).at(span);
        Box::new(error.hint("Write it as 90s, 30m or 1h30m."))
    })
}
