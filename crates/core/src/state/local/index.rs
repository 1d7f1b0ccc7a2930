//! The index: records of all workspaces of a state directory, in sled.
//!
//! Keys are `workspace\0address` and `workspace\0address\0deposed`, with
//! `workspace\0` for what is kept of the workspace itself.
//!
//! Guarantees: a write costs what changed, not what is there. What sled may
//! lose or mix up without noticing shows in the count and checksum that each
//! workspace keeps of its records. It holds nothing that the journals do not
//! tell, and says by a [`Mark`] up to where it has taken them in.
//!
//! Must not: be open longer than [`IndexPlace::with`] has it.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sled::{Batch, Db, IVec};

use super::super::model::{Begin, FORMAT_VERSION, RecordKey, ResourceRecord, WorkspaceState};
use super::super::seal::Sealer;
use super::super::store::StateError;
use super::format::{Header, Mark};
use super::place::IndexPlace;
use crate::addr::WorkspaceName;
use crate::value::Value;

const RECORDS_PER_STEP: usize = 100;

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
    /// Calls begun and not ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) open: Vec<Begin>,
    /// Up to where the journal was taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) journal: Option<Mark>,
}

impl Meta {
    /// The run that the journal goes on from.
    pub(super) fn header(&self, workspace: &WorkspaceName) -> Header {
        Header {
            format_version: self.format_version,
            workspace: workspace.clone(),
            lineage: self.lineage.clone(),
            serial: self.serial,
            base_serial: self.serial,
            whole: false,
            run: None,
        }
    }
}

/// What a journal changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) lineage: String,
    pub(super) serial: u64,
    pub(super) open: Vec<Begin>,
    pub(super) journal: Mark,
    pub(super) records: BTreeMap<RecordKey, Option<ResourceRecord>>,
    pub(super) outputs: Option<BTreeMap<Arc<str>, Value>>,
}

/// One workspace's bytes, to be decoded when the index is closed again.
#[derive(Default)]
pub(super) struct Raw {
    meta: Option<IVec>,
    records: Vec<(IVec, IVec)>,
}

/// The open index.
pub(super) struct Index<'a> {
    db: Db,
    place: &'a IndexPlace,
    /// Large values' files that were there before; sled never rewrites them.
    synced: HashSet<PathBuf>,
}

impl<'a> Index<'a> {
    pub(super) fn new(db: Db, place: &'a IndexPlace, synced: HashSet<PathBuf>) -> Self {
        Index { db, place, synced }
    }

    /// Returns when all that was applied survives a crash of the machine.
    pub(super) fn make_durable(&self) -> Result<(), StateError> {
        self.place.make_durable(&self.db, &self.synced)
    }

