//! Conditions: `precondition`, `postcondition` and `assert` blocks.
//!
//! What is known is judged by the plan; of the rest the plan keeps closed
//! expressions, which the apply judges by the same rules.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::evaluate::At;
use super::resolve::close;
use crate::addr::{ModulePath, ModuleStep, ResourceAddress, ResourceMode};
use crate::config::{Resource, Rule};
use crate::diag::{Diagnostic, Severity};
use crate::expr::{EvalError, Expr, Reference, Scope, evaluate};
use crate::graph::{Graph, Node, NodeKind};
use crate::state::{CheckOutcome, CheckStatus, Checkable, CheckableKind, Checked, Checks};
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
    /// What the condition refers to, by its name there: closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operands: Vec<(String, Expr)>,
    /// The plan has judged it, and what the apply finds counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

impl Pending {
    fn of(kind: RuleKind, address: &str, rule: &Rule, at: &At<'_, '_>) -> Pending {
        let mut operands: Vec<(String, Expr)> = Vec::new();
        for_each_chain(&rule.condition, &mut |name, expr| {
            if !operands.iter().any(|(known, _)| *known == name) {
                operands.push((name, close(expr, at)));
            }
        });
        let (condition, message) = (close(&rule.condition, at), close(&rule.message, at));
        Pending { kind, address: address.to_owned(), condition, message, operands, again: false }
    }

    /// The plain values of what the condition refers to.
    fn values(&self, scope: &dyn Scope) -> Vec<(String, String)> {
        let shown = |(name, expr): &(String, Expr)| Some((name.clone(), plain(expr, scope)?));
        self.operands.iter().filter_map(shown).collect()
    }
}

/// What conditions came to, as the planner goes: by the node of their block.
#[derive(Default)]
pub(super) struct Judgements(FxHashMap<usize, Checked>);

impl Judgements {
    /// Notes what conditions of an instance came to.
    pub(super) fn note(&mut self, node: usize, instance: ResourceAddress, outcome: CheckOutcome) {
        self.0.entry(node).or_default().instances.entry(instance).or_default().join(outcome);
    }

    /// Notes which blocks the planner came to, and which of their instances are
    /// not known.
    pub(super) fn visited(&mut self, node: usize, open: bool) {
        self.0.entry(node).or_default().open |= open;
    }

    /// What the conditions of all blocks came to: also of those that the
    /// planner did not come to.
    pub(super) fn of(mut self, graph: &Graph) -> Checks {
        let open = || Checked { open: true, ..Checked::default() };
        let nodes = (0..graph.nodes.len()).filter(|node| sets_conditions(graph, *node));
        let all = nodes
            .filter_map(|node| Some((checkable(graph, node)?, self.0.remove(&node).unwrap_or_else(open))));
        Checks(all.collect())
    }
}

/// Whether the block of a node sets conditions.
pub(super) fn sets_conditions(graph: &Graph, node: usize) -> bool {
    let Node { module, kind, .. } = graph.nodes[node];
    let block = &graph.modules[module].module;
    match kind {
        NodeKind::Resource(i) => {
            let rules = &block.resources[i].lifecycle;
            !rules.preconditions.is_empty() || !rules.postconditions.is_empty()
        }
        NodeKind::Output(i) => !block.outputs[i].preconditions.is_empty(),
        NodeKind::Validation(_) | NodeKind::Check(_) => true,
        _ => false,
    }
}

/// The block of a node that sets conditions.
fn checkable(graph: &Graph, node: usize) -> Option<Checkable> {
    let Node { module, kind, .. } = graph.nodes[node];
    let block = &graph.modules[module].module;
    let path = || module_path(graph, module);
    let (kind, name) = match kind {
        NodeKind::Resource(i) => {
            let Resource { mode, kind, name, .. } = &block.resources[i];
            let (kind, name) = (kind.clone(), name.clone());
            let address = ResourceAddress { module: path(), mode: *mode, kind, name, key: None };
            return Some(Checkable { kind: CheckableKind::Resource, address });
        }
        NodeKind::Output(i) => (CheckableKind::OutputValue, &block.outputs[i].name),
        NodeKind::Validation(i) => (CheckableKind::Variable, &block.variables[i].name),
        NodeKind::Check(i) => (CheckableKind::Check, &block.checks[i].name),
        _ => return None,
    };
    Some(Checkable { kind, address: named(path(), kind, &name.name) })
}

