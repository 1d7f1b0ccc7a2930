//! Two reporters told the same: text for people, and JSON lines into a file.
//!
//! Guarantees: each is told everything, in one order.
//! Must not: write anything itself.

use std::sync::Arc;

use tenantctl_core::diag::Diagnostic;
use tenantctl_core::event::{Event, EventSink};
use tenantctl_core::ops::{Applied, Outcome};
use tenantctl_core::plan::{Plan, PlanMode};

use super::Reporter;

/// The first, then the second.
pub(crate) struct Both(pub(crate) Arc<dyn Reporter>, pub(crate) Arc<dyn Reporter>);

impl Both {
    fn each(&self, tell: impl Fn(&dyn Reporter)) {
        tell(&*self.0);
        tell(&*self.1);
    }
}

impl EventSink for Both {
    fn send(&self, event: Event) {
        self.0.send(event.clone());
        self.1.send(event);
    }
}

impl Reporter for Both {
    fn diagnostics(&self, all: Vec<Diagnostic>) {
        self.each(|one| one.diagnostics(all.clone()));
    }

    fn planning(&self, workspaces: usize, fleet: bool) {
        self.each(|one| one.planning(workspaces, fleet));
    }

    fn plans(&self, plans: &[Plan], fleet: bool) {
        self.each(|one| one.plans(plans, fleet));
    }

    fn applying(&self, plans: &[Plan], fleet: bool) {
        self.each(|one| one.applying(plans, fleet));
    }

    fn applied(&self, outcomes: &[Outcome<Applied>], mode: PlanMode, fleet: bool) {
        self.each(|one| one.applied(outcomes, mode, fleet));
    }

    fn tick(&self) {
        self.each(|one| one.tick());
    }

    fn note(&self, words: &str) {
        self.each(|one| one.note(words));
    }
}
