//! What the platform passes on to its tenants: planned, applied and recorded
//! with the platform, read by the tenants that refer to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Applied, Engine, Outcome, read_state};
use crate::addr::WorkspaceName;
use crate::config::{Instance, Platform, passed_value};
use crate::diag::{Diagnostic, Diagnostics};
use crate::plan::{Plan, PlanMode};
use crate::value::Value;

/// What is passed on, by setting.
#[derive(Clone)]
pub(super) struct Passed {
    /// An object; partly unknown where an apply will tell.
    pub(super) values: Value,
    /// What is wrong with settings that come to nothing.
    problems: BTreeMap<Arc<str>, Diagnostics>,
}

impl Default for Passed {
    fn default() -> Self {
        Passed { values: Value::NULL, problems: BTreeMap::new() }
    }
}

impl Passed {
    fn of<'o>(
        outputs: impl Iterator<Item = (&'o Arc<str>, &'o Value)>,
        problems: BTreeMap<Arc<str>, Diagnostics>,
    ) -> Self {
        let values = outputs.filter_map(|(name, value)| passed_value(name, value));
        let values = Value::object(values.map(|(setting, value)| (Arc::from(setting), value)));
        Passed { values, problems }
    }

    fn get(&self, setting: &str) -> Option<&Value> {
        self.values.as_entries().and_then(|values| values.get(setting))
    }

    /// What is wrong with the first of some settings that has no value.
    fn missing<'s>(
        &self,
        mut settings: impl Iterator<Item = &'s str>,
        is_there: impl Fn(Option<&Value>) -> bool,
        workspace: &WorkspaceName,
        otherwise: impl FnOnce(&str) -> Diagnostic,
    ) -> Result<(), Diagnostics> {
        let Some(missing) = settings.find(|setting| !is_there(self.get(setting))) else { return Ok(()) };
        Err(match self.problems.get(missing) {
            Some(problems) => problems.clone().into_iter().map(|it| it.address(workspace)).collect(),
            None => otherwise(missing).into(),
        })
    }
}

/// By the plan of the platform; unknown where its apply will tell.
pub(super) fn planned(outcome: &Outcome<Plan>) -> Passed {
    let Some(plan) = &outcome.result else { return Passed::default() };
    let outputs = plan.outputs.iter().map(|(name, output)| match plan.mode {
        PlanMode::Destroy => (name, &output.before),
        PlanMode::Normal | PlanMode::RefreshOnly => (name, &output.after),
    });
    Passed::of(outputs, plan.unpassed.clone())
}

/// By the apply of the platform.
pub(super) fn applied(outcome: Option<&Outcome<Applied>>) -> Passed {
    let Some(applied) = outcome.and_then(|outcome| outcome.result.as_ref()) else { return Passed::default() };
    Passed::of(applied.outputs.iter(), applied.unpassed.clone())
}

/// By the last apply of the platform.
pub(super) fn recorded(
    engine: &Engine,
    platform: &Platform,
    own: &WorkspaceName,
) -> Result<Passed, Diagnostics> {
    let state = read_state(engine, own)?;
    let asked = platform.passed_on().filter_map(|name| state.outputs.get_key_value(name));
    Ok(Passed::of(asked, BTreeMap::new()))
}

/// Refuses to plan an instance before the platform has what it refers to.
pub(super) fn check(instance: &Instance, passed: &Passed) -> Result<(), Diagnostics> {
    let settings = instance.shared_names().into_iter();
    passed.missing(settings, |value| value.is_some(), &instance.workspace, |missing| {
        let detail = format!(
            "{} needs {missing} of the platform's shared resources, which have not been applied with it yet.",
            instance.workspace
        );
        let error = Diagnostic::error("Platform not applied", detail);
        let error = error.hint("Apply the shared resources first: tenantctl apply -platform");
        match &instance.seated {
            Some(seated) => error.at(seated.span),
            None => error,
        }
    })
}

/// What is wrong with an instance when the platform could not be planned.
pub(super) fn unplanned(instance: &Instance) -> Diagnostic {
    let detail = "What it refers to of the platform could not be planned.";
    Diagnostic::error("Platform not planned", detail).address(&instance.workspace).hint(
        "Tenants that are selected, by -tenant, -tier or -environment, are planned with what the platform's \
         last apply brought.",
    )
}

/// Refuses to apply a plan without what it was to get of the platform's apply.
pub(super) fn brought(plan: &Plan, passed: &Passed) -> Result<(), Diagnostics> {
    let is_known = |value: Option<&Value>| value.is_some_and(Value::is_wholly_known);
    passed.missing(plan.needs().map(|name| &**name), is_known, &plan.workspace, |missing| {
        let detail =
            format!("{} needs {missing} of the platform, which its apply has not brought.", plan.workspace);
        Diagnostic::error("Platform not applied", detail).hint("Apply the platform, then make a new plan.")
    })
}
