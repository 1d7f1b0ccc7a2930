//! Applying plans, many at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt as _;
use tokio::sync::Semaphore;

use super::locks::Held;
use super::passing::Passed;
use super::plan::state_error;
use super::{Applied, Engine, Outcome, audit, loaded, locks, passing, scrub};
use crate::addr::WorkspaceName;
use crate::apply::{Execution, Recovery, execute, recover};
use crate::config::passed_on;
use crate::diag::{Diagnostic, Diagnostics};
use crate::event::Event;
use crate::plan::{Counts, Plan, PlanMode, StepAction, file};
use crate::provider::Registry;
use crate::state::{Entry, StateError, WorkspaceState};
use crate::value::Secrets;

/// Instances applied at a time; calls in flight have a limit of their own.
const AT_ONCE: usize = 64;

/// Applies plans; one outcome each. The platform's own goes before its tenants,
/// which get what it brings, and when all is destroyed after them.
pub async fn apply(engine: &Engine, plans: Vec<Plan>) -> Vec<Outcome<Applied>> {
    let ids: HashMap<WorkspaceName, String> =
        plans.iter().map(|plan| (plan.workspace.clone(), audit::plan_id(plan))).collect();
    let is_platform = |plan: &Plan| plan.tenant.is_none();
    let (shared, tenants): (Vec<Plan>, Vec<Plan>) = plans.into_iter().partition(is_platform);
    let slots = Arc::new(Semaphore::new(engine.parallelism.max(1)));
    let secrets = Secrets::default();
    shared.iter().chain(&tenants).for_each(|plan| scrub::learn_plan(plan, &secrets));
    let engine = &scrub::engine(engine, &secrets);
    let work = Work { engine, secrets: secrets.clone(), slots, failed: Arc::default() };
    let mut outcomes;
    if shared.iter().all(|plan| plan.mode != PlanMode::Destroy) {
        outcomes = work.apply(shared, &Arc::default()).await;
        let passed = Arc::new(passing::applied(outcomes.first()));
        if complete(&outcomes) {
            outcomes.extend(work.apply(tenants, &passed).await);
        } else {
            outcomes
                .extend(tenants.into_iter().map(|plan| not_reached(plan, "the platform's own resources")));
        }
    } else {
        outcomes = work.apply(tenants, &Arc::default()).await;
        let rest = if complete(&outcomes) {
            work.apply(shared, &Arc::default()).await
        } else {
            shared.into_iter().map(|plan| not_reached(plan, "some tenants that may use them")).collect()
        };
        outcomes.splice(0..0, rest);
    }
    scrub::outcomes(&mut outcomes, &secrets);
    audit::applied(engine, &ids, &outcomes);
    for outcome in &mut outcomes {
        if let Some(applied) = &mut outcome.result {
            applied.outputs.retain(|name, _| passed_on(name).is_none());
        }
    }
    outcomes
}

fn complete(outcomes: &[Outcome<Applied>]) -> bool {
    outcomes.iter().all(|outcome| outcome.result.as_ref().is_some_and(|applied| applied.complete))
}

/// What becomes of a plan whose turn did not come.
fn not_reached(plan: Plan, failed: &str) -> Outcome<Applied> {
    let detail = format!("Nothing was done in {}, since {failed} did not come to an end.", plan.workspace);
    let error = Diagnostic::error("Not reached", detail).hint("Apply again once that is set right.");
    Outcome { workspace: plan.workspace, result: None, diagnostics: error.into() }
}

/// What the applies of a run have in common.
struct Work<'a> {
    engine: &'a Engine,
    /// Known so far, of all workspaces.
    secrets: Secrets,
    /// Calls in flight, of all workspaces together.
    slots: Arc<Semaphore>,
    /// Some workspace has failed, and no other is to begin after that.
    failed: Arc<AtomicBool>,
}

impl Work<'_> {
    /// Applies plans, many at a time; one outcome each, in order.
    async fn apply(&self, plans: Vec<Plan>, passed: &Arc<Passed>) -> Vec<Outcome<Applied>> {
        let mut outcomes = Vec::with_capacity(plans.len());
        let held = locks::held(self.engine, plans, |plan| &plan.workspace, false);
        let work = held.map(|(plan, held)| {
            let (engine, slots, passed) = (self.engine.clone(), self.slots.clone(), Arc::clone(passed));
            let (failed, secrets) = (Arc::clone(&self.failed), self.secrets.clone());
            let workspace = plan.workspace.clone();
            let task = tokio::spawn(async move {
                if engine.fail_fast && failed.load(Ordering::Relaxed) {
                    return Err(not_reached(plan, "another workspace").diagnostics);
                }
                let done = match held {
                    Ok(held) => one(&engine, &secrets, &slots, plan, &passed, held).await,
                    Err(problems) => Err(problems),
                };
                let complete = done.as_ref().is_ok_and(|(applied, ..)| applied.complete);
                failed.fetch_or(!complete, Ordering::Relaxed);
                done
            });
            async move { (workspace, task.await) }
        });
        let mut stream = Box::pin(work.buffered(AT_ONCE));
        while let Some((workspace, result)) = stream.next().await {
            let (result, diagnostics) = match result {
                Ok(Ok((applied, diagnostics))) => (Some(applied), diagnostics),
                Ok(Err(diagnostics)) => (None, diagnostics),
                Err(error) => {
                    let detail = format!("Applying {workspace} broke off: {error}.");
                    (None, Diagnostic::error("Internal error", detail).into())
                }
            };
            outcomes.push(Outcome { workspace, result, diagnostics });
        }
        drop(stream);
        locks::tell(self.engine);
        outcomes
    }
}

