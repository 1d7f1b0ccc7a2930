//! What settings may refer to: the root directory's variables and locals, and
//! what the platform's own resources bring.
//!
//! A setting that leads to a resource or a module is not evaluated here: it is
//! passed on by the platform once that is planned.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::model::{Module, Settings};
use crate::diag::{Diagnostic, Span};
use crate::expr::{ChainStep, EvalResult, Expr, ExprKind, FunctionContext, Reference, Scope, evaluate};
use crate::value::Value;

/// The root directory's names, of which plain values can come.
pub(in crate::config) struct RootScope<'a> {
    locals: BTreeMap<&'a str, &'a Expr>,
    variables: &'a Settings,
    functions: FunctionContext<'a>,
    /// Locals being evaluated, outermost first.
    open: RefCell<Vec<Arc<str>>>,
    done: RefCell<BTreeMap<Arc<str>, Value>>,
}

impl<'a> RootScope<'a> {
    /// Of a root module whose variables have these values.
    pub(in crate::config) fn new(
        module: &'a Module,
        variables: &'a Settings,
        functions: FunctionContext<'a>,
    ) -> Self {
        let locals = module.locals.iter().map(|(name, expr)| (&*name.name, expr));
        Self::of(locals, variables, functions)
    }

    /// Of these local values and variables.
    pub(in crate::config) fn of(
        locals: impl Iterator<Item = (&'a str, &'a Expr)>,
        variables: &'a Settings,
        functions: FunctionContext<'a>,
    ) -> Self {
        let locals = locals.collect();
        RootScope { locals, variables, functions, open: RefCell::default(), done: RefCell::default() }
    }

    /// Whether an expression needs what the platform's resources bring.
    pub(in crate::config) fn is_shared(&self, expr: &Expr) -> bool {
        self.leads_to_resource(expr, &mut Vec::new())
    }

    /// Where an expression names a local value, or a part of one, what is
    /// written there.
    pub(in crate::config) fn written<'s>(&'s self, expr: &'s Expr) -> &'s Expr {
        let mut written = expr;
        // One that goes round in circles ends too: the graph reports it.
        for _ in 0..=self.locals.len() {
            match self.local_part(written) {
                Some(part) => written = part,
                None => break,
            }
        }
        written
    }

    fn local_part(&self, expr: &Expr) -> Option<&Expr> {
        let chain = expr.chain()?;
        let Reference::Local(name) = chain.reference else { return None };
        chain.steps.iter().try_fold(*self.locals.get(&**name)?, |at, step| match (&at.kind, step) {
            (ExprKind::Object(items), ChainStep::Attribute(name)) => {
                let is_it =
                    |key: &Expr| matches!(&key.kind, ExprKind::Literal(key) if key.as_str() == Some(name));
                items.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value)
            }
            _ => None,
        })
    }

    fn leads_to_resource<'s>(&'s self, expr: &'s Expr, seen: &mut Vec<&'s str>) -> bool {
        let mut found = false;
        let mut locals = Vec::new();
        expr.for_each_reference(&mut |reference, _| match reference {
            Reference::Resource { .. } | Reference::Module(_) => found = true,
            Reference::Local(name) => locals.push(name),
            _ => {}
        });
        found
            || locals.into_iter().any(|name| {
                let Some((name, expr)) = self.locals.get_key_value(&**name) else { return false };
                // What goes round in circles is the graph's to report.
                !seen.contains(name) && {
                    seen.push(name);
                    self.leads_to_resource(expr, seen)
                }
            })
    }

    fn local(&self, name: &Arc<str>, span: Span) -> EvalResult {
        if let Some(value) = self.done.borrow().get(name) {
            return Ok(value.clone());
        }
        let Some(expr) = self.locals.get(&**name) else {
            let known = self.locals.keys().copied();
            let detail = format!("There is no local value {name:?}.");
            return Err(Box::new(
                Diagnostic::error("Unknown local value", detail).at(span).suggest(name, known),
            ));
        };
        if self.open.borrow().contains(name) {
            let detail = format!("The local value {name:?} depends on itself.");
            return Err(Box::new(Diagnostic::error("Cycle", detail).at(span)));
        }
        self.open.borrow_mut().push(name.clone());
        let value = evaluate(expr, self);
        self.open.borrow_mut().pop();
        self.done.borrow_mut().insert(name.clone(), value.clone()?);
        value
    }
}

impl Scope for RootScope<'_> {
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult {
        match reference {
            Reference::Local(name) => self.local(name, span),
            Reference::Var(name) => {
                self.variables.get(name).map(|(value, _)| value.clone()).ok_or_else(|| {
                    let known = self.variables.keys().map(|name| &**name);
                    let detail = format!("The root directory declares no variable {name:?}.");
                    Box::new(Diagnostic::error("Unknown variable", detail).at(span).suggest(name, known))
                })
            }
            Reference::Path(which) => self.functions.path(which, span),
            _ => {
                let detail = format!("{reference} cannot be used here: a plain value is needed.");
                Err(Box::new(Diagnostic::error("References not allowed", detail).at(span)))
            }
        }
    }

    fn functions(&self) -> FunctionContext<'_> {
        FunctionContext { ..self.functions }
    }
}
