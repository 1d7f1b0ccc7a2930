//! What tenantctl remembers of each workspace, and how it is kept.
//!
//! Must not: know configuration, graph, plan or provider calls.

mod model;
mod store;

pub use model::{
    Begin, Entry, FORMAT_VERSION, RecordChange, RecordKey, ResourceRecord, Verb, WorkspaceState,
};
pub use store::{Journal, LockInfo, StateError, StateStore, WorkspaceLock};
