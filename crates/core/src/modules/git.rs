//! The `git` program: one commit of a repository into a directory.
//!
//! Guarantees: never asks on a terminal; no message holds a secret of the
//! address.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::source::GitSource;

/// Why there is no checkout.
#[derive(Debug)]
pub(super) enum GitError {
    /// The program cannot be started.
    NoProgram(io::Error),
    /// The repository cannot be reached or read; what git says.
    Unreachable(String),
    /// The repository has no such tag, branch or commit.
    NoReference,
    /// Anything else that git says.
    Failed(String),
}

/// What the caller's own use of git must not change.
const FOREIGN: [&str; 6] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE"];

/// Checks out a commit, or what the source's reference stands for now, into an
/// empty directory. Gives the commit.
pub(super) fn checkout(source: &GitSource, commit: Option<&str>, dir: &Path) -> Result<String, GitError> {
    let git = Git { source, dir };
    git.run(&["init", "--quiet"])?;
    let wanted = commit.or(source.reference.as_deref()).unwrap_or("HEAD");
    let commit = git.fetch(wanted)?;
    git.run(&["-c", "core.autocrlf=false", "checkout", "--quiet", "--detach", &commit])?;
    if dir.join(".gitmodules").exists() {
        git.run(&["submodule", "--quiet", "update", "--init", "--recursive"])?;
    }
    Ok(commit)
}

struct Git<'a> {
    source: &'a GitSource,
    dir: &'a Path,
}

impl Git<'_> {
    /// Fetches one commit by any of its names. A server need not give away a
    /// single commit, and knows no shortened names: then all is fetched.
    fn fetch(&self, wanted: &str) -> Result<String, GitError> {
        let url = &self.source.url;
        if self.run(&["fetch", "--quiet", "--depth=1", "--no-tags", "--", url, wanted]).is_ok() {
            return self.run(&["rev-parse", "--verify", "--quiet", "FETCH_HEAD^{commit}"]);
        }
        let all = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
        self.run(&["fetch", "--quiet", "--", url, all[0], all[1]]).map_err(|error| match error {
            GitError::Failed(words) => GitError::Unreachable(words),
            other => other,
        })?;
        for name in [wanted.to_owned(), format!("refs/remotes/origin/{wanted}")] {
            if let Ok(commit) = self.run(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])
            {
                return Ok(commit);
            }
        }
        Err(GitError::NoReference)
    }

    fn run(&self, args: &[&str]) -> Result<String, GitError> {
        let mut command = Command::new("git");
        for name in FOREIGN {
            command.env_remove(name);
        }
        let output = command
            .arg("-C")
            .arg(self.dir)
            .args(args)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .map_err(GitError::NoProgram)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let mut words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if let Some(secret) = self.source.secret() {
            words = words.replace(secret, "***");
        }
        Err(GitError::Failed(words))
    }
}
