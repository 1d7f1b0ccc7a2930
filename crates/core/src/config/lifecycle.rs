//! `lifecycle` blocks, and the rules that stand in them and elsewhere.

use std::sync::Arc;

use super::model::{IgnoredPart, Lifecycle, Repetition, Rule};
use super::reader::{Constants, constant, is_reported, listed};
use super::vocabulary;
use crate::addr::ResourceMode;
use crate::diag::{Diagnostic, Diagnostics};
use crate::expr::{Expr, ExprKind};
use crate::provider::Block as Schema;
use crate::syntax::{Block, Body};
use crate::value::{Path, PathStep, Type};

/// Reads the `lifecycle` block of a resource or data source.
pub(super) fn lifecycle(
    block: &Block,
    mode: ResourceMode,
    schema: &Schema,
    scope: &Constants<'_>,
    diagnostics: &mut Diagnostics,
) -> Lifecycle {
    let kind = match mode {
        ResourceMode::Managed => "resource lifecycle",
        ResourceMode::Data => "data lifecycle",
        ResourceMode::Ephemeral => "ephemeral lifecycle",
    };
    vocabulary::check(kind, &block.body, diagnostics);
    let mut flag =
        |name| constant(&block.body, name, &Type::Bool, scope, diagnostics).and_then(|value| value.as_bool());
    let (create_before_destroy, destroy) = (flag("create_before_destroy"), flag("destroy"));
    let (ignore_changes, ignore_all) = ignored(&block.body, schema, diagnostics);
    Lifecycle {
        create_before_destroy: create_before_destroy.unwrap_or(false),
        prevent_destroy: block.body.attribute("prevent_destroy").map(|a| a.value.clone()),
        keep: destroy == Some(false),
        ignore_changes,
        ignore_all,
        replace_triggered_by: triggers(&block.body, diagnostics),
        preconditions: rules(&block.body, "precondition", diagnostics),
        postconditions: rules(&block.body, "postcondition", diagnostics),
    }
}

/// All rules of a kind in a body.
pub(super) fn rules(body: &Body, kind: &str, diagnostics: &mut Diagnostics) -> Vec<Rule> {
    body.blocks.iter().filter(|b| &*b.kind.name == kind).filter_map(|b| rule(b, diagnostics)).collect()
}

fn rule(block: &Block, diagnostics: &mut Diagnostics) -> Option<Rule> {
    // The same for all of them.
    vocabulary::check("variable validation", &block.body, diagnostics);
    match (block.body.attribute("condition"), block.body.attribute("error_message")) {
        (Some(condition), Some(message)) => check_condition(&condition.value, diagnostics)
            .then(|| Rule { condition: condition.value.clone(), message: message.value.clone() }),
        _ => {
            let kind = &block.kind.name;
            if vocabulary::lacks_rule("variable validation", &block.body) {
                let detail = format!("A {kind} block needs \"condition\" and \"error_message\".");
                diagnostics.push(Diagnostic::error("Missing required argument", detail).at(block.header()));
            }
            None
        }
    }
}

/// Refuses a condition that looks at nothing: it would check nothing.
pub(crate) fn check_condition(condition: &Expr, diagnostics: &mut Diagnostics) -> bool {
    let mut refers = false;
    condition.for_each_reference(&mut |_, _| refers = true);
    if !refers && !is_reported(condition.span, diagnostics) {
        let detail = "The condition refers to nothing, so that its result would not be checking anything.";
        diagnostics.push(Diagnostic::error("Invalid condition", detail).at(condition.span));
    }
    refers
}

