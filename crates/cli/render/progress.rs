//! What happens right now, as lines and, on a terminal, a bar below them.
//!
//! Few tenants: a line for each step. Many: a line for each tenant, since
//! nobody reads hundreds of thousands. Either way something is said at least
//! every ten seconds.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::event::{Event, Provisioning};
use tenantctl_core::plan::{Counts, Plan, StepAction};
use tenantctl_core::state::RecordKey;

use super::clock::{Clock, HEARTBEAT, Running};
use super::text::printable;
use super::{count, elapsed};
use crate::output::Output;

/// With more tenants than this, steps have no lines of their own.
const MOST_TENANTS: usize = 20;
/// With more waiting steps than this, they are counted, not named.
const MOST_WAITING: usize = 8;

/// Follows one run.
pub(super) struct Progress {
    output: Output,
    state: Mutex<State>,
}

struct State {
    clock: Clock,
    phase: &'static str,
    fleet: bool,
    tenants: Tally,
    objects: Tally,
    started: Instant,
    said: Instant,
    bar: Option<ProgressBar>,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    done: usize,
    total: usize,
}

impl Progress {
    /// Nothing happens yet.
    pub(super) fn new(output: Output) -> Self {
        let now = Instant::now();
        let state = State {
            clock: Clock::default(),
            phase: "",
            fleet: false,
            tenants: Tally::default(),
            objects: Tally::default(),
            started: now,
            said: now,
            bar: None,
        };
        Progress { output, state: Mutex::new(state) }
    }

    /// Planning begins.
    pub(super) fn planning(&self, workspaces: usize, fleet: bool) {
        self.begin("Planning", fleet, workspaces, 0);
    }

    /// Applying begins.
    pub(super) fn applying(&self, plans: &[Plan], fleet: bool) {
        let steps = plans.iter().flat_map(|plan| &plan.steps).filter(|step| is_shown(step.action)).count();
        self.begin("Applying", fleet, plans.len(), steps);
    }

