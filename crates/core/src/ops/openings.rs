//! What is open while an instance is planned: renewed as long as planning reads,
//! closed in the end.
//!
//! Must not: decide when planning ends.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::plan::OpenRead;
use crate::provider::{Opened, Renewed};
use crate::retry::later;

/// One thing that is open.
#[derive(Clone)]
pub(super) struct Open {
    pub(super) wanted: OpenRead,
    /// What closes it, when something does.
    pub(super) handle: Option<serde_json::Value>,
    renew_at: Option<Instant>,
}

/// All that is open.
#[derive(Default)]
pub(super) struct Openings {
    all: Mutex<Vec<Open>>,
    changes: Notify,
}

impl Openings {
    fn all(&self) -> MutexGuard<'_, Vec<Open>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds what was opened.
    pub(super) fn hold(&self, wanted: OpenRead, opened: &Opened) {
        if opened.handle.is_some() || opened.renew_after.is_some() {
            let renew_at = opened.renew_after.map(later);
            self.all().push(Open { wanted, handle: opened.handle.clone(), renew_at });
            self.changes.notify_one();
        }
    }

    /// Returns when something must be renewed: which.
    pub(super) async fn due(&self) -> (usize, Open) {
        loop {
            let next = self.all().iter().enumerate().filter_map(|(at, one)| Some((one.renew_at?, at))).min();
            let Some((time, at)) = next else {
                self.changes.notified().await;
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep_until(time) => {
                    let mut all = self.all();
                    // Not due again before it is renewed.
                    all[at].renew_at = None;
                    return (at, all[at].clone());
                }
                () = self.changes.notified() => {}
            }
        }
    }

    /// Something was renewed.
    pub(super) fn renewed(&self, at: usize, renewed: Renewed) {
        let mut all = self.all();
        if renewed.handle.is_some() {
            all[at].handle = renewed.handle;
        }
        all[at].renew_at = renewed.renew_after.map(later);
    }

    /// All that is open, the last first; nothing is held any more.
    pub(super) fn left(&self) -> impl Iterator<Item = Open> + use<> {
        std::mem::take(&mut *self.all()).into_iter().rev()
    }
}
