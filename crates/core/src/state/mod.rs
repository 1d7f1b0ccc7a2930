//! What tenantctl remembers of each workspace, and how it is kept.
//!
//! Must not: know configuration, graph, plan or provider calls.

mod audit;
mod checks;
#[cfg(test)]
pub(crate) mod conformance;
mod dependencies;
pub mod failpoint;
mod keys;
mod local;
mod model;
#[cfg(test)]
pub(crate) mod schema;
mod seal;
mod store;
mod upgrade;

pub use audit::{AuditEntry, Standing, Standings};
pub use checks::{CheckChange, CheckOutcome, CheckStatus, Checkable, CheckableKind, Checked, Checks};
pub use dependencies::{Dependencies, block};
pub use keys::Key;
pub use local::LocalStore;
pub use model::{
    Begin, Entry, FORMAT_VERSION, OpenOperation, RecordChange, RecordKey, ResourceRecord, Verb,
    WorkspaceState,
};
pub use seal::Sealer;
pub use store::{
    Commit, Journal, LockInfo, LockStatus, PastRun, RunInfo, Stamp, StateError, StateStore, WorkspaceLock,
};