/// `count`, `for_each`, or `enabled` of the `lifecycle` block.
pub(super) fn repetition(body: &Body, diagnostics: &mut Diagnostics) -> Repetition {
    let lifecycle = body.blocks.iter().find(|b| &*b.kind.name == "lifecycle");
    let enabled = lifecycle.and_then(|block| block.body.attribute("enabled"));
    let ways = [body.attribute("count"), body.attribute("for_each"), enabled];
    let mut set = ways.into_iter().flatten();
    let (Some(first), second) = (set.next(), set.next()) else { return Repetition::None };
    if let Some(second) = second {
        let names = (&first.name.name, &second.name.name);
        let detail = format!("A block has either {:?} or {:?}, not both.", names.0, names.1);
        diagnostics.push(
            Diagnostic::error("Invalid combination", detail)
                .at(first.name.span)
                .related(second.name.span, "the other one"),
        );
    }
    let expr = Box::new(first.value.clone());
    match &*first.name.name {
        "count" => Repetition::Count(expr),
        "for_each" => Repetition::ForEach(expr),
        _ => Repetition::Enabled(expr),
    }
}

/// `ignore_changes`: paths, or all.
fn ignored(body: &Body, schema: &Schema, diagnostics: &mut Diagnostics) -> (Vec<IgnoredPart>, bool) {
    let Some(attribute) = body.attribute("ignore_changes") else { return (Vec::new(), false) };
    let is_all = |expr: &Expr| matches!(&expr.kind, ExprKind::Variable(name) if &**name == "all");
    let items = match &attribute.value.kind {
        ExprKind::Tuple(items) => items.as_slice(),
        _ if is_all(&attribute.value) => return (Vec::new(), true),
        _ => std::slice::from_ref(&attribute.value),
    };
    let mut paths = Vec::with_capacity(items.len());
    for item in items {
        match path(item) {
            Some(path) => {
                let name = match path.steps().first() {
                    Some(PathStep::Attribute(name)) => &**name,
                    _ => "",
                };
                if schema.attributes.contains_key(name) || schema.blocks.contains_key(name) {
                    let by_key = matches!(&item.kind, ExprKind::Index(pair) if matches!(&pair.1.kind, ExprKind::Literal(key) if key.as_str().is_some()));
                    paths.push(IgnoredPart { path, by_key });
                } else {
                    let known = schema.attributes.keys().chain(schema.blocks.keys()).copied();
                    let detail = format!("This object has no argument or block {name:?}.");
                    let problem = Diagnostic::error("Unsupported attribute", detail).at(item.span);
                    diagnostics.push(problem.suggest(name, known));
                }
            }
            None => diagnostics.push(
                Diagnostic::error(
                    "Invalid ignore_changes",
                    "Here stand names of attributes or paths into them with constant keys, such as tags[\"a\"].",
                )
                .at(item.span),
            ),
        }
    }
    (paths, false)
}

fn path(expr: &Expr) -> Option<Path> {
    Some(match &expr.kind {
        ExprKind::Variable(name) => Path::root().attribute(name.clone()),
        // In JSON.
        ExprKind::Literal(value) => Path::root().attribute(value.as_str()?),
        ExprKind::Attribute(source, name) => path(source)?.attribute(name.clone()),
        ExprKind::Index(pair) => match &pair.1.kind {
            ExprKind::Literal(key) => path(&pair.0)?.step(match key.as_number() {
                Some(index) => PathStep::Index(usize::try_from(index.as_i64()?).ok()?),
                None => PathStep::Attribute(key.as_str()?.into()),
            }),
            _ => return None,
        },
        _ => return None,
    })
}

/// `replace_triggered_by`: references to resources, or into them.
fn triggers(body: &Body, diagnostics: &mut Diagnostics) -> Vec<Expr> {
    let all = listed(body, "replace_triggered_by", diagnostics).to_vec();
    for expr in &all {
        if trigger(expr).is_none() {
            diagnostics.push(
                Diagnostic::error(
                    "Invalid replace_triggered_by",
                    "Here stand references to resources of this module, to instances or attributes of them.",
                )
                .at(expr.span),
            );
        }
    }
    all
}

/// The resource that an expression refers to or into.
fn trigger(expr: &Expr) -> Option<Arc<str>> {
    match &expr.kind {
        ExprKind::Reference(crate::expr::Reference::Resource {
            mode: ResourceMode::Managed, name, ..
        }) => Some(name.clone()),
        ExprKind::Attribute(source, _) => trigger(source),
        ExprKind::Index(pair) => trigger(&pair.0),
        _ => None,
    }
}
