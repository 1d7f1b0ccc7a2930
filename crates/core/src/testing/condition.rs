//! Conditions: what a test asserts, and failures that it expects.

use std::collections::BTreeSet;

use super::names::{Names, chain};
use super::{RunReport, Status};
use crate::config::{Module, Rule};
use crate::diag::{Diagnostic, Diagnostics, Severity, Span};
use crate::expr::Expr;
use crate::plan::Inspection;
use crate::value::{Type, Value};

/// An `assert` block.
#[derive(Clone, Debug)]
pub(super) struct Assertion {
    pub condition: Expr,
    pub message: Expr,
}

/// Judges assertions; what does not hold is in the report.
pub(super) fn judge(
    assertions: &[Assertion],
    names: &Names,
    inspection: &Inspection<'_>,
    report: &mut RunReport,
) {
    for assertion in assertions {
        match verdict(assertion, names, inspection) {
            Ok(None) => {}
            Ok(Some(problem)) => {
                report.status = report.status.max(Status::Fail);
                report.diagnostics.push(problem);
            }
            Err(problems) => {
                report.status = Status::Error;
                report.diagnostics.extend(problems);
            }
        }
    }
}

/// What is wrong when an assertion does not hold.
///
/// # Errors
/// When that cannot be told.
fn verdict(
    assertion: &Assertion,
    names: &Names,
    inspection: &Inspection<'_>,
) -> Result<Option<Diagnostic>, Diagnostics> {
    let evaluate = |expr: &Expr| -> Result<Value, Diagnostics> {
        inspection.evaluate(&names.settle(expr).map_err(|problem| Diagnostics::from(*problem))?)
    };
    let condition = &assertion.condition;
    let value = evaluate(condition)?;
    let values = || {
        let mut found = Vec::new();
        operands(condition, &evaluate, &mut found);
        found
    };
    if !value.is_known() {
        let detail = "Whether this holds cannot be told from a plan: it depends on what only an apply knows.";
        let mut problem = Diagnostic::error("Condition not known", detail).at(condition.span);
        problem.values = values();
        return Err(problem.hint("Leave out command = plan, so that the run applies.").into());
    }
    match value.convert(&Type::Bool).ok().and_then(|value| value.as_bool()) {
        Some(true) => Ok(None),
        Some(false) => {
            let words = match evaluate(&assertion.message)?.convert(&Type::String) {
                Ok(text) if text.is_sensitive() => {
                    "The message holds sensitive values, so it is not shown.".to_owned()
                }
                Ok(text) => text.as_str().unwrap_or("The message is not known.").to_owned(),
                Err(error) => {
                    let detail = format!("The message is no text: {error}.");
                    return Err(Diagnostic::error("Invalid message", detail)
                        .at(assertion.message.span)
                        .into());
                }
            };
            let mut problem = Diagnostic::error("Test assertion failed", words).at(condition.span);
            problem.values = values();
            Ok(Some(problem))
        }
        None => {
            let detail = format!("A condition must be true or false, not {}.", value.show());
            Err(Diagnostic::error("Invalid condition", detail).at(condition.span).into())
        }
    }
}

/// What a condition refers to, and what that stands for.
fn operands(
    expr: &Expr,
    evaluate: &dyn Fn(&Expr) -> Result<Value, Diagnostics>,
    found: &mut Vec<(String, String)>,
) {
    let Some(name) = chain(expr) else {
        expr.for_each_child(&mut |child| operands(child, evaluate, found));
        return;
    };
    if let Ok(value) = evaluate(expr)
        && !found.iter().any(|(known, _)| *known == name)
    {
        found.push((name, value.show()));
    }
}

/// Failures that a run expects.
pub(super) struct Expected<'a> {
    /// Objects that are to fail, and where the test says so.
    wanted: &'a [(String, Span)],
    /// Conditions, each with its object's address.
    conditions: Vec<(Span, String)>,
}

impl<'a> Expected<'a> {
    pub(super) fn new(wanted: &'a [(String, Span)], module: &Module) -> Self {
        Expected { wanted, conditions: conditions(module) }
    }

    /// The object whose condition a problem tells of.
    fn object(&self, problem: &Diagnostic) -> Option<&str> {
        let places: Vec<Span> =
            problem.span.into_iter().chain(problem.related.iter().map(|(span, _)| *span)).collect();
        self.conditions.iter().find(|(span, _)| places.contains(span)).map(|(_, name)| name.as_str())
    }

    fn is_wanted(&self, object: &str) -> bool {
        self.wanted.iter().any(|(name, _)| name == object)
    }

    /// What remains of problems without those expected, and what was expected
    /// and did not come.
    pub(super) fn remaining(&self, problems: Diagnostics) -> Diagnostics {
        let mut met = BTreeSet::new();
        let mut rest = Diagnostics::new();
        for mut problem in problems {
            match self.object(&problem) {
                Some(object) if self.is_wanted(object) => drop(met.insert(object.to_owned())),
                Some(_) => {
                    // A check that fails only warns, but not in a test.
                    problem.severity = Severity::Error;
                    rest.push(problem);
                }
                None => rest.push(problem),
            }
        }
        for (name, span) in self.wanted.iter().filter(|(name, _)| !met.contains(name)) {
            let detail = format!("{name} was expected to fail and did not.");
            rest.push(Diagnostic::error("Missing expected failure", detail).at(*span));
        }
        rest
    }

    /// Problems of a plan that was to be applied, where an expected failure is
    /// one too: it came too early.
    pub(super) fn explained(&self, problems: Diagnostics) -> Diagnostics {
        let mut all = Diagnostics::new();
        for problem in problems {
            if let Some(object) = self.object(&problem).filter(|object| self.is_wanted(object)) {
                let detail = format!(
                    "{object} failed while planning, as was expected, but that kept the run from its apply."
                );
                let early = Diagnostic::error("Expected failure while planning", detail)
                    .hint("Use command = plan in this run.");
                let place = self.wanted.iter().find(|(name, _)| name == object);
                all.push(place.map_or(early.clone(), |(_, span)| early.at(*span)));
            }
            all.push(problem);
        }
        all
    }
}

/// Every condition of a module, and of those it calls, with the address of what
/// has it.
fn conditions(module: &Module) -> Vec<(Span, String)> {
    let mut all = Vec::new();
    collect(module, "", &mut all);
    all
}

fn collect(module: &Module, path: &str, all: &mut Vec<(Span, String)>) {
    let mut add = |name: String, rules: &[Rule]| {
        all.extend(rules.iter().map(|rule| (rule.condition.span, format!("{path}{name}"))));
    };
    for variable in &module.variables {
        add(format!("var.{}", variable.name.name), &variable.validations);
    }
    for output in &module.outputs {
        add(format!("output.{}", output.name.name), &output.preconditions);
    }
    for check in &module.checks {
        add(format!("check.{}", check.name.name), &check.asserts);
    }
    for resource in &module.resources {
        let name = format!("{}{}.{}", resource.mode.prefix(), resource.kind, resource.name);
        add(name.clone(), &resource.lifecycle.preconditions);
        add(name, &resource.lifecycle.postconditions);
    }
    for call in &module.calls {
        collect(&call.module, &format!("{path}module.{}.", call.name.name), all);
    }
}
