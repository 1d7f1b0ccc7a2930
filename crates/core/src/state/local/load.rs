//! Reading workspaces from their journals.

use std::path::Path;

use super::super::model::WorkspaceState;
use super::super::store::StateError;
use super::LocalStore;
use super::format::{self, Contents};
use super::fs::read;
use super::journal::{Seen, locked};
use super::lock::last_written;
use super::pending::{self, Pending};
use crate::addr::WorkspaceName;

impl LocalStore {
    pub(super) fn load_all(
        &self,
        workspaces: &[WorkspaceName],
    ) -> Result<Vec<Result<WorkspaceState, StateError>>, StateError> {
        // Read first: a change that ends in between is in the journals then.
        let pending = pending::read_all(&self.dir, &self.sealer)?;
        let load = |name: &WorkspaceName| {
            let (mut state, seen) = self.read_journal(name)?;
            locked(&self.seen).insert(name.clone(), seen);
            take_in_pending(&mut state, &pending)?;
            match state.problems().as_slice() {
                [] => Ok(state),
                problems => Err(StateError::Corrupt(format!("the state of {name}: {}", problems.join("; ")))),
            }
        };
        Ok(workspaces.iter().map(load).collect())
    }

    /// A workspace as its journal tells it.
    pub(super) fn read_journal(&self, name: &WorkspaceName) -> Result<(WorkspaceState, Seen), StateError> {
        let path = self.journal_of(name);
        // Read first: the journal may be written after that, never before.
        let last = last_written(&self.dir_of(name));
        let contents = match read(&path)? {
            None => Contents::default(),
            Some(bytes) => format::parse(&path, name, &bytes, &self.sealer)?,
        };
        let mut seen = Seen {
            sound: contents.sound,
            torn: contents.torn,
            base: contents.base,
            is_continued: contents.runs.len() > 1,
            ..Seen::default()
        };
        let mut state = WorkspaceState::empty(name.clone());
        replay(&mut state, contents).map_err(|why| contradiction(&path, &why))?;
        if let Some((lineage, serial)) = last
            && (state.serial < serial || state.lineage != lineage)
        {
            return Err(StateError::Corrupt(older(&path, &state, &lineage, serial)));
        }
        (seen.lineage, seen.serial) = (state.lineage.clone(), state.serial);
        Ok((state, seen))
    }
}

/// A journal that is not what this workspace was written to last.
fn older(path: &Path, state: &WorkspaceState, lineage: &str, serial: u64) -> String {
    let path = path.display();
    if state.lineage.is_empty() {
        return format!("journal {path} is gone, and the workspace was at serial {serial}");
    }
    if state.lineage != lineage {
        return format!(
            "journal {path} has lineage {}, and the workspace {lineage}: it is another workspace's",
            state.lineage
        );
    }
    format!(
        "journal {path} ends at serial {}, and the workspace was at serial {serial}: the journal is an older copy",
        state.serial
    )
}

/// Takes runs in, one after the other.
pub(super) fn replay(state: &mut WorkspaceState, contents: Contents) -> Result<(), String> {
    for run in contents.runs {
        if run.header.base_lines > 0 {
            *state = WorkspaceState::empty(state.name.clone());
        }
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

pub(super) fn contradiction(path: &Path, why: &str) -> StateError {
    StateError::Corrupt(format!("journal {} contradicts itself: {why}", path.display()))
}