    /// Reads all there is, to see whether it can be read.
    pub(super) fn read_through(&self) -> Result<(), StateError> {
        self.db.iter().try_for_each(|found| found.map(drop)).map_err(|e| self.place.error(e))
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

    /// Writes the changed records. Goes in steps small enough for sled's log;
    /// each leaves count and checksum true, and only the last one moves the
    /// mark, so a crash in between leaves the journal to be taken in again.
    pub(super) fn apply(
        &self,
        workspace: &WorkspaceName,
        meta: Option<Meta>,
        changes: Changes,
        sealer: &Sealer,
    ) -> Result<(), StateError> {
        let mut meta = meta.unwrap_or_default();
        meta.format_version = FORMAT_VERSION;
        meta.lineage = changes.lineage;
        let mut records = changes.records.into_iter().peekable();
        loop {
            let mut batch = Batch::default();
            for (key, record) in records.by_ref().take(RECORDS_PER_STEP) {
                self.change(&mut batch, &mut meta, record_key(workspace, &key), record, sealer)?;
            }
            let is_last = records.peek().is_none();
            if is_last {
                meta.serial = changes.serial;
                meta.open.clone_from(&changes.open);
                meta.journal = Some(changes.journal);
                if let Some(outputs) = &changes.outputs {
                    meta.outputs.clone_from(outputs);
                }
            }
            batch.insert(meta_key(workspace), sealer.to_json(&meta)?.into_bytes());
            self.db.apply_batch(batch).map_err(|e| self.place.error(e))?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Says where the journal is taken in to, when it was written anew.
    pub(super) fn set_mark(
        &self,
        workspace: &WorkspaceName,
        mark: Mark,
        sealer: &Sealer,
    ) -> Result<(), StateError> {
        let Some(mut meta) = self.meta(workspace, sealer)? else { return Ok(()) };
        meta.journal = Some(mark);
        let bytes = sealer.to_json(&meta)?.into_bytes();
        self.db.insert(meta_key(workspace), bytes).map_err(|e| self.place.error(e))?;
        Ok(())
    }

    /// Forgets a workspace, what is kept of it first.
    pub(super) fn remove(&self, workspace: &WorkspaceName) -> Result<(), StateError> {
        let prefix = meta_key(workspace);
        self.db.remove(&prefix).map_err(|e| self.place.error(e))?;
        loop {
            let keys = self.db.scan_prefix(&prefix).keys().take(RECORDS_PER_STEP);
            let keys = keys.collect::<Result<Vec<_>, _>>().map_err(|e| self.place.error(e))?;
            if keys.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::default();
            keys.into_iter().for_each(|key| batch.remove(key));
            self.db.apply_batch(batch).map_err(|e| self.place.error(e))?;
        }
    }

    fn change(
        &self,
        batch: &mut Batch,
        meta: &mut Meta,
        key: Vec<u8>,
        record: Option<ResourceRecord>,
        sealer: &Sealer,
    ) -> Result<(), StateError> {
        let old = self.db.get(&key).map_err(|e| self.place.error(e))?;
        if let Some(old) = &old {
            meta.records = meta.records.wrapping_sub(1);
            meta.checksum = meta.checksum.wrapping_sub(checksum(&key, old));
        }
        match record {
            Some(record) => {
                let bytes = sealer.to_json(&record)?.into_bytes();
                meta.records = meta.records.wrapping_add(1);
                meta.checksum = meta.checksum.wrapping_add(checksum(&key, &bytes));
                batch.insert(key, bytes);
            }
            None if old.is_some() => batch.remove(key),
            None => {}
        }
        Ok(())
    }
}

impl Raw {
    /// Up to where the index has the journal; `None` when it has nothing of
    /// the workspace, or does not say.
    pub(super) fn mark(&self) -> Option<Mark> {
        #[derive(Deserialize)]
        struct Marked {
            journal: Option<Mark>,
        }
        // What is damaged shows when the whole is decoded.
        serde_json::from_slice::<Marked>(self.meta.as_ref()?).ok()?.journal
    }

    /// The workspace up to the mark, and what is kept of it; `None` when the
    /// index has nothing.
    pub(super) fn decode(
        self,
        workspace: &WorkspaceName,
        sealer: &Sealer,
        place: &IndexPlace,
    ) -> Result<Option<(WorkspaceState, Meta)>, StateError> {
        let meta = match &self.meta {
            Some(bytes) => decode_meta(workspace, bytes, sealer)?,
            None if self.records.is_empty() => return Ok(None),
            None => Meta::default(),
        };
        let sum = self.records.iter().fold(0, |sum: u64, (k, v)| sum.wrapping_add(checksum(k, v)));
        if meta.records != self.records.len() as u64 || meta.checksum != sum {
            let (found, expected) = (self.records.len(), meta.records);
            return Err(place.corrupt(&format!(
                "workspace {workspace} has {found} records of which some differ from the {expected} written"
            )));
        }
        let mut state = WorkspaceState::empty(workspace.clone());
        for (_, bytes) in &self.records {
            let record: ResourceRecord =
                sealer.from_json(bytes).map_err(|e| describe(e, &format!("a record of {workspace}")))?;
            state.resources.insert(record.key.clone(), record);
        }
        (state.lineage, state.serial) = (meta.lineage.clone(), meta.serial);
        (state.outputs, state.open) = (meta.outputs.clone(), meta.open.clone());
        Ok(Some((state, meta)))
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
