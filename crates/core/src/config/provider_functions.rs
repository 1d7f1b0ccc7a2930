//! Calls of providers' functions: `provider::NAME::FUNCTION(…)`, where the name
//! is one that the module asks for.

use super::model::Module;
use crate::diag::{Diagnostic, Diagnostics};
use crate::expr::{Expr, ExprKind, functions};

/// The provider that has functions.
const WITH_FUNCTIONS: &str = "terraform";

/// Reports calls that lead to no function.
pub(super) fn check(module: &Module, diagnostics: &mut Diagnostics) {
    module.expressions().for_each(|expr| walk(expr, module, diagnostics));
}

fn walk(expr: &Expr, module: &Module, diagnostics: &mut Diagnostics) {
    if let ExprKind::Call(call) = &expr.kind
        && let Some((provider, function)) =
            call.name.strip_prefix("provider::").and_then(|n| n.split_once("::"))
        && let Some(problem) = problem(module, provider, function)
    {
        diagnostics.push(problem.at(expr.span));
    }
    expr.for_each_child(&mut |child| walk(child, module, diagnostics));
}

fn problem(module: &Module, provider: &str, function: &str) -> Option<Diagnostic> {
    let local = module.local_names.get(provider);
    let is_required = module.required_providers.iter().any(|(name, _)| **name == *provider);
    let own = match local {
        Some(own) => &**own,
        None if is_required => provider,
        None => {
            let detail = format!("The module asks for no provider {provider:?} in its required_providers.");
            let known = module.required_providers.iter().map(|(name, _)| &**name);
            return Some(Diagnostic::error("Unknown function provider", detail).suggest(provider, known));
        }
    };
    let name = format!("provider::{WITH_FUNCTIONS}::{function}");
    if own == WITH_FUNCTIONS && functions::exists(&name) {
        return None;
    }
    let detail = format!("The provider {provider:?} has no function named {function:?}.");
    let known = functions::names().filter_map(functions::of_provider).filter(|_| own == WITH_FUNCTIONS);
    Some(Diagnostic::error("Function not found in provider", detail).suggest(function, known))
}
