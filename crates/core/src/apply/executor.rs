//! The dispatcher: runs a plan's steps in their order, many at a time.
//!
//! Guarantees: a step starts when all before it have succeeded; a failure
//! stops what depends on it and nothing else; a stop request starts nothing
//! new, not even what waits for a slot, and waits for what is in flight.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::{Notify, Semaphore};

use super::step::{Run, StepResult, Taken};
use super::turn::{AHEAD, Turn};
use super::values::Values;
use super::whole::Whole;
use crate::cancel::Cancel;
use crate::diag::{Diagnostic, Diagnostics, Severity, agree};
use crate::event::{Event, EventSink};
use crate::plan::{Counts, Plan, RuleKind, Step, StepAction, StepId};
use crate::provider::Registry;
use crate::state::{Entry, Journal, WorkspaceState};
use crate::value::{Secrets, Value};

/// What an execution is given.
pub struct Execution<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The workspace as loaded.
    pub state: &'a WorkspaceState,
    /// Its journal.
    pub journal: &'a dyn Journal,
    /// The providers.
    pub registry: &'a Registry,
    /// Calls in flight, of all workspaces together.
    pub slots: &'a Semaphore,
    /// Who hears.
    pub events: &'a dyn EventSink,
    /// Stop requests.
    pub cancel: &'a Cancel,
    /// Now, RFC 3339.
    pub now: &'a str,
    /// Learns what is secret of what comes to be.
    pub secrets: &'a Secrets,
    /// What the platform passes on to tenants.
    pub passed: &'a Value,
}

/// What came of it: what was done, how many steps were not, outputs.
pub struct Executed {
    /// What was done.
    pub done: Counts,
    /// Steps that failed or were not reached, of those that the user knows.
    pub undone: usize,
    /// Outputs as they are now.
    pub outputs: BTreeMap<Arc<str>, Value>,
    /// What is wrong with what is passed on, by the setting of tenants.
    pub unpassed: BTreeMap<Arc<str>, Diagnostics>,
    /// What went wrong.
    pub diagnostics: Diagnostics,
}

/// Runs a plan.
pub async fn execute(execution: Execution<'_>) -> Executed {
    let plan = execution.plan;
    let run = begun(&execution);
    let mut whole = Whole::new(&run);
    let Walked { done, succeeded, ended, mut diagnostics } = walk(&run, &mut whole).await;
    let known = plan.steps.iter().filter(|step| is_known(step.action)).count();
    let undone = known - succeeded;
    whole.end(undone, known, &mut diagnostics);
    if execution.cancel.is_draining() && undone > 0 {
        diagnostics.push(
            Diagnostic::error(
                "Stopped",
                format!("{}, as was asked.", not_done(undone, known, plan.workspace.as_str())),
            )
            .hint("What was done is recorded. Run the same command again to do the rest."),
        );
    }
    run.leave(&ended);
    let (outputs, unpassed) = outputs(&run, undone == 0, &mut diagnostics).await;
    run.close(&mut diagnostics).await;
    if let Err(error) = run.journal.flush().await {
        diagnostics.push(Diagnostic::error("State not written", format!("{error}.")));
    }
    Executed { done, undone, outputs, unpassed, diagnostics }
}

/// What the steps of an execution share.
fn begun<'a>(execution: &Execution<'a>) -> Run<'a> {
    let open = &execution.state.open;
    Run {
        plan: execution.plan,
        state: execution.state,
        values: Values::new(execution.plan, execution.now, execution.passed),
        registry: execution.registry,
        journal: execution.journal,
        slots: execution.slots,
        ahead: Semaphore::new(AHEAD),
        events: execution.events,
        secrets: execution.secrets,
        cancel: execution.cancel,
        denied: Cancel::default(),
        opened: Mutex::default(),
        opens: Notify::new(),
        next_begin: AtomicU64::new(open.iter().map(|begin| begin.id + 1).max().unwrap_or(1)),
        judged: Mutex::default(),
        unread: Mutex::default(),
        unreached: Mutex::default(),
    }
}

