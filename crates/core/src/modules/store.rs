//! Directories of modules: those on disk, and checkouts of repositories.
//!
//! A checkout is named after its commit, so that one that is there is right,
//! and several references to one commit share it.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::git::{GitError, checkout};
use super::lock::{self, LOCK_FILE, Pins};
use super::source::{GitSource, Source};
use crate::diag::{Diagnostic, Diagnostics, SourceMap};

/// What tenantctl keeps for itself in a root directory; it can be made again.
const OWN: &str = ".tenantctl";

/// How modules are fetched.
pub struct Fetch {
    /// Ask repositories what their tags and branches stand for now.
    pub upgrade: bool,
    /// Refuse to change the pins.
    pub keep_pins: bool,
    /// Hears of each repository before it is asked.
    pub announce: Box<dyn Fn(&str)>,
}

/// A repository that a module comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The repository and the reference.
    pub source: String,
    /// The commit that it is pinned to.
    pub commit: String,
}

/// Where modules are, of one root directory.
pub struct Modules {
    root: PathBuf,
    /// `None`: what is not there is an error.
    fetch: Option<Fetch>,
    pins: Pins,
    /// Checkouts of this run: commit and directory by label.
    used: BTreeMap<String, (String, PathBuf)>,
}

impl Modules {
    /// Those of a root directory.
    pub fn open(
        root: &Path,
        fetch: Option<Fetch>,
        sources: &SourceMap,
        diagnostics: &mut Diagnostics,
    ) -> Modules {
        let pins = lock::read(root, sources, diagnostics);
        Modules { root: root.to_path_buf(), fetch, pins, used: BTreeMap::new() }
    }

    /// The directory of a module that is called in `dir`.
    ///
    /// # Errors
    /// Why there is none, without a place.
    pub fn locate(&mut self, dir: &Path, source: &str) -> Result<PathBuf, Box<Diagnostic>> {
        match Source::parse(source)? {
            Source::Local(path) => self.local(dir, &path),
            Source::Git(git) => {
                let package = self.package(&git)?;
                let target = package.join(&git.subdir);
                if target.is_dir() {
                    return within(&package, target, &git.subdir);
                }
                let words = format!("{} has no directory {}.", git.label(), git.subdir.display());
                Err(Diagnostic::error("Unreadable module directory", words).into())
            }
        }
    }

    /// The repositories that were used.
    pub fn installed(&self) -> Vec<Installed> {
        let used = self.used.iter();
        used.map(|(source, (commit, _))| Installed { source: source.clone(), commit: commit.clone() })
            .collect()
    }