async fn one(
    engine: &Engine,
    secrets: &Secrets,
    slots: &Semaphore,
    plan: Plan,
    passed: &Passed,
    Held { lock, state }: Held,
) -> Result<(Applied, Diagnostics), Diagnostics> {
    let unlocked = || StateError::Refused("an apply needs the lock".into());
    let lock = lock.and_then(|lock| lock.ok_or_else(unlocked)).map_err(|e| state_error(&e))?;
    let mut state = loaded(&engine.registry, state)?;
    scrub::learn_state(&state, secrets);
    check(&engine.registry, &plan, &state)?;
    passing::brought(&plan, passed)?;
    let outputs_change = plan.outputs.values().any(|o| o.residual.is_some() || o.before != o.after);
    let nothing_to_do = plan.steps.is_empty() && plan.refreshed.is_empty() && plan.policies.is_empty();
    if nothing_to_do && !outputs_change && !plan.rechecked && state.open.is_empty() {
        let serial = state.serial;
        let applied = Applied { complete: true, outputs: state.outputs, serial, ..Applied::default() };
        return Ok((applied, Diagnostics::new()));
    }
    let journal = engine.store.journal(&*lock, &state).map_err(|e| state_error(&e))?;
    let recovered = recover(recovery(engine, slots), &mut state, &*journal);
    engine.cancel.unless_aborted(recovered).await.unwrap_or_else(|| {
        Err(Diagnostic::error("Stopped", format!("Nothing was done in {}.", plan.workspace)).into())
    })?;
    if !plan.refreshed.is_empty() {
        let entry = Entry::Records(plan.refreshed.clone());
        journal.append(entry.clone()).await.map_err(|e| state_error(&e))?;
        state.replay(entry).map_err(|words| Diagnostic::error("State is broken", words))?;
    }
    let steps =
        plan.steps.iter().filter(|s| !matches!(s.action, StepAction::Join | StepAction::Depose)).count();
    engine.events.send(Event::ApplyStarted { workspace: plan.workspace.clone(), steps });
    let mut executed = execute(Execution {
        plan: &plan,
        state: &state,
        journal: &*journal,
        registry: &engine.registry,
        slots,
        events: &*engine.events,
        cancel: &engine.cancel,
        now: &engine.timestamp,
        secrets,
        passed: &passed.values,
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
        unpassed: executed.unpassed,
        skipped: executed.undone,
        serial: state.serial + 1,
    };
    drop(journal);
    if let Err(error) = engine.store.compact(&*lock) {
        let words =
            format!("{error}. Nothing is lost: the journal is as it was, only longer than it need be.");
        executed.diagnostics.push(Diagnostic::warning("State not compacted", words).address(&plan.workspace));
    }
    Ok((applied, executed.diagnostics))
}

/// What settling a dead run's calls is done with.
pub(super) fn recovery<'a>(engine: &'a Engine, slots: &'a Semaphore) -> Recovery<'a> {
    Recovery { registry: &engine.registry, slots, events: &*engine.events, cancel: &engine.cancel }
}

/// Refuses a plan that was made from another state than there is, or for other
/// types.
fn check(registry: &Registry, plan: &Plan, state: &WorkspaceState) -> Result<(), Diagnostic> {
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
    if let Some(name) = plan.ungiven().next() {
        let detail = format!("The plan needs the ephemeral variable {name:?}, whose value is in no file.");
        return Err(Diagnostic::error("No value for ephemeral variable", detail)
            .address(&plan.workspace)
            .hint(format!("Give it again: -var '{name}=…' or TF_VAR_{name}.")));
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
    if let Some(words) = file::stale_schema(registry, plan) {
        return refused(
            "Plan is for another provider version",
            format!("The plan for {} was made with other schemas: {words}.", plan.workspace),
        );
    }
    Ok(())
}

/// What a set of applies did together.
pub fn total<'a>(outcomes: impl IntoIterator<Item = &'a Outcome<Applied>>) -> Counts {
    outcomes.into_iter().filter_map(|o| o.result.as_ref()).fold(Counts::default(), |sum, a| sum + a.done)
}
