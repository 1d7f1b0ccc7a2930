//! Changes of several workspaces at once.
//!
//! A change is a file of journal lines, one for each workspace. It counts from
//! the instant at which the file appears under its name; before that there is
//! nothing of it. Then each line is appended to its journal, and the file is
//! removed. Whoever loads a workspace in between takes its line in from the
//! file, whoever locks it appends the line first: the line says on which
//! serial it builds, so it cannot be taken in twice.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::failpoint;
use super::super::model::{Entry, WorkspaceState};
use super::super::seal::Sealer;
use super::super::store::{Commit, StateError};
use super::LocalStore;
use super::format::{self, Header};
use super::fs::{failed, make_dir, read, remove, replace_durably, sync_dir};
use super::journal::{Seen, locked};
use super::lock::LocalLock;
use crate::addr::WorkspaceName;

/// A change of several workspaces.
pub(super) struct Pending {
    pub(super) path: PathBuf,
    pub(super) parts: Vec<Part>,
}

/// One workspace's part of it.
pub(super) struct Part {
    pub(super) header: Header,
    pub(super) entries: Vec<Entry>,
    /// As it goes to the journal.
    pub(super) line: String,
}

impl Part {
    /// Whether a workspace has not taken it in yet.
    pub(super) fn is_due(&self, state: &WorkspaceState) -> bool {
        self.header.workspace == state.name && self.follows(state.serial, &state.lineage)
    }

    fn follows(&self, serial: u64, lineage: &str) -> bool {
        self.header.base_serial == serial && (lineage.is_empty() || self.header.lineage == lineage)
    }
}

fn folder(dir: &Path) -> PathBuf {
    dir.join("pending")
}

