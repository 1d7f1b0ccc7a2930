//! What the journals tell of the past, and whether they agree with the index.

use std::path::PathBuf;

use super::super::model::{Entry, RecordChange, WorkspaceState};
use super::super::store::{PastRun, StateError};
use super::LocalStore;
use super::format::{self, Contents, Mark, Run};
use super::fs::read;
use super::journal::locked;
use super::load::{contradiction, read_tail, replay};
use crate::addr::WorkspaceName;

impl LocalStore {
    /// The journal before the present one, and that one.
    fn generations(&self, name: &WorkspaceName) -> Result<Vec<(PathBuf, Contents)>, StateError> {
        let dir = self.dir_of(name);
        let mut generations = Vec::new();
        for file in ["journal.old", "journal"] {
            let path = dir.join(file);
            let Some(bytes) = read(&path)? else { continue };
            let contents = format::parse(&path, name, &bytes, &self.sealer, Mark::default(), None)?;
            if contents.is_whole() {
                generations.push((path, contents));
            }
        }
        Ok(generations)
    }

    pub(super) fn past_runs(&self, name: &WorkspaceName) -> Result<Vec<PastRun>, StateError> {
        let mut runs: Vec<PastRun> = Vec::new();
        for (_, contents) in self.generations(name)? {
            for run in contents.runs {
                // A journal that was begun anew starts with what was there.
                let told = runs.last().is_some_and(|last| last.serial >= run.header.serial);
                if !(told && run.header.whole) {
                    runs.push(past_run(&run));
                }
            }
        }
        Ok(runs)
    }

    pub(super) fn past_state(&self, name: &WorkspaceName, serial: u64) -> Result<WorkspaceState, StateError> {
        for (path, mut contents) in self.generations(name)?.into_iter().rev() {
            let end = contents.runs.iter().rposition(|run| run.header.serial == serial);
            let Some(end) = end else { continue };
            contents.runs.truncate(end + 1);
            let mut state = WorkspaceState::empty(name.clone());
            replay(&mut state, contents).map_err(|why| contradiction(&path, &why))?;
            return Ok(state);
        }
        Err(StateError::Refused(format!(
            "workspace {name} has no state with serial {serial} any more, or never had; \
             `tenantctl state history` lists those it can go back to"
        )))
    }

    pub(super) fn problems(&self, name: &WorkspaceName) -> Result<Vec<String>, StateError> {
        let loaded = self.load_all(std::slice::from_ref(name))?.remove(0);
        let path = self.journal_of(name);
        let whole = match read_tail(&path, None)? {
            None => return Ok(loaded.err().map(|error| error.to_string()).into_iter().collect()),
            Some(tail) => {
                let was_indexed = !locked(&self.unindexed).contains(name);
                let whole = self.decode_whole(name, &path, &tail.bytes);
                if was_indexed {
                    locked(&self.unindexed).remove(name);
                }
                whole
            }
        };
        let mut problems = Vec::new();
        match (loaded, whole) {
            (Ok(state), Ok((whole, seen))) => {
                // A change that is pending is in the one and not in the other.
                if seen.serial == state.serial && state != whole {
                    problems.push(format!("the index and the journal of {name} tell different things"));
                    locked(&self.unindexed).insert(name.clone());
                } else if locked(&self.unindexed).contains(name) {
                    problems.push(format!("the index does not have {name} as its journal has it"));
                }
            }
            (Err(error), Err(other)) => {
                problems.push(error.to_string());
                problems.extend(Some(other.to_string()).filter(|words| *words != error.to_string()));
            }
            (Err(error), _) | (_, Err(error)) => problems.push(error.to_string()),
        }
        Ok(problems)
    }
}

fn past_run(run: &Run) -> PastRun {
    let (mut put, mut removed) = (0, 0);
    for entry in &run.entries {
        if let Entry::End { changes, .. } | Entry::Records(changes) = entry {
            let puts = changes.iter().filter(|change| matches!(change, RecordChange::Put(_))).count();
            (put, removed) = (put + puts, removed + changes.len() - puts);
        }
    }
    PastRun { serial: run.header.serial, run: run.header.run.clone(), put, removed }
}
