//! Beginning journals anew.
//!
//! A journal only grows, and a load reads all of it. When it has grown by more
//! than it began with, it is begun anew with the workspace as it stands; so
//! all rewriting together costs no more than what was written anyway, and a
//! load never reads more than twice what there is.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::super::failpoint;
use super::super::model::{Entry, FORMAT_VERSION, RecordChange, WorkspaceState};
use super::super::seal::Sealer;
use super::super::store::StateError;
use super::LocalStore;
use super::format::{self, Header};
use super::fs::{append, create, failed, keep, remove, rename, sync_dir, sync_file};
use super::journal::{JournalFile, locked};
use super::lock::LocalLock;

/// A journal that has grown by less is not begun anew.
pub(super) const LEAST_GROWTH: u64 = 256 << 10;
/// Records in a line of a journal that is begun anew.
const RECORDS_A_LINE: usize = 200;

impl LocalStore {
    /// Begins a journal anew if it has grown enough.
    pub(super) fn compact_one(&self, lock: &LocalLock) -> Result<(), StateError> {
        let file = &lock.journal;
        let base = self.seen(file.workspace())?.base;
        let len = std::fs::metadata(file.path()).map_or(0, |file| file.len());
        if len.saturating_sub(base) > base.max(LEAST_GROWTH) { self.begin_anew(file, true) } else { Ok(()) }
    }

    /// Writes a journal anew with what its workspace is now; the one before is
    /// kept for `state restore`, if asked for.
    pub(super) fn begin_anew(&self, file: &Arc<JournalFile>, keep_old: bool) -> Result<(), StateError> {
        let mut writer = file.hold();
        let path = file.path();
        let open = match File::open(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(failed("open", path))?,
        };
        let _guard = file.guard(&open)?;
        let (state, mut seen) = self.read_journal(file.workspace())?;
        if state.serial == 0 {
            return Ok(());
        }
        let len = write_draft(path, state, &self.sealer)?;
        failpoint::hit("compact.draft.after");
        let (draft, old) = (path.with_extension("new"), path.with_extension("old"));
        remove(&old)?;
        if keep_old {
            keep(path, &old)?;
        }
        // The old journal's name goes to the new one; there is one at any instant.
        rename(&draft, path)?;
        failpoint::hit("compact.rename.after");
        sync_dir(path.parent().unwrap_or(path))?;
        writer.reopen();
        (seen.sound, seen.base, seen.torn) = (len, len, 0);
        locked(&self.seen).insert(file.workspace().clone(), seen);
        Ok(())
    }
}

/// Writes a journal that begins with this state; durable, but not in place.
/// Gives its length.
fn write_draft(path: &Path, state: WorkspaceState, sealer: &Sealer) -> Result<u64, StateError> {
    let draft = path.with_extension("new");
    let file = create(&draft)?;
    let lines = 1 + state.resources.len().div_ceil(RECORDS_A_LINE);
    let mut header = Some(Header {
        format_version: FORMAT_VERSION,
        workspace: state.name,
        lineage: state.lineage,
        serial: state.serial,
        base_serial: state.serial,
        base_lines: lines as u64,
        run: None,
    });
    let mut len = 0;
    let mut write = |entries: &[String]| -> Result<(), StateError> {
        let line = format::line(header.take().as_ref(), entries)?;
        len += line.len() as u64;
        append(&file, &draft, line.as_bytes())
    };
    let mut first = vec![sealer.to_json(&Entry::Outputs(state.outputs))?];
    if !state.checks.is_empty() {
        first.push(sealer.to_json(&Entry::Checks(state.checks.into()))?);
    }
    for begin in state.open {
        first.push(sealer.to_json(&Entry::Begin(Box::new(begin)))?);
    }
    write(&first)?;
    let mut records =
        state.resources.into_values().map(|record| RecordChange::Put(Box::new(record))).peekable();
    while records.peek().is_some() {
        let chunk = Entry::Records(records.by_ref().take(RECORDS_A_LINE).collect());
        write(&[sealer.to_json(&chunk)?])?;
    }
    sync_file(&file, &draft)?;
    Ok(len)
}
