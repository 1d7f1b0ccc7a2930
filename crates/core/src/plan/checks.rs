//! Conditions: `precondition`, `postcondition` and `assert` blocks.
//!
//! What is known is judged by the plan; of the rest the plan keeps closed
//! expressions, which the apply judges by the same rules.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::evaluate::{At, Evaluation};
use super::resolve::close;
use crate::addr::ResourceMode;
use crate::config::Rule;
use crate::diag::{Diagnostic, Severity};
use crate::expr::{EvalError, Expr, Reference, Scope, evaluate};
use crate::value::{Kind, Marks, Type};

/// Which kind of condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// Of a resource or data source, before anything is done.
    Precondition,
    /// Of the object as it is then.
    Postcondition,
    /// Of an output.
    Output,
    /// Of a check: it never stops anything.
    Assertion,
    /// Of a variable's value.
    Validation,
    /// Of a policy.
    Policy,
}

impl RuleKind {
    fn severity(self) -> Severity {
        if self == RuleKind::Assertion { Severity::Warning } else { Severity::Error }
    }

    pub(super) fn summary(self) -> &'static str {
        match self {
            RuleKind::Precondition => "Resource precondition failed",
            RuleKind::Postcondition => "Resource postcondition failed",
            RuleKind::Output => "Output precondition failed",
            RuleKind::Assertion => "Check failed",
            RuleKind::Validation => "Invalid value for variable",
            RuleKind::Policy => "Policy not kept",
        }
    }
}

/// A condition that only the apply can tell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    /// Its kind.
    pub kind: RuleKind,
    /// Of what.
    pub address: String,
    /// The condition, closed.
    pub condition: Expr,
    /// The message, closed.
    pub message: Expr,
}

/// What has conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checkable {
    /// A resource or data source.
    Resource {
        /// Managed or data.
        mode: ResourceMode,
        /// The type.
        kind: Arc<str>,
        /// The name.
        name: Arc<str>,
    },
    /// An output.
    OutputValue(Arc<str>),
    /// A `check` block.
    Check(Arc<str>),
    /// A variable.
    #[serde(rename = "var")]
    Variable(Arc<str>),
}

/// What conditions came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// They hold.
    Pass,
    /// Only the apply can tell.
    Unknown,
    /// One does not hold.
    Fail,
    /// One cannot be judged.
    Error,
}

/// A block with conditions, and what they came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// The block.
    pub what: Checkable,
    /// The module that it stands in, without keys.
    pub module: String,
    /// Its instances.
    pub instances: Vec<CheckedInstance>,
}

/// An instance of such a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedInstance {
    /// Its address.
    pub address: String,
    /// The module instance that it is in.
    pub module: String,
    /// Which instance of the resource it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<super::model::InstanceKeyRepr>,
    /// All its conditions together.
    pub status: CheckStatus,
    /// Messages of those that do not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// What all conditions came to, as the planner goes.
#[derive(Default)]
pub(super) struct Checks {
    pub all: Vec<Checked>,
    by_node: HashMap<usize, usize>,
}

impl Checks {
    /// Notes what the conditions of an instance came to.
    pub(super) fn note(
        &mut self,
        node: usize,
        what: impl FnOnce() -> (Checkable, String),
        one: CheckedInstance,
    ) {
        let at = *self.by_node.entry(node).or_insert_with(|| {
            let (what, module) = what();
            self.all.push(Checked { what, module, instances: Vec::new() });
            self.all.len() - 1
        });
        let instances = &mut self.all[at].instances;
        // Preconditions come first, postconditions of the same object later.
        match instances.last_mut().filter(|last| last.address == one.address) {
            Some(last) => {
                last.status = last.status.max(one.status);
                last.problems.extend(one.problems);
            }
            None => instances.push(one),
        }
    }
}

/// What the conditions of one object came to.
pub(super) struct Judged {
    pub status: CheckStatus,
    pub problems: Vec<String>,
    pub pending: Vec<Pending>,
    pub found: Vec<Diagnostic>,
}

impl Judged {
    /// Whether nothing may be done now.
    pub(super) fn stops(&self) -> bool {
        self.found.iter().any(|d| d.severity == Severity::Error)
    }
}

/// What a condition came to.
pub(crate) enum Verdict {
    Holds,
    Fails(Diagnostic),
    Unknown,
}

