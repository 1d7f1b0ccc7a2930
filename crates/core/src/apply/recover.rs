//! Settling what a run that died left open, by looking at the service.
//!
//! A creation is looked for: what is there is adopted, what is not was not
//! made. An update or deletion needs no look here: its record stays as it
//! was, and refresh reads what became of the object.

use crate::diag::{Diagnostic, Diagnostics};
use crate::event::{Event, EventSink};
use crate::provider::{ErrorClass, Registry, Target};
use crate::refresh::{failed, unknown_provider};
use crate::state::{Begin, Entry, Journal, RecordChange, Verb, WorkspaceState};

/// Settles every open begin of a workspace, in state and journal.
///
/// # Errors
/// What could not be looked at; those stay open.
pub async fn recover(
    registry: &Registry,
    events: &dyn EventSink,
    state: &mut WorkspaceState,
    journal: &dyn Journal,
) -> Result<(), Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    for begin in state.open.clone() {
        let (changes, how) = match settle(registry, state, &begin).await {
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
        events.send(Event::Recovered { workspace: state.name.clone(), key: begin.record.key.clone(), how });
    }
    if diagnostics.has_errors() { Err(diagnostics) } else { Ok(()) }
}

async fn settle(
    registry: &Registry,
    state: &WorkspaceState,
    begin: &Begin,
) -> Result<(Vec<RecordChange>, &'static str), Box<Diagnostic>> {
    let record = &begin.record;
    if begin.verb != Verb::Create {
        return Ok((Vec::new(), "will be read again"));
    }
    let provider =
        registry.get(&record.provider).ok_or_else(|| Box::new(unknown_provider(&record.provider)))?;
    let target = Target {
        kind: &record.key.address.kind,
        connection: &record.connection,
        token: &record.token,
        workspace: state.name.as_str(),
    };
    match provider.find(target, &record.attributes).await {
        Ok(Some(found)) => {
            let adopted = crate::state::ResourceRecord { attributes: found, ..record.clone() };
            Ok((vec![RecordChange::Put(Box::new(adopted))], "adopted"))
        }
        Ok(None) => Ok((Vec::new(), "was not made")),
        // What is there is not ours, so ours was not made.
        Err(error) if error.class == ErrorClass::Conflict => Ok((Vec::new(), "was not made")),
        Err(error) => Err(Box::new(failed(&error, &format!("{}:{}", state.name, record.key)))),
    }
}
