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

    /// Does work that may be left anywhere: nothing of it counts once
    /// aborting, also not what its calls said when they were left.
    pub async fn unless_aborted<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.unless(Self::is_aborting, work).await
    }

    /// The same for work that is left as soon as anybody asks to stop.
    pub async fn unless_draining<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.unless(Self::is_draining, work).await
    }

    async fn unless<T>(&self, stage: fn(&Self) -> bool, work: impl Future<Output = T>) -> Option<T> {
        let done = tokio::select! {
            biased;
            () = self.reached(stage) => None,
            done = work => Some(done),
        };
        // The request may come while the work is looked at, which sees it first.
        done.filter(|_| !stage(self))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_sees_the_abort_first_does_not_count() {
        let cancel = Cancel::default();
        assert_eq!(cancel.unless_aborted(async { 1 }).await, Some(1));
        assert_eq!(cancel.unless_draining(async { 1 }).await, Some(1));
        cancel.request();
        assert_eq!(cancel.unless_draining(std::future::pending::<()>()).await, None);
        assert_eq!(cancel.unless_aborted(async { 1 }).await, Some(1), "a first request drains");
        let seen = async {
            cancel.request();
            cancel.is_aborting()
        };
        assert_eq!(cancel.unless_aborted(seen).await, None);
        assert_eq!(cancel.unless_aborted(std::future::pending::<()>()).await, None);
    }
}
