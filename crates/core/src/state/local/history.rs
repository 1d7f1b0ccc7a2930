//! What the journals tell of the past.

use std::path::PathBuf;

use super::super::model::{Entry, RecordChange, WorkspaceState};
use super::super::store::{PastRun, StateError};
use super::LocalStore;
use super::format::{self, Contents, Run};
use super::fs::read;
use super::load::{contradiction, replay};
use crate::addr::WorkspaceName;

impl LocalStore {
    /// The journal before the present one, and that one.
    fn generations(&self, name: &WorkspaceName) -> Result<Vec<(PathBuf, Contents)>, StateError> {
        let dir = self.dir_of(name);
        let mut generations = Vec::new();
        for file in ["journal.old", "journal"] {
            let path = dir.join(file);
            let Some(bytes) = read(&path)? else { continue };
            let contents = format::parse(&path, name, &bytes, &self.sealer)?;
            generations.push((path, contents));
        }
        Ok(generations)
    }

    pub(super) fn past_runs(&self, name: &WorkspaceName) -> Result<Vec<PastRun>, StateError> {
        let mut runs: Vec<PastRun> = Vec::new();
        for (_, contents) in self.generations(name)? {
            for run in contents.runs {
                // A journal that was begun anew starts with what was there.
                let told = runs.last().is_some_and(|last| last.serial >= run.header.serial);
                if !(told && run.header.run.is_none()) {
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
