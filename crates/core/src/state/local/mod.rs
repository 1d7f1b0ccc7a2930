//! The state store in a local directory.
//!
//! ```text
//! workspaces/acme@production-eu/lock        advisory lock, held by a run
//! workspaces/acme@production-eu/lock.json   who holds it
//! workspaces/acme@production-eu/journal     what is not in the index yet
//! index/                                    records of all workspaces (sled)
//! ```
//!
//! Guarantees: the journal is written and synced first and is the truth; the
//! index is brought up to it by a fold, which may crash anywhere and be
//! repeated. Runs on different workspaces wait for each other only while the
//! index is open, which is never across a provider call. Reading makes no
//! file for a workspace that was never written.
//!
//! Must not: sync or list anything for taking a lock. All calls but
//! `Journal::append` block; async callers wrap them.

mod format;
mod fs;
mod index;
mod journal;
mod lock;
mod place;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::model::{Begin, Entry, RecordChange, RecordKey, WorkspaceState};
use super::seal::Sealer;
use super::store::{Journal, LockInfo, StateError, StateStore, WorkspaceLock};
use crate::addr::WorkspaceName;
use format::{Contents, Header};
use fs::{failed, read};
use index::{Changes, Index};
use journal::{JournalFile, Writer, locked};
use lock::LocalLock;
use place::IndexPlace;

/// A workspace as stored: what the index has, and its journal.
type Stored = (index::Raw, Option<Vec<u8>>);

/// States in a directory of this machine.
pub struct LocalStore {
    workspaces: PathBuf,
    index: IndexPlace,
    sealer: Arc<Sealer>,
    notices: Mutex<Vec<String>>,
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
        let workspaces = dir.join("workspaces");
        let index = IndexPlace::new(dir.join("index"), workspaces.clone());
        Ok(LocalStore { workspaces, index, sealer, notices: Mutex::default() })
    }

    /// What was repaired since this was last asked, in sentences for a person.
    pub fn notices(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.notices))
    }

    fn dir_of(&self, workspace: &WorkspaceName) -> PathBuf {
        self.workspaces.join(workspace.as_str().replace('/', "@"))
    }

    fn own<'a>(&self, lock: &'a dyn WorkspaceLock) -> Result<&'a LocalLock, StateError> {
        let own = lock.as_any().downcast_ref::<LocalLock>();
        own.filter(|lock| lock.journal.path().starts_with(&self.workspaces)).ok_or_else(|| {
            StateError::Refused(format!("the lock of workspace {} is another store's", lock.workspace()))
        })
    }

    /// Takes a journal in on top of what the index has.
    fn take_in(&self, state: &mut WorkspaceState, journal: &[u8]) -> Result<(), StateError> {
        let path = self.dir_of(&state.name).join("journal");
        let contents = format::parse(&path, &state.name, journal, &self.sealer)?;
        check_follows(&contents, &path, &state.lineage, state.serial)?;
        if let Some(last) = contents.last() {
            state.lineage.clone_from(&last.lineage);
            state.serial = last.serial;
        }
        for entry in contents.entries {
            state.replay(entry).map_err(|why| contradiction(&path, &why))?;
        }
        Ok(())
    }
}

impl StateStore for LocalStore {
    fn lock(&self, workspace: &WorkspaceName, info: &LockInfo) -> Result<Box<dyn WorkspaceLock>, StateError> {
        Ok(Box::new(LocalLock::take(&self.dir_of(workspace), workspace, info)?))
    }

    fn load(
        &self,
        workspaces: &[WorkspaceName],
    ) -> Result<Vec<Result<WorkspaceState, StateError>>, StateError> {
        // Journals are read while the index is open, so that no fold moves
        // records from one to the other in between.
        let read_all = |index: Option<&Index<'_>>| {
            let read_one = |name| {
                let raw = index.map(|index| index.read(name)).transpose()?.unwrap_or_default();
                Ok((raw, read(&self.dir_of(name).join("journal"))?))
            };
            Ok(workspaces.iter().map(read_one).collect::<Vec<Result<Stored, StateError>>>())
        };
        let raw = self.index.with(false, read_all)?;
        let decode = |(name, raw): (&WorkspaceName, Result<Stored, StateError>)| {
            let (raw, journal) = raw?;
            let mut state = raw.decode(name, &self.sealer, &self.index)?;
            self.take_in(&mut state, &journal.unwrap_or_default())?;
            Ok(state)
        };
        Ok(workspaces.iter().zip(raw).map(decode).collect())
    }

    fn list(&self) -> Result<Vec<WorkspaceName>, StateError> {
        let mut names = self.index.with(false, |index| index.map_or(Ok(Vec::new()), Index::workspaces))?;
        let entries = match std::fs::read_dir(&self.workspaces) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(names),
            Err(e) => return Err(failed("list", &self.workspaces)(e)),
        };
        for entry in entries {
            let entry = entry.map_err(failed("list", &self.workspaces))?;
            let is_written = std::fs::metadata(entry.path().join("journal")).is_ok_and(|file| file.len() > 0);
            let name = entry.file_name().to_string_lossy().replace('@', "/").parse();
            if let (true, Ok(name)) = (is_written, name) {
                names.push(name);
            }
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
        let file = &self.own(lock)?.journal;
        Ok(Box::new(file.start_run(Arc::clone(&self.sealer), state, &self.notices)?))
    }

    fn fold(&self, locks: &[&dyn WorkspaceLock]) -> Result<(), StateError> {
        let mut journals = BTreeMap::new();
        for lock in locks {
            journals.insert(lock.workspace(), &*self.own(*lock)?.journal);
        }
        // One broken workspace does not keep the others from being folded.
        let mut broken = None;
        let mut folds = Vec::new();
        for (name, file) in journals {
            match Fold::read(name, file, &self.sealer, &self.notices) {
                Ok(fold) => folds.extend(fold),
                Err(error) => broken = broken.or(Some(error)),
            }
        }
        if !folds.is_empty() {
            self.index.with(true, |index| match index {
                Some(index) => fold_all(index, folds, &self.sealer, &mut broken),
                None => Ok(()),
            })?;
        }
        broken.map_or(Ok(()), Err)
    }
}