    /// Writes the pins down. Those of sources that are not used any more go
    /// when `all` were seen.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn save(&mut self, all: bool) -> Result<(), Box<Diagnostic>> {
        let mut pins = if all { Pins::new() } else { self.pins.clone() };
        pins.extend(self.used.iter().map(|(label, (commit, _))| (label.clone(), commit.clone())));
        if self.fetch.as_ref().is_some_and(|fetch| fetch.keep_pins) {
            if pins == self.pins {
                return Ok(());
            }
            let detail = format!("{LOCK_FILE} would have to change, and it is to be kept as it is.");
            return Err(Diagnostic::error("Lock file out of date", detail)
                .hint("Run \"tenantctl init\" without -lockfile=readonly, and commit the file.")
                .into());
        }
        lock::write(&self.root, &pins).map_err(|error| not_written(&self.root.join(LOCK_FILE), &error))?;
        self.pins = pins;
        Ok(())
    }

    /// A local directory. Inside a checkout it may not lead out of that.
    fn local(&self, dir: &Path, path: &Path) -> Result<PathBuf, Box<Diagnostic>> {
        let target = plain(&dir.join(path));
        let store = self.store();
        match dir.strip_prefix(&store).ok().and_then(|inside| inside.components().next()) {
            Some(name) => within(&store.join(name), target, path),
            None => Ok(target),
        }
    }

    fn store(&self) -> PathBuf {
        self.root.join(OWN).join("modules")
    }

    /// The checkout of a source's repository.
    fn package(&mut self, git: &GitSource) -> Result<PathBuf, Box<Diagnostic>> {
        let label = git.label();
        if let Some((_, dir)) = self.used.get(&label) {
            return Ok(dir.clone());
        }
        let upgrade = self.fetch.as_ref().is_some_and(|fetch| fetch.upgrade);
        let pinned = self.pins.get(&label).filter(|_| !upgrade).cloned();
        let there = pinned.as_ref().map(|commit| self.place(git, commit)).filter(|dir| dir.is_dir());
        let (commit, dir) = match (pinned, there) {
            (Some(commit), Some(dir)) => (commit, dir),
            (pinned, _) => self.install(git, &label, pinned.as_deref())?,
        };
        self.used.insert(label, (commit, dir.clone()));
        Ok(dir)
    }

    fn place(&self, git: &GitSource, commit: &str) -> PathBuf {
        let digest = Sha256::new().chain_update(&git.url).chain_update("\n").chain_update(commit).finalize();
        let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.store().join(format!("{}-{digest}", git.name()))
    }

    fn install(
        &self,
        git: &GitSource,
        label: &str,
        pinned: Option<&str>,
    ) -> Result<(String, PathBuf), Box<Diagnostic>> {
        let Some(fetch) = &self.fetch else {
            let detail = format!("{label} has not been fetched.");
            return Err(Diagnostic::error("Module not installed", detail)
                .hint("Run \"tenantctl init\".")
                .into());
        };
        (fetch.announce)(label);
        // Named after this process: two at a time do not meet.
        let fresh = self.store().join(format!(".fetch-{}", std::process::id()));
        let result = self.fetched(git, pinned, &fresh).map_err(|error| failed(label, pinned, error));
        if fresh.exists() {
            let cleared = std::fs::remove_dir_all(&fresh);
            if let (Ok(_), Err(error)) = (&result, cleared) {
                return Err(not_written(&fresh, &error).into());
            }
        }
        result.map_err(Into::into)
    }

    fn fetched(
        &self,
        git: &GitSource,
        pinned: Option<&str>,
        fresh: &Path,
    ) -> Result<(String, PathBuf), Failure> {
        let io = |error| Failure::Disk(fresh.to_path_buf(), error);
        if fresh.exists() {
            std::fs::remove_dir_all(fresh).map_err(io)?;
        }
        std::fs::create_dir_all(fresh).map_err(io)?;
        // Nothing in there is to be committed.
        std::fs::write(self.root.join(OWN).join(".gitignore"), "*\n").map_err(io)?;
        let commit = checkout(git, pinned, fresh).map_err(Failure::Git)?;
        let place = self.place(git, &commit);
        if !place.is_dir() {
            // What makes it a repository is of no use any more, and large.
            std::fs::remove_dir_all(fresh.join(".git")).map_err(io)?;
            match std::fs::rename(fresh, &place) {
                Err(_) if place.is_dir() => {}
                renamed => renamed.map_err(io)?,
            }
        }
        Ok((commit, place))
    }
}

/// The target, if it is inside a package: by its name and, where it leads
/// somewhere else, in fact.
fn within(package: &Path, target: PathBuf, path: &Path) -> Result<PathBuf, Box<Diagnostic>> {
    let by_name = plain(&target).starts_with(plain(package));
    let in_fact = match (package.canonicalize(), target.canonicalize()) {
        (Ok(package), Ok(target)) => target.starts_with(package),
        // What is not there is told by others.
        _ => true,
    };
    if by_name && in_fact {
        return Ok(target);
    }
    let words = format!("{} leads out of the repository that the module comes from.", path.display());
    Err(Diagnostic::error("Module source out of reach", words).into())
}

/// A path without steps that lead nowhere, or back.
fn plain(path: &Path) -> PathBuf {
    let plain = path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir if plain.file_name().is_some() => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
        plain
    });
    if plain.as_os_str().is_empty() { ".".into() } else { plain }
}

/// Why a repository was not fetched.
enum Failure {
    Git(GitError),
    Disk(PathBuf, std::io::Error),
}

fn failed(label: &str, pinned: Option<&str>, failure: Failure) -> Diagnostic {
    let said = |words: &str| {
        let words = words.lines().map(|line| format!("  {}", line.trim())).collect::<Vec<_>>().join("\n");
        format!("{label} cannot be fetched. Git says:\n{words}")
    };
    let summary = "Module not fetched";
    match failure {
        Failure::Disk(path, error) => not_written(&path, &error),
        Failure::Git(GitError::NoProgram(error)) => {
            let detail = format!("{label} is a git repository, and the program git cannot be run: {error}.");
            Diagnostic::error(summary, detail).hint("Install git, or see that it is on the PATH.")
        }
        Failure::Git(GitError::Unreachable(words)) => Diagnostic::error(summary, said(&words)).hint(
            "See that the address is right and that git gets in without asking: \
             with a credential helper, or a key that an SSH agent holds.",
        ),
        Failure::Git(GitError::Failed(words)) => Diagnostic::error(summary, said(&words)),
        Failure::Git(GitError::NoReference) => match pinned {
            Some(commit) => Diagnostic::error(
                summary,
                format!("{label} is pinned to {commit}, which the repository has no more."),
            )
            .hint("Run \"tenantctl init -upgrade\" to take what is there now."),
            None => Diagnostic::error(
                summary,
                format!("{label}: the repository has no such tag, branch or commit."),
            ),
        },
    }
}

fn not_written(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error("File not written", format!("{} cannot be written: {error}.", path.display()))
}