/// Judges rules where they stand.
pub(super) fn judge(rules: &[Rule], kind: RuleKind, address: &str, at: &At<'_, '_>) -> Judged {
    let mut judged =
        Judged { status: CheckStatus::Pass, problems: Vec::new(), pending: Vec::new(), found: Vec::new() };
    for Rule { condition, message } in rules {
        let status = match verdict(kind, address, condition, message, at) {
            Ok(Verdict::Holds) => CheckStatus::Pass,
            Ok(Verdict::Fails(problem)) => {
                judged.problems.push(problem.detail.clone());
                judged.found.push(problem);
                CheckStatus::Fail
            }
            Ok(Verdict::Unknown) => {
                judged.pending.push(Pending {
                    kind,
                    address: address.to_owned(),
                    condition: close(condition, at),
                    message: close(message, at),
                });
                CheckStatus::Unknown
            }
            // A condition that makes no sense is a mistake, also of a check.
            Err(error) => {
                judged.found.push(*error);
                CheckStatus::Error
            }
        };
        judged.status = judged.status.max(status);
    }
    judged
}

/// Rules of a check that are to be judged once more when all is done, since
/// what the check reads for itself is read anew then.
pub(super) fn again(rules: &[Rule], address: &str, at: &At<'_, '_>) -> Vec<Pending> {
    let one = |rule: &Rule| Pending {
        kind: RuleKind::Assertion,
        address: address.to_owned(),
        condition: close(&rule.condition, at),
        message: close(&rule.message, at),
    };
    rules.iter().map(one).collect()
}

/// Judges what the plan left open, now that more is known.
pub(crate) fn settle(pending: &[Pending], scope: &dyn Scope) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for one in pending {
        match verdict(one.kind, &one.address, &one.condition, &one.message, scope) {
            Ok(Verdict::Fails(problem)) => found.push(problem),
            Ok(Verdict::Holds | Verdict::Unknown) => {}
            Err(error) => found.push(*error),
        }
    }
    found
}

pub(super) fn verdict(
    kind: RuleKind,
    address: &str,
    condition: &Expr,
    message: &Expr,
    scope: &dyn Scope,
) -> Result<Verdict, EvalError> {
    let value = evaluate(condition, scope)?;
    if !value.is_known() {
        return Ok(Verdict::Unknown);
    }
    match value.convert(&Type::Bool).ok().and_then(|value| value.as_bool()) {
        Some(true) => Ok(Verdict::Holds),
        Some(false) => {
            let mut problem =
                Diagnostic::error(kind.summary(), words(message, scope)).at(condition.span).address(address);
            problem.severity = kind.severity();
            problem.values = operands(condition, scope);
            Ok(Verdict::Fails(problem))
        }
        None => {
            let detail = format!("A condition must be true or false, not {}.", value.show());
            Err(Box::new(Diagnostic::error("Invalid condition", detail).at(condition.span)))
        }
    }
}

/// The message of a condition that does not hold.
fn words(message: &Expr, scope: &dyn Scope) -> String {
    match evaluate(message, scope).and_then(|value| {
        value.convert(&Type::String).map_err(|e| Box::new(Diagnostic::error("Invalid message", e.message)))
    }) {
        Ok(text) if text.marks().contains(Marks::EPHEMERAL) => {
            "The message holds ephemeral values, so it is not shown.".into()
        }
        Ok(text) if text.is_sensitive() => "The message holds sensitive values, so it is not shown.".into(),
        Ok(text) => text.as_str().map_or_else(|| "The message is not known yet.".into(), str::to_owned),
        Err(error) => format!("The condition does not hold, and its message has a mistake: {}", error.detail),
    }
}

/// The plain values that a condition refers to.
fn operands(expr: &Expr, scope: &dyn Scope) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(expr, scope, &mut found);
    found
}

fn collect(expr: &Expr, scope: &dyn Scope, found: &mut Vec<(String, String)>) {
    let Some(chain) = expr.chain() else {
        expr.for_each_child(&mut |child| collect(child, scope, found));
        return;
    };
    if matches!(chain.reference, Reference::Slot(_)) {
        return;
    }
    let name = chain.to_string();
    let Ok(value) = evaluate(expr, scope) else { return };
    let plain = matches!(value.kind(), Kind::Null(_) | Kind::Bool(_) | Kind::Number(_) | Kind::String(_));
    if plain && !found.iter().any(|(known, _)| *known == name) {
        found.push((name, value.show()));
    }
}

/// Where a block stands, without keys.
pub(super) fn module_words(evaluation: &Evaluation<'_>, module: usize) -> String {
    let mut names = Vec::new();
    let mut at = module;
    while let Some((parent, call)) = evaluation.graph.modules[at].parent {
        names.push(format!("module.{}", evaluation.graph.modules[parent].module.calls[call].name.name));
        at = parent;
    }
    names.reverse();
    names.join(".")
}
