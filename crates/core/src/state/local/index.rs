//! The index: records of all workspaces of a state directory, in sled.
//!
//! Keys are `workspace\0address` and `workspace\0address\0deposed`, with
//! `workspace\0` for what is kept of the workspace itself.
//!
//! Guarantees: a write costs what changed, not what is there. What sled may
//! lose or mix up without noticing shows in the count and checksum that each
//! workspace keeps of its records.
//!
//! Must not: be open longer than [`IndexPlace::with`] has it.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sled::{Batch, Db, IVec};

use super::super::model::{FORMAT_VERSION, RecordKey, ResourceRecord, WorkspaceState};
use super::super::seal::Sealer;
use super::super::store::StateError;
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

    /// Writes the changed records. Goes in steps small enough for sled's log;
    /// each leaves count and checksum true, and only the last one raises the
    /// serial, so a crash in between leaves the journal to be taken in again.
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
