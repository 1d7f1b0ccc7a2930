//! What happens in a run, as it happens: the only way out of the engine for
//! the terminal, the JSON stream, the portal and tests.
//!
//! Must not: hold sensitive values; format anything.

use crate::addr::WorkspaceName;
use crate::diag::Diagnostic;
use crate::plan::{Counts, StepAction};
use crate::state::RecordKey;

/// One happening.
#[derive(Clone, Debug)]
pub enum Event {
    /// Objects of a workspace are about to be read.
    RefreshStarted {
        /// Which workspace.
        workspace: WorkspaceName,
        /// How many objects.
        objects: usize,
    },
    /// They were read.
    RefreshFinished {
        /// Which workspace.
        workspace: WorkspaceName,
    },
    /// A workspace's plan is made, or failed.
    Planned {
        /// Which workspace.
        workspace: WorkspaceName,
        /// What it adds, changes, destroys; `None` when it failed.
        counts: Option<Counts>,
    },
    /// A workspace's apply begins.
    ApplyStarted {
        /// Which workspace.
        workspace: WorkspaceName,
        /// Steps to be taken, joins not counted.
        steps: usize,
    },
    /// A step begins.
    StepStarted {
        /// Which workspace.
        workspace: WorkspaceName,
        /// Which object.
        key: RecordKey,
        /// What is done.
        action: StepAction,
    },
    /// A long-running step goes on; what the service says.
    StepProgress {
        /// Which workspace.
        workspace: WorkspaceName,
        /// Which object.
        key: RecordKey,
        /// What is done.
        action: StepAction,
        /// The service's words, possibly empty.
        message: String,
    },
    /// A step is done.
    StepFinished {
        /// Which workspace.
        workspace: WorkspaceName,
        /// Which object.
        key: RecordKey,
        /// What was done.
        action: StepAction,
        /// The `id` attribute, or what identifies the object, when there is one.
        id: Option<String>,
    },
    /// A step failed.
    StepFailed {
        /// Which workspace.
        workspace: WorkspaceName,
        /// Which object.
        key: RecordKey,
        /// What was tried.
        action: StepAction,
    },
    /// A provisioner of a step begins, says something, or is over.
    Provisioner {
        /// Which workspace.
        workspace: WorkspaceName,
        /// Which object.
        key: RecordKey,
        /// What happened.
        what: Provisioning,
    },
    /// A call failed and is made again.
    Retrying {
        /// Which workspace.
        workspace: WorkspaceName,
        /// Which object.
        key: RecordKey,
        /// Which attempt failed, from 1.
        attempt: u32,
        /// How long until the next.
        wait: std::time::Duration,
        /// Why.
        error: String,
    },
    /// What the last run left open was settled.
    Recovered {
        /// Which workspace.
        workspace: WorkspaceName,
        /// Which object.
        key: RecordKey,
        /// In words: "adopted", "was not made".
        how: &'static str,
    },
    /// A workspace's apply is over.
    ApplyFinished {
        /// Which workspace.
        workspace: WorkspaceName,
        /// What was done.
        done: Counts,
        /// Whether all of it was.
        complete: bool,
    },
    /// Something to tell.
    Diagnostic(Diagnostic),
}

/// What a provisioner does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provisioning {
    /// It begins.
    Started,
    /// It says this, a line.
    Output(String),
    /// It is done.
    Finished,
    /// It failed.
    Failed,
}

/// Where events go. Called from many tasks; must be quick.
pub trait EventSink: Send + Sync {
    /// Takes one.
    fn send(&self, event: Event);
}

/// Nobody listens.
pub struct Silent;

impl EventSink for Silent {
    fn send(&self, _: Event) {}
}
