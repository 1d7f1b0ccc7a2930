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
//! goes on until nobody waits. What nobody waits for goes with the next line,
//! or with one of its own after [`SOON`]. No thread waits while nothing
//! happens.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::super::failpoint;
use super::super::model::{Entry, FORMAT_VERSION, WorkspaceState};
use super::super::seal::Sealer;
use super::super::store::{Journal, RunInfo, StateError};
use super::format::{self, Header};
use super::fs::{append, failed, open_to_append, shorten, sync_file};
use super::lock::Held;
use super::names::{Name, Names};
use crate::addr::WorkspaceName;

/// So long an entry that nobody waits for may take to be written: many ends
/// share a line and its sync.
const SOON: Duration = Duration::from_millis(50);

/// Locks what no panic can leave half changed.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The journal's file, shared by the run that writes it and what begins it anew.
pub(super) struct JournalFile {
    path: PathBuf,
    workspace: WorkspaceName,
    /// The lock goes with its holder, whoever still writes.
    held: Weak<Held>,
    run: RunInfo,
    names: Arc<Names>,
    name: Name,
    writer: Mutex<Writer>,
}

#[derive(Default)]
pub(super) struct Writer {
    file: Option<File>,
    /// Whether the journal's name outlives a loss of power. Its writer before
    /// may have died between giving it and making it durable.
    is_named: bool,
    /// To be written before the next entry.
    header: Option<Header>,
    /// Lineage and serial of the last run that was written.
    last: Option<(String, u64)>,
    /// Why no more may be written.
    broken: Option<(ErrorKind, String)>,
}

impl Writer {
    /// Another file has the journal's name now, and durably so.
    pub(super) fn reopen(&mut self) {
        self.file = None;
        self.is_named = true;
    }
}