    /// Whatever went on is over.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.phase = "";
        state.bar = None;
        drop(state);
        self.output.set_bar(None);
    }

    fn begin(&self, phase: &'static str, fleet: bool, tenants: usize, objects: usize) {
        let now = Instant::now();
        let bar = self.output.is_watched().then(|| bar(if objects > 0 { objects } else { tenants }));
        let mut state = self.lock();
        *state = State {
            clock: Clock::default(),
            phase,
            fleet,
            tenants: Tally { done: 0, total: tenants },
            objects: Tally { done: 0, total: objects },
            started: now,
            said: now,
            bar: bar.clone(),
        };
        state.draw();
        drop(state);
        self.output.set_bar(bar);
    }

    /// Something happened.
    pub(super) fn event(&self, event: &Event) {
        let line = self.lock().take(event, Instant::now());
        if let Some(line) = line {
            self.output.line(&line);
        }
    }

    /// A second has passed.
    pub(super) fn tick(&self) {
        let lines = self.lock().heartbeat(Instant::now(), self.output.is_watched());
        for line in lines {
            self.output.line(&line);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, event: &Event, now: Instant) -> Option<String> {
        let line = match event {
            Event::Planned { .. } => {
                self.tenants.done += 1;
                None
            }
            Event::StepStarted { workspace, key, action } if is_shown(*action) => {
                self.clock.start(running(workspace, key), *action, now);
                self.step_line(workspace, key, words(*action).0)
            }
            Event::StepProgress { workspace, key, message, .. } => {
                self.clock.hear(&running(workspace, key), message);
                None
            }
            Event::StepFinished { workspace, key, action, id } if is_shown(*action) => {
                let took = elapsed(self.clock.finish(&running(workspace, key), now));
                self.objects.done += 1;
                let id = id.as_ref().map(|id| format!(" [id={}]", printable(id))).unwrap_or_default();
                self.step_line(workspace, key, &format!("{} complete after {took}{id}", words(*action).1))
            }
            Event::StepFailed { workspace, key, action } => {
                let took = elapsed(self.clock.finish(&running(workspace, key), now));
                Some(format!("{}: {} failed after {took}", self.label(workspace, key), words(*action).1))
            }
            Event::Retrying { workspace, key, attempt, wait, error } => {
                let (wait, error) = (elapsed(*wait), printable(error));
                self.step_line(workspace, key, &format!("Attempt {attempt} failed, next in {wait}: {error}"))
            }
            Event::Provisioner { workspace, key, what } => {
                let says = match what {
                    Provisioning::Started => "Provisioning with 'local-exec'...".to_owned(),
                    Provisioning::Output(line) => format!("(local-exec): {}", printable(line)),
                    // The step tells it.
                    Provisioning::Finished | Provisioning::Failed => return None,
                };
                self.names_steps().then(|| {
                    let colon = if *what == Provisioning::Started { ":" } else { "" };
                    format!("{}{colon} {says}", self.label(workspace, key))
                })
            }
            Event::Recovered { workspace, key, how } => {
                Some(format!("{}: Left open by the last run: {how}", self.label(workspace, key)))
            }
            Event::ApplyFinished { workspace, done, complete } => {
                self.tenants.done += 1;
                self.tenant_line(workspace, *done, *complete)
            }
            _ => None,
        };
        self.draw();
        if line.is_some() {
            self.said = now;
        }
        line
    }

    fn heartbeat(&mut self, now: Instant, watched: bool) -> Vec<String> {
        self.draw();
        if self.phase.is_empty() {
            return Vec::new();
        }
        let due = self.clock.due(now);
        if self.names_steps() && (1..=MOST_WAITING).contains(&due.len()) {
            self.said = now;
            return due
                .iter()
                .map(|(step, since, ran)| {
                    let says = printable(&since.message);
                    let says = if says.is_empty() { says } else { format!(", {says}") };
                    let label = self.label(&step.workspace, &step.key);
                    format!("{label}: Still {}... [{} elapsed{says}]", words(since.action).2, elapsed(*ran))
                })
                .collect();
        }
        if now - self.said < HEARTBEAT || (watched && self.bar.is_some()) {
            return Vec::new();
        }
        self.said = now;
        vec![format!("{}: {} [{} elapsed]", self.phase, self.tally(), elapsed(now - self.started))]
    }

    fn names_steps(&self) -> bool {
        self.tenants.total <= MOST_TENANTS
    }

    fn step_line(&self, workspace: &WorkspaceName, key: &RecordKey, words: &str) -> Option<String> {
        self.names_steps().then(|| format!("{}: {words}", self.label(workspace, key)))
    }

    fn tenant_line(&self, workspace: &WorkspaceName, done: Counts, complete: bool) -> Option<String> {
        if self.names_steps() {
            return None;
        }
        let Counts { add, change, destroy, .. } = done;
        let verdict = if complete { "Complete" } else { "Incomplete" };
        Some(format!("{workspace}: {verdict}: {add} added, {change} changed, {destroy} destroyed"))
    }

    fn label(&self, workspace: &WorkspaceName, key: &RecordKey) -> String {
        if self.fleet { format!("{workspace}:{key}") } else { key.to_string() }
    }

    fn tally(&self) -> String {
        let of = |tally: Tally, noun: &str| format!("{} of {}", tally.done, count(tally.total, noun));
        match (self.fleet, self.objects.total) {
            (_, 0) => of(self.tenants, if self.fleet { "tenant" } else { "workspace" }),
            (true, _) => format!("{}, {}", of(self.tenants, "tenant"), of(self.objects, "object")),
            (false, _) => of(self.objects, "object"),
        }
    }

    fn draw(&self) {
        if let Some(bar) = &self.bar {
            let tally = if self.objects.total > 0 { self.objects } else { self.tenants };
            bar.set_position(u64::try_from(tally.done).unwrap_or(u64::MAX));
            bar.set_message(format!("{}: {}", self.phase, self.tally()));
        }
    }
}

