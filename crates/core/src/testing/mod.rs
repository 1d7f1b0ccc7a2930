//! Tests of configuration: files `*.tftest.hcl` and `*.tftest.json`, run as
//! OpenTofu runs them.
//!
//! `file` reads a file, `names` evaluates what stands in it, `overlay` puts
//! mocks and overrides into a module, `mock` is the provider that stands in for
//! a real one, `condition` judges assertions and expected failures, [`run`]
//! plans and applies by [`crate::ops`].
//!
//! Guarantees: states are kept in stores of the test's own; what a file made is
//! removed at its end, whatever became of its runs, and what could not be
//! removed is named.
//! Must not: know how results are shown.

mod condition;
mod file;
mod mock;
mod names;
mod overlay;
mod run;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diag::{Diagnostic, Diagnostics};
use crate::plan::Plan;
use crate::state::{RecordKey, WorkspaceState};

pub use file::{TestFile, read};
pub use run::{Stores, Suite, run};

/// The ends of names of test files: OpenTofu's, which hide those of Terraform
/// that are named alike, and Terraform's.
const ENDS: [[&str; 2]; 2] = [[".tofutest.hcl", ".tftest.hcl"], [".tofutest.json", ".tftest.json"]];

/// How a run or a file ended; the worse, the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Not begun, since an earlier run was in error.
    Skip,
    /// All is as it should be.
    Pass,
    /// An assertion does not hold.
    Fail,
    /// Something could not be done or judged.
    Error,
}

/// What came of a `run` block.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// Its name.
    pub name: Arc<str>,
    /// How it ended.
    pub status: Status,
    /// What is wrong.
    pub diagnostics: Diagnostics,
    /// What it came to, unless it was stopped before.
    pub result: Option<RunResult>,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub enum RunResult {
    /// Of `command = plan`.
    Plan(Box<Plan>),
    /// Of `command = apply`.
    State(Box<WorkspaceState>),
}

/// What came of a file.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// In the file's order.
    pub runs: Vec<RunReport>,
    /// What went wrong while cleaning up.
    pub cleanup: Diagnostics,
    /// Objects that could not be removed.
    pub leftovers: Vec<RecordKey>,
}

impl FileReport {
    /// The worst of its runs.
    pub fn status(&self) -> Status {
        let worst = self.runs.iter().map(|run| run.status).max().unwrap_or(Status::Pass);
        if self.cleanup.has_errors() || !self.leftovers.is_empty() { Status::Error } else { worst }
    }
}

/// The test files of a root directory and of its directory of tests, by name.
///
/// # Errors
/// A file asked for by `filter` that is none of them.
pub fn discover(root: &Path, tests: &Path, filter: &[PathBuf]) -> Result<Vec<PathBuf>, Diagnostics> {
    let plain = |path: &Path| -> PathBuf {
        path.components().filter(|c| !matches!(c, std::path::Component::CurDir)).collect()
    };
    let mut found = BTreeSet::new();
    for dir in [root.to_path_buf(), root.join(tests)] {
        found.extend(files_of(&dir).iter().map(|path| plain(path)));
    }
    if filter.is_empty() {
        return Ok(found.into_iter().collect());
    }
    let mut diagnostics = Diagnostics::new();
    for wanted in filter.iter().filter(|wanted| !found.contains(&plain(wanted))) {
        let known: Vec<String> = found.iter().map(|path| path.display().to_string()).collect();
        let detail = format!("There is no test file {}.", wanted.display());
        let wanted = wanted.display().to_string();
        let problem = Diagnostic::error("Unknown test file", detail);
        diagnostics.push(problem.suggest(&wanted, known.iter().map(String::as_str)));
    }
    if diagnostics.has_errors() {
        return Err(diagnostics);
    }
    let wanted: BTreeSet<PathBuf> = filter.iter().map(|path| plain(path)).collect();
    Ok(found.into_iter().filter(|path| wanted.contains(path)).collect())
}

fn files_of(dir: &Path) -> Vec<PathBuf> {
    let names: BTreeSet<String> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && ENDS.iter().flatten().any(|end| name.ends_with(end)))
        .collect();
    let is_hidden = |name: &String| {
        ENDS.iter().any(|[own, other]| {
            name.strip_suffix(other).is_some_and(|stem| names.contains(&format!("{stem}{own}")))
        })
    };
    names.iter().filter(|name| !is_hidden(name)).map(|name| dir.join(name)).collect()
}
