//! Where the condition of a policy stands: among an instance's variables while
//! planning, with nothing but the object once that is known.
//!
//! Must not: judge.

use super::model::Plan;
use super::policies::Judge;
use crate::diag::{Diagnostic, Span};
use crate::expr::{DiskFiles, EvalResult, Expr, ExprKind, FunctionContext, Reference, Scope, evaluate};
use crate::fmt::LANGUAGE;
use crate::value::{Type, Value};

/// A condition with all but `self` settled.
pub(super) fn closed(expr: &Expr, scope: &Judged<'_, '_>) -> Expr {
    let mut closed = expr.clone();
    close(&mut closed, scope);
    closed
}

/// Returns whether it still depends on `self` or on bound names.
fn close(expr: &mut Expr, scope: &Judged<'_, '_>) -> bool {
    let mut open = matches!(expr.kind, ExprKind::Variable(_) | ExprKind::Reference(Reference::Itself));
    expr.for_each_child_mut(&mut |child| open |= close(child, scope));
    if !open
        && !matches!(expr.kind, ExprKind::Literal(_))
        && let Ok(value) = evaluate(expr, scope)
    {
        *expr = Expr::literal(value, expr.span);
    }
    open
}

/// Where a closed condition stands: one object.
pub(super) struct Made<'a> {
    pub(super) itself: Value,
    pub(super) functions: FunctionContext<'a>,
}

impl Scope for Made<'_> {
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult {
        match reference {
            Reference::Itself => Ok(self.itself.clone()),
            _ => Err(misplaced(reference, span)),
        }
    }

    fn functions(&self) -> FunctionContext<'_> {
        FunctionContext { ..self.functions }
    }
}

fn misplaced(reference: &Reference, span: Span) -> Box<Diagnostic> {
    let detail = format!("A policy refers to var and self only, not to {reference}.");
    Box::new(Diagnostic::error("Invalid reference", detail).at(span))
}

/// Where a condition stands: the instance's variables and one object.
pub(super) struct Judged<'a, 'p> {
    pub(super) judge: &'a Judge<'a>,
    pub(super) plan: &'p Plan,
    pub(super) itself: Value,
}

impl Judged<'_, '_> {
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
            Reference::Shared(name) => {
                let passed = self.judge.instance.passed.get(name);
                Ok(passed.unwrap_or_else(|| Value::unknown(Type::Dynamic)))
            }
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