/// The address of what is no resource.
pub(super) fn named(module: ModulePath, kind: CheckableKind, name: &Arc<str>) -> ResourceAddress {
    let word = kind.word().unwrap_or_default();
    ResourceAddress { module, mode: ResourceMode::Managed, kind: word.into(), name: name.clone(), key: None }
}

/// What becomes of a check whose own data could not be read: the rest of it
/// does not count.
pub(crate) fn unread(check: &Arc<str>, data: &ResourceAddress) -> (ResourceAddress, CheckOutcome) {
    let problems = vec![format!("{data} could not be read.")];
    let outcome = CheckOutcome { status: CheckStatus::Fail, problems };
    (named(data.module.clone(), CheckableKind::Check, check), outcome)
}

/// Where a block stands, without keys.
fn module_path(graph: &Graph, mut module: usize) -> ModulePath {
    let mut steps = Vec::new();
    while let Some((parent, call)) = graph.modules[module].parent {
        steps
            .push(ModuleStep { name: graph.modules[parent].module.calls[call].name.name.clone(), key: None });
        module = parent;
    }
    ModulePath::of(steps.into_iter().rev())
}

/// What the conditions of one object came to.
#[derive(Default)]
pub(super) struct Judged {
    pub outcome: CheckOutcome,
    pub pending: Vec<Pending>,
    pub found: Vec<Diagnostic>,
}

impl Judged {
    /// Of what nobody asks.
    pub(super) fn open() -> Self {
        let outcome = CheckOutcome { status: CheckStatus::Unknown, ..CheckOutcome::default() };
        Judged { outcome, ..Judged::default() }
    }

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
    let mut judged = Judged::default();
    for rule in rules {
        let status = match verdict(kind, address, &rule.condition, &rule.message, at) {
            Ok(Verdict::Holds) => CheckStatus::Pass,
            Ok(Verdict::Fails(problem)) => {
                judged.outcome.problems.push(problem.detail.clone());
                judged.found.push(problem);
                CheckStatus::Fail
            }
            Ok(Verdict::Unknown) => {
                judged.pending.push(Pending::of(kind, address, rule, at));
                CheckStatus::Unknown
            }
            // A condition that makes no sense is a mistake, also of a check.
            Err(error) => {
                judged.found.push(*error);
                CheckStatus::Error
            }
        };
        judged.outcome.status = judged.outcome.status.max(status);
    }
    judged
}

/// Rules of a check that are to be judged once more when all is done, since
/// what the check reads for itself is read anew then.
pub(super) fn again(rules: &[Rule], address: &str, at: &At<'_, '_>) -> Vec<Pending> {
    let one = |rule: &Rule| Pending { again: true, ..Pending::of(RuleKind::Assertion, address, rule, at) };
    rules.iter().map(one).collect()
}

/// Judges what the plan left open, now that more is known.
pub(crate) fn settle(pending: &Pending, scope: &dyn Scope) -> (CheckStatus, Option<Diagnostic>) {
    match verdict(pending.kind, &pending.address, &pending.condition, &pending.message, scope) {
        Ok(Verdict::Holds) => (CheckStatus::Pass, None),
        Ok(Verdict::Unknown) => (CheckStatus::Unknown, None),
        Ok(Verdict::Fails(mut problem)) => {
            problem.values = pending.values(scope);
            (CheckStatus::Fail, Some(problem))
        }
        Err(error) => (CheckStatus::Error, Some(*error)),
    }
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
    let mut found: Vec<(String, String)> = Vec::new();
    for_each_chain(expr, &mut |name, expr| {
        if let Some(value) = plain(expr, scope)
            && !found.iter().any(|(known, _)| *known == name)
        {
            found.push((name, value));
        }
    });
    found
}

/// What an expression refers to, by its name in the configuration.
fn for_each_chain(expr: &Expr, f: &mut dyn FnMut(String, &Expr)) {
    match expr.chain() {
        None => expr.for_each_child(&mut |child| for_each_chain(child, f)),
        Some(chain) if matches!(chain.reference, Reference::Slot(_)) => {}
        Some(chain) => f(chain.to_string(), expr),
    }
}

/// A value as text, if it is plain.
fn plain(expr: &Expr, scope: &dyn Scope) -> Option<String> {
    let value = evaluate(expr, scope).ok()?;
    let plain = matches!(value.kind(), Kind::Null(_) | Kind::Bool(_) | Kind::Number(_) | Kind::String(_));
    plain.then(|| value.show())
}
