//! How a call goes: what a script makes of it, and operations that take long.
//!
//! Guarantees: a long operation's progress is kept with the object, so that it
//! goes on after a crash; waiting goes through the runtime's timer, so that
//! tests can stop the clock.
//! Must not: touch the cloud.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tenantctl_core::provider;
use tenantctl_core::provider::{Block, ErrorClass, Outcome, ProviderError, Value};
use uuid::Uuid;

use super::script::{Effect, Operation, Verdict};
use super::tables::{Record, Work};

/// The version of [`Handle`].
const VERSION: u32 = 1;

/// What it takes to ask for a long operation.
#[derive(Serialize, Deserialize)]
pub(super) struct Handle {
    version: u32,
    operation: Operation,
    pub(super) key: String,
    pub(super) name: String,
}

impl Handle {
    pub(super) fn parse(operation: &provider::Operation) -> Result<Self, ProviderError> {
        let unknown = || {
            let detail = "The operation was not started by this simulated cloud.";
            ProviderError::new(ErrorClass::Invalid, "Unknown operation", detail)
        };
        let handle = Handle::deserialize(&operation.handle).map_err(|_| unknown())?;
        if handle.version == VERSION { Ok(handle) } else { Err(unknown()) }
    }

    /// What to say when the object is not there.
    pub(super) fn missing(&self) -> Result<Outcome, ProviderError> {
        match self.operation {
            Operation::Delete => Ok(Outcome::Done(Value::NULL)),
            _ => Err(super::gone(&self.name)),
        }
    }

    /// Goes on by one poll.
    pub(super) fn advance(
        &self,
        slot: &mut Option<Record>,
        schema: Option<&Block>,
    ) -> Result<Outcome, ProviderError> {
        let Some(record) = slot else { return self.missing() };
        if record.work.as_ref().is_none_or(|work| work.operation != self.operation) {
            // Finished before, and perhaps another one has begun.
            return self.result(record, schema);
        }
        get_on(slot);
        match slot {
            None => Ok(Outcome::Done(Value::NULL)),
            Some(record) if record.work.is_some() => outcome(&self.key, &self.name, record, schema),
            Some(record) => self.result(record, schema),
        }
    }

    fn result(&self, record: &Record, schema: Option<&Block>) -> Result<Outcome, ProviderError> {
        let is_gone = self.operation == Operation::Delete;
        Ok(Outcome::Done(if is_gone { Value::NULL } else { record.value(schema)? }))
    }
}

/// The answer to a write that left this record.
pub(super) fn outcome(
    key: &str,
    name: &str,
    record: &Record,
    schema: Option<&Block>,
) -> Result<Outcome, ProviderError> {
    let Some(work) = &record.work else { return Ok(Outcome::Done(record.value(schema)?)) };
    let handle = serde_json::json!({
        "version": VERSION, "operation": work.operation, "key": key, "name": name,
    });
    Ok(Outcome::Pending(provider::Operation {
        handle,
        message: work.message.clone(),
        after: Duration::from_millis(work.after_ms),
    }))
}

/// Whether the same operation goes on already. A call that another one is in
/// the way of counts as a poll: a service gets on with its work whether or not
/// somebody polls it.
pub(super) fn goes_on(slot: &mut Option<Record>, operation: Operation) -> Result<bool, ProviderError> {
    let Some(work) = slot.as_ref().and_then(|record| record.work.as_ref()) else { return Ok(false) };
    if work.operation == operation {
        return Ok(true);
    }
    let after = Duration::from_millis(work.after_ms);
    get_on(slot);
    Err(ProviderError::new(
        ErrorClass::Busy(Some(after)),
        "Operation in progress",
        "The service still works on an earlier change of the object.",
    ))
}

/// Takes the work on an object one poll further.
fn get_on(slot: &mut Option<Record>) {
    let Some(record) = slot else { return };
    match &mut record.work {
        Some(work) if work.polls > 1 => work.polls -= 1,
        Some(work) if work.operation == Operation::Delete => *slot = None,
        _ => record.work = None,
    }
}

/// The long operation that a script makes of a write.
pub(super) fn start(verdict: &Verdict, operation: Operation) -> Option<Work> {
    match &verdict.answer {
        Some(Effect::Pending { polls, message, after_ms }) if *polls > 0 => {
            Some(Work { operation, polls: *polls, message: message.clone(), after_ms: *after_ms })
        }
        _ => None,
    }
}

/// Takes the time that a call takes, and fails when nothing is to be done.
pub(super) async fn wait(verdict: Verdict) -> Result<Verdict, ProviderError> {
    delay(verdict.latency, matches!(verdict.answer, Some(Effect::Hang))).await;
    match refusal(&verdict) {
        Some(error) => Err(error),
        None => Ok(verdict),
    }
}

/// Waits, in the end for ever.
pub(super) async fn delay(latency: Duration, hangs: bool) {
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    if hangs {
        std::future::pending::<()>().await;
    }
}

/// The error of a call that does nothing.
pub(super) fn refusal(verdict: &Verdict) -> Option<ProviderError> {
    match verdict.answer.as_ref()? {
        Effect::Fail { class, message } => {
            Some(ProviderError::new((*class).into(), "Simulated failure", message.clone()))
        }
        Effect::Throttle { retry_after_ms } => Some(ProviderError::new(
            ErrorClass::Throttled(retry_after_ms.map(Duration::from_millis)),
            "Too many requests",
            "The simulated service asks to slow down.",
        )),
        _ => None,
    }
}

/// The result of a call that did its work, when its answer arrives, or the
/// loss of it.
pub(super) async fn finish<T>(verdict: &Verdict, result: T) -> Result<T, ProviderError> {
    delay(verdict.latency_after, false).await;
    loss(verdict).map_or(Ok(result), Err)
}

/// The error of a call whose answer does not arrive.
pub(super) fn loss(verdict: &Verdict) -> Option<ProviderError> {
    match verdict.answer.as_ref()? {
        Effect::LoseReply => Some(ProviderError::new(
            ErrorClass::Indeterminate,
            "Reply lost",
            "The connection broke before the simulated service's answer came.",
        )),
        _ => None,
    }
}

/// A data source's object before its results are known.
pub(super) fn expected(block: &Block, config: &Value) -> Value {
    let empty = block.empty();
    let attributes = empty.as_entries().into_iter().flatten().map(|(name, null)| {
        let given = config.get(name).unwrap_or_else(|| null.clone());
        let computed = block.attributes.get(&**name).is_some_and(|a| a.computed);
        let value = if given.is_null() && computed { Value::unknown(null.ty()) } else { given };
        (name.clone(), value)
    });
    Value::object(attributes)
}

/// The same text for the same configuration, secrets left out.
pub(super) fn fingerprint(config: &Value) -> String {
    use serde_json::Value as Json;
    let hidden = |v: &Value| v.is_sensitive().then_some(Json::Null);
    let json: Result<Json, ()> = config.to_json_with(&hidden, &|_| Ok(Json::Null));
    Uuid::new_v5(&Uuid::NAMESPACE_OID, json.unwrap_or_default().to_string().as_bytes()).to_string()
}
