//! What policies say of a plan.
//!
//! Guarantees: an object says of itself what its type's schema declares, under
//! the same names for all types; a condition that cannot be told yet is said to
//! be so and left to the apply, not taken for kept; every complaint has the
//! line that asked for what is wrong.
//! Must not: change what the plan does.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::asked::{Lines, path};
use super::change::{Action, Change};
use super::checks::{Pending, RuleKind, Verdict, verdict};
pub(crate) use super::judged::spoken_of;
use super::judged::{Judged, Made, closed};
use super::model::Plan;
use crate::addr::{ResourceAddress, ResourceMode};
use crate::config::{Enforcement, Instance, Policy, Rule};
use crate::diag::{Diagnostic, Diagnostics, Severity, Span};
use crate::expr::{Reference, Scope};
use crate::graph::Graph;
use crate::provider::{Aspect, Block, Registry, Said};
use crate::value::{Path, PathStep, Value};

/// What a plan is judged by.
pub struct Judge<'a> {
    /// The policies that it must keep.
    pub policies: &'a [&'a Policy],
    /// Where it is said that there is such an instance, and what that line is.
    pub owner: (Span, &'static str),
    /// Whose plan it is.
    pub instance: &'a Instance,
    /// Its configuration, to find lines in.
    pub graph: &'a Graph,
    /// Who knows what attributes mean.
    pub registry: &'a Registry,
}

/// A policy of which only the apply can tell whether an object, or the plan as
/// a whole, keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingPolicy {
    /// What is to hold, over `self` and what the plan has the apply finish.
    pub pending: Pending,
    /// What comes of it when it does not.
    pub severity: Severity,
    /// What to do then.
    pub hint: String,
    /// The line that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// The line of the policy, where that is the user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Span>,
}

/// An object that there will be, as conditions see it.
struct Object<'p> {
    change: &'p Change,
    said: BTreeMap<Aspect, Said>,
    value: Value,
}