impl Run<'_> {
    /// What did not come to be is not known, and what was not come to is not
    /// judged.
    fn leave(&self, ended: &[Option<bool>]) {
        let makes =
            |step: &Step| matches!(step.action, StepAction::Create | StepAction::Update | StepAction::Read);
        let steps = || self.plan.steps.iter().zip(ended).filter(|(step, _)| makes(step));
        self.values.lose(steps().filter(|(_, end)| **end != Some(true)).map(|(step, _)| step.change));
        let unreached = steps().filter(|(_, end)| end.is_none());
        let addresses = unreached.map(|(step, _)| &self.plan.changes[step.change as usize].key.address);
        self.not_come_to(addresses.map(ToString::to_string));
    }
}

/// What taking the steps came to.
struct Walked {
    done: Counts,
    /// Steps that the user knows and that came to their end.
    succeeded: usize,
    /// By step: whether it came to a good end; `None` when it was not come to.
    ended: Vec<Option<bool>>,
    diagnostics: Diagnostics,
}

/// Takes all steps that may be taken.
async fn walk<'r>(run: &'r Run<'r>, whole: &mut Whole<'r>) -> Walked {
    let plan = run.plan;
    let mut queue = Queue::new(&plan.steps);
    let mut ready = VecDeque::new();
    let mut running = FuturesUnordered::new();
    let mut renewing = FuturesUnordered::new();
    let opens = plan.opens();
    let import = plan.changes.iter().filter(|change| change.importing.is_some()).count();
    let mut walked = Walked {
        done: Counts { import, ..Counts::default() },
        succeeded: 0,
        ended: vec![None; plan.steps.len()],
        diagnostics: Diagnostics::new(),
    };
    loop {
        whole.foresee(&queue.ready);
        ready.extend(queue.ready.drain(..));
        // A step is a future of some size, so it is made when its turn comes.
        while !run.stops()
            && let Some(&id) = ready.front()
            && let Some(turn) = Turn::of(run, &plan.steps[id as usize])
        {
            ready.pop_front();
            running.push(async move { (id, taken(run, &plan.steps[id as usize], &turn).await) });
        }
        let step = tokio::select! {
            biased;
            step = running.next() => step,
            _ = run.ahead.acquire(), if !ready.is_empty() && !run.stops() => continue,
            Some(renewed) = renewing.next() => {
                walked.diagnostics.extend(StepResult::<()>::err(renewed).map(|error| *error));
                continue;
            }
            at = run.due(), if opens => {
                renewing.push(run.renew(at));
                continue;
            }
        };
        let Some((id, result)) = step else { break };
        match result {
            Ok(Taken::Done) => {
                walked.succeeded += usize::from(is_known(plan.steps[id as usize].action));
                count(&mut walked.done, &plan.steps[id as usize]);
                whole.made(id);
                walked.ended[id as usize] = Some(true);
                queue.finished(id);
            }
            Ok(Taken::Unreached) => {}
            Err(error) => {
                walked.ended[id as usize] = Some(false);
                walked.diagnostics.push(*error);
            }
        }
    }
    // What is being renewed is closed by what that comes to.
    while let Some(renewed) = renewing.next().await {
        walked.diagnostics.extend(renewed.err().map(|error| *error));
    }
    walked
}

/// How much of what there was to do in a workspace was left.
pub(super) fn not_done(undone: usize, known: usize, workspace: &str) -> String {
    let (steps, were) = (agree(known, "step", "steps"), agree(undone, "was", "were"));
    format!("{undone} of {known} {steps} in {workspace} {were} not done")
}

/// Whether the user is told of such steps: the others are how, not what.
pub(super) fn is_known(action: StepAction) -> bool {
    !matches!(action, StepAction::Join | StepAction::Depose | StepAction::Check | StepAction::Open)
}

/// Takes a step and tells of it; `Ok(Taken::Unreached)` when a stop is
/// requested before its first call.
async fn taken(run: &Run<'_>, step: &Step, turn: &Turn<'_>) -> StepResult<Taken> {
    let result = run.take(step, turn).await;
    if is_known(step.action) && !matches!(result, Ok(Taken::Unreached)) {
        turn.tell();
        let (workspace, action) = (run.plan.workspace.clone(), step.action);
        let key = run.plan.changes[step.change as usize].key.clone();
        run.events.send(match &result {
            Ok(_) => Event::StepFinished { workspace, key, action, id: None },
            Err(_) => Event::StepFailed { workspace, key, action },
        });
    }
    result
}

