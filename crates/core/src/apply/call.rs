//! One provider call with its retries, and long operations to their end.
//!
//! A slot is held while a call is in flight, not while waiting between calls.
//! What a service works on is in the journal before it is waited for, so that
//! a run after a crash waits for it, too. An operation has a deadline, which
//! covers all its calls and waits; what is not done then is left to the service
//! and to the next run.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::addr::WorkspaceName;
use crate::cancel::Cancel;
use crate::event::{Event, EventSink};
use crate::plan::StepAction;
use crate::provider::{
    ErrorClass, Operation, Outcome, ProviderError, ResourceSchema, SharedProvider, Target, Timed, Timeouts,
    Words,
};
use crate::retry::Retry;
use crate::state::{Entry, Journal, OpenOperation, RecordKey, failpoint};
use crate::value::Value;

/// The deadline of an operation for which neither block nor type has one.
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
    pub limit: Limit,
    pub stand: Mutex<Stand>,
}

/// How long an operation may take, with all its calls and waits.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    time: Duration,
    /// The operation that a block can give another deadline.
    timed: Option<Timed>,
}

impl Limit {
    /// What the block says, or the type.
    pub(super) fn of(schema: Option<&ResourceSchema>, timeouts: &Timeouts, action: StepAction) -> Self {
        let timed = match action {
            StepAction::Create => Some(Timed::Create),
            StepAction::Update => Some(Timed::Update),
            StepAction::Delete => Some(Timed::Delete),
            _ => None,
        };
        let usual = |timed| schema.and_then(|schema| schema.block.timeouts.get(timed));
        let time = timed.and_then(|timed| timeouts.get(timed).or_else(|| usual(timed)));
        Limit {
            time: time.unwrap_or(LONGEST_OPERATION),
            timed: timed.filter(|timed| usual(*timed).is_some()),
        }
    }
}

/// How an operation stands, for when its time is up.
#[derive(Default)]
pub(super) struct Stand {
    /// Why the last attempt at a call did nothing, while the next is waited
    /// for.
    refused: Option<ProviderError>,
    /// What the service says of what it works on.
    said: Option<String>,
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
            self.stand().refused = None;
            failpoint::hit("call.before");
            let result = tokio::select! {
                biased;
                () = self.cancel.aborted() => Err(aborted()),
                result = call() => result,
            };
            failpoint::hit("call.after");
            self.stand().refused = result.as_ref().err().cloned();
            result
        };
        // The operation's own deadline ends it.
        Retry { cancel: self.cancel, busy: Duration::MAX, told: &told }.call(one).await
    }

    fn stand(&self) -> MutexGuard<'_, Stand> {
        self.stand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a whole operation the time that it may take.
    pub(super) async fn within<T, E: From<ProviderError>>(
        &self,
        operation: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let done = tokio::time::timeout(self.limit.time, operation).await;
        done.unwrap_or_else(|_| Err(self.late().into()))
    }

    /// Which operation ran out after how long, how it stands at the service,
    /// and what comes next.
    fn late(&self) -> ProviderError {
        let what = match self.action {
            StepAction::Create => "creation",
            StepAction::Update => "change",
            StepAction::Delete => "removal",
            _ => "operation",
        };
        let Stand { refused, said } = std::mem::take(&mut *self.stand());
        let (class, how, next) = match (said, refused) {
            (None, Some(error)) => {
                let how = format!("Nothing was done in that time. {}", error.detail);
                (error.class, how, "The next apply tries again.")
            }
            (Some(said), _) if !said.is_empty() => (
                ErrorClass::Indeterminate,
                format!("The service said last: {said}."),
                "The service goes on with it, and the next apply goes on from there.",
            ),
            (said, _) => (
                ErrorClass::Indeterminate,
                match said {
                    Some(_) => "The service works on it and says nothing.".into(),
                    None => "The service did not answer.".into(),
                },
                "The next apply looks what became of it and goes on from there.",
            ),
        };
        let limit = Words(self.limit.time);
        let more = match self.limit.timed {
            Some(timed) => format!(" Give it more time with timeouts {{ {} = \"…\" }}.", timed.name()),
            None => String::new(),
        };
        let detail = format!("Its {what} was given {limit} and is not done. {how}");
        ProviderError::new(class, "Operation takes too long", detail).hint(format!("{next}{more}"))
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

    /// Waits for the end of an operation that the journal knows; within its
    /// deadline, which is the caller's to set.
    pub(super) async fn follow(
        &self,
        provider: &SharedProvider,
        target: Target<'_>,
        begun: Begun<'_>,
        mut operation: Operation,
    ) -> Result<Value, ProviderError> {
        loop {
            self.stand().said = Some(operation.message.trim_end_matches('.').to_owned());
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
            match self.retry(|| provider.poll(target.clone(), &operation)).await? {
                Outcome::Done(value) => return Ok(value),
                Outcome::Pending(next) => {
                    if next.handle != operation.handle {
                        note(begun, &next).await?;
                    }
                    operation = next;
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
