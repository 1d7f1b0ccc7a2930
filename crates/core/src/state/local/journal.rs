//! Writing a workspace's journal, with group commit.
//!
//! Guarantees: an append that returned `Ok` survives a crash of process and
//! machine; entries reach the file in the order in which they were accepted;
//! after a failed write nothing is accepted any more, since what the file
//! holds is then unknown.
//!
//! How: callers queue their entry. The first to come starts a blocking task,
//! which writes all that is queued as one line with one sync, answers, and
//! goes on until the queue is empty. No thread waits while nothing happens.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::super::model::{Begin, Entry, FORMAT_VERSION, WorkspaceState};
use super::super::seal::Sealer;
use super::super::store::{Journal, StateError};
use super::format::{self, Contents, Header};
use super::fs::{failed, read, replace_durably, sync_dir};
use crate::addr::WorkspaceName;

/// Locks what no panic can leave half changed.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The journal's file, shared by the run that writes and the fold that empties it.
pub(super) struct JournalFile {
    path: PathBuf,
    workspace: WorkspaceName,
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

impl JournalFile {
    pub(super) fn new(path: PathBuf, workspace: WorkspaceName) -> Self {
        JournalFile { path, workspace, writer: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the run's writer out while a fold works.
    pub(super) fn hold(&self) -> MutexGuard<'_, Writer> {
        locked(&self.writer)
    }

    /// Reads it, and cuts off what a crash left half written. The lock must be
    /// held, and the writer.
    pub(super) fn read_and_cut(
        &self,
        sealer: &Sealer,
        notices: &Mutex<Vec<String>>,
    ) -> Result<Contents, StateError> {
        let Some(bytes) = read(&self.path)? else { return Ok(Contents::default()) };
        let contents = format::parse(&self.path, &self.workspace, &bytes, sealer)?;
        if contents.torn_len > 0 {
            let file = OpenOptions::new().write(true).open(&self.path);
            file.and_then(|file| file.set_len(contents.sound_len as u64))
                .map_err(failed("shorten", &self.path))?;
            locked(notices).push(format!(
                "journal {} ended in an incomplete line of {} bytes, left by a crash; it was cut off. \
                 No step had relied on it.",
                self.path.display(),
                contents.torn_len
            ));
        }
        Ok(contents)
    }

    /// Starts a run on the state as loaded.
    pub(super) fn start_run(
        self: &Arc<Self>,
        sealer: Arc<Sealer>,
        state: &WorkspaceState,
        notices: &Mutex<Vec<String>>,
    ) -> Result<LocalJournal, StateError> {
        let mut writer = self.hold();
        let contents = self.read_and_cut(&sealer, notices)?;
        if let Some(last) = contents.last()
            && (last.serial != state.serial || last.lineage != state.lineage)
        {
            return Err(StateError::Refused(format!(
                "workspace {} was loaded at serial {} and is at serial {} now; load it again",
                self.workspace, state.serial, last.serial
            )));
        }
        let lineage = match state.lineage.as_str() {
            "" => uuid::Uuid::new_v4().to_string(),
            lineage => lineage.to_string(),
        };
        writer.header = Some(Header {
            format_version: FORMAT_VERSION,
            workspace: self.workspace.clone(),
            lineage,
            serial: state.serial + 1,
            base_serial: state.serial,
        });
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
        let written = self.write(&mut writer, entries);
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

    fn write(&self, writer: &mut Writer, entries: &[String]) -> Result<(), StateError> {
        let line = format::line(writer.header.as_ref(), entries)?;
        let (file, is_new) = match writer.file.take() {
            Some(file) => (file, false),
            None => self.open_to_append()?,
        };
        let mut to = &file;
        to.write_all(line.as_bytes()).map_err(failed("write to", &self.path))?;
        file.sync_data().map_err(failed("make durable", &self.path))?;
        if is_new {
            // Workspace, `workspaces`, the state directory, and what it is in.
            for dir in self.path.ancestors().skip(1).take(4).filter(|dir| !dir.as_os_str().is_empty()) {
                sync_dir(dir)?;
            }
        }
        writer.file = Some(file);
        writer.header = None;
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

    /// After its entries are durable in the index: leaves a header, so that an
    /// index that gets lost is noticed, and the open begins.
    pub(super) fn empty(
        &self,
        writer: &mut Writer,
        last: &Header,
        open: &[Begin],
        sealer: &Sealer,
    ) -> Result<(), StateError> {
        let header = Header { base_serial: last.serial, ..last.clone() };
        let begins = open.iter().map(|begin| sealer.to_json(&Entry::Begin(Box::new(begin.clone()))));
        let line = format::line(Some(&header), &begins.collect::<Result<Vec<_>, _>>()?)?;
        writer.file = None;
        if !open.is_empty() {
            return replace_durably(&self.path, line.as_bytes());
        }
        // Not synced: should a crash bring the old journal back, taking it in
        // again changes nothing.
        let file = OpenOptions::new().write(true).truncate(true).open(&self.path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).map_err(failed("empty", &self.path))
    }
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
