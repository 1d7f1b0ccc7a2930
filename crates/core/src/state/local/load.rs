//! Reading workspaces: what the index has, and the journal behind its mark.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::super::model::WorkspaceState;
use super::super::store::StateError;
use super::LocalStore;
use super::format::{self, Contents, Mark, is_marked};
use super::fs::failed;
use super::index::{Index, Meta, Raw};
use super::journal::{Seen, locked};
use super::pending::{self, Pending};
use crate::addr::WorkspaceName;

/// A journal from a mark on; the whole of it, where the mark is not of this file.
pub(super) struct Tail {
    pub(super) bytes: Vec<u8>,
    pub(super) is_behind_mark: bool,
}

/// Reads a journal; `None` when there is none.
pub(super) fn read_tail(path: &Path, mark: Option<&Mark>) -> Result<Option<Tail>, StateError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed("open", path)(e)),
    };
    let mut read_from = |start: u64| {
        let mut bytes = Vec::new();
        let read = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_to_end(&mut bytes));
        read.map_err(failed("read", path)).map(|_| bytes)
    };
    if let Some(mark) = mark {
        let mut bytes = read_from(mark.start)?;
        if is_marked(&bytes, mark) {
            bytes.drain(..usize::try_from(mark.end - mark.start).unwrap_or(usize::MAX));
            return Ok(Some(Tail { bytes, is_behind_mark: true }));
        }
    }
    Ok(Some(Tail { bytes: read_from(0)?, is_behind_mark: false }))
}

/// A workspace's bytes, to be decoded when the index is closed again.
struct Stored {
    raw: Result<Raw, StateError>,
    tail: Option<Tail>,
}

impl LocalStore {
    pub(super) fn load_all(
        &self,
        workspaces: &[WorkspaceName],
    ) -> Result<Vec<Result<WorkspaceState, StateError>>, StateError> {
        // Journals are read while the index is open, so that no fold moves
        // its marks or begins a journal anew in between.
        let read_all = |index: Option<&Index<'_>>| {
            let all = workspaces.iter().map(|name| self.read_one(index, name)).collect::<Vec<_>>();
            Ok((all, pending::read_all(&self.dir, &self.sealer)?))
        };
        let (stored, pending) = self.with_index(false, read_all)?;
        let decode = |(name, stored): (&WorkspaceName, Result<Stored, StateError>)| {
            let (mut state, seen) = self.decode(name, stored?)?;
            locked(&self.seen).insert(name.clone(), seen);
            take_in_pending(&mut state, &pending)?;
            match state.problems().as_slice() {
                [] => Ok(state),
                problems => Err(StateError::Corrupt(format!("the state of {name}: {}", problems.join("; ")))),
            }
        };
        Ok(workspaces.iter().zip(stored).map(decode).collect())
    }

    fn read_one(&self, index: Option<&Index<'_>>, name: &WorkspaceName) -> Result<Stored, StateError> {
        let raw = index.map_or_else(|| Ok(Raw::default()), |index| index.read(name));
        let mark = raw.as_ref().ok().and_then(Raw::mark);
        Ok(Stored { tail: read_tail(&self.journal_of(name), mark.as_ref())?, raw })
    }

    fn decode(&self, name: &WorkspaceName, stored: Stored) -> Result<(WorkspaceState, Seen), StateError> {
        let path = self.journal_of(name);
        let indexed = stored.raw.and_then(|raw| raw.decode(name, &self.sealer, &self.index));
        let (state, meta) = match indexed {
            Ok(Some(indexed)) => indexed,
            Ok(None) => {
                let Some(tail) = stored.tail.filter(|tail| !tail.bytes.is_empty()) else {
                    return Ok((WorkspaceState::empty(name.clone()), Seen::default()));
                };
                return self.decode_whole(name, &path, &tail.bytes);
            }
            Err(StateError::Corrupt(why)) => {
                let Some(tail) = read_tail(&path, None)? else {
                    return Err(StateError::Corrupt(format!("{why}; and {} is gone", path.display())));
                };
                let read = self.decode_whole(name, &path, &tail.bytes)?;
                self.notice(format!("{why}. It was read from its journal instead. Nothing is lost."));
                return Ok(read);
            }
            Err(other) => return Err(other),
        };
        let Some(tail) = stored.tail else {
            return Err(StateError::Corrupt(format!(
                "journal {} is gone, and the index has serial {} of it",
                path.display(),
                meta.serial
            )));
        };
        if tail.is_behind_mark {
            let (mark, before) = (meta.journal.unwrap_or_default(), meta.header(name));
            let contents = format::parse(&path, name, &tail.bytes, &self.sealer, mark, Some(&before))?;
            return self.replayed(state, contents, &path, mark);
        }
        let contents = format::parse(&path, name, &tail.bytes, &self.sealer, Mark::default(), None)?;
        check_follows(&contents, &meta, &path)?;
        if contents.is_whole() {
            locked(&self.unindexed).insert(name.clone());
            return self.replayed(WorkspaceState::empty(name.clone()), contents, &path, Mark::default());
        }
        // As journals once were: what the index has had was taken out of them.
        self.replayed(state, contents, &path, Mark::default())
    }

    /// A workspace from its journal alone.
    pub(super) fn decode_whole(
        &self,
        name: &WorkspaceName,
        path: &Path,
        bytes: &[u8],
    ) -> Result<(WorkspaceState, Seen), StateError> {
        let contents = format::parse(path, name, bytes, &self.sealer, Mark::default(), None)?;
        if let Some(first) = contents.runs.first().filter(|_| !contents.is_whole()) {
            return Err(StateError::Corrupt(format!(
                "journal {} builds on serial {}, and the index that had it was lost",
                path.display(),
                first.header.base_serial
            )));
        }
        if self.is_worth_folding(contents.mark.end, Mark::default()) {
            locked(&self.unindexed).insert(name.clone());
        }
        self.replayed(WorkspaceState::empty(name.clone()), contents, path, Mark::default())
    }

    /// Takes a journal in on top of a state that has its first lines.
    fn replayed(
        &self,
        mut state: WorkspaceState,
        contents: Contents,
        path: &Path,
        folded: Mark,
    ) -> Result<(WorkspaceState, Seen), StateError> {
        let (sound, torn) = (contents.mark.end, contents.torn_len);
        replay(&mut state, contents).map_err(|why| contradiction(path, &why))?;
        let (lineage, serial) = (state.lineage.clone(), state.serial);
        Ok((state, Seen { sound, torn, lineage, serial, folded }))
    }
}

