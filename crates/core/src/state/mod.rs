//! What tenantctl remembers of each workspace, and how it is kept.
//!
//! Must not: know configuration, graph, plan or provider calls.

#[cfg(test)]
pub(crate) mod conformance;
mod local;
mod model;
mod seal;
mod store;

pub use local::LocalStore;
pub use model::{
    Begin, Entry, FORMAT_VERSION, RecordChange, RecordKey, ResourceRecord, Verb, WorkspaceState,
};
pub use seal::Sealer;
pub use store::{Journal, LockInfo, StateError, StateStore, WorkspaceLock};
