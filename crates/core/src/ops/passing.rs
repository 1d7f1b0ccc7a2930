//! What the platform passes on to its tenants: planned, applied and recorded
//! with the platform, read by the tenants that refer to it.

use super::{Engine, Outcome, read_state};
use crate::addr::WorkspaceName;
use crate::config::{Instance, PASSED_ON};
use crate::diag::{Diagnostic, Diagnostics};
use crate::plan::{Plan, PlanMode};
use crate::value::Value;

/// By the plan of the platform; unknown where its apply will tell.
pub(super) fn planned(outcome: &Outcome<Plan>) -> Value {
    let Some(plan) = &outcome.result else { return Value::NULL };
    let Some(output) = plan.outputs.get(PASSED_ON) else { return Value::NULL };
    match plan.mode {
        PlanMode::Destroy => output.before.clone(),
        PlanMode::Normal | PlanMode::RefreshOnly => output.after.clone(),
    }
}

/// By the last apply of the platform.
pub(super) fn recorded(engine: &Engine, platform: &WorkspaceName) -> Result<Value, Diagnostics> {
    let state = read_state(engine, platform)?;
    Ok(state.outputs.get(PASSED_ON).cloned().unwrap_or(Value::NULL))
}

/// Refuses to plan an instance before the platform has what it refers to.
pub(super) fn check(instance: &Instance, passed: &Value) -> Result<(), Diagnostic> {
    let has = |name: &str| passed.as_entries().is_some_and(|passed| passed.get(name).is_some());
    let missing: Vec<&str> = instance.shared_names().into_iter().filter(|name| !has(name)).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    let detail = format!(
        "{} needs {first} of the platform's shared resources, which have not been applied with it yet.",
        instance.workspace
    );
    let error = Diagnostic::error("Platform not applied", detail);
    let span = instance.seated.as_ref().map(|seated| seated.span);
    let error = error.hint("Apply the shared resources first: tenantctl apply -platform");
    Err(match span {
        Some(span) => error.at(span),
        None => error,
    })
}

/// Refuses to apply a plan without what it was to get of the platform's apply.
pub(super) fn brought(plan: &Plan, passed: &Value) -> Result<(), Diagnostic> {
    let is_known = |name: &str| {
        let value = passed.as_entries().and_then(|passed| passed.get(name));
        value.is_some_and(Value::is_wholly_known)
    };
    let Some(missing) = plan.needs().find(|name| !is_known(name)) else { return Ok(()) };
    let detail =
        format!("{} needs {missing} of the platform, which its apply has not brought.", plan.workspace);
    Err(Diagnostic::error("Platform not applied", detail).hint("Apply the platform, then make a new plan."))
}
