//! The state store in a local directory.
//!
//! ```text
//! workspaces/acme@production-eu/lock         advisory lock, held by a run; which run wrote last
//! workspaces/acme@production-eu/lock.json    who holds it
//! workspaces/acme@production-eu/journal      all that was ever written of it
//! workspaces/acme@production-eu/journal.old  the journal before it was begun anew
//! pending/                                   changes of several workspaces at once
//! audit                                      who did what
//! cache/                                     what was drawn from many journals
//! ```
//!
//! The journal tells everything by itself, and there is nothing beside it. A
//! changed resource costs its journal lines, whatever the size of workspace or
//! fleet; a load reads one file. A journal that has grown by more than it began
//! with (and [`compact::LEAST_GROWTH`]) is begun anew with the workspace as it
//! stands, so that all rewriting together costs no more than what was written
//! anyway; the one before is kept for `state restore`.
//!
//! Once there was an index of all workspaces beside the journals (sled). Every
//! opening of it wrote 0.2 to 1.2 MB and kept other processes waiting, and
//! what it saved was to read less of a journal whose records are all needed
//! anyway.
//!
//! Guarantees: a journal of an older copy is noticed. Runs on different
//! workspaces never wait for each other. Reading makes no file for a workspace
//! that was never written.
//!
//! Must not: sync or list anything for taking a lock. All calls but
//! `Journal::append` block; async callers wrap them.

mod audit;
mod begun;
mod compact;
mod format;
mod fs;
mod history;
mod index;
mod journal;
mod load;
mod lock;
mod names;
mod pending;
#[cfg(test)]
mod power;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::audit::AuditEntry;
use super::model::WorkspaceState;
use super::seal::Sealer;
use super::store::{
    Commit, Journal, LockInfo, LockStatus, PastRun, Stamp, StateError, StateStore, WorkspaceLock,
};
use crate::addr::WorkspaceName;
use fs::{failed, remove, sync_dir};
use journal::{Seen, locked};
use lock::LocalLock;
use names::Names;

#[cfg(test)]
pub(crate) use format::line_schema;

/// States in a directory of this machine.
pub struct LocalStore {
    dir: PathBuf,
    workspaces: PathBuf,
    sealer: Arc<Sealer>,
    notices: Mutex<Vec<String>>,
    /// Journals as last loaded.
    seen: Mutex<HashMap<WorkspaceName, Seen>>,
    names: Arc<Names>,
}

impl LocalStore {
    /// The states in `dir`, which need not exist yet: the first lock makes it.
    ///
    /// # Errors
    /// When `dir` is something else than a directory.
    pub fn open(dir: &Path, sealer: Arc<Sealer>) -> Result<Self, StateError> {
        if std::fs::metadata(dir).is_ok_and(|found| !found.is_dir()) {
            return Err(failed("use as state directory", dir)(ErrorKind::NotADirectory.into()));
        }
        Ok(LocalStore {
            dir: dir.to_owned(),
            workspaces: dir.join("workspaces"),
            sealer,
            notices: Mutex::default(),
            seen: Mutex::default(),
            names: Arc::default(),
        })
    }

    fn dir_of(&self, workspace: &WorkspaceName) -> PathBuf {
        self.workspaces.join(workspace.as_str().replace('/', "@"))
    }

    fn journal_of(&self, workspace: &WorkspaceName) -> PathBuf {
        self.dir_of(workspace).join("journal")
    }

    fn own<'a>(&self, lock: &'a dyn WorkspaceLock) -> Result<&'a LocalLock, StateError> {
        let own = lock.as_any().downcast_ref::<LocalLock>();
        own.filter(|lock| lock.journal.path().starts_with(&self.workspaces)).ok_or_else(|| {
            StateError::Refused(format!("the lock of workspace {} is another store's", lock.workspace()))
        })
    }

    /// The journal as last loaded; it is loaded now, if it never was.
    fn seen(&self, workspace: &WorkspaceName) -> Result<Seen, StateError> {
        if let Some(seen) = locked(&self.seen).get(workspace) {
            return Ok(seen.clone());
        }
        self.load_all(std::slice::from_ref(workspace))?.into_iter().try_for_each(|state| state.map(drop))?;
        Ok(locked(&self.seen).get(workspace).cloned().unwrap_or_default())
    }

    /// Directories of workspaces, by name.
    fn directories(&self) -> Result<Vec<(WorkspaceName, PathBuf)>, StateError> {
        let entries = match std::fs::read_dir(&self.workspaces) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed("list", &self.workspaces)(e)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed("list", &self.workspaces))?;
            if let Ok(name) = entry.file_name().to_string_lossy().replace('@', "/").parse() {
                found.push((name, entry.path()));
            }
        }
        found.sort();
        Ok(found)
    }
}

