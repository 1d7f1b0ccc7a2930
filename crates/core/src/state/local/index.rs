//! What was drawn from many journals, and by what it is known to be old.
//!
//! Guarantees: sealed like a plan file, since names of objects can be secrets;
//! a reader sees a whole one or none.
//! Must not: sync. What a loss of power takes is drawn again.

use std::collections::HashSet;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::super::seal::Sealer;
use super::super::store::{Stamp, StateError};
use super::fs::{append, create, make_dir, rename};
use super::{LocalStore, pending};
use crate::addr::WorkspaceName;

impl LocalStore {
    /// By the journals' metadata: an append makes one longer, and one that is
    /// begun anew is another file.
    pub(super) fn stamps_of(&self, workspaces: &[WorkspaceName]) -> Result<Vec<Option<Stamp>>, StateError> {
        // What these change is not in the journals yet.
        let pending = pending::read_all(&self.dir, &self.sealer)?;
        let pending: HashSet<_> =
            pending.iter().flat_map(|change| &change.parts).map(|part| &part.header.workspace).collect();
        let stamp = |name: &WorkspaceName| {
            let metadata = std::fs::metadata(self.journal_of(name)).ok()?;
            let at = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
            // Nanoseconds fill 64 bits until the year 2554.
            let at = u64::try_from(at.as_nanos()).ok()?;
            (!pending.contains(name)).then(|| Stamp([number(&metadata), metadata.len(), at]))
        };
        Ok(workspaces.iter().map(stamp).collect())
    }
}

/// Which file it is.
#[cfg(unix)]
fn number(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// Elsewhere length and time must do.
#[cfg(not(unix))]
fn number(_: &Metadata) -> u64 {
    0
}

fn path(dir: &Path, name: &str) -> PathBuf {
    dir.join("cache").join(name)
}

fn context(name: &str) -> Vec<u8> {
    format!("index {name}").into_bytes()
}

pub(super) fn write(dir: &Path, sealer: &Sealer, name: &str, content: &[u8]) -> Result<(), StateError> {
    let path = path(dir, name);
    make_dir(path.parent().unwrap_or(dir))?;
    // Of its own for each run: two may do this at once.
    let draft = path.with_extension(std::process::id().to_string());
    let sealed = sealer.seal_bytes(content, &context(name))?;
    let file = create(&draft)?;
    append(&file, &draft, &sealed)?;
    rename(&draft, &path)
}

pub(super) fn read(dir: &Path, sealer: &Sealer, name: &str) -> Option<Vec<u8>> {
    let sealed = std::fs::read(path(dir, name)).ok()?;
    sealer.unseal_bytes(&sealed, &context(name)).ok()
}