fn running(workspace: &WorkspaceName, key: &RecordKey) -> Running {
    Running { workspace: workspace.clone(), key: key.clone() }
}

fn bar(length: usize) -> ProgressBar {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("[{bar:24}] {msg} [{elapsed}]") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Whether the user is told of such a step.
pub(super) fn is_shown(action: StepAction) -> bool {
    !matches!(action, StepAction::Join | StepAction::Depose | StepAction::Check | StepAction::Open)
}

/// How a step begins, what it is called, and what goes on.
pub(super) fn words(action: StepAction) -> (&'static str, &'static str, &'static str) {
    match action {
        StepAction::Create => ("Creating...", "Creation", "creating"),
        StepAction::Update => ("Modifying...", "Modifications", "modifying"),
        StepAction::Delete => ("Destroying...", "Destruction", "destroying"),
        StepAction::Read => ("Reading...", "Read", "reading"),
        StepAction::Open => ("Opening...", "Opening", "opening"),
        StepAction::Forget => ("Forgetting...", "Forgetting", "forgetting"),
        StepAction::Depose => ("Setting aside...", "Setting aside", "setting aside"),
        StepAction::Check => ("Checking...", "Check", "checking"),
        StepAction::Join => ("Waiting...", "Waiting", "waiting"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(tenants: usize, fleet: bool) -> (State, Instant) {
        let now = Instant::now();
        let progress = Progress::new(Output::to(std::io::sink(), std::io::sink()));
        progress.begin("Applying", fleet, tenants, 3);
        let mut state = progress.state.into_inner().expect("not poisoned");
        (state.started, state.said) = (now, now);
        (state, now)
    }

    fn step() -> (WorkspaceName, RecordKey) {
        ("acme".parse().expect("name"), RecordKey::current("a.b".parse().expect("address")))
    }

    #[test]
    fn a_step_is_told_from_begin_to_end() {
        let (mut state, start) = state(2, true);
        let (workspace, key) = step();
        let action = StepAction::Create;
        let begun = Event::StepStarted { workspace: workspace.clone(), key: key.clone(), action };
        assert_eq!(state.take(&begun, start).as_deref(), Some("acme:a.b: Creating..."));
        let message = "2 of 3 nodes".to_owned();
        let heard = Event::StepProgress { workspace: workspace.clone(), key: key.clone(), action, message };
        assert_eq!(state.take(&heard, start), None);
        let later = start + Duration::from_secs(10);
        assert_eq!(
            state.heartbeat(later, false),
            ["acme:a.b: Still creating... [10s elapsed, 2 of 3 nodes]"]
        );
        let done = Event::StepFinished { workspace, key, action, id: Some("i-1".into()) };
        let line = state.take(&done, start + Duration::from_secs(12));
        assert_eq!(line.as_deref(), Some("acme:a.b: Creation complete after 12s [id=i-1]"));
    }

    #[test]
    fn a_large_fleet_is_told_by_tenant() {
        let (mut state, start) = state(1000, true);
        let (workspace, key) = step();
        let begun = Event::StepStarted { workspace: workspace.clone(), key, action: StepAction::Create };
        assert_eq!(state.take(&begun, start), None);
        let done = Counts { add: 4, destroy: 1, ..Counts::default() };
        let line = state.take(&Event::ApplyFinished { workspace, done, complete: true }, start);
        assert_eq!(line.as_deref(), Some("acme: Complete: 4 added, 0 changed, 1 destroyed"));
        let lines = state.heartbeat(start + Duration::from_secs(11), false);
        assert_eq!(lines, ["Applying: 1 of 1000 tenants, 0 of 3 objects [11s elapsed]"]);
    }
}