impl StateStore for LocalStore {
    fn lock(&self, workspace: &WorkspaceName, info: &LockInfo) -> Result<Box<dyn WorkspaceLock>, StateError> {
        Ok(Box::new(LocalLock::take(&self.dir_of(workspace), workspace, info, &self.names)?))
    }

    fn load(
        &self,
        workspaces: &[WorkspaceName],
    ) -> Result<Vec<Result<WorkspaceState, StateError>>, StateError> {
        self.load_all(workspaces)
    }

    fn list(&self) -> Result<Vec<WorkspaceName>, StateError> {
        let is_written = |dir: &Path| std::fs::metadata(dir.join("journal")).is_ok_and(|file| file.len() > 0);
        let mut names: Vec<_> = self
            .directories()?
            .into_iter()
            .filter(|(_, dir)| is_written(dir))
            .map(|(name, _)| name)
            .collect();
        // A workspace whose first content is a change that was not ended.
        for change in pending::read_all(&self.dir, &self.sealer)? {
            names.extend(change.parts.into_iter().map(|part| part.header.workspace));
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn journal(
        &self,
        lock: &dyn WorkspaceLock,
        state: &WorkspaceState,
    ) -> Result<Box<dyn Journal>, StateError> {
        if *lock.workspace() != state.name {
            let (locked, loaded) = (lock.workspace(), &state.name);
            return Err(StateError::Refused(format!("workspace {loaded} was loaded, {locked} is locked")));
        }
        let lock = self.own(lock)?;
        let seen = self.settle(lock)?;
        Ok(Box::new(lock.journal.start_run(Arc::clone(&self.sealer), state, &seen)?))
    }

    fn compact(&self, lock: &dyn WorkspaceLock) -> Result<(), StateError> {
        self.compact_one(self.own(lock)?)
    }

    fn commit(&self, commits: &[Commit<'_>]) -> Result<(), StateError> {
        self.commit_all(commits)
    }

    fn history(&self, workspace: &WorkspaceName) -> Result<Vec<PastRun>, StateError> {
        self.past_runs(workspace)
    }

    fn past(&self, workspace: &WorkspaceName, serial: u64) -> Result<WorkspaceState, StateError> {
        self.past_state(workspace, serial)
    }

    fn delete(&self, lock: &dyn WorkspaceLock) -> Result<(), StateError> {
        let name = lock.workspace();
        let own = self.own(lock)?;
        self.load(std::slice::from_ref(name))?;
        self.settle(own)?;
        own.forget_last()?;
        let dir = self.dir_of(name);
        for file in ["journal.new", "journal.old", "journal", "lock.json", "lock"] {
            remove(&dir.join(file))?;
        }
        std::fs::remove_dir(&dir).map_err(failed("remove", &dir))?;
        sync_dir(&self.workspaces)
    }

    fn locks(&self) -> Result<Vec<LockStatus>, StateError> {
        let all = self.directories()?;
        all.iter().filter_map(|(name, dir)| lock::status(dir, name).transpose()).collect()
    }

    fn force_unlock(&self, workspace: &WorkspaceName) -> Result<Option<LockStatus>, StateError> {
        lock::force(&self.dir_of(workspace), workspace)
    }

    fn check(&self, workspace: &WorkspaceName) -> Result<Vec<String>, StateError> {
        let present = self.load(std::slice::from_ref(workspace))?.into_iter().filter_map(Result::err);
        let mut problems: Vec<String> = present.map(|error| error.to_string()).collect();
        if problems.is_empty() {
            // It is sound now; what it can be taken back to may not be.
            problems.extend(self.past_runs(workspace).err().map(|error| error.to_string()));
        }
        Ok(problems)
    }

    fn reseal(&self, lock: &dyn WorkspaceLock) -> Result<(), StateError> {
        let own = self.own(lock)?;
        self.begin_anew(&own.journal, false)
    }

    fn record(&self, audit: &[AuditEntry], durable: bool) -> Result<(), StateError> {
        audit::append(&self.dir.join("audit"), audit, durable)
    }

    fn audit(&self) -> Result<Vec<AuditEntry>, StateError> {
        audit::read(&self.dir.join("audit"))
    }

    fn notices(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.notices))
    }

    fn stamps(&self, workspaces: &[WorkspaceName]) -> Result<Vec<Option<Stamp>>, StateError> {
        self.stamps_of(workspaces)
    }

    fn keep_index(&self, name: &str, content: &[u8]) -> Result<(), StateError> {
        index::write(&self.dir, &self.sealer, name, content)
    }

    fn index(&self, name: &str) -> Option<Vec<u8>> {
        index::read(&self.dir, &self.sealer, name)
    }
}
