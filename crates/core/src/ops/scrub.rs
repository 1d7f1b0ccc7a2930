//! Keeping known secrets out of all that an operation says.
//!
//! Guarantees: no event and no diagnostic leaves an operation with a secret
//! that was in a state, plan or configuration that it has seen.

use std::sync::Arc;

use super::{Engine, Outcome};
use crate::diag::{Diagnostic, Diagnostics};
use crate::event::{Event, EventSink, Provisioning};
use crate::plan::{Action, Plan};
use crate::state::WorkspaceState;
use crate::value::Secrets;

/// Passes events on without secrets.
struct Scrubbed {
    to: Arc<dyn EventSink>,
    secrets: Secrets,
}

impl EventSink for Scrubbed {
    fn send(&self, mut event: Event) {
        match &mut event {
            Event::Retrying { error: text, .. }
            | Event::StepProgress { message: text, .. }
            | Event::Provisioner { what: Provisioning::Output(text), .. } => *text = self.secrets.scrub(text),
            Event::Diagnostic(found) => diagnostic(found, &self.secrets),
            _ => {}
        }
        self.to.send(event);
    }
}

/// The same engine, whose events hold no secret that becomes known.
pub(super) fn engine(engine: &Engine, secrets: &Secrets) -> Engine {
    let events = Scrubbed { to: Arc::clone(&engine.events), secrets: secrets.clone() };
    Engine { events: Arc::new(events), ..engine.clone() }
}

/// What is said in the end, without secrets.
pub(super) fn outcomes<T>(outcomes: &mut [Outcome<T>], secrets: &Secrets) {
    for outcome in outcomes {
        outcome.diagnostics = diagnostics(std::mem::take(&mut outcome.diagnostics), secrets);
    }
}

pub(super) fn diagnostics(found: Diagnostics, secrets: &Secrets) -> Diagnostics {
    let scrubbed = found.into_iter().map(|mut one| {
        diagnostic(&mut one, secrets);
        one
    });
    scrubbed.collect()
}

fn diagnostic(found: &mut Diagnostic, secrets: &Secrets) {
    found.summary = secrets.scrub(&found.summary);
    found.detail = secrets.scrub(&found.detail);
    found.hint = found.hint.as_ref().map(|hint| secrets.scrub(hint));
    for (_, words) in &mut found.related {
        *words = secrets.scrub(words);
    }
    for (_, shown) in &mut found.values {
        *shown = secrets.scrub(shown);
    }
}

/// Notes the secrets of a state.
pub(super) fn learn_state(state: &WorkspaceState, secrets: &Secrets) {
    state.outputs.values().for_each(|value| secrets.learn(value));
    let open = state.open.iter().map(|begin| &begin.record);
    for record in state.resources.values().chain(open) {
        secrets.learn(&record.attributes);
        secrets.learn(&record.connection);
    }
}

/// Notes the secrets of a plan.
pub(super) fn learn_plan(plan: &Plan, secrets: &Secrets) {
    plan.variables.values().for_each(|value| secrets.learn(value));
    for output in plan.outputs.values() {
        [&output.before, &output.after].into_iter().for_each(|value| secrets.learn(value));
    }
    for change in &plan.changes {
        // What stays is after as it was before.
        let after = Some(&change.after).filter(|_| change.action != Action::NoOp);
        let values = [&change.before, &change.config, &change.connection].into_iter().chain(after);
        values.for_each(|value| secrets.learn(value));
    }
}
