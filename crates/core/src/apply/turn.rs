//! A step's way to its first call: begun in the journal ahead of others, then
//! a slot, then told.
//!
//! Steps that become ready together are begun together, with one sync of the
//! journal, and then wait for slots.
//!
//! Guarantees: nothing is announced that has to wait; few are begun and not
//! called, so that a run after a crash has little to look into; a stop request
//! lets nothing through.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::SemaphorePermit;

use super::executor::is_known;
use super::step::Run;
use crate::event::Event;
use crate::plan::{Step, StepAction};

/// Steps of one workspace that may be begun and wait for a slot.
pub(super) const AHEAD: usize = 64;

/// What a step has of what it needs.
pub(super) struct Turn<'r> {
    run: &'r Run<'r>,
    step: &'r Step,
    ahead: Mutex<Option<SemaphorePermit<'r>>>,
    is_told: AtomicBool,
}

impl<'r> Turn<'r> {
    /// The turn of a step that may begin; `None` while too many have begun.
    pub(super) fn of(run: &'r Run<'r>, step: &'r Step) -> Option<Self> {
        let begins = matches!(step.action, StepAction::Create | StepAction::Update | StepAction::Delete);
        let ahead = if begins { Some(run.ahead.try_acquire().ok()?) } else { None };
        Some(Turn { run, step, ahead: Mutex::new(ahead), is_told: AtomicBool::new(false) })
    }

    /// Waits for a slot for the first call, and says that the step starts;
    /// `None` when a stop is requested before.
    pub(super) async fn slot(&self) -> Option<SemaphorePermit<'r>> {
        let slot = tokio::select! {
            biased;
            () = self.run.stopping() => return None,
            slot = self.run.slots.acquire() => slot.ok()?,
        };
        drop(self.ahead.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.tell();
        Some(slot)
    }

    /// Says that the step starts, once.
    pub(super) fn tell(&self) {
        if is_known(self.step.action) && !self.is_told.swap(true, Ordering::Relaxed) {
            let key = self.run.plan.changes[self.step.change as usize].key.clone();
            let (workspace, action) = (self.run.plan.workspace.clone(), self.step.action);
            self.run.events.send(Event::StepStarted { workspace, key, action });
        }
    }
}