/// The journal as a load saw it.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Bytes that are sound, and bytes after them that are not.
    pub(super) sound: u64,
    pub(super) torn: u64,
    /// Bytes of what it was begun anew with.
    pub(super) base: u64,
    /// Whether there was a run after the one that began it. That one may have
    /// died before the journal's name was durable.
    pub(super) is_continued: bool,
    pub(super) lineage: String,
    pub(super) serial: u64,
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
    pub(super) fn new(
        path: PathBuf,
        workspace: WorkspaceName,
        held: Weak<Held>,
        run: RunInfo,
        names: Arc<Names>,
    ) -> Self {
        let name = names.made();
        JournalFile { path, workspace, held, run, names, name, writer: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn workspace(&self) -> &WorkspaceName {
        &self.workspace
    }

    /// Lineage and serial of the last run that was written with this lock.
    pub(super) fn last(&self) -> Option<(String, u64)> {
        self.hold().last.clone()
    }

    /// Keeps the run's writer out while a journal is begun anew.
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
    fn settle(
        &self,
        writer: &mut Writer,
        seen: &mut Seen,
        notices: &Mutex<Vec<String>>,
    ) -> Result<(), StateError> {
        writer.is_named |= seen.is_continued;
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
            shorten(&file, &self.path, seen.sound)?;
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
            base_lines: 0,
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
        self.settle(&mut writer, seen, notices)?;
        for (header, line) in after {
            self.write(&mut writer, line)?;
            failpoint::hit("pending.part.after");
            seen.sound += line.len() as u64;
            (seen.serial, seen.lineage) = (header.serial, header.lineage.clone());
            writer.last = Some((header.lineage.clone(), header.serial));
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

    /// Writes entries, if any, as one line and makes them durable. What fails
    /// once fails for good, for the same reason.
    fn commit(&self, entries: &[String]) -> Result<(), (ErrorKind, String)> {
        let mut writer = self.hold();
        if let Some(broken) = &writer.broken {
            return Err(broken.clone());
        }
        if entries.is_empty() {
            return Ok(());
        }
        self.write_entries(&mut writer, entries).map_err(|error| {
            let kind = match &error {
                StateError::Io { source, .. } => source.kind(),
                _ => ErrorKind::Other,
            };
            writer.broken.insert((kind, error.to_string())).clone()
        })
    }

    fn refusal(&self, kind: ErrorKind, why: &str) -> StateError {
        let action = format!("the journal {} takes no more entries", self.path.display());
        StateError::Io { action, source: io::Error::new(kind, why) }
    }

    fn write_entries(&self, writer: &mut Writer, entries: &[String]) -> Result<(), StateError> {
        let line = format::line(writer.header.as_ref(), entries)?;
        self.write(writer, &line)?;
        if let Some(header) = writer.header.take() {
            writer.last = Some((header.lineage, header.serial));
        }
        Ok(())
    }

    fn write(&self, writer: &mut Writer, line: &str) -> Result<(), StateError> {
        let file = match writer.file.take() {
            Some(file) => file,
            None => open_to_append(&self.path)?,
        };
        {
            let _guard = self.guard(&file)?;
            failpoint::hit("journal.write.before");
            append(&file, &self.path, line.as_bytes())?;
            failpoint::hit("journal.write.after");
            sync_file(&file, &self.path)?;
        }
        if !writer.is_named {
            self.names.keep(&self.path, self.name)?;
            writer.is_named = true;
        }
        failpoint::hit("journal.sync.after");
        writer.file = Some(file);
        Ok(())
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

/// What is to be written, and who waits for it: an entry that is due soon has
/// nobody, a flush has no entry.
type Waiting = (Option<String>, Option<Answer>);

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    writing: bool,
    /// Somebody will look at the queue after a while.
    is_due: bool,
    /// Calls begun and not ended, so that no entry is written that the next
    /// load could not take in.
    open: HashSet<u64>,
}

impl Queue {
    /// Whether the entry can come after those before it; from then on it has.
    fn follows(&mut self, entry: &Entry) -> Result<(), StateError> {
        let follows = match entry {
            Entry::Begin(begin) => self.open.insert(begin.id),
            Entry::End { id, .. } => self.open.remove(id),
            Entry::Pending { id, .. } => self.open.contains(id),
            Entry::Records(_) | Entry::Outputs(_) | Entry::Checks(_) => true,
        };
        match entry {
            _ if follows => Ok(()),
            Entry::End { id, .. } | Entry::Pending { id, .. } => {
                Err(StateError::Refused(format!("call {id} ends or goes on but never began")))
            }
            _ => Err(StateError::Refused("a call begins twice".into())),
        }
    }

    fn is_waited_for(&self) -> bool {
        self.waiting.iter().any(|(_, answer)| answer.is_some())
    }
}

#[async_trait]
impl Journal for LocalJournal {
    async fn append(&self, entry: Entry) -> Result<(), StateError> {
        let text = self.shared.sealer.to_json(&entry)?;
        let (answer, answered) = oneshot::channel();
        {
            let mut queue = locked(&self.shared.queue);
            queue.follows(&entry)?;
            queue.waiting.push((Some(text), Some(answer)));
            Shared::write(&self.shared, &mut queue);
        }
        self.shared.result(answered).await
    }

    fn append_soon(&self, entry: Entry) -> Result<(), StateError> {
        let text = self.shared.sealer.to_json(&entry)?;
        let mut queue = locked(&self.shared.queue);
        queue.follows(&entry)?;
        queue.waiting.push((Some(text), None));
        if !queue.writing {
            Shared::write_soon(&self.shared, &mut queue);
        }
        Ok(())
    }

    async fn flush(&self) -> Result<(), StateError> {
        let (answer, answered) = oneshot::channel();
        {
            let mut queue = locked(&self.shared.queue);
            queue.waiting.push((None, Some(answer)));
            Shared::write(&self.shared, &mut queue);
        }
        self.shared.result(answered).await
    }
}

impl Shared {
    /// Has a task write, unless one does. It starts when the caller's task has
    /// nothing more to do: what that has to write by then goes with one sync.
    fn write(this: &Arc<Self>, queue: &mut Queue) {
        if !std::mem::replace(&mut queue.writing, true) {
            let this = Arc::clone(this);
            tokio::spawn(async move {
                tokio::task::spawn_blocking(move || this.drain());
            });
        }
    }

    /// Has what is queued by then written after a while.
    fn write_soon(this: &Arc<Self>, queue: &mut Queue) {
        if std::mem::replace(&mut queue.is_due, true) {
            return;
        }
        let this = Arc::clone(this);
        tokio::spawn(async move {
            tokio::time::sleep(SOON).await;
            let mut queue = locked(&this.queue);
            queue.is_due = false;
            if !queue.waiting.is_empty() {
                Shared::write(&this, &mut queue);
            }
        });
    }

    async fn result(&self, answered: oneshot::Receiver<Result<(), StateError>>) -> Result<(), StateError> {
        let stopped = |_| self.file.refusal(ErrorKind::Interrupted, "its writer was stopped");
        answered.await.map_err(stopped)?
    }

    /// Writes what is queued until nobody waits for any of it.
    fn drain(self: Arc<Self>) {
        loop {
            let batch = std::mem::take(&mut locked(&self.queue).waiting);
            let (entries, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let entries: Vec<String> = entries.into_iter().flatten().collect();
            let result = self.file.commit(&entries);
            for answer in answers.into_iter().flatten() {
                let each = result.clone().map_err(|(kind, why)| self.file.refusal(kind, &why));
                // Whoever no longer waits does not rely on it.
                let _ = answer.send(each);
            }
            let mut queue = locked(&self.queue);
            if !queue.is_waited_for() {
                queue.writing = false;
                if !queue.waiting.is_empty() {
                    Shared::write_soon(&self, &mut queue);
                }
                return;
            }
        }
    }
}
