//! What tenantctl remembers of each workspace, and how it is kept.
//!
//! Must not: know configuration, graph, plan or provider calls.

mod audit;
#[cfg(test)]
pub(crate) mod conformance;
pub mod failpoint;
mod keys;
mod local;
mod model;
mod seal;
mod store;

pub use audit::AuditEntry;
pub use keys::Key;
pub use local::LocalStore;
pub use model::{
    Begin, Entry, FORMAT_VERSION, RecordChange, RecordKey, ResourceRecord, Verb, WorkspaceState,
};
pub use seal::Sealer;
pub use store::{
    Commit, Journal, LockInfo, LockStatus, PastRun, RunInfo, StateError, StateStore, WorkspaceLock,
};
