//! The names by which journals are found, made durable.
//!
//! What is durable in a file is lost all the same when the loss of power takes
//! the file's name, or that of a directory above it.
//!
//! Guarantees: after [`Names::keep`] a journal and all that is above it are
//! found. Many workspaces that are made at the same time share the sync of the
//! directory that they are in.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::store::StateError;
use super::fs::sync_dir;
use super::journal::locked;

/// The names in the directory of all workspaces.
#[derive(Debug, Default)]
pub(super) struct Names {
    made: AtomicU64,
    /// So many of them are durable, of the first that were made.
    durable: Mutex<u64>,
}

/// One of the names, by when it was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name(u64);

impl Names {
    /// A workspace's directory that is there by now.
    pub(super) fn made(&self) -> Name {
        Name(self.made.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// Makes durable how a journal is found, in the directory of the name.
    ///
    /// # Errors
    /// When a directory cannot be synced.
    pub(super) fn keep(&self, journal: &Path, name: Name) -> Result<(), StateError> {
        let here = |dir: &Path| if dir.as_os_str().is_empty() { PathBuf::from(".") } else { dir.to_owned() };
        let mut dirs = journal.ancestors().skip(1).map(here);
        // The workspace's own, then the one of all.
        dirs.by_ref().take(1).try_for_each(|dir| sync_dir(&dir))?;
        let mut durable = locked(&self.durable);
        if name.0 <= *durable {
            return Ok(());
        }
        // Whatever was made before the sync begins goes with it.
        let made = self.made.load(Ordering::SeqCst);
        dirs.by_ref().take(1).try_for_each(|dir| sync_dir(&dir))?;
        if *durable == 0 {
            // The state directory and what it is in. Those further up were
            // hardly made just now, and may not be ours to open.
            dirs.by_ref().take(2).try_for_each(|dir| sync_dir(&dir))?;
            dirs.for_each(|dir| drop(sync_dir(&dir)));
        }
        *durable = made;
        Ok(())
    }
}
