//! Asking services, before anybody approves, whether they would take a change.
//!
//! A plan is made without the services' rules: an immutable field or an
//! admission policy shows only when it is applied. So some of the changes in
//! place are tried out, where a provider can do that without an effect.
//!
//! Guarantees: nothing is changed; of objects that one block makes and one
//! connection reaches, a few are tried, so that the cost does not grow with
//! the fleet; a service that cannot be asked says nothing. What comes of it are
//! warnings: an apply does more than one thing, and an earlier one may make way
//! for a later one.
//! Must not: try out what is to be made, since what it is made in may not be
//! there yet.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures::StreamExt as _;
use futures::future::BoxFuture;

use super::Engine;
use crate::addr::ResourceAddress;
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::plan::{Action, Change, Plan};
use crate::provider::{ErrorClass, Target};
use crate::refresh::failed;
use crate::value::Value;

/// How many of those alike are tried.
const ALIKE: usize = 4;

/// What has been tried so far in a run.
#[derive(Debug, Default)]
pub(super) struct Rehearsal {
    /// By block and connection.
    tried: Mutex<HashMap<(ResourceAddress, String), usize>>,
}

impl Rehearsal {
    /// What the services would say to some changes of a plan.
    pub(super) async fn of(&self, engine: &Engine, plan: &Plan) -> Diagnostics {
        let mut tries: Vec<BoxFuture<'_, _>> = Vec::new();
        for change in &plan.changes {
            if is_known(change) && self.is_wanted(change) {
                tries.push(Box::pin(warning(engine, plan, change)));
            }
        }
        // In order, so that the warnings are.
        let warnings = futures::stream::iter(tries).buffered(engine.parallelism.max(1));
        warnings.collect::<Vec<_>>().await.into_iter().flatten().collect()
    }

    fn is_wanted(&self, change: &Change) -> bool {
        let connection = serde_json::to_string(&change.connection).unwrap_or_default();
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let number = tried.entry((change.key.address.without_key(), connection)).or_default();
        *number += 1;
        *number <= ALIKE
    }
}

/// Whether it is a change in place of which all is known.
fn is_known(change: &Change) -> bool {
    change.action == Action::Update
        && [&change.before, &change.config, &change.connection].into_iter().all(Value::is_wholly_known)
}

/// What a refusal tells; nothing when the service could not be asked.
async fn warning(engine: &Engine, plan: &Plan, change: &Change) -> Option<Diagnostic> {
    let provider = engine.registry.get(&change.provider)?;
    let target = Target {
        kind: &change.key.address.kind,
        connection: &change.connection,
        token: "",
        workspace: plan.workspace.as_str(),
    };
    let rehearsed = provider.rehearse(target, &change.before, &change.config, &change.after).await;
    let error = rehearsed.err().filter(|error| is_refusal(error.class))?;
    let mut warning = failed(&error, &format!("{}:{}", plan.workspace, change.key));
    warning.severity = Severity::Warning;
    warning.summary = format!("{}, if applied now", warning.summary);
    Some(warning)
}

fn is_refusal(class: ErrorClass) -> bool {
    match class {
        ErrorClass::Conflict | ErrorClass::Denied | ErrorClass::Invalid => true,
        ErrorClass::Transient
        | ErrorClass::Throttled(_)
        | ErrorClass::Busy(_)
        | ErrorClass::Indeterminate
        | ErrorClass::NotFound => false,
    }
}
