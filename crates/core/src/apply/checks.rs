//! Judges what the plan left open, and says what conditions came to in the end:
//! what the plan found, and of what it left open what the apply found.

use std::collections::HashMap;
use std::sync::PoisonError;

use super::step::{Run, StepResult};
use crate::diag::Diagnostic;
use crate::plan::checks::settle;
use crate::plan::{Pending, RuleKind};
use crate::state::{CheckOutcome, CheckStatus, Checks, Entry, StateError};

impl Run<'_> {
    /// Judges what the plan left open; the first problem counts.
    pub(super) fn conditions(&self, pending: &[Pending]) -> StepResult<()> {
        // Of a value that is used it is noted once, in the end.
        let judged = |one: &Pending| match one.kind {
            RuleKind::Validation => settle(one, &self.values).1,
            _ => self.judged(one),
        };
        let problems: Vec<Diagnostic> = pending.iter().filter_map(judged).collect();
        problems.into_iter().next().map_or(Ok(()), |problem| Err(Box::new(problem)))
    }

    /// Judges a condition that the plan left open, and notes what it came to.
    pub(super) fn judged(&self, pending: &Pending) -> Option<Diagnostic> {
        let (status, problem) = settle(pending, &self.values);
        let problems = problem.iter().filter(|_| status == CheckStatus::Fail).map(|p| p.detail.clone());
        let outcome = CheckOutcome { status, problems: problems.collect() };
        let mut judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        judged.entry(pending.address.clone()).or_default().push(outcome);
        problem
    }

    /// Notes what there is no judging of.
    pub(super) fn not_come_to(&self, addresses: impl Iterator<Item = String>) {
        self.unreached.lock().unwrap_or_else(PoisonError::into_inner).extend(addresses);
    }

    /// Notes what conditions came to, where that has changed. It is written with
    /// what comes after it, or by the flush at the end.
    pub(super) fn note_checks(&self) -> Result<(), StateError> {
        let checks = after(self).changes_from(&self.state.checks);
        if checks.is_empty() { Ok(()) } else { self.journal.append_soon(Entry::Checks(checks)) }
    }
}

/// What all conditions came to.
fn after(run: &Run<'_>) -> Checks {
    let mut checks = run.plan.checks.clone();
    let open = open(run);
    let judged = run.judged.lock().unwrap_or_else(PoisonError::into_inner);
    let instances = checks.0.values_mut().flat_map(|checked| &mut checked.instances);
    for (address, outcome) in instances.filter(|_| !open.is_empty()) {
        let Some(pending) = open.get(&*address.to_string()) else { continue };
        let found = judged.get(&*address.to_string()).map_or(&[][..], Vec::as_slice);
        // The plan says of what it left open that it is unknown.
        let settled = pending.iter().all(|one| one.again) || outcome.status == CheckStatus::Unknown;
        if settled && found.len() == pending.len() {
            *outcome = CheckOutcome::default();
        }
        found.iter().for_each(|one| outcome.join(one.clone()));
    }
    for (check, unread) in run.unread.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let found = checks.0.values_mut().find_map(|checked| checked.instances.get_mut(check));
        found.into_iter().for_each(|outcome| outcome.clone_from(unread));
    }
    let unreached = run.unreached.lock().unwrap_or_else(PoisonError::into_inner);
    let instances = checks.0.values_mut().flat_map(|checked| &mut checked.instances);
    for (address, outcome) in instances.filter(|_| !unreached.is_empty()) {
        if outcome.status == CheckStatus::Pass && unreached.contains(&address.to_string()) {
            outcome.status = CheckStatus::Unknown;
        }
    }
    let outcomes = checks.0.values_mut().flat_map(|checked| checked.instances.values_mut());
    for problem in outcomes.flat_map(|outcome| &mut outcome.problems) {
        *problem = run.secrets.scrub(problem);
    }
    checks
}

/// What the plan left open, by address.
fn open<'p>(run: &'p Run<'_>) -> HashMap<&'p str, Vec<&'p Pending>> {
    let of_objects = run.plan.changes.iter().flat_map(|c| c.preconditions.iter().chain(&c.postconditions));
    let of_objects = of_objects.filter(|one| one.kind != RuleKind::Validation);
    let mut open: HashMap<&str, Vec<&Pending>> = HashMap::new();
    for pending in of_objects.chain(&run.plan.assertions) {
        open.entry(&pending.address).or_default().push(pending);
    }
    open
}
