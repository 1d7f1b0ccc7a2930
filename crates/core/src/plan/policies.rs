//! What policies say of a plan.
//!
//! Guarantees: an object says of itself what its type's schema declares, under
//! the same names for all types; a condition that cannot be told yet is said to
//! be so and left to the apply, not taken for kept; every complaint has the
//! line that asked for what is wrong.
//! Must not: change what the plan does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::asked::{Lines, path};
use super::checks::{Pending, RuleKind, Verdict, verdict};
use super::judged::{Judged, Made, closed};
use super::model::{Action, Change, Plan};
use crate::addr::{ResourceAddress, ResourceMode};
use crate::config::{Enforcement, Instance, Policy, Rule};
use crate::diag::{Diagnostic, Diagnostics, Severity, Span};
use crate::expr::{FunctionContext, Reference};
use crate::graph::Graph;
use crate::provider::{Aspect, Block, Registry, Said};
use crate::value::{Path, PathStep, Value};

/// What a plan is judged by.
pub struct Judge<'a> {
    /// All policies there are.
    pub policies: &'a [Policy],
    /// Whose plan it is.
    pub instance: &'a Instance,
    /// Its configuration, to find lines in.
    pub graph: &'a Graph,
    /// Who knows what attributes mean.
    pub registry: &'a Registry,
}

/// A policy of which only the apply can tell whether an object keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingPolicy {
    /// What is to hold, over `self` alone.
    pub pending: Pending,
    /// What comes of it when it does not.
    pub severity: Severity,
    /// What to do then.
    pub hint: String,
    /// The line that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
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
        let Some(seated) = &self.instance.seated else { return found };
        let about: Vec<&Policy> = self.policies.iter().filter(|policy| policy.is_about(seated)).collect();
        if about.is_empty() {
            return found;
        }
        let mut left = Vec::new();
        let objects: Vec<(usize, Object<'_>)> =
            planned(plan).map(|(i, change)| (i, self.object(change))).collect();
        let all = Value::object([(
            "resources",
            Value::tuple(objects.iter().map(|(_, object)| object.value.clone())),
        )]);
        for policy in about {
            if policy.is_of_plan() {
                found.extend(self.whole(policy, plan, all.clone(), seated.span));
                continue;
            }
            let mut told: Vec<(Diagnostic, Vec<String>)> = Vec::new();
            for (i, object) in &objects {
                if !policy.is_of(&object.change.key.address.kind) {
                    continue;
                }
                let Some((problem, pending)) = self.each(policy, plan, object) else { continue };
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
        for (i, pending) in left {
            plan.changes[i].policies.push(pending);
        }
        found
    }

    fn object<'p>(&self, change: &'p Change) -> Object<'p> {
        let provider = self.registry.get(&change.provider);
        let schema = provider.and_then(|p| p.schema().resources.get(&*change.key.address.kind));
        let said = schema.map(|schema| schema.block.said(&change.after, &change.config)).unwrap_or_default();
        let value = object(&change.key.address, &change.after, &said);
        Object { change, said, value }
    }

    /// What a policy says of the plan as a whole.
    fn whole(&self, policy: &Policy, plan: &Plan, all: Value, tenant: Span) -> Option<Diagnostic> {
        let address = plan.workspace.to_string();
        let scope = Judged { judge: self, plan, itself: all };
        let mut problem = match policy.verdict(&address, &scope) {
            Ok(Verdict::Holds) => return None,
            Ok(Verdict::Fails(problem)) => problem.hint(policy.hint()),
            Ok(Verdict::Unknown) => {
                undecided(policy, &address).hint("Plan again after the apply: then it can be told.")
            }
            Err(error) => return Some(policy.wrong(*error, &address)),
        };
        let asked = self.settings(policy);
        problem.severity = problem.severity.max(policy.severity());
        problem.span = asked.or(Some(tenant));
        let problem = match asked {
            Some(asked) if asked != tenant => problem.related(tenant, "the tenant"),
            _ => problem,
        };
        Some(with_policy(problem, policy))
    }

    /// What a policy says of one object, and what it leaves to the apply.
    fn each(
        &self,
        policy: &Policy,
        plan: &Plan,
        object: &Object<'_>,
    ) -> Option<(Diagnostic, Option<PendingPolicy>)> {
        let address = format!("{}:{}", plan.workspace, object.change.key.address);
        let scope = Judged { judge: self, plan, itself: object.value.clone() };
        let broken = match policy.verdict(&address, &scope) {
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
        let Rule { condition, message } = &policy.rule;
        let pending = Pending {
            kind: RuleKind::Policy,
            address: address.clone(),
            condition: closed(condition, &scope),
            message: closed(message, &scope),
        };
        let pending = PendingPolicy { pending, severity: policy.severity(), hint: policy.hint(), span };
        let problem = undecided(policy, &address).hint("The apply looks again before it makes the object.");
        Some((placed(problem), Some(pending)))
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
            let regimes = self.regimes().join(", ");
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
fn planned(plan: &Plan) -> impl Iterator<Item = (usize, &Change)> {
    let is_managed = |change: &Change| {
        change.key.address.mode == ResourceMode::Managed
            && !matches!(change.action, Action::Delete | Action::Forget)
    };
    plan.changes.iter().enumerate().filter(move |(_, change)| is_managed(change))
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

/// Judges what the plan left open, now that more of the object is known: what
/// is wrong with it, or the policy itself where that is still open.
pub(crate) fn settle<'p>(
    pending: &'p PendingPolicy,
    address: &ResourceAddress,
    block: &Block,
    (values, config): (&Value, &Value),
    functions: FunctionContext<'_>,
) -> Result<Option<&'p PendingPolicy>, Box<Diagnostic>> {
    let scope = Made { itself: object(address, values, &block.said(values, config)), functions };
    let Pending { kind, address, condition, message } = &pending.pending;
    match verdict(*kind, address, condition, message, &scope)? {
        Verdict::Holds => Ok(None),
        Verdict::Unknown => Ok(Some(pending)),
        Verdict::Fails(problem) => {
            let mut problem = problem.hint(pending.hint.clone());
            problem.severity = pending.severity;
            problem.span = pending.span;
            Err(Box::new(problem))
        }
    }
}
