//! `count`, `for_each` and `enabled` to instances.

use std::sync::Arc;

use super::evaluate::{Evaluated, Evaluation, Repeated};
use crate::addr::InstanceKey;
use crate::config::Repetition;
use crate::diag::{Diagnostic, Span};
use crate::expr::{Expr, Scope as _};
use crate::value::{Type, Value};

/// What a block's `count`, `for_each` or `enabled` comes to.
pub(super) enum Expansion {
    /// Its instances: their keys and what `each` and `count` stand for.
    Instances(Instances),
    /// Nobody knows before these are.
    Waits(Vec<String>),
    /// It is wrong; that is reported.
    Failed,
}

impl Evaluation<'_> {
    /// Instances of a block.
    pub(super) fn expand(&mut self, module: usize, instance: usize, repetition: &Repetition) -> Expansion {
        let Some(expr) = repetition.expr() else {
            return Expansion::Instances(vec![(None, Repeated::default())]);
        };
        let Some(evaluated) = self.settle(module, instance, &Repeated::default(), expr) else {
            return Expansion::Failed;
        };
        if self.is_ephemeral(&evaluated.value) {
            let detail =
                "How many instances there are is recorded, so it cannot follow from an ephemeral value.";
            self.diagnostics.push(Diagnostic::error("Ephemeral value not allowed", detail).at(expr.span));
            return Expansion::Failed;
        }
        if is_open(&evaluated.value) {
            return Expansion::Waits(self.unknowns(module, instance, expr));
        }
        let instances = match repetition {
            Repetition::Enabled(_) => enabled(&evaluated.value, expr.span),
            Repetition::Count(_) => count_instances(&evaluated.value, expr.span),
            Repetition::ForEach(_) | Repetition::None => each_instances(&evaluated, expr.span),
        };
        match instances {
            Ok(instances) => Expansion::Instances(instances),
            Err(error) => {
                self.diagnostics.push(*error);
                Expansion::Failed
            }
        }
    }

    /// What in an expression is not known, as it stands there.
    fn unknowns(&self, module: usize, instance: usize, expr: &Expr) -> Vec<String> {
        let nothing = Repeated::default();
        let at = self.at(module, instance, &nothing);
        let mut found = Vec::new();
        expr.for_each_reference(&mut |reference, span| {
            let name = reference.to_string();
            if at.lookup(reference, span).is_ok_and(|v| !v.is_wholly_known()) && !found.contains(&name) {
                found.push(name);
            }
        });
        found
    }
}

/// Whether the number of instances hangs on something unknown.
fn is_open(value: &Value) -> bool {
    let elements = matches!(value.ty(), Type::Set(_)) && !value.is_wholly_known();
    !value.is_known() || elements
}

fn enabled(value: &Value, span: Span) -> Result<Instances, Box<Diagnostic>> {
    if value.is_sensitive() {
        let detail = "A sensitive value cannot be used here, since it would be shown by what there is.";
        return Err(Box::new(Diagnostic::error("Invalid enabled argument", detail).at(span)));
    }
    match value.convert(&Type::Bool).ok().and_then(|value| value.as_bool()) {
        Some(true) => Ok(vec![(None, Repeated::default())]),
        Some(false) => Ok(Vec::new()),
        None => {
            let detail = format!("True or false is required, not {}.", value.show());
            Err(Box::new(Diagnostic::error("Invalid enabled argument", detail).at(span)))
        }
    }
}

/// More instances than this of one block are taken for a mistake.
const MAX_INSTANCES: usize = 1_000_000;

type Instances = Vec<(Option<InstanceKey>, Repeated)>;

fn count_instances(value: &Value, span: Span) -> Result<Instances, Box<Diagnostic>> {
    let count =
        value.convert(&Type::Number).ok().and_then(|n| usize::try_from(n.as_number()?.as_i64()?).ok());
    match count {
        Some(count) if count <= MAX_INSTANCES => Ok((0..count)
            .map(|i| (Some(InstanceKey::Index(i)), Repeated { each: None, index: Some(i) }))
            .collect()),
        _ => Err(Diagnostic::error(
            "Invalid count argument",
            format!("A whole number from 0 is required, not {}.", value.show()),
        )
        .at(span)
        .into()),
    }
}

fn each_instances(evaluated: &Evaluated, span: Span) -> Result<Instances, Box<Diagnostic>> {
    let value = &evaluated.value;
    if value.is_sensitive() {
        return Err(Diagnostic::error(
            "Invalid for_each argument",
            "A sensitive value cannot be used here, since its keys would be shown.",
        )
        .at(span)
        .into());
    }
    let part = |key: &Value, part: &Value| {
        let closed = evaluated.slot.filter(|_| !part.is_wholly_known());
        (key.clone(), Evaluated { value: part.clone(), slot: closed })
    };
    if let Some(entries) = value.as_entries() {
        return Ok(entries
            .iter()
            .map(|(key, element)| {
                let each = part(&key.clone().into(), element);
                (Some(InstanceKey::Key(key.clone())), Repeated { each: Some(each), index: None })
            })
            .collect());
    }
    let keys: Option<Vec<Arc<str>>> = match value.ty() {
        Type::Set(_) => {
            value.as_items().and_then(|items| items.iter().map(|v| v.as_str().map(Arc::from)).collect())
        }
        _ => None,
    };
    match keys {
        Some(keys) => Ok(keys
            .into_iter()
            .map(|key| {
                let element = Value::from(key.clone());
                (
                    Some(InstanceKey::Key(key)),
                    Repeated { each: Some((element.clone(), Evaluated::known(element))), index: None },
                )
            })
            .collect()),
        None => Err(Diagnostic::error(
            "Invalid for_each argument",
            format!("A map, an object or a set of strings is required, not {}.", value.show()),
        )
        .at(span)
        .hint("Use toset(…) to make a set of a list of strings.")
        .into()),
    }
}