/// All changes that are not ended. Usually there is not even the folder.
pub(super) fn read_all(dir: &Path, sealer: &Sealer) -> Result<Vec<Pending>, StateError> {
    let folder = folder(dir);
    let files = match fs::read_dir(&folder) {
        Ok(files) => files,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed("list", &folder)(e)),
    };
    let mut changes = Vec::new();
    for file in files {
        let path = file.map_err(failed("list", &folder))?.path();
        // A draft that was never given its name has not happened.
        if path.extension().is_some_and(|e| e == "change")
            && let Some(bytes) = read(&path)?
        {
            let parts = format::lines(&path, &bytes, sealer)?;
            let part = |(header, entries, line)| Part { header, entries, line };
            changes.push(Pending { path, parts: parts.into_iter().map(part).collect() });
        }
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

/// From when this returns, the change has happened.
pub(super) fn write(dir: &Path, lines: &[(Header, String)]) -> Result<PathBuf, StateError> {
    let folder = folder(dir);
    make_dir(&folder)?;
    sync_dir(dir)?;
    let path = folder.join(format!("{}.change", uuid::Uuid::new_v4()));
    let text: String = lines.iter().map(|(_, line)| line.as_str()).collect();
    failpoint::hit("pending.write.before");
    replace_durably(&path, text.as_bytes())?;
    failpoint::hit("pending.write.after");
    Ok(path)
}

impl LocalStore {
    /// Makes a loaded workspace ready for writing: with what is pending for it
    /// in its journal, and that journal's end sound.
    pub(super) fn settle(&self, lock: &LocalLock) -> Result<Seen, StateError> {
        let name = lock.journal.workspace();
        let mut seen = self.seen(name)?;
        lock.journal.continue_from(&mut seen, &[], &self.notices)?;
        for change in read_all(&self.dir, &self.sealer)? {
            if !change.parts.iter().any(|part| part.header.workspace == *name) {
                continue;
            }
            // Whoever wrote it may have died before its name was durable, and
            // no part of it may count before it does.
            sync_dir(&folder(&self.dir))?;
            self.append_part(lock, &change, &mut seen)?;
            self.end(change, lock)?;
        }
        locked(&self.seen).insert(name.clone(), seen.clone());
        Ok(seen)
    }

    fn append_part(&self, lock: &LocalLock, change: &Pending, seen: &mut Seen) -> Result<(), StateError> {
        let name = lock.journal.workspace();
        for part in change.parts.iter().filter(|part| part.header.workspace == *name) {
            if part.follows(seen.serial, &seen.lineage) {
                let line = [(part.header.clone(), part.line.clone())];
                lock.journal.continue_from(seen, &line, &self.notices)?;
            }
        }
        Ok(())
    }

    /// Sees to the other workspaces of a change, and removes it when all have
    /// taken it in. One that is locked sees to itself.
    fn end(&self, change: Pending, lock: &LocalLock) -> Result<(), StateError> {
        let own = lock.journal.workspace();
        let others = change.parts.iter().map(|part| &part.header.workspace).filter(|name| *name != own);
        for name in others.cloned().collect::<Vec<WorkspaceName>>() {
            let other = match LocalLock::take(&self.dir_of(&name), &name, lock.taken_by(), &self.names) {
                Err(StateError::Locked { .. }) => return Ok(()),
                taken => taken?,
            };
            self.load_all(std::slice::from_ref(&name))?.into_iter().try_for_each(|state| state.map(drop))?;
            let mut seen = self.seen(&name)?;
            self.append_part(&other, &change, &mut seen)?;
            locked(&self.seen).insert(name, seen);
        }
        remove_change(&change.path)
    }

    pub(super) fn commit_all(&self, commits: &[Commit<'_>]) -> Result<(), StateError> {
        let mut parts = Vec::with_capacity(commits.len());
        for commit in commits {
            let lock = self.own(commit.lock)?;
            let seen = self.settle(lock)?;
            let part = self.prepared(commit, lock, &seen)?;
            parts.push((lock, seen, part));
        }
        let path = match parts.len() {
            0 | 1 => None,
            _ => {
                let lines: Vec<_> = parts.iter().map(|(_, _, part)| part.clone()).collect();
                Some(write(&self.dir, &lines)?)
            }
        };
        for (lock, mut seen, part) in parts {
            lock.journal.continue_from(&mut seen, &[part], &self.notices)?;
            locked(&self.seen).insert(lock.journal.workspace().clone(), seen);
        }
        path.map_or(Ok(()), |path| remove_change(&path))
    }

    /// The line that a commit comes to, when it follows from what is stored.
    fn prepared(
        &self,
        commit: &Commit<'_>,
        lock: &LocalLock,
        seen: &Seen,
    ) -> Result<(Header, String), StateError> {
        let state = commit.state;
        let refused = |why: String| Err(StateError::Refused(format!("workspace {}: {why}", state.name)));
        if state.name != *lock.journal.workspace() {
            return refused(format!("{} is locked instead", lock.journal.workspace()));
        }
        if (seen.serial, &seen.lineage) != (state.serial, &state.lineage) {
            return refused("it was written since it was loaded; load it again".into());
        }
        let mut header = lock.journal.header(state);
        match &commit.lineage {
            Some(lineage) if state.lineage.is_empty() => header.lineage.clone_from(lineage),
            Some(lineage) if commit.replace => header.lineage.clone_from(lineage),
            Some(lineage) if *lineage != state.lineage => {
                return refused(format!("its lineage is {}, and cannot become {lineage}", state.lineage));
            }
            _ => {}
        }
        let is_same = state.lineage.is_empty() || header.lineage == state.lineage;
        header.serial = match commit.serial {
            Some(serial) if is_same => serial.max(header.serial),
            // Serials of another lineage have nothing to do with ours.
            Some(serial) => serial.max(1),
            None => header.serial,
        };
        header.base_lines = u64::from(commit.replace);
        let mut after =
            if commit.replace { WorkspaceState::empty(state.name.clone()) } else { state.clone() };
        for entry in &commit.entries {
            if let Err(why) = after.replay(entry.clone()) {
                return refused(why);
            }
        }
        if let Some(problem) = after.problems().first() {
            return refused(problem.clone());
        }
        let entries = commit.entries.iter().map(|entry| self.sealer.to_json(entry));
        let line = format::line(Some(&header), &entries.collect::<Result<Vec<_>, _>>()?)?;
        Ok((header, line))
    }
}

fn remove_change(path: &Path) -> Result<(), StateError> {
    remove(path)?;
    failpoint::hit("pending.remove.after");
    // One that came back could be taken for new by a workspace deleted since.
    sync_dir(path.parent().unwrap_or(path))
}
