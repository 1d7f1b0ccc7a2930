//! The conditions that blocks set, judged while planning: validations,
//! preconditions and postconditions, checks.
//!
//! Guarantees: each instance's outcome is noted, whatever it is; what only the
//! apply can tell is left to it.
//! Must not: decide what is done to an object; a precondition that does not hold
//! only says that it must not be planned.

use rustc_hash::FxHashSet;

use super::checks::{Judged, Pending, RuleKind, again, judge, named, unread};
use super::evaluate::{Evaluated, Repeated};
use super::model::{PlanMode, Shape, Slot};
use super::planner::{Place, Planner};
use crate::addr::ResourceAddress;
use crate::config::passed_on;
use crate::diag::{Diagnostic, Severity};
use crate::graph::NodeKind;
use crate::state::{CheckStatus, CheckableKind};
use crate::syntax::Ident;

impl Planner<'_> {
    /// Judges the preconditions of an object; the ones left open, or `None`
    /// when it must not be planned.
    pub(super) fn preconditions(
        &mut self,
        place: Place<'_>,
        repeated: &Repeated,
        address: &ResourceAddress,
    ) -> Option<Vec<Pending>> {
        let rules = &place.block.lifecycle.preconditions;
        let mut unjudged = self.unjudged(place);
        if rules.is_empty() {
            return Some(unjudged);
        }
        let at = self.evaluation.at(place.module, place.instance, repeated);
        let judged = judge(rules, RuleKind::Precondition, &address.to_string(), &at);
        let stops = judged.stops() && self.input.mode != PlanMode::RefreshOnly;
        unjudged.extend(self.judged_object(place, address, judged));
        (!stops).then_some(unjudged)
    }

    /// What the apply has still to judge of the variables whose values an
    /// object uses, through anything but other objects.
    fn unjudged(&self, place: Place<'_>) -> Vec<Pending> {
        let mut found = Vec::new();
        if self.unjudged.is_empty() {
            return found;
        }
        let nodes = &self.input.graph.nodes;
        let mut met = FxHashSet::default();
        let mut open = vec![place.node];
        while let Some(node) = open.pop() {
            let before = nodes[node].dependencies.iter().copied();
            for next in before.filter(|next| !matches!(nodes[*next].kind, NodeKind::Resource(_))) {
                if !met.insert(next) {
                    continue;
                }
                open.push(next);
                for seen in self.evaluation.visible(place.module, place.instance, nodes[next].module) {
                    found.extend(self.unjudged.get(&(next, seen)).into_iter().flatten().cloned());
                }
            }
        }
        found
    }

    /// Judges the postconditions of the object that was planned last.
    pub(super) fn postconditions(&mut self, place: Place<'_>, repeated: &Repeated) {
        let rules = &place.block.lifecycle.postconditions;
        let Some(change) = self.changes.last() else { return };
        if rules.is_empty() || change.config.is_null() {
            return;
        }
        let address = change.key.address.clone();
        let value = change.after.clone();
        let is_open = !value.is_wholly_known() || self.evaluation.is_ephemeral(&value);
        let slot = is_open.then(|| {
            let index = u32::try_from(self.changes.len() - 1).ok();
            self.evaluation.slot(Slot::Resource { shape: Shape::Single, instances: vec![(None, index)] })
        });
        let itself = Evaluated { value, slot };
        let mut at = self.evaluation.at(place.module, place.instance, repeated);
        at.itself = Some(&itself);
        let judged = judge(rules, RuleKind::Postcondition, &address.to_string(), &at);
        let pending = self.judged_object(place, &address, judged);
        if let Some(change) = self.changes.last_mut() {
            change.postconditions = pending;
        }
    }

    fn judged_object(&mut self, place: Place<'_>, address: &ResourceAddress, judged: Judged) -> Vec<Pending> {
        self.checks.note(place.node, address.clone(), judged.outcome);
        self.report(judged.found);
        judged.pending
    }

    /// The address of what is no resource in a module instance.
    fn named(&self, module: usize, instance: usize, kind: CheckableKind, name: &Ident) -> ResourceAddress {
        named(self.evaluation.modules[module][instance].path.clone(), kind, &name.name)
    }

    /// Reports what conditions came to; a plan that changes nothing is stopped
    /// by none.
    fn report(&mut self, found: Vec<Diagnostic>) {
        let refresh_only = self.input.mode == PlanMode::RefreshOnly;
        self.evaluation.diagnostics.extend(found.into_iter().map(|mut one| {
            if refresh_only {
                one.severity = Severity::Warning;
            }
            one
        }));
    }

    /// An output of every instance of a module.
    pub(super) fn output(&mut self, node: usize, module: usize, index: usize) {
        let output = &self.input.graph.modules[module].module.outputs[index];
        for instance in 0..self.evaluation.modules[module].len() {
            if !output.preconditions.is_empty() {
                let address = self.named(module, instance, CheckableKind::OutputValue, &output.name);
                let nothing = Repeated::default();
                let at = self.evaluation.at(module, instance, &nothing);
                let judged = judge(&output.preconditions, RuleKind::Output, &address.to_string(), &at);
                let status = judged.outcome.status;
                self.checks.note(node, address, judged.outcome);
                self.report(judged.found);
                self.assertions.extend(judged.pending);
                if matches!(status, CheckStatus::Fail | CheckStatus::Error) {
                    continue;
                }
            }
            match passed_on(&output.name.name).filter(|_| module == 0) {
                Some(setting) => self.passed_on(index, setting),
                None => self.evaluation.output(module, instance, index),
            }
        }
    }

    /// What is wrong with it is the problem of those who have the setting.
    fn passed_on(&mut self, index: usize, setting: &str) {
        let earlier = std::mem::take(&mut self.evaluation.diagnostics);
        self.evaluation.output(0, 0, index);
        let found = std::mem::replace(&mut self.evaluation.diagnostics, earlier);
        if found.has_errors() {
            self.unpassed.insert(setting.into(), found);
        } else {
            self.evaluation.diagnostics.extend(found);
        }
    }

    /// The validations of a variable of every instance of a module.
    pub(super) fn validation(&mut self, node: usize, module: usize, index: usize) {
        let variable = &self.input.graph.modules[module].module.variables[index];
        let name = &variable.name;
        for instance in 0..self.evaluation.modules[module].len() {
            // What has no value is told elsewhere.
            if self.evaluation.modules[module][instance].variables[index].is_none() {
                continue;
            }
            let address = self.named(module, instance, CheckableKind::Variable, name);
            let nothing = Repeated::default();
            let at = self.evaluation.at(module, instance, &nothing);
            let mut judged = judge(&variable.validations, RuleKind::Validation, &address.to_string(), &at);
            // What is to be changed is the value, not the condition.
            let given = match self.input.graph.modules[module].parent {
                None => self.input.instance.variables.get(&name.name).map(|(_, span)| *span),
                Some((caller, call)) => {
                    let call = &self.input.graph.modules[caller].module.calls[call];
                    call.arguments.get(&name.name).map(|argument| argument.span)
                }
            };
            let place = given.unwrap_or(name.span);
            for problem in &mut judged.found {
                if problem.summary == RuleKind::Validation.summary() {
                    let condition = problem.span.replace(place);
                    problem.related.extend(condition.map(|span| (span, "the condition".to_owned())));
                } else {
                    // The condition cannot be judged, mostly for what the value is.
                    problem.related.push((place, format!("the value of var.{}", name.name)));
                    problem.address.get_or_insert_with(|| address.to_string());
                }
            }
            self.checks.note(node, address, judged.outcome);
            self.report(judged.found);
            if !judged.pending.is_empty() {
                self.unjudged.insert((node, instance), judged.pending.clone());
            }
            self.assertions.extend(judged.pending);
        }
    }

    /// A check of every instance of a module.
    pub(super) fn check(&mut self, node: usize, module: usize, index: usize) {
        let check = &self.input.graph.modules[module].module.checks[index];
        for instance in 0..self.evaluation.modules[module].len() {
            let address = self.named(module, instance, CheckableKind::Check, &check.name);
            let words = address.to_string();
            let nothing = Repeated::default();
            let at = self.evaluation.at(module, instance, &nothing);
            let judged = match self.input.chosen.is_partial() {
                true => Judged::open(),
                false => judge(&check.asserts, RuleKind::Assertion, &words, &at),
            };
            let mut outcome = judged.outcome;
            let missing = self.input.unread.iter().find(|data| {
                let block = self.input.graph.resource(data);
                data.module == self.evaluation.modules[module][instance].path
                    && block.is_some_and(|block| block.scope.as_ref() == Some(&check.name.name))
            });
            if let Some(data) = missing {
                outcome = unread(&check.name.name, data).1;
            }
            let blocks = &self.input.graph.modules[module].module.resources;
            let reads = blocks.iter().any(|block| block.scope.as_ref() == Some(&check.name.name));
            let looks = reads && !self.input.chosen.is_partial();
            let pending = if looks { again(&check.asserts, &words, &at) } else { judged.pending };
            self.checks.note(node, address, outcome);
            self.report(judged.found);
            if looks {
                self.looking.extend(pending);
            } else {
                self.assertions.extend(pending);
            }
        }
    }
}