fn count(done: &mut Counts, step: &Step) {
    match step.action {
        StepAction::Create => done.add += 1,
        StepAction::Update => done.change += 1,
        StepAction::Delete => done.destroy += 1,
        StepAction::Forget => done.forget += 1,
        StepAction::Depose | StepAction::Read | StepAction::Open | StepAction::Check | StepAction::Join => {}
    }
}

/// Finishes and records the outputs, and what conditions came to. Keeps the old
/// outputs where the new ones did not come to be known, or are not what their
/// own conditions ask for.
async fn outputs(
    run: &Run<'_>,
    complete: bool,
    diagnostics: &mut Diagnostics,
) -> (BTreeMap<Arc<str>, Value>, BTreeMap<Arc<str>, Diagnostics>) {
    let (mut outputs, mut unpassed) = (BTreeMap::new(), BTreeMap::new());
    let mut refused = BTreeSet::new();
    for one in &run.plan.assertions {
        let found = run.judged(one);
        if one.kind == RuleKind::Output && found.iter().any(|one| one.severity == Severity::Error) {
            refused.insert(&*one.address);
        }
        diagnostics.extend(found);
    }
    for (name, output) in &run.plan.outputs {
        let is_refused = output.residual.is_some() && refused.contains(&*format!("output.{name}"));
        let value = match &output.residual {
            None => Ok(output.after.clone()),
            Some(expr) => run.values.finish(expr),
        };
        match value {
            Ok(value) if !is_refused && value.is_wholly_known() => {
                if !value.is_null() {
                    outputs.insert(name.clone(), if output.sensitive { value.sensitive() } else { value });
                }
            }
            open => {
                run.not_come_to(std::iter::once(format!("output.{name}")).filter(|_| !complete));
                if let Err(error) = open
                    && complete
                {
                    match Plan::setting_of(name) {
                        Some(setting) => drop(unpassed.insert(setting.into(), Diagnostics::from(*error))),
                        None => diagnostics.push(*error),
                    }
                }
                outputs.extend((!output.before.is_null()).then(|| (name.clone(), output.before.clone())));
            }
        }
    }
    if let Err(error) = run.note_checks() {
        diagnostics.push(Diagnostic::error("State not written", format!("{error}.")));
    }
    if outputs != run.state.outputs
        && let Err(error) = run.journal.append(Entry::Outputs(outputs.clone())).await
    {
        diagnostics.push(Diagnostic::error("State not written", format!("{error}.")));
    }
    (outputs, unpassed)
}

/// Which steps may start: pure, knows nothing of what steps do.
struct Queue {
    ready: Vec<StepId>,
    waiting: Vec<usize>,
    dependents: Vec<Vec<StepId>>,
}

impl Queue {
    fn new(steps: &[Step]) -> Self {
        let mut dependents = vec![Vec::new(); steps.len()];
        for (id, step) in (0..).zip(steps) {
            for &before in &step.after {
                dependents[before as usize].push(id);
            }
        }
        let waiting: Vec<usize> = steps.iter().map(|s| s.after.len()).collect();
        let ready = (0..).zip(&waiting).filter(|(_, n)| **n == 0).map(|(id, _)| id).collect();
        Queue { ready, waiting, dependents }
    }

    fn finished(&mut self, id: StepId) {
        for &dependent in &self.dependents[id as usize] {
            let left = &mut self.waiting[dependent as usize];
            *left -= 1;
            if *left == 0 {
                self.ready.push(dependent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::not_done;

    #[test]
    fn numbers_and_words_agree() {
        for (undone, known, words) in [
            (1, 1, "1 of 1 step in acme was not done"),
            (1, 13, "1 of 13 steps in acme was not done"),
            (2, 13, "2 of 13 steps in acme were not done"),
        ] {
            assert_eq!(not_done(undone, known, "acme"), words);
        }
    }
}
