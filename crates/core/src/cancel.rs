//! How a run is asked to stop.
//!
//! Must not: know who asks or what runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Stop requests: first drain, then abort.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicU8>, Arc<tokio::sync::Notify>);

impl Cancel {
    /// Asks to stop: once, no new calls are begun; twice, calls in flight are
    /// left to the next run's recovery.
    pub fn request(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.1.notify_waiters();
    }

    /// Whether no new calls are to be begun.
    pub fn is_draining(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= 1
    }

    /// Whether calls in flight are to be left.
    pub fn is_aborting(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= 2
    }

    /// Returns when draining.
    pub async fn draining(&self) {
        self.reached(Self::is_draining).await;
    }

    /// Returns when aborting.
    pub async fn aborted(&self) {
        self.reached(Self::is_aborting).await;
    }

    async fn reached(&self, stage: impl Fn(&Self) -> bool) {
        loop {
            let notified = self.1.notified();
            if stage(self) {
                return;
            }
            notified.await;
        }
    }
}
