//! The interface of a state store. Every store passes `state::conformance`.

use std::any::Any;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::audit::AuditEntry;
use super::model::{Entry, WorkspaceState};
use crate::addr::WorkspaceName;

/// Who holds a lock and why, in Terraform's notation of lock information.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LockInfo {
    /// Of this holding of the lock.
    #[serde(rename = "ID")]
    pub id: String,
    /// `plan`, `apply`…
    pub operation: String,
    /// `user@host`.
    pub who: String,
    /// Of tenantctl.
    pub version: String,
    /// Since when, RFC 3339.
    pub created: String,
    /// The process at that host.
    pub pid: u32,
}

/// A lock that is held, or that a dead process left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockStatus {
    /// Of which workspace.
    pub workspace: WorkspaceName,
    /// Who has or had it, when that can be read.
    pub holder: Option<LockInfo>,
    /// Whether it is held. A process that is gone holds nothing; what it left
    /// keeps nobody out.
    pub held: bool,
}

/// Who made a run, when, and what for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunInfo {
    /// RFC 3339.
    pub at: String,
    /// `user@host`.
    pub who: String,
    /// `apply`, `state mv`…
    pub operation: String,
}

/// A run that the journal still tells of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastRun {
    /// The workspace's serial after it.
    pub serial: u64,
    /// Who made it; not known of what was pushed or written by older versions.
    pub run: Option<RunInfo>,
    /// Records that it put.
    pub put: usize,
    /// Records that it removed.
    pub removed: usize,
}

/// What one workspace of a [`StateStore::commit`] is to become.
pub struct Commit<'a> {
    /// Its lock.
    pub lock: &'a dyn WorkspaceLock,
    /// As loaded.
    pub state: &'a WorkspaceState,
    /// What changes.
    pub entries: Vec<Entry>,
    /// A lineage to take over; only where there is none yet, or all is replaced.
    pub lineage: Option<String>,
    /// A higher serial than the next one; with another lineage, any.
    pub serial: Option<u64>,
    /// `entries` put all that there is then; what there was counts no more.
    pub replace: bool,
}

/// Another one after every write of a workspace; says nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp(pub [u64; 3]);

/// Why the store cannot do it.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process has the workspace.
    #[error("workspace {workspace} is locked")]
    Locked {
        /// Which.
        workspace: WorkspaceName,
        /// Who has it, when that can be read.
        holder: Option<Box<LockInfo>>,
    },
    /// What is stored is broken. Says in words where and how.
    #[error("{0}")]
    Corrupt(String),
    /// Stored by a newer version.
    #[error("{what} has format version {found}; this version of tenantctl reads up to {known}")]
    TooNew {
        /// Which file or record.
        what: String,
        /// Its version.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// A sealed value does not open with the key at hand.
    #[error("{0}")]
    Sealed(String),
    /// The caller asks for what must not be done: an entry that does not
    /// follow from those before it, a lock of another store, an ephemeral
    /// value. Nothing was written.
    #[error("{0}")]
    Refused(String),
    /// The file system refuses.
    #[error("{action}: {source}")]
    Io {
        /// What was being done, with the path.
        action: String,
        /// Why it failed.
        source: std::io::Error,
    },
}

/// A held lock; dropping it lets go.
pub trait WorkspaceLock: Send + Sync {
    /// The workspace.
    fn workspace(&self) -> &WorkspaceName;

    /// For the store that gave it, to know its own.
    fn as_any(&self) -> &dyn Any;
}

/// The journal of one run on one workspace.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Adds an entry. When this returns `Ok`, the entry is durable. Entries
    /// of concurrent callers share one sync.
    ///
    /// # Errors
    /// When the entry may not be durable: nothing that relies on it may go on.
    async fn append(&self, entry: Entry) -> Result<(), StateError>;

    /// Adds an entry that nobody has to wait for: it is durable with the next
    /// one that is, or a moment later by itself. For ends: a call whose end was
    /// lost is looked into by the next run, as it was begun.
    ///
    /// # Errors
    /// When the entry does not follow from those before it. What keeps it from
    /// becoming durable, [`Journal::flush`] tells.
    fn append_soon(&self, entry: Entry) -> Result<(), StateError>;

    /// Returns when all that was added is durable.
    ///
    /// # Errors
    /// When some of it may not be.
    async fn flush(&self) -> Result<(), StateError>;
}

/// Where states live. Its methods block; async callers wrap them.
pub trait StateStore: Send + Sync {
    /// Takes a workspace for writing, or says who has it. Does not wait.
    ///
    /// # Errors
    /// [`StateError::Locked`], or the file system's.
    fn lock(&self, workspace: &WorkspaceName, info: &LockInfo) -> Result<Box<dyn WorkspaceLock>, StateError>;