/// Takes runs in, one after the other.
pub(super) fn replay(state: &mut WorkspaceState, contents: Contents) -> Result<(), String> {
    for run in contents.runs {
        state.lineage = run.header.lineage;
        state.serial = run.header.serial;
        run.entries.into_iter().try_for_each(|entry| state.replay(entry))?;
    }
    Ok(())
}

/// Takes in changes that a crash kept from reaching this workspace's journal.
fn take_in_pending(state: &mut WorkspaceState, pending: &[Pending]) -> Result<(), StateError> {
    for change in pending {
        for part in &change.parts {
            if !part.is_due(state) {
                continue;
            }
            state.lineage.clone_from(&part.header.lineage);
            state.serial = part.header.serial;
            let taken = part.entries.iter().cloned().try_for_each(|entry| state.replay(entry));
            taken.map_err(|why| contradiction(&change.path, &why))?;
        }
    }
    Ok(())
}

/// Refuses a journal that is older than the index, or another workspace's.
fn check_follows(contents: &Contents, meta: &Meta, path: &Path) -> Result<(), StateError> {
    let refused = |why: String| {
        Err(StateError::Corrupt(format!("journal {} does not fit the index: {why}", path.display())))
    };
    let (Some(first), Some(last)) = (contents.runs.first(), contents.last()) else {
        return refused(format!("it is empty, and the index has serial {}", meta.serial));
    };
    if last.lineage != meta.lineage {
        return refused(format!("it has lineage {}, and the index {}", last.lineage, meta.lineage));
    }
    if last.serial < meta.serial {
        return refused(format!(
            "it ends at serial {}, and the index has serial {}: the journal is an older copy",
            last.serial, meta.serial
        ));
    }
    if !contents.is_whole() && first.header.base_serial > meta.serial {
        return refused(format!(
            "it builds on serial {}, and the index has only serial {}: the index is an older copy",
            first.header.base_serial, meta.serial
        ));
    }
    Ok(())
}

pub(super) fn contradiction(path: &Path, why: &str) -> StateError {
    StateError::Corrupt(format!("journal {} contradicts itself: {why}", path.display()))
}
