//! Writing a workspace's journal, with group commit.
//!
//! Guarantees: an append that returned `Ok` survives a crash of process and
//! machine; entries reach the file in the order in which they were accepted;
//! after a failed write nothing is accepted any more, since what the file
//! holds is then unknown.
//!
//! Nothing is written either once the lock has been taken away: each write
//! holds the file's own lock, which `force-unlock` waits for, and looks first.
//!
//! How: callers queue their entry. The first to come starts a blocking task,
//! which writes all that is queued as one line with one sync, answers, and
//! goes on until the queue is empty. No thread waits while nothing happens.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::super::failpoint;
use super::super::model::{Entry, FORMAT_VERSION, WorkspaceState};
use super::super::seal::Sealer;
use super::super::store::{Journal, RunInfo, StateError};
use super::format::{self, Header, Mark};
use super::fs::{failed, sync_dir};
use super::lock::Held;
use crate::addr::WorkspaceName;

/// Locks what no panic can leave half changed.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The journal's file, shared by the run that writes and the fold that reads it.
pub(super) struct JournalFile {
    path: PathBuf,
    workspace: WorkspaceName,
    /// The lock goes with its holder, whoever still writes.
    held: Weak<Held>,
    run: RunInfo,
    writer: Mutex<Writer>,
}

#[derive(Default)]
pub(super) struct Writer {
    file: Option<File>,
    /// To be written before the next entry.
    header: Option<Header>,
    /// Why no more may be written.
    broken: Option<(ErrorKind, String)>,
}

impl Writer {
    /// Another file has the journal's name now.
    pub(super) fn reopen(&mut self) {
        self.file = None;
    }
}

/// The journal as a load saw it.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Bytes that are sound, and bytes after them that are not.
    pub(super) sound: u64,
    pub(super) torn: u64,
    pub(super) lineage: String,
    pub(super) serial: u64,
    /// Up to where the index has it.
    pub(super) folded: Mark,
}

/// Keeps `force-unlock` out as long as it is there.
pub(super) struct Guard<'a>(&'a File);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        // Closing the file lets go, too.
        let _ = self.0.unlock();
    }
}

impl JournalFile {
    pub(super) fn new(path: PathBuf, workspace: WorkspaceName, held: Weak<Held>, run: RunInfo) -> Self {
        JournalFile { path, workspace, held, run, writer: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn workspace(&self) -> &WorkspaceName {
        &self.workspace
    }

    /// Keeps the run's writer out while a fold works.
    pub(super) fn hold(&self) -> MutexGuard<'_, Writer> {
        locked(&self.writer)
    }

    /// Makes sure that the lock is still ours, and that it stays so.
    pub(super) fn guard<'f>(&self, file: &'f File) -> Result<Guard<'f>, StateError> {
        file.lock().map_err(failed("lock", &self.path))?;
        let guard = Guard(file);
        if self.held.upgrade().is_some_and(|held| held.is_current()) {
            return Ok(guard);
        }
        Err(StateError::Refused(format!(
            "the lock of workspace {} is not held any more (force-unlock takes it away), \
             so this process writes nothing more",
            self.workspace
        )))
    }

    /// Cuts off what a crash left half written, and makes sure that nothing
    /// was written since a load. The writer must be held.
    fn settle(&self, seen: &mut Seen, notices: &Mutex<Vec<String>>) -> Result<(), StateError> {
        let file = match OpenOptions::new().write(true).open(&self.path) {
            Err(e) if e.kind() == ErrorKind::NotFound && seen.sound == 0 => return Ok(()),
            opened => opened.map_err(failed("open for writing", &self.path))?,
        };
        let _guard = self.guard(&file)?;
        let len = file.metadata().map_err(failed("look at", &self.path))?.len();
        if len != seen.sound + seen.torn {
            return Err(self.stale());
        }
        if seen.torn > 0 {
            file.set_len(seen.sound).map_err(failed("shorten", &self.path))?;
            locked(notices).push(torn_notice(&self.path, std::mem::take(&mut seen.torn)));
        }
        Ok(())
    }

    fn stale(&self) -> StateError {
        StateError::Refused(format!(
            "workspace {} was written since it was loaded; load it again",
            self.workspace
        ))
    }

    /// What a run on a loaded state starts with.
    pub(super) fn header(&self, state: &WorkspaceState) -> Header {
        let lineage = match state.lineage.as_str() {
            "" => uuid::Uuid::new_v4().to_string(),
            lineage => lineage.to_string(),
        };
        Header {
            format_version: FORMAT_VERSION,
            workspace: self.workspace.clone(),
            lineage,
            serial: state.serial + 1,
            base_serial: state.serial,
            whole: false,
            run: Some(self.run.clone()),
        }
    }

    /// Makes ready for writing after what a load saw: `after` are lines that
    /// have to be written before anything else.
    pub(super) fn continue_from(
        &self,
        seen: &mut Seen,
        after: &[(Header, String)],
        notices: &Mutex<Vec<String>>,
    ) -> Result<(), StateError> {
        let mut writer = self.hold();
        self.settle(seen, notices)?;
        for (header, line) in after {
            self.write(&mut writer, line)?;
            failpoint::hit("pending.part.after");
            seen.sound += line.len() as u64;
            (seen.serial, seen.lineage) = (header.serial, header.lineage.clone());
        }
        Ok(())
    }

    /// Starts a run on the state as loaded and settled.
    pub(super) fn start_run(
        self: &Arc<Self>,
        sealer: Arc<Sealer>,
        state: &WorkspaceState,
        seen: &Seen,
    ) -> Result<LocalJournal, StateError> {
        if (seen.serial, &seen.lineage) != (state.serial, &state.lineage) {
            return Err(self.stale());
        }
        self.hold().header = Some(self.header(state));
        let open = state.open.iter().map(|begin| begin.id).collect();
        let queue = Mutex::new(Queue { open, ..Queue::default() });
        Ok(LocalJournal { shared: Arc::new(Shared { file: Arc::clone(self), sealer, queue }) })
    }

    /// Writes entries as one line and makes them durable.
    fn commit(&self, entries: &[String]) -> Result<(), StateError> {
        let mut writer = self.hold();
        if let Some((kind, why)) = &writer.broken {
            return Err(self.refusal(*kind, why));
        }
        let written = self.write_entries(&mut writer, entries);
        if let Err(error) = &written {
            let kind = match error {
                StateError::Io { source, .. } => source.kind(),
                _ => ErrorKind::Other,
            };
            writer.broken = Some((kind, error.to_string()));
        }
        written
    }

    fn refusal(&self, kind: ErrorKind, why: &str) -> StateError {
        let action = format!("the journal {} takes no more entries", self.path.display());
        StateError::Io { action, source: io::Error::new(kind, why) }
    }

    fn write_entries(&self, writer: &mut Writer, entries: &[String]) -> Result<(), StateError> {
        let line = format::line(writer.header.as_ref(), entries)?;
        self.write(writer, &line)?;
        writer.header = None;
        Ok(())
    }

    fn write(&self, writer: &mut Writer, line: &str) -> Result<(), StateError> {
        let (file, is_new) = match writer.file.take() {
            Some(file) => (file, false),
            None => self.open_to_append()?,
        };
        {
            let _guard = self.guard(&file)?;
            failpoint::hit("journal.write.before");
            let mut to = &file;
            to.write_all(line.as_bytes()).map_err(failed("write to", &self.path))?;
            failpoint::hit("journal.write.after");
            file.sync_data().map_err(failed("make durable", &self.path))?;
        }
        if is_new {
            // Workspace, `workspaces`, the state directory, and what it is in.
            for dir in self.path.ancestors().skip(1).take(4).filter(|dir| !dir.as_os_str().is_empty()) {
                sync_dir(dir)?;
            }
        }
        failpoint::hit("journal.sync.after");
        writer.file = Some(file);
        Ok(())
    }

    fn open_to_append(&self) -> Result<(File, bool), StateError> {
        let mut options = OpenOptions::new();
        options.append(true);
        match options.open(&self.path) {
            Ok(file) => Ok((file, false)),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let file = options.create(true).open(&self.path).map_err(failed("create", &self.path))?;
                Ok((file, true))
            }
            Err(e) => Err(failed("open for writing", &self.path)(e)),
        }
    }
}

