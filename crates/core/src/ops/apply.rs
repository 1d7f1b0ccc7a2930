//! Applying plans, many at a time.

use std::sync::Arc;

use futures::StreamExt as _;
use tokio::sync::Semaphore;

use super::plan::state_error;
use super::{Applied, Engine, Outcome, loaded};
use crate::apply::{Execution, execute, recover};
use crate::diag::{Diagnostic, Diagnostics};
use crate::event::Event;
use crate::plan::{Counts, Plan, StepAction};
use crate::state::{Entry, StateError, WorkspaceLock, WorkspaceState};

/// Instances applied at a time; calls in flight have a limit of their own.
const AT_ONCE: usize = 64;

/// Applies plans; one outcome each, in order.
pub async fn apply(engine: &Engine, plans: Vec<Plan>) -> Vec<Outcome<Applied>> {
    let slots = Arc::new(Semaphore::new(engine.parallelism.max(1)));
    let mut outcomes = Vec::with_capacity(plans.len());
    let mut locks: Vec<Box<dyn WorkspaceLock>> = Vec::new();
    let taken: Vec<_> =
        plans.iter().map(|plan| engine.store.lock(&plan.workspace, &engine.lock_info)).collect();
    let names: Vec<_> = plans.iter().map(|plan| plan.workspace.clone()).collect();
    let states = match engine.store.load(&names) {
        Ok(states) => states,
        Err(error) => {
            let diagnostics = Diagnostics::from(state_error(&error));
            return names
                .into_iter()
                .map(|workspace| Outcome { workspace, result: None, diagnostics: diagnostics.clone() })
                .collect();
        }
    };
    let work = plans.into_iter().zip(states).zip(taken).map(|((plan, state), lock)| {
        let (engine, slots) = (engine.clone(), slots.clone());
        let workspace = plan.workspace.clone();
        let task = tokio::spawn(async move { one(&engine, &slots, plan, state, lock).await });
        async move { (workspace, task.await) }
    });
    let mut stream = futures::stream::iter(work).buffered(AT_ONCE);
    while let Some((workspace, result)) = stream.next().await {
        let (result, diagnostics) = match result {
            Ok(Ok((applied, diagnostics, lock))) => {
                locks.push(lock);
                (Some(applied), diagnostics)
            }
            Ok(Err(diagnostics)) => (None, diagnostics),
            Err(error) => (
                None,
                Diagnostic::error("Internal error", format!("Applying {workspace} broke off: {error}."))
                    .into(),
            ),
        };
        outcomes.push(Outcome { workspace, result, diagnostics });
    }
    // One window of the index for all; not reaching it loses nothing.
    let held: Vec<&dyn WorkspaceLock> = locks.iter().map(|lock| &**lock).collect();
    if let Err(error) = engine.store.fold(&held)
        && !matches!(error, StateError::Busy)
    {
        engine.events.send(Event::Diagnostic(Diagnostic::warning(
            "State not folded",
            format!("{error}. Nothing is lost: the journals hold it, and the next run folds them."),
        )));
    }
    outcomes
}

type Done = (Applied, Diagnostics, Box<dyn WorkspaceLock>);

async fn one(
    engine: &Engine,
    slots: &Semaphore,
    plan: Plan,
    state: Result<WorkspaceState, StateError>,
    lock: Result<Box<dyn WorkspaceLock>, StateError>,
) -> Result<Done, Diagnostics> {
    let lock = lock.map_err(|e| state_error(&e))?;
    let mut state = loaded(&engine.registry, state)?;
    check(&plan, &state)?;
    let outputs_change = plan.outputs.values().any(|o| o.residual.is_some() || o.before != o.after);
    if plan.steps.is_empty() && plan.refreshed.is_empty() && !outputs_change && state.open.is_empty() {
        let applied = Applied { complete: true, outputs: state.outputs, ..Applied::default() };
        return Ok((applied, Diagnostics::new(), lock));
    }
    let journal = engine.store.journal(&*lock, &state).map_err(|e| state_error(&e))?;
    tokio::select! {
        biased;
        () = engine.cancel.aborted() => {
            return Err(Diagnostic::error("Stopped", format!("Nothing was done in {}.", plan.workspace)).into());
        }
        settled = recover(&engine.registry, &*engine.events, &mut state, &*journal) => settled?,
    }
    if !plan.refreshed.is_empty() {
        let entry = Entry::Records(plan.refreshed.clone());
        journal.append(entry.clone()).await.map_err(|e| state_error(&e))?;
        state.replay(entry).map_err(|words| Diagnostic::error("State is broken", words))?;
    }
    let steps =
        plan.steps.iter().filter(|s| !matches!(s.action, StepAction::Join | StepAction::Depose)).count();
    engine.events.send(Event::ApplyStarted { workspace: plan.workspace.clone(), steps });
    let executed = execute(Execution {
        plan: &plan,
        state: &state,
        journal: &*journal,
        registry: &engine.registry,
        slots,
        events: &*engine.events,
        cancel: &engine.cancel,
        now: &engine.timestamp,
    })
    .await;
    let complete = executed.undone == 0 && !executed.diagnostics.has_errors();
    engine.events.send(Event::ApplyFinished {
        workspace: plan.workspace.clone(),
        done: executed.done,
        complete,
    });
    let applied =
        Applied { done: executed.done, complete, outputs: executed.outputs, skipped: executed.undone };
    Ok((applied, executed.diagnostics, lock))
}

/// Refuses a plan that was made from another state than there is.
fn check(plan: &Plan, state: &WorkspaceState) -> Result<(), Diagnostic> {
    let refused = |summary: &str, detail: String| {
        Err(Diagnostic::error(summary, detail).address(&plan.workspace).hint("Make a new plan."))
    };
    if plan.lineage != state.lineage {
        return refused(
            "Plan is for another state",
            format!(
                "The plan for {} was made from a state with lineage {:?}, but the state here has lineage {:?}.",
                plan.workspace, plan.lineage, state.lineage
            ),
        );
    }
    if plan.serial != state.serial {
        return refused(
            "Plan is stale",
            format!(
                "The plan for {} was made from serial {}, but the state is at serial {} now: something was applied since.",
                plan.workspace, plan.serial, state.serial
            ),
        );
    }
    Ok(())
}

/// What a set of applies did together.
pub fn total<'a>(outcomes: impl IntoIterator<Item = &'a Outcome<Applied>>) -> Counts {
    outcomes.into_iter().filter_map(|o| o.result.as_ref()).fold(Counts::default(), |sum, a| sum + a.done)
}
