//! Policies about a plan as a whole that the plan could not decide.
//!
//! They are judged by what is known: when the apply begins, before steps that
//! have all they need begin, and when a step brings what a condition speaks of.
//!
//! Guarantees: a policy that turns out not to be kept lets nothing begin any
//! more, and what was foreseen is not done; what all was done for and is still
//! open is said to be so.
//! Must not: change what is done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::executor::not_done;
use super::step::Run;
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::event::Event;
use crate::plan::policies::{planned, seen, settle, spoken_of, together};
use crate::plan::{Action, Change, PendingPolicy, StepAction, StepId};
use crate::value::Value;

/// What is still to be judged.
pub(super) struct Whole<'r> {
    run: &'r Run<'r>,
    /// Objects that there will be as conditions see them, by their change.
    objects: BTreeMap<u32, Value>,
    open: Vec<Open<'r>>,
    broken: Vec<Diagnostic>,
}

struct Open<'r> {
    policy: &'r PendingPolicy,
    /// What its condition speaks of.
    names: BTreeSet<Arc<str>>,
}

impl<'r> Whole<'r> {
    /// Judges by what the plan and the platform's apply have.
    pub(super) fn new(run: &'r Run<'r>) -> Self {
        let open = |policy: &'r PendingPolicy| Open { policy, names: spoken_of(&policy.pending.condition) };
        let open: Vec<_> = run.plan.policies.iter().map(open).collect();
        let mut whole = Whole { run, objects: BTreeMap::new(), open, broken: Vec::new() };
        // Objects that do not change have no step that would judge them.
        for (_, change) in planned(run.plan).filter(|(_, change)| change.action == Action::NoOp) {
            let judged = run.judge(&change.policies, change, (&change.after, &change.config));
            whole.broken.extend(judged.err().map(|problem| *problem));
        }
        if !whole.broken.is_empty() {
            run.denied.request();
        }
        if !whole.open.is_empty() {
            let view = |(i, change): (usize, &Change)| {
                let view = seen(run.registry, change, &change.after, &change.config);
                Some((u32::try_from(i).ok()?, view))
            };
            whole.objects = planned(run.plan).filter_map(view).collect();
            whole.judge();
        }
        whole
    }

    /// Takes what objects will be that are begun next, and judges by that.
    pub(super) fn foresee(&mut self, steps: &[StepId]) {
        if self.open.is_empty() {
            return;
        }
        let mut tells = false;
        for step in steps.iter().map(|&id| &self.run.plan.steps[id as usize]) {
            let change = &self.run.plan.changes[step.change as usize];
            let prior = match step.action {
                StepAction::Create => None,
                StepAction::Update => Some(&change.before),
                _ => continue,
            };
            let provider = self.run.registry.get(&change.provider).filter(|_| change.residual.is_some());
            // What is wrong with it is the step's to say.
            let Some(Ok(settled)) = provider.map(|p| self.run.settle(change, p, prior)) else { continue };
            let view = seen(self.run.registry, change, &settled.planned, &settled.config);
            tells |= self.take(step.change, view);
        }
        if tells {
            self.judge();
        }
    }

    /// Takes what a step came to, and judges by that.
    pub(super) fn made(&mut self, id: StepId) {
        if self.open.is_empty() {
            return;
        }
        let step = &self.run.plan.steps[id as usize];
        if matches!(step.action, StepAction::Create | StepAction::Update) {
            let change = &self.run.plan.changes[step.change as usize];
            let value = self.run.values.object(Some(step.change));
            let config = change.residual.as_ref().and_then(|expr| self.run.values.finish(expr).ok());
            let config = config.as_ref().unwrap_or(&change.config);
            let view = seen(self.run.registry, change, &value, config);
            if self.take(step.change, view) {
                self.judge();
            }
        }
    }

    /// What is not kept, and what is still open when all is done.
    pub(super) fn end(mut self, undone: usize, known: usize, diagnostics: &mut Diagnostics) {
        if undone == 0 && !self.open.is_empty() {
            self.judge();
        }
        for mut problem in self.broken {
            problem.detail.push_str(&match undone {
                0 if known > 0 => " All is there already: only the services could tell.".to_owned(),
                left if left == known => " Nothing was done.".to_owned(),
                left => format!(" {}.", not_done(left, known, self.run.plan.workspace.as_str())),
            });
            diagnostics.push(problem);
        }
        for Open { policy, .. } in self.open.iter().filter(|_| undone == 0) {
            let detail = format!("What {} is like does not tell.", policy.pending.address);
            let mut warning = Diagnostic::warning("Policy not decided", detail).hint(policy.hint.clone());
            warning.span = policy.span;
            diagnostics.push(warning.address(&policy.pending.address));
        }
    }

    /// Whether a view brings anything that an open condition speaks of.
    fn take(&mut self, change: u32, view: Value) -> bool {
        let Some(place) = self.objects.get_mut(&change) else { return false };
        let before = std::mem::replace(place, view);
        let tells = |name: &Arc<str>| opens(before.get(name)) || opens(value(&before, name));
        self.open.iter().any(|open| open.names.iter().any(tells))
    }

    fn judge(&mut self) {
        let all = together(self.objects.values());
        let run = self.run;
        let broken = &mut self.broken;
        self.open.retain(|open| match settle(open.policy, all.clone(), &run.values) {
            Ok(left) => left.is_some(),
            Err(warning) if warning.severity == Severity::Warning => {
                run.events.send(Event::Diagnostic(*warning));
                false
            }
            Err(error) => {
                broken.push(*error);
                run.denied.request();
                false
            }
        });
    }
}

/// What an object has under a name of its type.
fn value(view: &Value, name: &str) -> Option<Value> {
    view.get("values")?.get(name)
}

fn opens(value: Option<Value>) -> bool {
    value.is_some_and(|value| !value.is_wholly_known())
}
