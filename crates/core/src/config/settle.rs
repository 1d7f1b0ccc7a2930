//! Settings to the values of a module's variables.
//!
//! Guarantees: every mistake is an error at the place that set the value, or at
//! the part of it that is wrong; each is reported once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model::{Module, Settings, Variable};
use super::tenancy::{Merged, Node};
use crate::diag::{Diagnostic, Diagnostics, Span, nearest};
use crate::expr::{Expr, fill_defaults};
use crate::value::{Type, Value};

/// What to do about a setting that stands where a part of it was meant.
const WHOLE: &str = "What an expression brings of the platform's resources is known after apply only, so it is \
                     replaced as a whole. Write it as an object in braces to have it merged.";

/// Who must set what has no default.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    /// Nobody: it stands for an unknown value.
    Nobody,
    /// Nobody, and what has a default may be set to something else: whatever is
    /// not set stands for an unknown value.
    Anybody,
    /// Whoever runs the command.
    User,
    /// The tenant that is declared here.
    Tenant(Span),
}

/// What a module's variables come to.
#[derive(Default)]
pub(super) struct Settled {
    /// Their values and places.
    pub(super) values: Settings,
    /// Of those that hold what the platform passes on: the expression, which is
    /// not brought to the variable's type yet.
    pub(super) shared: BTreeMap<Arc<str>, Expr>,
}

/// Brings given values to a module's variables.
pub(super) fn settle(
    module: &Module,
    given: &Merged,
    owner: Owner,
    diagnostics: &mut Diagnostics,
) -> Settled {
    let mut settled = Settled::default();
    for variable in &module.variables {
        let name = &variable.name.name;
        let node = given
            .get(name)
            .filter(|node| !node.is_removed() || variable.nullable && variable.default.is_none());
        let (value, span) = match (node, &variable.default) {
            (Some(node), _) => {
                let value = node.value();
                if node.is_shared() {
                    settled.shared.insert(name.clone(), node.expr());
                }
                if value.is_null() && !variable.nullable && variable.default.is_none() {
                    let detail = format!(
                        "The variable {name:?} is set to null, which is no value of it: nullable = false."
                    );
                    let error = Diagnostic::error("Required variable not set", detail).at(node.span);
                    diagnostics.push(error.related(variable.name.span, "declared here"));
                    continue;
                }
                match fill_defaults(&value, &variable.constraint.defaults).convert(&variable.constraint.ty) {
                    Ok(value) => (value, node.span),
                    Err(error) => {
                        let part = &error.path;
                        let place =
                            if part.steps().is_empty() { String::new() } else { format!(", at {part}") };
                        let detail =
                            format!("The value does not suit the variable {name:?}{place}: {error}.");
                        let error = Diagnostic::error("Wrong type", detail).at(node.at(part).span);
                        let error = error.related(variable.name.span, "declared here");
                        diagnostics.push(match node.at(part).hides() {
                            Some(hidden) => error.related(hidden, "in place of all of this").hint(WHOLE),
                            None => error,
                        });
                        continue;
                    }
                }
            }
            (None, _) if matches!(owner, Owner::Anybody) => (unknown(variable), variable.name.span),
            (None, Some(default)) => (default.clone(), variable.name.span),
            (None, None) if matches!(owner, Owner::Nobody) => (unknown(variable), variable.name.span),
            (None, None) => {
                let detail = format!("The variable {name:?} has no default and is not set.");
                let error = Diagnostic::error("No value for required variable", detail);
                match owner {
                    Owner::Nobody | Owner::Anybody => {}
                    Owner::User => diagnostics.push(
                        error
                            .at(variable.name.span)
                            .hint(format!("Set it with -var '{name}=…' or TF_VAR_{name}.")),
                    ),
                    // It is there, misspelt, and that was reported.
                    Owner::Tenant(_) if is_misspelt(name, module, given) => {}
                    Owner::Tenant(span) => {
                        diagnostics.push(error.at(span).related(variable.name.span, "declared here"));
                    }
                }
                continue;
            }
        };
        let value = if variable.sensitive { value.sensitive() } else { value };
        settled.values.insert(name.clone(), (value, span));
    }
    settled
}

fn unknown(variable: &Variable) -> Value {
    let ty = variable.constraint.ty.clone();
    if variable.nullable { Value::unknown(ty) } else { Value::unknown_not_null(ty) }
}

/// Whether what is given has a name of no variable that stands for this one.
fn is_misspelt(name: &str, module: &Module, given: &Merged) -> bool {
    given
        .keys()
        .filter(|given| variable(module, given).is_none())
        .any(|given| meant(given, module) == Some(name))
}

/// The variable that a name of none is taken for.
fn meant<'m>(given: &str, module: &'m Module) -> Option<&'m str> {
    nearest(given, module.variables.iter().map(|variable| &*variable.name.name))
}

fn variable<'m>(module: &'m Module, name: &str) -> Option<&'m Variable> {
    module.variables.iter().find(|variable| *variable.name.name == *name)
}

/// Reports settings that no variable declares, and what a variable's type has
/// no place for, which a conversion would drop in silence.
pub(super) fn undeclared(module: &Module, settings: &Merged, diagnostics: &mut Diagnostics) {
    for (name, node) in settings {
        let Some(variable) = variable(module, name) else {
            let detail = format!("The blueprint has no variable {name:?}.");
            let error = Diagnostic::error("Undeclared setting", detail).at(node.span);
            diagnostics.push(error.suggest(name, meant(name, module)));
            continue;
        };
        attributes(name, node, &variable.constraint.ty, diagnostics);
    }
}

fn attributes(path: &str, node: &Node, ty: &Type, diagnostics: &mut Diagnostics) {
    let Some(settings) = node.settings() else { return };
    for (name, inner) in settings {
        let path = format!("{path}.{name}");
        match ty {
            Type::Map(element) => attributes(&path, inner, element, diagnostics),
            Type::Object(object) => match object.attributes.get(name) {
                Some(ty) => attributes(&path, inner, ty, diagnostics),
                None => {
                    let known = object.attributes.keys().map(|name| &**name);
                    let detail = format!("The blueprint's variable has no attribute {path:?}.");
                    let error = Diagnostic::error("Undeclared setting", detail).at(inner.span);
                    diagnostics.push(error.suggest(name, known));
                }
            },
            _ => {}
        }
    }
}
