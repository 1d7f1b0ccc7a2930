//! What can be said before anything is planned: variables and local values of
//! a module, as far as constants give them. Where modules come from may depend
//! on them.
//!
//! Guarantees: whoever depends on what a caller gives is known, so that it is
//! not taken for another caller's.
//! Must not: look at resources, data, or other modules' outputs.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::given::{self, Given};
use super::model::{Module, Settings, Variable};
use super::platform;
use super::reader::Constants;
use super::settle::{Owner, settle};
use crate::diag::{Diagnostic, Diagnostics, SourceMap, Span};
use crate::expr::{EvalResult, Expr, FunctionContext, Reference, Scope, evaluate, fill_defaults};
use crate::value::Value;

/// Who gives a module's variables their values.
#[derive(Clone, Copy)]
pub(super) enum Giver<'a> {
    /// Whoever runs the command.
    User { vars: &'a [(String, Given)], sources: &'a SourceMap },
    /// A `module` block with these arguments, in a module of its own.
    Call { arguments: &'a BTreeMap<Arc<str>, Expr>, caller: &'a Statics<'a> },
    /// The settings of each tenant, which are not known here.
    Tenants,
}

/// One module as far as it can be told.
pub(super) struct Statics<'a> {
    module: &'a Module,
    giver: Giver<'a>,
    constants: &'a Constants<'a>,
    /// What the user gave, brought to the variables' types.
    settled: OnceCell<Settings>,
    /// Whether something depends on what a caller gives.
    is_asked: Cell<bool>,
    /// What is being looked up, to see when it comes back to itself.
    open: RefCell<Vec<Arc<str>>>,
}

impl<'a> Statics<'a> {
    pub(super) fn new(module: &'a Module, giver: Giver<'a>, constants: &'a Constants<'a>) -> Self {
        let (is_asked, open) = (Cell::new(false), RefCell::default());
        Statics { module, giver, constants, settled: OnceCell::new(), is_asked, open }
    }

    /// The module.
    pub(super) fn module(&self) -> &'a Module {
        self.module
    }

    /// Reports constants that are none, or not known.
    pub(super) fn check_constants(&self, diagnostics: &mut Diagnostics) {
        if matches!(self.giver, Giver::Tenants) {
            return;
        }
        let constants = self.module.variables.iter().filter(|variable| variable.constant == Some(true));
        for variable in constants.filter(|variable| !variable.sensitive && !variable.ephemeral) {
            let problem = self.variable(variable, variable.name.span).err();
            diagnostics.extend(problem.map(|problem| *problem));
        }
    }

    /// Whether something was looked up that a caller gives.
    pub(super) fn is_asked(&self) -> bool {
        self.is_asked.get()
    }

    fn variable(&self, variable: &Variable, span: Span) -> EvalResult {
        let name = &variable.name.name;
        if variable.constant == Some(false) {
            let detail =
                format!("var.{name} says const = false: it is not known before everything is planned.");
            return Err(Box::new(Diagnostic::error("References not allowed", detail).at(span)));
        }
        if variable.sensitive || variable.ephemeral {
            let kind = if variable.sensitive { "sensitive" } else { "ephemeral" };
            return Err(Box::new(hidden(&format!("var.{name} is {kind}"), span)));
        }
        let value = match self.giver {
            Giver::Tenants => {
                let detail =
                    format!("var.{name} may be another for each tenant, and so cannot be used here.");
                return Err(Box::new(Diagnostic::error("References not allowed", detail).at(span)));
            }
            Giver::User { vars, sources } => self.of_user(vars, sources, name),
            Giver::Call { arguments, caller } => {
                self.is_asked.set(true);
                arguments.get(name).map(|argument| evaluate(argument, caller)).transpose()?
            }
        };
        let constraint = &variable.constraint;
        let value = match (value, &variable.default) {
            (Some(value), _) if !value.is_null() || variable.nullable => value,
            (_, Some(default)) => default.clone(),
            _ => return Err(Box::new(missing(name, span))),
        };
        fill_defaults(&value, &constraint.defaults).convert(&constraint.ty).map_err(|error| {
            let detail = format!("The value of var.{name} does not suit it: {error}.");
            Box::new(Diagnostic::error("Wrong type", detail).at(span))
        })
    }

    /// What the user gave for a variable. Mistakes in it are reported when it
    /// is used.
    fn of_user(&self, vars: &[(String, Given)], sources: &SourceMap, name: &str) -> Option<Value> {
        let settled = self.settled.get_or_init(|| {
            let mut unheard = Diagnostics::new();
            let given = given::settings(self.module, vars, sources, self.constants, &mut unheard);
            settle(self.module, &platform::given(&given), Owner::Nobody, &mut unheard).values
        });
        settled.get(name).map(|(value, _)| value.clone()).filter(Value::is_known)
    }

    fn local(&self, name: &Arc<str>, span: Span) -> EvalResult {
        let Some((_, expr)) = self.module.locals.iter().find(|(local, _)| local.name == *name) else {
            let known = self.module.locals.iter().map(|(local, _)| &*local.name);
            let detail = format!("The module has no local value {name:?}.");
            return Err(Box::new(
                Diagnostic::error("Undeclared local value", detail).at(span).suggest(name, known),
            ));
        };
        if self.open.borrow().contains(name) {
            let detail = format!("local.{name} depends on itself.");
            return Err(Box::new(Diagnostic::error("Cycle", detail).at(span)));
        }
        self.open.borrow_mut().push(name.clone());
        let value = evaluate(expr, self);
        self.open.borrow_mut().pop();
        value
    }
}

impl Scope for Statics<'_> {
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult {
        let value = match reference {
            Reference::Var(name) => match self.module.variables.iter().find(|v| v.name.name == *name) {
                Some(variable) => self.variable(variable, span)?,
                None => {
                    let known = self.module.variables.iter().map(|v| &*v.name.name);
                    let detail = format!("The module has no variable {name:?}.");
                    return Err(Box::new(
                        Diagnostic::error("Undeclared variable", detail).at(span).suggest(name, known),
                    ));
                }
            },
            Reference::Local(name) => self.local(name, span)?,
            Reference::Path(which) => self.constants.functions().path(which, span)?,
            _ => {
                let detail = format!(
                    "{reference} is known only when everything is planned, and modules are read before that."
                );
                return Err(Box::new(
                    Diagnostic::error("References not allowed", detail)
                        .at(span)
                        .hint("Variables and local values may be used, as long as constants give them."),
                ));
            }
        };
        if !value.is_marked() {
            return Ok(value);
        }
        Err(Box::new(hidden(&format!("{reference} is secret"), span)))
    }

    fn functions(&self) -> FunctionContext<'_> {
        self.constants.functions()
    }
}

/// Where a module comes from is shown in many places.
pub(super) fn hidden(what: &str, span: Span) -> Diagnostic {
    let detail = format!("{what}, and where a module comes from is not hidden.");
    Diagnostic::error("Secret not allowed here", detail).at(span)
}

fn missing(name: &str, span: Span) -> Diagnostic {
    let detail = format!("The variable {name:?} has no value, and it decides which module is read.");
    Diagnostic::error("No value for required variable", detail)
        .at(span)
        .hint(format!("Set it with -var '{name}=…' or TF_VAR_{name}, or give it a default."))
}
