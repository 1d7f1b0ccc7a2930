//! The index: records of all workspaces of a state directory, in sled.
//!
//! Keys are `workspace\0address` and `workspace\0address\0deposed`, with
//! `workspace\0` for what is kept of the workspace itself. sled admits one
//! process, so it is open only within [`IndexPlace::with`], never across a
//! provider call.
//!
//! sled's `flush` does not reach the disk, so [`Index::make_durable`] syncs
//! its files. What sled may lose or mix up without noticing shows in the
//! count and checksum that each workspace keeps of its records.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sled::{Batch, Db, IVec, Mode};

use super::super::model::{FORMAT_VERSION, RecordKey, ResourceRecord, WorkspaceState};
use super::super::seal::Sealer;
use super::super::store::StateError;
use super::fs::{failed, open_or_create, sync, sync_dir};
use super::journal::locked;
use crate::addr::WorkspaceName;
use crate::value::Value;

const CACHE_BYTES: u64 = 64 << 20;
const WAIT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// What is kept of a workspace besides its records.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Meta {
    pub(super) format_version: u32,
    pub(super) lineage: String,
    pub(super) serial: u64,
    outputs: BTreeMap<Arc<str>, Value>,
    records: u64,
    /// Sum of the records' checksums: changes with each record alone.
    checksum: u64,
}

/// What a journal changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) lineage: String,
    pub(super) serial: u64,
    pub(super) records: BTreeMap<RecordKey, Option<ResourceRecord>>,
    pub(super) outputs: Option<BTreeMap<Arc<str>, Value>>,
}

/// One workspace's bytes, to be decoded when the index is closed again.
#[derive(Default)]
pub(super) struct Raw {
    meta: Option<IVec>,
    records: Vec<(IVec, IVec)>,
}

/// Where the index is.
pub(super) struct IndexPlace {
    dir: PathBuf,
    journals: PathBuf,
    wait: Duration,
    /// Callers in this process queue here rather than poll.
    turn: Mutex<()>,
}

/// The open index.
pub(super) struct Index<'a> {
    db: Db,
    place: &'a IndexPlace,
}

impl IndexPlace {
    pub(super) fn new(dir: PathBuf, journals: PathBuf) -> Self {
        IndexPlace { dir, journals, wait: WAIT, turn: Mutex::new(()) }
    }

    #[cfg(test)]
    pub(super) fn set_wait(&mut self, wait: Duration) {
        self.wait = wait;
    }

    /// Opens the index for the time of `f`. `None` when there is none yet and
    /// none is to be made.
    pub(super) fn with<T>(
        &self,
        create: bool,
        f: impl FnOnce(Option<&Index<'_>>) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        if !create && !self.dir.join("db").exists() {
            return f(None);
        }
        let _turn = locked(&self.turn);
        let deadline = Instant::now() + self.wait;
        let _admission = self.admission(deadline)?;
        // sled panics on some kinds of damage.
        let done = catch_unwind(AssertUnwindSafe(|| {
            let index = Index { db: self.open(deadline)?, place: self };
            f(Some(&index))
        }));
        done.unwrap_or_else(|_| Err(self.corrupt("reading it failed unexpectedly")))
    }

    /// A lock of our own: sled writes to its directory before it takes its own.
    fn admission(&self, deadline: Instant) -> Result<File, StateError> {
        let path = self.dir.join("lock");
        let file = open_or_create(&path)?;
        retry(deadline, || match file.try_lock() {
            Ok(()) => Ok(Some(())),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(failed("lock", &path)(e)),
        })?;
        Ok(file)
    }

    fn open(&self, deadline: Instant) -> Result<Db, StateError> {
        let config = sled::Config::new()
            .path(&self.dir)
            .cache_capacity(CACHE_BYTES)
            .mode(Mode::LowSpace)
            .flush_every_ms(None);
        retry(deadline, || match config.open() {
            Ok(db) => Ok(Some(db)),
            // sled has no error of its own for this.
            Err(sled::Error::Io(e)) if e.to_string().starts_with("could not acquire lock") => Ok(None),
            Err(e) => Err(self.error(e)),
        })
    }

    fn error(&self, error: sled::Error) -> StateError {
        match error {
            sled::Error::Io(source) => failed("use the state index", &self.dir)(source),
            other => self.corrupt(&other.to_string()),
        }
    }

    /// Says what is lost and what is not.
    pub(super) fn corrupt(&self, why: &str) -> StateError {
        StateError::Corrupt(format!(
            "the state index {} is damaged: {why}. It holds the records of all workspaces up to their last \
             completed run; what was done after that is safe in the journals in {}. \
             Restore the index directory from a copy, or move it away and import the objects again",
            self.dir.display(),
            self.journals.display()
        ))
    }
}

