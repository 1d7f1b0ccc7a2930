//! The lock of one workspace: an advisory lock on a file, which the system
//! lets go of when its process dies, and who holds it beside that.
//!
//! Must not: sync anything. A plan over a thousand workspaces takes a
//! thousand locks. Each costs an open file while it is held.

use std::any::Any;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::store::{LockInfo, StateError, WorkspaceLock};
use super::fs::{failed, open_or_create};
use super::journal::JournalFile;
use crate::addr::WorkspaceName;

/// A held lock.
pub(super) struct LocalLock {
    workspace: WorkspaceName,
    info: PathBuf,
    /// Locked as long as it is open.
    _file: File,
    pub(super) journal: Arc<JournalFile>,
}

impl LocalLock {
    /// Takes the lock of a workspace whose files are in `dir`.
    pub(super) fn take(dir: &Path, workspace: &WorkspaceName, info: &LockInfo) -> Result<Self, StateError> {
        let path = dir.join("lock");
        let info_path = dir.join("lock.json");
        let file = open_or_create(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read_holder(&info_path);
                return Err(StateError::Locked { workspace: workspace.clone(), holder });
            }
            Err(TryLockError::Error(e)) => return Err(failed("lock", &path)(e)),
        }
        let text = serde_json::to_vec(info)
            .map_err(|e| StateError::Refused(format!("lock information cannot be written: {e}")))?;
        fs::write(&info_path, text).map_err(failed("write", &info_path))?;
        let journal = Arc::new(JournalFile::new(dir.join("journal"), workspace.clone()));
        Ok(LocalLock { workspace: workspace.clone(), info: info_path, _file: file, journal })
    }
}

impl WorkspaceLock for LocalLock {
    fn workspace(&self) -> &WorkspaceName {
        &self.workspace
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for LocalLock {
    fn drop(&mut self) {
        // Still locked here, so it is not the next holder's. One left over
        // means nothing: the lock is the file's.
        let _ = fs::remove_file(&self.info);
    }
}

/// `None` in the instant between locking and writing, too.
fn read_holder(path: &Path) -> Option<Box<LockInfo>> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
