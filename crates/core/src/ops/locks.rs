//! Taking locks, a portion of a fleet at a time.
//!
//! A lock is an open file, and a journal that is written is another. A fleet
//! has more workspaces than a process may have files, and how many it may
//! differs from machine to machine; so no operation holds more than a portion
//! of them at a time: those that are worked on, and those that come next.

use std::time::Duration;

use futures::future::join_all;

use super::Engine;
use super::plan::state_error;
use crate::addr::WorkspaceName;
use crate::diag::Diagnostic;
use crate::event::Event;
use crate::state::{StateError, WorkspaceLock, WorkspaceState};

/// Workspaces that are locked and loaded in one go.
pub(super) const PORTION: usize = 64;

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

/// A lock, unless none was to be taken.
type Lock = Result<Option<Box<dyn WorkspaceLock>>, StateError>;

/// Locks and loads a portion of workspaces, in order.
///
/// # Errors
/// Of the store as a whole; what is wrong with one workspace is in its result.
pub(super) async fn portion(
    engine: &Engine,
    names: &[WorkspaceName],
    skip_lock: bool,
) -> Result<Vec<(Lock, Result<WorkspaceState, StateError>)>, StateError> {
    let lock = async |name| if skip_lock { Ok(None) } else { hold(engine, name).await.map(Some) };
    let locks = join_all(names.iter().map(lock)).await;
    let states = engine.store.load(names);
    tell(engine);
    Ok(locks.into_iter().zip(states?).collect())
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
