//! Taking locks, a portion of a fleet at a time.
//!
//! A lock is an open file, and a journal that is written is another. A fleet
//! has more workspaces than a process may have files, and how many it may
//! differs from machine to machine; so no operation holds more than a portion
//! of them at a time: those that are worked on, and those that come next.

use std::time::Duration;

use futures::future::join_all;
use futures::{Stream, StreamExt as _};

use super::Engine;
use super::plan::state_error;
use crate::addr::WorkspaceName;
use crate::diag::{Diagnostic, Diagnostics};
use crate::event::Event;
use crate::state::{StateError, WorkspaceLock, WorkspaceState};

/// Workspaces that are locked and loaded in one go.
pub(super) const PORTION: usize = 32;
/// Portions that are loaded ahead.
const PORTIONS: usize = 2;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Takes a workspace's lock; waits as long as the engine is to, and says for
/// whom.
///
/// # Errors
/// [`StateError::Locked`] when that was not long enough; the store's.
pub async fn hold(engine: &Engine, workspace: &WorkspaceName) -> Result<Box<dyn WorkspaceLock>, StateError> {
    let (mut waited, mut pause) = (Duration::ZERO, FIRST_PAUSE);
    loop {
        let error = match engine.store.lock(workspace, &engine.lock_info) {
            Err(error @ StateError::Locked { .. }) => error,
            taken => return taken,
        };
        let left = engine.lock_timeout.saturating_sub(waited);
        if left.is_zero() || engine.cancel.is_draining() {
            return Err(error);
        }
        if waited.is_zero() {
            engine.events.send(Event::Diagnostic(waiting(&error, engine.lock_timeout)));
        }
        let now = pause.min(left);
        tokio::select! {
            () = tokio::time::sleep(now) => {}
            () = engine.cancel.draining() => {}
        }
        waited += now;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn waiting(error: &StateError, timeout: Duration) -> Diagnostic {
    let held = state_error(error);
    let seconds = timeout.as_secs_f64();
    Diagnostic::warning(
        "Waiting for a lock",
        format!("{} It is waited for, {seconds} s at most.", held.detail),
    )
}

/// A lock, unless none was to be taken, and what it is for.
pub(super) struct Held {
    pub(super) lock: Result<Option<Box<dyn WorkspaceLock>>, StateError>,
    pub(super) state: Result<WorkspaceState, StateError>,
}

/// Locks and loads the workspaces of items, in order, a portion ahead of whoever
/// asks for them. What is wrong with the store as a whole, each item of the
/// portion is told.
pub(super) fn held<T>(
    engine: &Engine,
    items: Vec<T>,
    workspace: fn(&T) -> &WorkspaceName,
    skip_lock: bool,
) -> impl Stream<Item = (T, Result<Held, Diagnostics>)> {
    let mut items = items.into_iter();
    let portions = std::iter::from_fn(move || {
        let portion: Vec<T> = items.by_ref().take(PORTION).collect();
        (!portion.is_empty()).then_some(portion)
    });
    let held = futures::stream::iter(portions).map(move |items| {
        let names: Vec<_> = items.iter().map(|item| workspace(item).clone()).collect();
        let engine = engine.clone();
        let task = tokio::spawn(async move { portion(&engine, &names, skip_lock).await });
        async move {
            let held = match task.await {
                Ok(held) => held.map_err(|error| Diagnostics::from(state_error(&error))),
                Err(error) => {
                    let detail = format!("Loading states broke off: {error}.");
                    Err(Diagnostic::error("Internal error", detail).into())
                }
            };
            let held: Vec<_> = match held {
                Ok(held) => held.into_iter().map(Ok).collect(),
                Err(problems) => items.iter().map(|_| Err(problems.clone())).collect(),
            };
            futures::stream::iter(items.into_iter().zip(held))
        }
    });
    held.buffered(PORTIONS).flatten()
}

/// # Errors
/// Of the store as a whole; what is wrong with one workspace is in its result.
async fn portion(engine: &Engine, names: &[WorkspaceName], skip_lock: bool) -> Result<Vec<Held>, StateError> {
    let lock = async |name| if skip_lock { Ok(None) } else { hold(engine, name).await.map(Some) };
    let locks = join_all(names.iter().map(lock)).await;
    let states = engine.store.load(names);
    tell(engine);
    Ok(locks.into_iter().zip(states?).map(|(lock, state)| Held { lock, state }).collect())
}

/// Says what the store has repaired.
pub(super) fn tell(engine: &Engine) {
    for notice in engine.store.notices() {
        let mut chars = notice.chars();
        let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        let detail = format!("{first}{}", chars.as_str());
        engine.events.send(Event::Diagnostic(Diagnostic::warning("State repaired", detail)));
    }
}