impl Judge<'_> {
    /// Judges a plan; errors where it must not be applied. What only the apply
    /// can tell is left to it.
    pub fn judge(&self, plan: &mut Plan) -> Diagnostics {
        let mut found = Diagnostics::new();
        if self.policies.is_empty() {
            return found;
        }
        let (mut left, mut of_plan) = (Vec::new(), Vec::new());
        let slots = RefCell::default();
        let objects: Vec<(usize, Object<'_>)> =
            planned(plan).map(|(i, change)| (i, self.object(change))).collect();
        let all = together(objects.iter().map(|(_, object)| &object.value));
        for policy in self.policies {
            let scope = |itself: Value| Judged { judge: self, plan, itself, slots: &slots };
            if policy.is_of_plan() {
                if let Some((problem, pending)) = self.whole(policy, &scope(all.clone())) {
                    found.push(problem);
                    of_plan.extend(pending);
                }
                continue;
            }
            let mut told: Vec<(Diagnostic, Vec<String>)> = Vec::new();
            for (i, object) in &objects {
                if !policy.is_of(&object.change.key.address.kind) {
                    continue;
                }
                let Some((problem, pending)) = self.each(policy, object, &scope(object.value.clone())) else {
                    continue;
                };
                left.extend(pending.map(|pending| (*i, pending)));
                // One line that is wrong for many objects is told once.
                let key =
                    |problem: &Diagnostic| (problem.span, problem.summary.clone(), problem.values.clone());
                match told.iter_mut().find(|(first, _)| key(first) == key(&problem)) {
                    Some((_, others)) => others.push(object.change.key.address.to_string()),
                    None => told.push((problem, Vec::new())),
                }
            }
            found.extend(told.into_iter().map(|(problem, others)| with_others(problem, &others)));
        }
        plan.slots.extend(slots.into_inner());
        plan.policies = of_plan;
        for (i, pending) in left {
            plan.changes[i].policies.push(pending);
        }
        found
    }

    fn object<'p>(&self, change: &'p Change) -> Object<'p> {
        let block = block(self.registry, change);
        let said = block.map(|block| block.said(&change.after, &change.config)).unwrap_or_default();
        let value = object(&change.key.address, &change.after, &said);
        Object { change, said, value }
    }

    /// What a policy says of the plan as a whole, and what it leaves to the apply.
    fn whole(&self, policy: &Policy, scope: &Judged<'_, '_>) -> Option<(Diagnostic, Option<PendingPolicy>)> {
        let address = scope.plan.workspace.to_string();
        let broken = match policy.verdict(&address, scope) {
            Ok(Verdict::Holds) => return None,
            Ok(Verdict::Fails(problem)) => Some(problem),
            Ok(Verdict::Unknown) => None,
            Err(error) => return Some((policy.wrong(*error, &address), None)),
        };
        let asked = self.settings(policy);
        let (owner, is_owner) = self.owner;
        let span = asked.or(Some(owner));
        let placed = |mut problem: Diagnostic| {
            problem.severity = problem.severity.max(policy.severity());
            problem.span = span;
            let problem = match asked {
                Some(asked) if asked != owner => problem.related(owner, is_owner),
                _ => problem,
            };
            with_policy(problem, policy)
        };
        if let Some(problem) = broken {
            return Some((placed(problem.hint(policy.hint())), None));
        }
        let problem = undecided(policy, &address)
            .hint("The apply looks again before each thing that it does, and does none that breaks it.");
        Some((placed(problem), Some(policy.pending(address, span, scope))))
    }

    /// What a policy says of one object, and what it leaves to the apply.
    fn each(
        &self,
        policy: &Policy,
        object: &Object<'_>,
        scope: &Judged<'_, '_>,
    ) -> Option<(Diagnostic, Option<PendingPolicy>)> {
        let address = format!("{}:{}", scope.plan.workspace, object.change.key.address);
        let broken = match policy.verdict(&address, scope) {
            Ok(Verdict::Holds) => return None,
            Ok(Verdict::Fails(problem)) => Some(problem),
            Ok(Verdict::Unknown) => None,
            Err(error) => return Some((policy.wrong(*error, &address), None)),
        };
        let asked =
            self.attribute(policy, object).map(|path| self.lines().of(&object.change.key.address, &path));
        let asked = asked.unwrap_or_default();
        let span = asked.setting.or(asked.attribute).or_else(|| self.settings(policy)).or(object.change.span);
        let placed = |mut problem: Diagnostic| {
            problem.severity = problem.severity.max(policy.severity());
            problem.span = span;
            let problem = match asked.attribute.filter(|_| asked.setting.is_some()) {
                Some(attribute) => problem.related(attribute, "asked for here"),
                None => problem,
            };
            with_policy(problem, policy)
        };
        if let Some(problem) = broken {
            return Some((placed(problem.hint(policy.hint())), None));
        }
        let problem = undecided(policy, &address).hint("The apply looks again before it makes the object.");
        Some((placed(problem), Some(policy.pending(address, span, scope))))
    }

    fn lines(&self) -> Lines<'_> {
        Lines { graph: self.graph, instance: self.instance }
    }

    /// The attribute that a condition is about: the first that it names and the
    /// object has.
    fn attribute(&self, policy: &Policy, object: &Object<'_>) -> Option<Path> {
        let mut found = None;
        policy.rule.condition.for_each_chain(&mut |chain| {
            if found.is_some() || *chain.reference != Reference::Itself {
                return;
            }
            let Some(path) = path(&chain) else { return };
            let Some((PathStep::Attribute(first), rest)) = path.steps().split_first() else { return };
            found = match &**first {
                "values" => Some(rest.iter().fold(Path::root(), |path, step| path.step(step.clone()))),
                name => object
                    .said
                    .iter()
                    .find(|(aspect, _)| aspect.name() == name)
                    .map(|(_, said)| said.path.clone()),
            };
        });
        found
    }

    /// The first line of settings that a condition is about.
    fn settings(&self, policy: &Policy) -> Option<Span> {
        let mut found = None;
        policy.rule.condition.for_each_chain(&mut |chain| {
            if let (None, Reference::Var(name), Some(path)) = (found, chain.reference, path(&chain)) {
                found = self.lines().setting(name, &path);
            }
        });
        found
    }
}

impl Policy {
    fn severity(&self) -> Severity {
        match self.enforcement {
            Enforcement::Warn | Enforcement::Off => Severity::Warning,
            Enforcement::Deny => Severity::Error,
        }
    }

    fn hint(&self) -> String {
        let name = &self.name.name;
        if self.is_built_in {
            let regimes = self.regimes().collect::<Vec<_>>().join(", ");
            format!("The policy is {name:?}, for {regimes}. A policy block of that name takes its place.")
        } else {
            format!("The policy is {name:?}.")
        }
    }

    /// What is wrong with the policy itself, by itself an error.
    fn wrong(&self, mut error: Diagnostic, address: &str) -> Diagnostic {
        error.severity = self.severity();
        error.address(address)
    }

