//! The operations: what the command line, the portal and tests call.
//!
//! Must not: print, prompt, exit, read the environment or the clock.

mod apply;
mod audit;
mod claims;
mod format;
mod guards;
mod instance;
mod load;
mod locks;
mod openings;
mod partly;
mod passing;
mod plan;
mod rehearse;
mod scope;
mod scrub;
mod states;
pub mod terraform;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::addr::{ResourceAddress, Selector, WorkspaceName};
use crate::diag::{Diagnostics, SourceMap};
use crate::event::EventSink;
use crate::plan::{Counts, PlanMode};
use crate::provider::Registry;
use crate::state::{LockInfo, StateError, StateStore, WorkspaceState};

pub use crate::cancel::Cancel;
pub use crate::config::{Deprecation, Selection};
pub use crate::modules::{Fetch, Installed};
pub use apply::{apply, total};
pub use format::{FORMATTED, Formatted, format};
pub use guards::{guard, left_over, unconfigured};
pub use load::{automatic_values, install, load, validate, validate_more};
pub use locks::hold;
pub use plan::plan;
pub use scope::Scope;
pub use states::{Edit, Place, Pushed, delete, forget, move_objects, note, push, reseal, restore, taint};

/// What every operation works with.
#[derive(Clone)]
pub struct Engine {
    /// The providers.
    pub registry: Registry,
    /// Where states live.
    pub store: Arc<dyn StateStore>,
    /// Source files, for spans.
    pub sources: Arc<SourceMap>,
    /// Who hears what happens.
    pub events: Arc<dyn EventSink>,
    /// What a taken lock says of this process.
    pub lock_info: LockInfo,
    /// How long to wait for a lock that somebody else holds.
    pub lock_timeout: Duration,
    /// Now, RFC 3339.
    pub timestamp: String,
    /// Provider calls in flight at a time.
    pub parallelism: usize,
    /// Begin no further workspace once one has failed.
    pub fail_fast: bool,
    /// Stop requests.
    pub cancel: Cancel,
}

/// What to plan, as the user asked.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    /// Its kind.
    pub mode: PlanMode,
    /// `-refresh=false` turns it off.
    pub skip_refresh: bool,
    /// `-replace`.
    pub replace: Vec<ResourceAddress>,
    /// `-target`.
    pub targets: Vec<Selector>,
    /// `-exclude`.
    pub excludes: Vec<Selector>,
    /// Objects to import besides those of `import` blocks: address and id.
    pub imports: Vec<(ResourceAddress, String)>,
    /// Make configuration for imported objects that have none.
    pub generate: bool,
    /// For plans that are written to a file: have them say which attributes
    /// their changes come from.
    pub relevant: bool,
    /// For plans that only say what is to be done: leave out of those that do
    /// nothing what does not change.
    pub brief: bool,
    /// Take no lock to plan. An apply takes it all the same: a workspace's
    /// journal has one writer.
    pub skip_lock: bool,
}

impl PlanOptions {
    /// Whether no part of a workspace is left out.
    fn is_whole(&self) -> bool {
        self.targets.is_empty() && self.excludes.is_empty()
    }
}

/// What came of one workspace.
#[derive(Clone, Debug)]
pub struct Outcome<T> {
    /// The workspace.
    pub workspace: WorkspaceName,
    /// What came of it; `None` when it failed, then a diagnostic says why.
    pub result: Option<T>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// What an apply did to one workspace.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// What was done.
    pub done: Counts,
    /// Whether every step was.
    pub complete: bool,
    /// Outputs of the root module as they are now.
    pub outputs: BTreeMap<Arc<str>, crate::value::Value>,
    /// What is wrong with settings of tenants that refer to this platform, by
    /// setting.
    pub unpassed: BTreeMap<Arc<str>, Diagnostics>,
    /// Steps that failed or were not reached.
    pub skipped: usize,
    /// The workspace's serial afterwards.
    pub serial: u64,
}

/// Values of variables from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueOption {
    /// `-var name=value`: text as given.
    Variable(String, String),
    /// `-var-file`.
    File(PathBuf),
}

/// Which configuration to load.
#[derive(Clone, Debug, Default)]
pub struct ConfigOptions {
    /// The platform's root directory.
    pub root: PathBuf,
    /// `-var` and `-var-file`, in order: the last counts.
    pub values: Vec<ValueOption>,
    /// `TF_VAR_name`.
    pub env_vars: Vec<(String, String)>,
    /// Which warnings are given of what modules say is deprecated.
    pub deprecation: Deprecation,
    /// Whether a directory without configuration is one of nothing.
    pub may_be_empty: bool,
}

/// A workspace as the store has it.
///
/// # Errors
/// The store's.
pub fn read_state(engine: &Engine, workspace: &WorkspaceName) -> Result<WorkspaceState, Diagnostics> {
    let states = engine.store.load(std::slice::from_ref(workspace)).map_err(|e| plan::state_error(&e))?;
    match states.into_iter().next() {
        Some(state) => loaded(&engine.registry, state),
        None => Ok(WorkspaceState::empty(workspace.clone())),
    }
}

/// A state as it was loaded, its records completed by their schemas.
fn loaded(
    registry: &Registry,
    state: Result<WorkspaceState, StateError>,
) -> Result<WorkspaceState, Diagnostics> {
    let mut state = state.map_err(|e| plan::state_error(&e))?;
    complete(registry, &mut state);
    Ok(state)
}

/// Brings back what a state does not write of its records: attributes that are
/// null, by their schemas.
pub fn complete(registry: &Registry, state: &mut WorkspaceState) {
    let open = state.open.iter_mut().map(|begin| &mut begin.record);
    for record in state.resources.values_mut().chain(open) {
        let address = &record.key.address;
        let Some(provider) = registry.get(&record.provider) else { continue };
        if let Some(schema) = provider.schema().types(address.mode).get(&*address.kind) {
            record.complete(schema.block.unset());
        }
    }
}