fn torn_notice(path: &Path, bytes: u64) -> String {
    format!(
        "journal {} ended in an incomplete line of {bytes} bytes, left by a crash; it was cut off. \
         No step had relied on it.",
        path.display()
    )
}

/// The journal of one run.
pub(super) struct LocalJournal {
    shared: Arc<Shared>,
}

struct Shared {
    file: Arc<JournalFile>,
    sealer: Arc<Sealer>,
    queue: Mutex<Queue>,
}

type Answer = oneshot::Sender<Result<(), StateError>>;

#[derive(Default)]
struct Queue {
    waiting: Vec<(String, Answer)>,
    writing: bool,
    /// Calls begun and not ended, so that no entry is written that the next
    /// load could not take in.
    open: HashSet<u64>,
}

#[async_trait]
impl Journal for LocalJournal {
    async fn append(&self, entry: Entry) -> Result<(), StateError> {
        let text = self.shared.sealer.to_json(&entry)?;
        let (answer, answered) = oneshot::channel();
        if self.shared.enqueue(&entry, text, answer)? {
            let shared = Arc::clone(&self.shared);
            tokio::task::spawn_blocking(move || shared.drain());
        }
        let stopped = |_| self.shared.file.refusal(ErrorKind::Interrupted, "its writer was stopped");
        answered.await.map_err(stopped)?
    }
}

impl Shared {
    /// True when the caller must start the writer.
    fn enqueue(&self, entry: &Entry, text: String, answer: Answer) -> Result<bool, StateError> {
        let mut queue = locked(&self.queue);
        let follows = match entry {
            Entry::Begin(begin) => queue.open.insert(begin.id),
            Entry::End { id, .. } => queue.open.remove(id),
            Entry::Records(_) | Entry::Outputs(_) => true,
        };
        if !follows {
            return Err(StateError::Refused(match entry {
                Entry::End { id, .. } => format!("call {id} ends but never began"),
                _ => "a call begins twice".into(),
            }));
        }
        queue.waiting.push((text, answer));
        Ok(!std::mem::replace(&mut queue.writing, true))
    }

    fn drain(&self) {
        loop {
            let batch = {
                let mut queue = locked(&self.queue);
                if queue.waiting.is_empty() {
                    queue.writing = false;
                    return;
                }
                std::mem::take(&mut queue.waiting)
            };
            let (entries, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let result = self.file.commit(&entries);
            for answer in answers {
                let each = match &result {
                    Ok(()) => Ok(()),
                    Err(StateError::Io { source, action }) => {
                        Err(self.file.refusal(source.kind(), &format!("{action}: {source}")))
                    }
                    Err(other) => Err(self.file.refusal(ErrorKind::Other, &other.to_string())),
                };
                // Whoever no longer waits does not rely on it.
                let _ = answer.send(each);
            }
        }
    }
}