    /// What the apply is to look at.
    fn pending(&self, address: String, span: Option<Span>, scope: &Judged<'_, '_>) -> PendingPolicy {
        let Rule { condition, message } = &self.rule;
        let (condition, message) = (closed(condition, scope), closed(message, scope));
        let pending = Pending {
            kind: RuleKind::Policy,
            address,
            condition,
            message,
            operands: Vec::new(),
            again: false,
        };
        let policy = (!self.is_built_in).then_some(self.rule.condition.span);
        PendingPolicy { pending, severity: self.severity(), hint: self.hint(), span, policy }
    }

    fn verdict(&self, address: &str, scope: &Judged<'_, '_>) -> Result<Verdict, Box<Diagnostic>> {
        verdict(RuleKind::Policy, address, &self.rule.condition, &self.rule.message, scope)
    }
}

fn undecided(policy: &Policy, address: &str) -> Diagnostic {
    let name = &policy.name.name;
    let detail = format!("Whether {address} keeps the policy {name:?} is known after apply only.");
    Diagnostic::warning("Policy not decided", detail).address(address)
}

/// What a built-in policy says is no line of the user's.
fn with_policy(problem: Diagnostic, policy: &Policy) -> Diagnostic {
    if policy.is_built_in { problem } else { problem.related(policy.rule.condition.span, "the policy") }
}

fn with_others(mut problem: Diagnostic, others: &[String]) -> Diagnostic {
    let more = match others {
        [] => return problem,
        [one] => one.clone(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    };
    problem.detail.push_str(&format!(" The same goes for {more}."));
    problem
}

/// Objects that there will be, by their place in the plan.
pub(crate) fn planned(plan: &Plan) -> impl Iterator<Item = (usize, &Change)> {
    let is_managed = |change: &Change| {
        change.key.address.mode == ResourceMode::Managed
            && !matches!(change.action, Action::Delete | Action::Forget)
    };
    plan.changes.iter().enumerate().filter(move |(_, change)| is_managed(change))
}

fn block<'r>(registry: &'r Registry, change: &Change) -> Option<&'r Block> {
    let schema = registry.get(&change.provider)?.schema().resources.get(&*change.key.address.kind)?;
    Some(&schema.block)
}

/// An object as conditions see it: `self`.
fn object(address: &ResourceAddress, values: &Value, said: &BTreeMap<Aspect, Said>) -> Value {
    let named = [
        ("address", Value::from(address.to_string().as_str())),
        ("type", Value::from(address.kind.clone())),
        ("name", Value::from(address.name.clone())),
        ("values", values.clone()),
    ];
    let said = Aspect::ALL.map(|aspect| {
        let value = said.get(&aspect).map(|said| said.value.clone());
        (aspect.name(), value.unwrap_or_else(|| Value::null(aspect.ty())))
    });
    Value::object(named.into_iter().chain(said))
}

/// All objects as conditions see them: `self` of a plan as a whole.
pub(crate) fn together<'v>(objects: impl Iterator<Item = &'v Value>) -> Value {
    Value::object([("resources", Value::tuple(objects.cloned()))])
}

/// An object as conditions see it, with these values and this configuration.
pub(crate) fn seen(registry: &Registry, change: &Change, values: &Value, config: &Value) -> Value {
    let said = block(registry, change).map(|block| block.said(values, config)).unwrap_or_default();
    object(&change.key.address, values, &said)
}

/// Judges what the plan left open, now that more is known: what is wrong, or
/// the policy itself where that is still open.
pub(crate) fn settle<'p>(
    pending: &'p PendingPolicy,
    itself: Value,
    applied: &dyn Scope,
) -> Result<Option<&'p PendingPolicy>, Box<Diagnostic>> {
    let Pending { kind, address, condition, message, .. } = &pending.pending;
    let placed = |problem: Diagnostic| {
        let mut problem = problem.hint(pending.hint.clone());
        problem.severity = pending.severity;
        problem.span = pending.span.or(problem.span);
        Box::new(match pending.policy.filter(|policy| problem.span != Some(*policy)) {
            Some(policy) => problem.related(policy, "the policy"),
            None => problem,
        })
    };
    match verdict(*kind, address, condition, message, &Made { itself, applied }) {
        Ok(Verdict::Holds) => Ok(None),
        Ok(Verdict::Unknown) => Ok(Some(pending)),
        Ok(Verdict::Fails(problem)) => Err(placed(problem)),
        Err(error) => Err(placed(error.address(address))),
    }
}