fn retry<T>(
    deadline: Instant,
    mut attempt: impl FnMut() -> Result<Option<T>, StateError>,
) -> Result<T, StateError> {
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(done) = attempt()? {
            return Ok(done);
        }
        if Instant::now() >= deadline {
            return Err(StateError::Busy);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl Index<'_> {
    /// Names of all workspaces, by one look-up each.
    pub(super) fn workspaces(&self) -> Result<Vec<WorkspaceName>, StateError> {
        let mut names = Vec::new();
        let mut from = Vec::new();
        while let Some(found) = self.db.range(from..).next() {
            let (key, _) = found.map_err(|e| self.place.error(e))?;
            let name = key.split(|b| *b == 0).next().unwrap_or_default();
            let text = std::str::from_utf8(name).ok().and_then(|text| text.parse().ok());
            names.push(text.ok_or_else(|| self.place.corrupt("a key names no workspace"))?);
            from = [name, &[1]].concat();
        }
        Ok(names)
    }

    /// Everything of a workspace.
    pub(super) fn read(&self, workspace: &WorkspaceName) -> Result<Raw, StateError> {
        let prefix = meta_key(workspace);
        let mut raw = Raw::default();
        for found in self.db.scan_prefix(&prefix) {
            let (key, bytes) = found.map_err(|e| self.place.error(e))?;
            match key.len() == prefix.len() {
                true => raw.meta = Some(bytes),
                false => raw.records.push((key, bytes)),
            }
        }
        Ok(raw)
    }

    pub(super) fn meta(
        &self,
        workspace: &WorkspaceName,
        sealer: &Sealer,
    ) -> Result<Option<Meta>, StateError> {
        let bytes = self.db.get(meta_key(workspace)).map_err(|e| self.place.error(e))?;
        bytes.map(|bytes| decode_meta(workspace, &bytes, sealer)).transpose()
    }

    /// Writes the changed records and what they change in `meta`, all or none.
    pub(super) fn apply(
        &self,
        workspace: &WorkspaceName,
        meta: Option<Meta>,
        changes: Changes,
        sealer: &Sealer,
    ) -> Result<(), StateError> {
        let mut meta = meta.unwrap_or_default();
        let mut batch = Batch::default();
        for (key, record) in changes.records {
            let key = record_key(workspace, &key);
            let old = self.db.get(&key).map_err(|e| self.place.error(e))?;
            if let Some(old) = &old {
                meta.records = meta.records.wrapping_sub(1);
                meta.checksum = meta.checksum.wrapping_sub(checksum(&key, old));
            }
            match record {
                Some(record) => {
                    let bytes = sealer.to_json(&record)?.into_bytes();
                    meta.records += 1;
                    meta.checksum = meta.checksum.wrapping_add(checksum(&key, &bytes));
                    batch.insert(key, bytes);
                }
                None if old.is_some() => batch.remove(key),
                None => {}
            }
        }
        meta.format_version = FORMAT_VERSION;
        meta.lineage = changes.lineage;
        meta.serial = changes.serial;
        meta.outputs = changes.outputs.unwrap_or(meta.outputs);
        batch.insert(meta_key(workspace), sealer.to_json(&meta)?.into_bytes());
        self.db.apply_batch(batch).map_err(|e| self.place.error(e))
    }

    /// Returns when all that was applied survives a crash of the machine.
    pub(super) fn make_durable(&self) -> Result<(), StateError> {
        self.db.flush().map_err(|e| self.place.error(e))?;
        for dir in [self.place.dir.as_path(), &self.place.dir.join("blobs")] {
            for file in files(dir)? {
                // sled removes files that it no longer needs.
                match sync(&file) {
                    Err(StateError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
                    other => other?,
                }
            }
            sync_dir(dir)?;
        }
        Ok(())
    }
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, StateError> {
    let list = || -> std::io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                files.push(entry.path());
            }
        }
        Ok(files)
    };
    list().map_err(failed("list", dir))
}

impl Raw {
    /// The workspace without what its journal holds.
    pub(super) fn decode(
        self,
        workspace: &WorkspaceName,
        sealer: &Sealer,
        place: &IndexPlace,
    ) -> Result<WorkspaceState, StateError> {
        let mut state = WorkspaceState::empty(workspace.clone());
        let meta = match &self.meta {
            Some(bytes) => decode_meta(workspace, bytes, sealer)?,
            None => Meta::default(),
        };
        let sum = self.records.iter().fold(0, |sum: u64, (k, v)| sum.wrapping_add(checksum(k, v)));
        if meta.records != self.records.len() as u64 || meta.checksum != sum {
            let (found, expected) = (self.records.len(), meta.records);
            return Err(place.corrupt(&format!(
                "workspace {workspace} has {found} records of which some differ from the {expected} written"
            )));
        }
        for (_, bytes) in &self.records {
            let record: ResourceRecord =
                sealer.from_json(bytes).map_err(|e| describe(e, &format!("a record of {workspace}")))?;
            state.resources.insert(record.key.clone(), record);
        }
        (state.lineage, state.serial, state.outputs) = (meta.lineage, meta.serial, meta.outputs);
        Ok(state)
    }
}

fn decode_meta(workspace: &WorkspaceName, bytes: &[u8], sealer: &Sealer) -> Result<Meta, StateError> {
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }
    let what = format!("the index entry of workspace {workspace}");
    let version: Version =
        serde_json::from_slice(bytes).map_err(|e| StateError::Corrupt(format!("{what}: {e}")))?;
    if version.format_version > FORMAT_VERSION {
        return Err(StateError::TooNew { what, found: version.format_version, known: FORMAT_VERSION });
    }
    sealer.from_json(bytes).map_err(|e| describe(e, &what))
}

fn describe(error: StateError, what: &str) -> StateError {
    match error {
        StateError::Corrupt(why) => StateError::Corrupt(format!("{what}: {why}")),
        other => other,
    }
}

fn checksum(key: &[u8], bytes: &[u8]) -> u64 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(bytes);
    u64::from(hasher.finalize())
}

fn meta_key(workspace: &WorkspaceName) -> Vec<u8> {
    [workspace.as_str().as_bytes(), &[0]].concat()
}

fn record_key(workspace: &WorkspaceName, key: &RecordKey) -> Vec<u8> {
    let mut bytes = meta_key(workspace);
    bytes.extend(key.address.to_string().into_bytes());
    if let Some(deposed) = &key.deposed {
        bytes.push(0);
        bytes.extend(deposed.as_bytes());
    }
    bytes
}
