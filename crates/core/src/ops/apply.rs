//! Applying plans, many at a time.

use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use tokio::sync::Semaphore;

use super::locks::PORTION;
use super::plan::state_error;
use super::{Applied, Engine, Outcome, audit, loaded, locks};
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
    let ids: Vec<String> = plans.iter().map(audit::plan_id).collect();
    let work = prepared(engine, plans).flat_map(futures::stream::iter).map(|(plan, ready)| {
        let (engine, slots) = (engine.clone(), slots.clone());
        let workspace = plan.workspace.clone();
        let task = tokio::spawn(async move {
            let (state, lock) = ready?;
            one(&engine, &slots, plan, state, lock).await
        });
        async move { (workspace, task.await) }
    });
    let mut stream = Box::pin(work.buffered(AT_ONCE));
    while let Some((workspace, result)) = stream.next().await {
        let (result, diagnostics) = match result {
            Ok(Ok((applied, diagnostics, lock))) => {
                locks.push(lock);
                if locks.len() >= PORTION {
                    fold(engine, &std::mem::take(&mut locks));
                }
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
    drop(stream);
    fold(engine, &locks);
    audit::applied(engine, &ids, &outcomes);
    outcomes
}

type Ready =
    Result<(Result<WorkspaceState, StateError>, Result<Box<dyn WorkspaceLock>, StateError>), Diagnostics>;

/// Plans with their states and locks, a portion at a time as they are asked for.
fn prepared(engine: &Engine, plans: Vec<Plan>) -> impl Stream<Item = Vec<(Plan, Ready)>> {
    let portions: Vec<Vec<Plan>> = {
        let mut left = plans.into_iter().peekable();
        std::iter::from_fn(|| left.peek().is_some().then(|| left.by_ref().take(PORTION).collect())).collect()
    };
    futures::stream::iter(portions).then(move |portion: Vec<Plan>| async move {
        let names: Vec<_> = portion.iter().map(|plan| plan.workspace.clone()).collect();
        match locks::portion(engine, &names, false).await {
            Ok(held) => portion
                .into_iter()
                .zip(held)
                .map(|(plan, (lock, state))| {
                    let unlocked = || StateError::Refused("an apply needs the lock".into());
                    (plan, Ok((state, lock.and_then(|lock| lock.ok_or_else(unlocked)))))
                })
                .collect(),
            Err(error) => {
                let broken = || Err(Diagnostics::from(state_error(&error)));
                portion.into_iter().map(|plan| (plan, broken())).collect()
            }
        }
    })
}

/// One window of the index for all; not reaching it loses nothing.
fn fold(engine: &Engine, locks: &[Box<dyn WorkspaceLock>]) {
    let held: Vec<&dyn WorkspaceLock> = locks.iter().map(|lock| &**lock).collect();
    if let Err(error) = engine.store.fold(&held)
        && !matches!(error, StateError::Busy)
    {
        engine.events.send(Event::Diagnostic(Diagnostic::warning(
            "State not folded",
            format!("{error}. Nothing is lost: the journals hold it, and the next run folds them."),
        )));
    }
    locks::tell(engine);
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
        let serial = state.serial;
        let applied = Applied { complete: true, outputs: state.outputs, serial, ..Applied::default() };
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
    let applied = Applied {
        done: executed.done,
        complete,
        outputs: executed.outputs,
        skipped: executed.undone,
        serial: state.serial + 1,
    };
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
