//! What policies say of a plan.
//!
//! Guarantees: a condition that cannot be told yet is said to be so, not taken
//! for kept.
//! Must not: change the plan.

use super::model::{Action, Change, Plan};
use crate::addr::ResourceMode;
use crate::config::{Enforcement, Instance, Policy, Rule};
use crate::diag::{Diagnostic, Diagnostics, Severity, Span};
use crate::expr::{DiskFiles, EvalResult, FunctionContext, Reference, Scope, evaluate};
use crate::fmt::LANGUAGE;
use crate::value::Value;

/// Judges a plan; errors where it must not be applied.
pub fn judge(policies: &[Policy], instance: &Instance, plan: &Plan) -> Diagnostics {
    let mut found = Diagnostics::new();
    let Some(seated) = &instance.seated else { return found };
    for policy in policies.iter().filter(|policy| policy.is_about(seated)) {
        let judged = |itself: Value, place: Option<Span>, address: String| {
            let scope = Judged { instance, itself };
            verdict(policy, &scope, place).map(|problem| problem.address(address))
        };
        if policy.resources.is_empty() {
            let all = Value::object([("resources", Value::tuple(planned(plan).map(object)))]);
            found.extend(judged(all, Some(seated.span), plan.workspace.to_string()));
            continue;
        }
        let about = |change: &&Change| policy.resources.contains(&change.key.address.kind);
        for change in planned(plan).filter(about) {
            let address = format!("{}:{}", plan.workspace, change.key.address);
            found.extend(judged(object(change), change.span, address));
        }
    }
    found
}

/// Objects that there will be.
fn planned(plan: &Plan) -> impl Iterator<Item = &Change> {
    let is_managed = |change: &&Change| {
        change.key.address.mode == ResourceMode::Managed
            && !matches!(change.action, Action::Delete | Action::Forget)
    };
    plan.changes.iter().filter(is_managed)
}

/// An object as conditions see it.
fn object(change: &Change) -> Value {
    let address = &change.key.address;
    Value::object([
        ("address", Value::from(address.to_string().as_str())),
        ("type", Value::from(address.kind.clone())),
        ("name", Value::from(address.name.clone())),
        ("values", change.after.clone()),
    ])
}

fn verdict(policy: &Policy, scope: &Judged<'_>, place: Option<Span>) -> Option<Diagnostic> {
    let Rule { condition, message } = &policy.rule;
    let name = &policy.name.name;
    let mut problem = match evaluate(condition, scope) {
        Ok(value) if value.as_bool() == Some(true) => return None,
        Ok(value) if value.as_bool() == Some(false) => {
            let words = evaluate(message, scope).ok().and_then(|text| text.as_str().map(String::from));
            let words = words.unwrap_or_else(|| format!("The policy {name:?} does not hold."));
            Diagnostic::error("Policy not kept", words).hint(format!("The policy is {name:?}."))
        }
        Ok(value) if !value.is_known() => {
            let detail = format!("Whether the policy {name:?} holds is known after apply only.");
            let mut problem = Diagnostic::error("Policy not decided", detail);
            problem.severity = Severity::Warning;
            problem
        }
        Ok(_) => {
            let detail = format!("The condition of the policy {name:?} is neither true nor false.");
            Diagnostic::error("Invalid policy", detail)
        }
        Err(error) => *error,
    };
    if policy.enforcement == Enforcement::Warn {
        problem.severity = Severity::Warning;
    }
    // What a tenant is under is its own choice of words, not those of the policy.
    let at = if policy.is_built_in { place } else { Some(condition.span) };
    problem.span = problem.span.or(at);
    Some(match place.filter(|place| problem.span != Some(*place)) {
        Some(place) => problem.related(place, "what it is about"),
        None => problem,
    })
}

/// Where a condition stands: the instance's variables and one object.
struct Judged<'a> {
    instance: &'a Instance,
    itself: Value,
}

impl Scope for Judged<'_> {
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult {
        match reference {
            Reference::Itself => Ok(self.itself.clone()),
            Reference::Var(name) => {
                let settled = self.instance.variables.get(name).or_else(|| self.instance.facts.get(name));
                settled.map(|(value, _)| value.clone()).ok_or_else(|| {
                    let detail = format!("{} has no variable {name:?}.", self.instance.workspace);
                    let known = self.instance.variables.keys().chain(self.instance.facts.keys());
                    let error = Diagnostic::error("Unknown variable", detail).at(span);
                    Box::new(error.suggest(name, known.map(|name| &**name)))
                })
            }
            _ => {
                let detail = format!("A policy refers to var and self only, not to {reference}.");
                Err(Box::new(Diagnostic::error("Invalid reference", detail).at(span)))
            }
        }
    }

    fn functions(&self) -> FunctionContext<'_> {
        FunctionContext {
            module_dir: &self.instance.root,
            root_dir: &self.instance.root,
            timestamp: "",
            now: None,
            files: &DiskFiles,
            language: &LANGUAGE,
        }
    }
}
