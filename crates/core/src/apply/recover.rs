//! Settling what a run that died left open, by asking the service.
//!
//! An operation that the service was known to work on is waited for. Failing
//! that, a creation is looked for: what is there is adopted, what is not was
//! not made. Any other update or deletion needs no look here: its record stays
//! as it was, and refresh reads what became of the object.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::call::{Begun, Caller, Limit};
use crate::cancel::Cancel;
use crate::diag::{Diagnostic, Diagnostics};
use crate::event::{Event, EventSink};
use crate::plan::{StepAction, mark_sensitive};
use crate::provider::{ErrorClass, Operation, ProviderError, Registry, SharedProvider, Target};
use crate::refresh::{failed, unknown_provider};
use crate::state::{
    Begin, Entry, Journal, OpenOperation, RecordChange, ResourceRecord, Verb, WorkspaceState,
};
use crate::value::Value;

/// What calls are made with.
pub struct Recovery<'a> {
    /// The providers.
    pub registry: &'a Registry,
    /// Calls in flight.
    pub slots: &'a Semaphore,
    /// Who hears.
    pub events: &'a dyn EventSink,
    /// Stop requests.
    pub cancel: &'a Cancel,
}

/// What a begin came to, and how that is told.
type Settled = Result<(Vec<RecordChange>, &'static str), Box<Diagnostic>>;

/// Settles every open begin of a workspace, in state and journal.
///
/// # Errors
/// What could not be looked at; those stay open.
pub async fn recover(
    recovery: Recovery<'_>,
    state: &mut WorkspaceState,
    journal: &dyn Journal,
) -> Result<(), Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    for begin in state.open.clone() {
        let (changes, how) = match recovery.settle(state, &begin, journal).await {
            Ok(settled) => settled,
            Err(error) => {
                diagnostics.push(*error);
                continue;
            }
        };
        let end = Entry::End { id: begin.id, changes };
        if let Err(error) = journal.append(end.clone()).await {
            diagnostics.push(Diagnostic::error("State not written", format!("{error}.")));
            break;
        }
        if let Err(words) = state.replay(end) {
            diagnostics.push(Diagnostic::error("State is broken", words));
        }
        let (workspace, key) = (state.name.clone(), begin.record.key.clone());
        recovery.events.send(Event::Recovered { workspace, key, how });
    }
    if diagnostics.has_errors() { Err(diagnostics) } else { Ok(()) }
}

impl Recovery<'_> {
    async fn settle(&self, state: &WorkspaceState, begin: &Begin, journal: &dyn Journal) -> Settled {
        let record = &begin.record;
        if begin.verb != Verb::Create && begin.operation.is_none() {
            return Ok((Vec::new(), "will be read again"));
        }
        let provider = self
            .registry
            .get(&record.provider)
            .ok_or_else(|| Box::new(unknown_provider(&record.provider)))?;
        let action = match begin.verb {
            Verb::Create => StepAction::Create,
            Verb::Update => StepAction::Update,
            Verb::Delete => StepAction::Delete,
        };
        let schema = provider.schema().resources.get(&*record.key.address.kind);
        let caller = Caller {
            slot: Mutex::new(None),
            slots: self.slots,
            events: self.events,
            cancel: self.cancel,
            workspace: &state.name,
            key: &record.key,
            action,
            limit: Limit::of(schema, &record.timeouts, action),
            stand: Mutex::default(),
        };
        let target = Target {
            kind: &record.key.address.kind,
            connection: &record.connection,
            token: &record.token,
            workspace: state.name.as_str(),
        };
        let mut has_failed = false;
        if let Some(open) = &begin.operation {
            let begun = Begun { journal, id: begin.id };
            let followed = caller.follow(provider, target.clone(), begun, operation(open));
            match caller.within::<_, ProviderError>(followed).await {
                Ok(_) if begin.verb == Verb::Delete => {
                    return Ok((vec![RecordChange::Remove(record.key.clone())], "went on, and is done"));
                }
                Ok(value) => return Ok((vec![put(provider, record, value, false)], "went on, and is done")),
                Err(error) => match error.class {
                    // The service does not know it any more, or says that it
                    // came to nothing: what is there now, tells.
                    ErrorClass::NotFound => {}
                    ErrorClass::Invalid | ErrorClass::Conflict => has_failed = true,
                    _ => return Err(Box::new(failed(&error, &format!("{}:{}", state.name, record.key)))),
                },
            }
        }
        if begin.verb != Verb::Create {
            return Ok((Vec::new(), "will be read again"));
        }
        match caller.retry(|| provider.find(target.clone(), &record.attributes)).await {
            Ok(Some(found)) => Ok((vec![put(provider, record, found, has_failed)], "adopted")),
            Ok(None) => Ok((Vec::new(), "was not made")),
            // What is there is not ours, so ours was not made.
            Err(error) if error.class == ErrorClass::Conflict => Ok((Vec::new(), "was not made")),
            Err(error) => Err(Box::new(failed(&error, &format!("{}:{}", state.name, record.key)))),
        }
    }
}

/// To be asked for at once: nobody knows how long ago it was begun.
fn operation(open: &OpenOperation) -> Operation {
    Operation { handle: open.handle.clone(), message: String::new(), after: Duration::ZERO }
}

fn put(provider: &SharedProvider, record: &ResourceRecord, found: Value, tainted: bool) -> RecordChange {
    let schema = provider.schema().resources.get(&*record.key.address.kind);
    let attributes = schema.map_or(found.clone(), |schema| mark_sensitive(found, &schema.block));
    RecordChange::Put(Box::new(ResourceRecord { attributes, tainted, ..record.clone() }))
}