fn fold_all(
    index: &Index<'_>,
    mut folds: Vec<Fold<'_>>,
    sealer: &Sealer,
    broken: &mut Option<StateError>,
) -> Result<(), StateError> {
    let mut applied = Vec::new();
    for fold in &mut folds {
        match fold.apply(index, sealer) {
            Ok(()) => applied.push(fold),
            Err(error) => *broken = broken.take().or(Some(error)),
        }
    }
    index.make_durable()?;
    applied.into_iter().try_for_each(|fold| fold.file.empty(&mut fold.writer, &fold.last, &fold.open, sealer))
}

/// One workspace's journal on its way into the index. Holds its writer.
struct Fold<'a> {
    name: &'a WorkspaceName,
    file: &'a JournalFile,
    writer: MutexGuard<'a, Writer>,
    last: Header,
    contents: Contents,
    changes: Changes,
    open: Vec<Begin>,
}

impl<'a> Fold<'a> {
    /// `None` when there is nothing to fold.
    fn read(
        name: &'a WorkspaceName,
        file: &'a JournalFile,
        sealer: &Sealer,
        notices: &Mutex<Vec<String>>,
    ) -> Result<Option<Self>, StateError> {
        let writer = file.hold();
        let mut contents = file.read_and_cut(sealer, notices)?;
        let Some(last) = contents.last().cloned().filter(|_| contents.is_unfolded()) else { return Ok(None) };
        let entries = std::mem::take(&mut contents.entries);
        let (mut changes, open) =
            net_changes(name, entries).map_err(|why| contradiction(file.path(), &why))?;
        (changes.lineage, changes.serial) = (last.lineage.clone(), last.serial);
        Ok(Some(Fold { name, file, writer, last, contents, changes, open }))
    }

    fn apply(&mut self, index: &Index<'_>, sealer: &Sealer) -> Result<(), StateError> {
        let meta = index.meta(self.name, sealer)?;
        let (lineage, serial) = meta.as_ref().map_or(("", 0), |meta| (meta.lineage.as_str(), meta.serial));
        check_follows(&self.contents, self.file.path(), lineage, serial)?;
        index.apply(self.name, meta, std::mem::take(&mut self.changes), sealer)
    }
}

/// What is left of entries when only the last word on each record counts.
fn net_changes(name: &WorkspaceName, entries: Vec<Entry>) -> Result<(Changes, Vec<Begin>), String> {
    let mut state = WorkspaceState::empty(name.clone());
    let mut touched: Vec<RecordKey> = Vec::new();
    let mut outputs_set = false;
    for entry in entries {
        match &entry {
            Entry::End { changes, .. } | Entry::Records(changes) => {
                touched.extend(changes.iter().map(|change| match change {
                    RecordChange::Put(record) => record.key.clone(),
                    RecordChange::Remove(key) => key.clone(),
                }));
            }
            Entry::Outputs(_) => outputs_set = true,
            Entry::Begin(_) => {}
        }
        state.replay(entry)?;
    }
    let mut records = BTreeMap::new();
    for key in touched {
        if let Some(record) = state.resources.remove(&key) {
            records.insert(key, Some(record));
        } else {
            records.entry(key).or_insert(None);
        }
    }
    let outputs = outputs_set.then_some(state.outputs);
    Ok((Changes { records, outputs, ..Changes::default() }, state.open))
}

fn check_follows(contents: &Contents, path: &Path, lineage: &str, serial: u64) -> Result<(), StateError> {
    let says = |why| StateError::Corrupt(format!("journal {} does not fit the index: {why}", path.display()));
    contents.check_follows(lineage, serial).map_err(says)
}

fn contradiction(path: &Path, why: &str) -> StateError {
    StateError::Corrupt(format!("journal {} contradicts itself: {why}", path.display()))
}
