//! One provider call with its retries, and long operations to their end.
//!
//! A slot is held while a call is in flight, not while waiting between calls.
//! What a service works on is in the journal before it is waited for, so that
//! a run after a crash waits for it, too.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::addr::WorkspaceName;
use crate::cancel::Cancel;
use crate::event::{Event, EventSink};
use crate::plan::StepAction;
use crate::provider::{ErrorClass, Operation, Outcome, ProviderError, SharedProvider, Target};
use crate::retry::Retry;
use crate::state::{Entry, Journal, OpenOperation, RecordKey, failpoint};
use crate::value::Value;

/// Polls of one operation before it is given up.
const LONGEST_OPERATION: Duration = Duration::from_secs(60 * 60);

/// What a call is made with.
pub(super) struct Caller<'a> {
    /// The slot that the step was admitted with, for its first call.
    pub slot: Mutex<Option<SemaphorePermit<'a>>>,
    pub slots: &'a Semaphore,
    pub events: &'a dyn EventSink,
    pub cancel: &'a Cancel,
    pub workspace: &'a WorkspaceName,
    pub key: &'a RecordKey,
    pub action: StepAction,
}

/// Where the call was begun.
#[derive(Clone, Copy)]
pub(super) struct Begun<'a> {
    pub journal: &'a dyn Journal,
    pub id: u64,
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
        let told = |attempt: u32, wait: Duration, error: &ProviderError| {
            self.events.send(Event::Retrying {
                workspace: self.workspace.clone(),
                key: self.key.clone(),
                attempt,
                wait,
                error: error.to_string(),
            });
        };
        let one = || async {
            let _slot = self.slot().await;
            failpoint::hit("call.before");
            let result = tokio::select! {
                biased;
                () = self.cancel.aborted() => Err(aborted()),
                result = call() => result,
            };
            failpoint::hit("call.after");
            result
        };
        Retry { cancel: self.cancel, told: &told }.call(one).await
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
        begun: Begun<'_>,
        outcome: Outcome,
    ) -> Result<Value, ProviderError> {
        match outcome {
            Outcome::Done(value) => Ok(value),
            Outcome::Pending(operation) => {
                note(begun, &operation).await?;
                self.follow(provider, target, begun, operation).await
            }
        }
    }

    /// Waits for the end of an operation that the journal knows.
    pub(super) async fn follow(
        &self,
        provider: &SharedProvider,
        target: Target<'_>,
        begun: Begun<'_>,
        mut operation: Operation,
    ) -> Result<Value, ProviderError> {
        let polled = self.poll(provider, target, begun, &mut operation);
        let done = tokio::time::timeout(LONGEST_OPERATION, polled).await;
        done.unwrap_or_else(|_| {
            Err(ProviderError::new(
                ErrorClass::Indeterminate,
                "Operation takes too long",
                format!("It was waited for an hour. The service says: {}.", operation.message),
            ))
        })
    }

    async fn poll(
        &self,
        provider: &SharedProvider,
        target: Target<'_>,
        begun: Begun<'_>,
        operation: &mut Operation,
    ) -> Result<Value, ProviderError> {
        loop {
            self.events.send(Event::StepProgress {
                workspace: self.workspace.clone(),
                key: self.key.clone(),
                action: self.action,
                message: operation.message.clone(),
            });
            self.pause(async {
                tokio::select! {
                    () = tokio::time::sleep(operation.after) => {}
                    () = provider.changed(target.clone(), operation) => {}
                }
            })
            .await?;
            match self.retry(|| provider.poll(target.clone(), operation)).await? {
                Outcome::Done(value) => return Ok(value),
                Outcome::Pending(next) => {
                    if next.handle != operation.handle {
                        note(begun, &next).await?;
                    }
                    *operation = next;
                }
            }
        }
    }

    async fn pause(&self, wait: impl Future<Output = ()>) -> Result<(), ProviderError> {
        tokio::select! {
            () = wait => Ok(()),
            () = self.cancel.aborted() => Err(aborted()),
        }
    }
}

/// Has the journal say by what the service can be asked.
async fn note(begun: Begun<'_>, operation: &Operation) -> Result<(), ProviderError> {
    let open = OpenOperation { handle: operation.handle.clone() };
    let entry = Entry::Pending { id: begun.id, operation: Box::new(open) };
    begun.journal.append(entry).await.map_err(|error| {
        ProviderError::new(ErrorClass::Indeterminate, "State not written", format!("{error}."))
    })
}
