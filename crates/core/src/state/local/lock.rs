//! The lock of one workspace: an advisory lock on a file, which the system
//! lets go of when its process dies, and who holds it beside that.
//!
//! `force-unlock` puts the file away. Its holder, should it be alive, then has
//! the lock of a file that is no longer the workspace's, and is refused at its
//! next write: every write makes sure of that while it has the journal's own
//! lock, and `force-unlock` waits for that one.
//!
//! The lock's file says which run wrote the workspace last, so that a journal
//! that is gone or older than that is noticed. That is not made durable: what
//! a loss of power leaves of it is older than the journal, and notices less.
//!
//! Must not: sync anything, or make, empty and remove files each time (file
//! systems that delay allocation write what was emptied and filled again at
//! once). A plan over a thousand workspaces takes a thousand locks. Each costs
//! an open file while it is held, so callers take them in portions.

use std::any::Any;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::super::store::{LockInfo, LockStatus, RunInfo, StateError, WorkspaceLock};
use super::fs::{append, failed, open_or_create, remove, shorten, sync_file};
use super::journal::JournalFile;
use super::names::Names;
use crate::addr::WorkspaceName;

/// Whoever looks whether a lock is held has it for an instant.
const INSTANT: Duration = Duration::from_millis(2);
/// Looks for the end of a write before `force-unlock` gives up.
const ATTEMPTS: u32 = 1000;

/// More than the line of the lock's file has; a longer one says nothing.
const LONGEST_LINE: usize = 1024;
/// What is left of a holder's information when it has let go: one line's end.
const NOBODY: u64 = 1;

/// A held lock.
pub(super) struct LocalLock {
    workspace: WorkspaceName,
    info: PathBuf,
    by: LockInfo,
    held: Arc<Held>,
    pub(super) journal: Arc<JournalFile>,
}

/// The lock's file: locked as long as it is open.
pub(super) struct Held {
    path: PathBuf,
    file: File,
}

impl Held {
    /// Whether this is the workspace's lock still.
    pub(super) fn is_current(&self) -> bool {
        is_at(&self.file, &self.path)
    }
}

/// Whether the file that is open is the one of that name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(open), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

/// Elsewhere a file that is open cannot be put away.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

impl LocalLock {
    /// Takes the lock of a workspace whose files are in `dir`.
    pub(super) fn take(
        dir: &Path,
        workspace: &WorkspaceName,
        info: &LockInfo,
        names: &Arc<Names>,
    ) -> Result<Self, StateError> {
        let path = dir.join("lock");
        let info_path = dir.join("lock.json");
        let file = lock_file(&path)?.ok_or_else(|| {
            let holder = read_holder(&info_path);
            StateError::Locked { workspace: workspace.clone(), holder }
        })?;
        let text = serde_json::to_vec(info)
            .map_err(|e| StateError::Refused(format!("lock information cannot be written: {e}")))?;
        write_holder(&info_path, &text).map_err(failed("write", &info_path))?;
        let held = Arc::new(Held { path, file });
        let run =
            RunInfo { at: info.created.clone(), who: info.who.clone(), operation: info.operation.clone() };
        let (journal, weak) = (dir.join("journal"), Arc::downgrade(&held));
        let journal = JournalFile::new(journal, workspace.clone(), weak, run, Arc::clone(names));
        let by = info.clone();
        Ok(LocalLock { workspace: workspace.clone(), info: info_path, by, held, journal: Arc::new(journal) })
    }

    /// Who took it.
    pub(super) fn taken_by(&self) -> &LockInfo {
        &self.by
    }

    /// Forgets which run was last: the workspace is about to be deleted.
    pub(super) fn forget_last(&self) -> Result<(), StateError> {
        shorten(&self.held.file, &self.held.path, 0)?;
        sync_file(&self.held.file, &self.held.path)
    }

