//! Where the condition of a policy stands: among an instance's variables while
//! planning, with nothing but the objects and what the plan keeps once they are
//! known.
//!
//! Must not: judge.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::model::{Plan, Slot};
use super::policies::Judge;
use crate::diag::{Diagnostic, Span};
use crate::expr::{DiskFiles, EvalResult, Expr, ExprKind, FunctionContext, Reference, Scope, evaluate};
use crate::fmt::LANGUAGE;
use crate::value::{Type, Value};

/// A condition with all settled but `self` and what the platform's apply brings.
pub(super) fn closed(expr: &Expr, scope: &Judged<'_, '_>) -> Expr {
    let mut closed = expr.clone();
    close(&mut closed, scope);
    closed
}

/// Returns whether only the apply can finish it.
fn close(expr: &mut Expr, scope: &Judged<'_, '_>) -> bool {
    match &expr.kind {
        ExprKind::Variable(_) | ExprKind::Reference(Reference::Itself) => return true,
        ExprKind::Reference(Reference::Var(name)) => {
            if let Some(open) = scope.open(name, expr.span) {
                *expr = open;
            }
        }
        ExprKind::Reference(Reference::Shared(name)) => {
            return match scope.shared(name) {
                value if value.is_wholly_known() => {
                    *expr = Expr::literal(value, expr.span);
                    false
                }
                _ => {
                    *expr = scope.slot(Slot::Shared(name.clone()), expr.span);
                    true
                }
            };
        }
        _ => {}
    }
    let mut open = matches!(expr.kind, ExprKind::Reference(Reference::Slot(_)));
    expr.for_each_child_mut(&mut |child| open |= close(child, scope));
    if !open
        && !matches!(expr.kind, ExprKind::Literal(_))
        && let Ok(value) = evaluate(expr, scope)
    {
        // Such as the moment of the apply.
        if !value.is_wholly_known() {
            return true;
        }
        *expr = Expr::literal(value, expr.span);
    }
    open
}

/// Names of attributes that a condition speaks of, whatever has them.
pub(crate) fn spoken_of(expr: &Expr) -> BTreeSet<Arc<str>> {
    let mut names = BTreeSet::new();
    collect(expr, &mut names);
    names
}

fn collect(expr: &Expr, names: &mut BTreeSet<Arc<str>>) {
    match &expr.kind {
        ExprKind::Attribute(_, name) => {
            names.insert(name.clone());
        }
        ExprKind::Index(pair) => {
            if let ExprKind::Literal(key) = &pair.1.kind {
                names.extend(key.as_str().map(Arc::from));
            }
        }
        _ => {}
    }
    expr.for_each_child(&mut |child| collect(child, names));
}

/// Where a closed condition stands: one object, or all of them, and what an
/// apply knows.
pub(super) struct Made<'a> {
    pub(super) itself: Value,
    pub(super) applied: &'a dyn Scope,
}

impl Scope for Made<'_> {
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult {
        match reference {
            Reference::Itself => Ok(self.itself.clone()),
            Reference::Slot(_) => self.applied.lookup(reference, span),
            _ => Err(misplaced(reference, span)),
        }
    }

    fn functions(&self) -> FunctionContext<'_> {
        self.applied.functions()
    }
}

fn misplaced(reference: &Reference, span: Span) -> Box<Diagnostic> {
    let detail = format!("A policy refers to var, local and self only, not to {reference}.");
    Box::new(Diagnostic::error("Invalid reference", detail).at(span))
}

/// Where a condition stands: the instance's variables and one object.
pub(super) struct Judged<'a, 'p> {
    pub(super) judge: &'a Judge<'a>,
    pub(super) plan: &'p Plan,
    pub(super) itself: Value,
    /// What the plan needs on top, to have the apply finish conditions.
    pub(super) slots: &'a RefCell<Vec<Slot>>,
}

impl Judged<'_, '_> {
    /// A variable of which only the apply has all.
    fn open(&self, name: &Arc<str>, span: Span) -> Option<Expr> {
        let instance = self.judge.instance;
        if self.variable(name, span).is_ok_and(|value| value.is_wholly_known()) {
            return None;
        }
        if self.plan.ephemeral.contains_key(name) {
            return Some(self.slot(Slot::Given(name.clone()), span));
        }
        let Some(expr) = instance.shared.get(name) else { return instance.facts.expr(name) };
        let variable = instance.module.variables.iter().find(|variable| variable.name.name == *name)?;
        let kind = ExprKind::Convert(Box::new(expr.clone()), variable.constraint.clone());
        Some(Expr { kind, span })
    }

    fn slot(&self, slot: Slot, span: Span) -> Expr {
        let mut slots = self.slots.borrow_mut();
        let number = u32::try_from(self.plan.slots.len() + slots.len()).unwrap_or(u32::MAX);
        slots.push(slot);
        Expr { kind: ExprKind::Reference(Reference::Slot(number)), span }
    }

    fn shared(&self, name: &str) -> Value {
        let passed = self.judge.instance.passed.get(name);
        passed.unwrap_or_else(|| Value::unknown(Type::Dynamic))
    }

    /// What the blueprint's variable came to, else what is given.
    fn variable(&self, name: &str, span: Span) -> EvalResult {
        let instance = self.judge.instance;
        let settled = self.plan.variables.get(name);
        let settled = settled.or_else(|| instance.variables.get(name).map(|(value, _)| value));
        if let Some(settled) = settled {
            return Ok(settled.clone());
        }
        if let Some(given) = instance.facts.expr(name) {
            return evaluate(&given, self);
        }
        let detail = format!("{} has no variable {name:?}.", instance.workspace);
        let known = instance.variables.keys().chain(instance.facts.names());
        let error = Diagnostic::error("Unknown variable", detail).at(span);
        Err(Box::new(error.suggest(name, known.map(|name| &**name))))
    }
}

impl Scope for Judged<'_, '_> {
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult {
        match reference {
            Reference::Itself => Ok(self.itself.clone()),
            Reference::Var(name) => self.variable(name, span),
            Reference::Shared(name) => Ok(self.shared(name)),
            _ => Err(misplaced(reference, span)),
        }
    }

    fn functions(&self) -> FunctionContext<'_> {
        let root = &self.judge.instance.root;
        FunctionContext {
            module_dir: root,
            root_dir: root,
            timestamp: "",
            now: None,
            files: &DiskFiles,
            language: &LANGUAGE,
        }
    }
}
