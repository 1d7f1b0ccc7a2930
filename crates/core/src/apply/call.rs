//! One provider call with its retries, and long operations to their end.
//!
//! A slot is held while a call is in flight, not while waiting between calls.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::Rng as _;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::cancel::Cancel;
use crate::event::{Event, EventSink};
use crate::provider::{ErrorClass, Outcome, ProviderError, SharedProvider, Target};
use crate::state::{RecordKey, failpoint};
use crate::value::Value;

/// Attempts at a call that the service was too busy for.
const ATTEMPTS: u32 = 8;
/// The first wait between attempts; doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait between attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// Polls of one operation before it is given up.
const LONGEST_OPERATION: Duration = Duration::from_secs(60 * 60);

/// What a call is made with.
pub(super) struct Caller<'a> {
    /// The slot that the step was admitted with, for its first call.
    pub slot: Mutex<Option<SemaphorePermit<'a>>>,
    pub slots: &'a Semaphore,
    pub events: &'a dyn EventSink,
    pub cancel: &'a Cancel,
    pub workspace: &'a crate::addr::WorkspaceName,
    pub key: &'a RecordKey,
    pub action: crate::plan::StepAction,
}

/// Left because the user aborted.
pub(super) fn aborted() -> ProviderError {
    ProviderError::new(
        ErrorClass::Indeterminate,
        "Aborted",
        "The call was left in flight; the next run looks what became of it.",
    )
}

impl Caller<'_> {
    /// Makes a call until it succeeds or fails for good.
    pub(super) async fn retry<T, F: Future<Output = Result<T, ProviderError>>>(
        &self,
        call: impl Fn() -> F,
    ) -> Result<T, ProviderError> {
        let mut attempt = 1;
        loop {
            let result = {
                let _slot = self.slot().await;
                failpoint::hit("call.before");
                tokio::select! {
                    biased;
                    () = self.cancel.aborted() => return Err(aborted()),
                    result = call() => result,
                }
            };
            failpoint::hit("call.after");
            let error = match result {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if !error.class.is_retryable() || attempt >= ATTEMPTS || self.cancel.is_draining() {
                return Err(error);
            }
            let wait = wait(attempt, error.class);
            self.events.send(Event::Retrying {
                workspace: self.workspace.clone(),
                key: self.key.clone(),
                attempt,
                wait,
                error: error.to_string(),
            });
            tokio::select! {
                biased;
                // Another attempt would be a new call.
                () = self.cancel.draining() => return Err(error),
                () = tokio::time::sleep(wait) => attempt += 1,
            }
        }
    }

    async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        let given = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        match given {
            Some(slot) => Some(slot),
            None => self.slots.acquire().await.ok(),
        }
    }

    /// Follows an outcome to its end.
    pub(super) async fn finish(
        &self,
        provider: &SharedProvider,
        target: Target<'_>,
        mut outcome: Outcome,
    ) -> Result<Value, ProviderError> {
        let start = Instant::now();
        loop {
            let operation = match outcome {
                Outcome::Done(value) => return Ok(value),
                Outcome::Pending(operation) => operation,
            };
            if start.elapsed() >= LONGEST_OPERATION {
                return Err(ProviderError::new(
                    ErrorClass::Indeterminate,
                    "Operation takes too long",
                    format!("It was waited for an hour. The service says: {}.", operation.message),
                ));
            }
            self.events.send(Event::StepProgress {
                workspace: self.workspace.clone(),
                key: self.key.clone(),
                action: self.action,
                message: operation.message.clone(),
            });
            self.pause(async {
                tokio::select! {
                    () = tokio::time::sleep(operation.after) => {}
                    () = provider.changed(target.clone(), &operation) => {}
                }
            })
            .await?;
            outcome = self.retry(|| provider.poll(target.clone(), &operation)).await?;
        }
    }

    async fn pause(&self, wait: impl Future<Output = ()>) -> Result<(), ProviderError> {
        tokio::select! {
            () = wait => Ok(()),
            () = self.cancel.aborted() => Err(aborted()),
        }
    }
}

/// Exponential back-off with jitter, never less than the service asks for.
fn wait(attempt: u32, class: ErrorClass) -> Duration {
    let backoff = FIRST_WAIT.saturating_mul(1 << attempt.min(10)).min(LONGEST_WAIT);
    let jittered = backoff.mul_f64(rand::rng().random_range(0.5..1.0));
    match class {
        ErrorClass::Throttled(Some(asked)) => jittered.max(asked),
        _ => jittered,
    }
}