    fn note_last(&self, lineage: &str, serial: u64) -> Result<(), StateError> {
        let Held { path, file } = &*self.held;
        shorten(file, path, 0)?;
        (&*file).rewind().map_err(failed("write to", path))?;
        append(file, path, format!("{serial} {lineage}\n").as_bytes())
    }
}

/// Lineage and serial of the run that wrote the workspace in `dir` last, when
/// that is known.
pub(super) fn last_written(dir: &Path) -> Option<(String, u64)> {
    // Without asking for its length: there are as many as workspaces.
    let mut line = [0; LONGEST_LINE];
    let length = File::open(dir.join("lock")).and_then(|mut file| file.read(&mut line)).ok()?;
    let text = str::from_utf8(line.get(..length)?).ok()?;
    let (serial, lineage) = text.strip_suffix('\n')?.split_once(' ')?;
    Some((lineage.to_owned(), serial.parse().ok()?))
}

/// The locked file; `None` when somebody else has it.
fn lock_file(path: &Path) -> Result<Option<File>, StateError> {
    let mut tried = 0;
    loop {
        let file = open_or_create(path)?;
        match file.try_lock() {
            Ok(()) if is_at(&file, path) => return Ok(Some(file)),
            // It was put away between opening and locking.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if tried > 0 => return Ok(None),
            Err(TryLockError::WouldBlock) => {
                tried += 1;
                std::thread::sleep(INSTANT);
            }
            Err(TryLockError::Error(e)) => return Err(failed("lock", path)(e)),
        }
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
        if self.held.is_current() {
            if let Some((lineage, serial)) = self.journal.last() {
                let _ = self.note_last(&lineage, serial);
            }
            // Kept: the next lock need not make it again.
            let _ = forget_holder(&self.info);
        }
    }
}

/// Who has or had the lock of the workspace in `dir`; `None` when nobody has
/// and nothing was left.
pub(super) fn status(dir: &Path, workspace: &WorkspaceName) -> Result<Option<LockStatus>, StateError> {
    let (path, info) = (dir.join("lock"), dir.join("lock.json"));
    if fs::metadata(&info).map_or(0, |metadata| metadata.len()) <= NOBODY {
        return Ok(None);
    }
    let held = match File::open(&path) {
        Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(e) if e.kind() == ErrorKind::NotFound => false,
        Err(e) => return Err(failed("open", &path)(e)),
    };
    let holder = read_holder(&info).map(|holder| *holder);
    Ok(Some(LockStatus { workspace: workspace.clone(), holder, held }))
}

/// Takes the lock away from whoever has it. Returns when that process can
/// write nothing any more.
pub(super) fn force(dir: &Path, workspace: &WorkspaceName) -> Result<Option<LockStatus>, StateError> {
    let Some(status) = status(dir, workspace)? else { return Ok(None) };
    let journal = dir.join("journal");
    for _ in 0..ATTEMPTS {
        let file = open_or_create(&journal)?;
        match file.try_lock() {
            Ok(()) if is_at(&file, &journal) => {
                for path in [dir.join("lock.json"), dir.join("lock")] {
                    remove(&path)?;
                }
                return Ok(Some(status));
            }
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => std::thread::sleep(INSTANT),
            Err(TryLockError::Error(e)) => return Err(failed("lock", &journal)(e)),
        }
    }
    let process = status.holder.map_or_else(String::new, |holder| format!(" (process {})", holder.pid));
    Err(StateError::Refused(format!(
        "the holder of workspace {workspace}{process} is in the middle of a write that does not end; \
         end that process, and its lock goes with it"
    )))
}

/// Writes over what is there, which is longer or shorter.
fn write_holder(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.write_all(text)?;
    file.set_len(text.len() as u64)
}

fn forget_holder(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(b"\n")?;
    file.set_len(NOBODY)
}

/// `None` in the instant between locking and writing, too.
fn read_holder(path: &Path) -> Option<Box<LockInfo>> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