    /// Reads workspaces as they stand; one result each, in order. One that was
    /// never written is empty.
    ///
    /// # Errors
    /// Of the store as a whole; what is wrong with one workspace is in its result.
    fn load(
        &self,
        workspaces: &[WorkspaceName],
    ) -> Result<Vec<Result<WorkspaceState, StateError>>, StateError>;

    /// All workspaces that were ever written, by name.
    ///
    /// # Errors
    /// The file system's.
    fn list(&self) -> Result<Vec<WorkspaceName>, StateError>;

    /// Opens the journal for a run on a loaded, locked workspace. The run's
    /// serial is the loaded one plus one; a lineage is made at the first write.
    /// Open begins of the last run stay open until their end is appended, and
    /// their ids stay taken. Nothing is written before the first append.
    ///
    /// # Errors
    /// [`StateError::Refused`] when the state is not what is stored now; the
    /// file system's.
    fn journal(
        &self,
        lock: &dyn WorkspaceLock,
        state: &WorkspaceState,
    ) -> Result<Box<dyn Journal>, StateError>;

    /// Makes what is kept of a locked workspace short again, where it has
    /// grown. Not doing it loses nothing. May be called while a run goes on.
    ///
    /// # Errors
    /// The store's. Nothing is lost then.
    fn compact(&self, lock: &dyn WorkspaceLock) -> Result<(), StateError>;

    /// Changes several loaded, locked workspaces at once: whatever happens,
    /// all have changed or none. Durable when it returns.
    ///
    /// # Errors
    /// As [`StateStore::journal`].
    fn commit(&self, commits: &[Commit<'_>]) -> Result<(), StateError>;

    /// The runs that a workspace can be taken back to, oldest first.
    ///
    /// # Errors
    /// Damage, and the file system's.
    fn history(&self, workspace: &WorkspaceName) -> Result<Vec<PastRun>, StateError>;

    /// A workspace as it stood after one of its [`StateStore::history`].
    ///
    /// # Errors
    /// [`StateError::Refused`] for a serial that is not kept; damage.
    fn past(&self, workspace: &WorkspaceName, serial: u64) -> Result<WorkspaceState, StateError>;

    /// Forgets a locked workspace, its history included.
    ///
    /// # Errors
    /// The store's. A part of it may be left then; doing it again goes on.
    fn delete(&self, lock: &dyn WorkspaceLock) -> Result<(), StateError>;

    /// Locks that are held or were left, by workspace.
    ///
    /// # Errors
    /// The file system's.
    fn locks(&self) -> Result<Vec<LockStatus>, StateError>;

    /// Takes a workspace's lock away from whoever has it, who can then write
    /// nothing any more. `None` when nobody has it.
    ///
    /// # Errors
    /// The file system's.
    fn force_unlock(&self, workspace: &WorkspaceName) -> Result<Option<LockStatus>, StateError>;

    /// What is wrong with what is stored of a workspace, in words; reads all
    /// of it.
    ///
    /// # Errors
    /// The file system's.
    fn check(&self, workspace: &WorkspaceName) -> Result<Vec<String>, StateError>;

    /// Writes all that is kept of a locked workspace anew, sealed with the
    /// present key; what is older than now is forgotten.
    ///
    /// # Errors
    /// The store's. It is as before then.
    fn reseal(&self, lock: &dyn WorkspaceLock) -> Result<(), StateError>;

    /// Adds to the record of who did what. Durable when it returns, if asked for.
    ///
    /// # Errors
    /// The file system's.
    fn record(&self, audit: &[AuditEntry], durable: bool) -> Result<(), StateError>;

    /// The record of who did what, oldest first.
    ///
    /// # Errors
    /// The file system's.
    fn audit(&self) -> Result<Vec<AuditEntry>, StateError>;

    /// What was repaired since this was last asked, in sentences for a person.
    fn notices(&self) -> Vec<String>;

    /// What tells, without reading them, which workspaces were written since it
    /// was last asked for; one each, in order. `None` where only reading tells.
    ///
    /// # Errors
    /// The store's as a whole.
    fn stamps(&self, workspaces: &[WorkspaceName]) -> Result<Vec<Option<Stamp>>, StateError> {
        Ok(vec![None; workspaces.len()])
    }

    /// Keeps what was drawn from many states, so as not to read them all again.
    /// Sealed, not durable, the last one counts.
    ///
    /// # Errors
    /// The file system's.
    fn keep_index(&self, _name: &str, _content: &[u8]) -> Result<(), StateError> {
        Ok(())
    }

    /// What was kept under that name, if it is there and opens.
    fn index(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }
}
