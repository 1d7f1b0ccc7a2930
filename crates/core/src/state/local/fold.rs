//! Bringing the index up to the journals, and beginning journals anew.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::sync::{Arc, MutexGuard};

use super::super::failpoint;
use super::super::model::{Begin, Entry, FORMAT_VERSION, RecordChange, RecordKey, WorkspaceState};
use super::super::seal::Sealer;
use super::super::store::{StateError, WorkspaceLock};
use super::LocalStore;
use super::format::{self, Contents, Header, Mark};
use super::fs::{failed, sync_dir};
use super::index::{Changes, Index, Meta};
use super::journal::{JournalFile, Writer, locked};
use super::load::{contradiction, read_tail, replay};
use super::lock::remove;

/// A journal that has grown by less is not begun anew.
pub(super) const LEAST_GROWTH: u64 = 256 << 10;
/// What is written after that is left to the journal until there is more.
pub(super) const LEAST_UNFOLDED: u64 = 64 << 10;
/// Records in a line of a journal that is begun anew.
const RECORDS_A_LINE: usize = 200;

/// A journal on its way into the index. Nobody writes to it meanwhile.
struct Fold<'a> {
    file: &'a Arc<JournalFile>,
    writer: MutexGuard<'a, Writer>,
}

impl LocalStore {
    fn folds<'a>(&self, locks: &[&'a dyn WorkspaceLock]) -> Result<Vec<Fold<'a>>, StateError> {
        let mut files = BTreeMap::new();
        for lock in locks {
            files.insert(lock.workspace(), &self.own(*lock)?.journal);
        }
        Ok(files.into_values().map(|file| Fold { file, writer: file.hold() }).collect())
    }

    pub(super) fn fold_all(&self, locks: &[&dyn WorkspaceLock]) -> Result<(), StateError> {
        let mut folds = self.folds(locks)?;
        folds.retain(|fold| {
            let name = fold.file.workspace();
            let folded = locked(&self.seen).get(name).map(|seen| seen.folded);
            let len = fs::metadata(fold.file.path()).map_or(0, |file| file.len());
            locked(&self.unindexed).contains(name)
                || folded.is_none_or(|mark| self.is_worth_folding(len, mark))
        });
        if folds.is_empty() {
            return Ok(());
        }
        // One broken workspace does not keep the others from being folded.
        let done = self.with_index(true, |index| {
            let Some(index) = index else { return Ok(Vec::new()) };
            failpoint::hit("index.apply.before");
            let done: Vec<_> = folds.iter().map(|fold| self.fold_one(index, fold.file)).collect();
            failpoint::hit("index.apply.after");
            index.make_durable()?;
            failpoint::hit("index.sync.after");
            Ok(done)
        })?;
        let mut broken = None;
        let mut grown = Vec::new();
        for (fold, done) in folds.into_iter().zip(done) {
            match done {
                Ok((mark, has_grown)) => {
                    let name = fold.file.workspace();
                    locked(&self.unindexed).remove(name);
                    if let Some(seen) = locked(&self.seen).get_mut(name) {
                        seen.folded = mark;
                    }
                    grown.extend(has_grown.then_some(fold));
                }
                Err(error) => broken = broken.or(Some(error)),
            }
        }
        self.begin_anew(grown, true)?;
        broken.map_or(Ok(()), Err)
    }

    /// Whether a journal of that length has so much that the index has not
    /// that reading it costs more than bringing the index up to it.
    pub(super) fn is_worth_folding(&self, len: u64, folded: Mark) -> bool {
        len.saturating_sub(folded.end) > self.least_unfolded.max(folded.base / 8)
    }

    /// Takes one journal in: up to where it is taken in then, and whether it
    /// has grown so that it is to be begun anew.
    fn fold_one(&self, index: &Index<'_>, file: &JournalFile) -> Result<(Mark, bool), StateError> {
        let (name, path) = (file.workspace(), file.path());
        let open = match File::open(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok((Mark::default(), false)),
            opened => opened.map_err(failed("open", path))?,
        };
        let _guard = file.guard(&open)?;
        let is_unindexed = locked(&self.unindexed).contains(name);
        let meta = match index.meta(name, &self.sealer) {
            Ok(meta) => meta.filter(|_| !is_unindexed),
            Err(StateError::Corrupt(_)) => None,
            Err(other) => return Err(other),
        };
        let mark = meta.as_ref().and_then(|meta| meta.journal);
        let Some(tail) = read_tail(path, mark.as_ref())? else { return Ok((Mark::default(), false)) };
        let (start, before) = match (&meta, tail.is_behind_mark) {
            (Some(meta), true) => (mark.unwrap_or_default(), Some(meta.header(name))),
            _ => (Mark::default(), None),
        };
        let contents = format::parse(path, name, &tail.bytes, &self.sealer, start, before.as_ref())?;
        let is_old = !tail.is_behind_mark && !contents.is_whole();
        if contents.mark == start {
            return Ok((start, false));
        }
        let mark = contents.mark;
        let says = |why: String| contradiction(path, &why);
        if tail.is_behind_mark || is_old {
            let meta = meta.unwrap_or_default();
            let changes = net_changes(&meta, file, contents).map_err(says)?;
            index.apply(name, Some(meta), changes, &self.sealer)?;
        } else {
            let mut state = WorkspaceState::empty(name.clone());
            replay(&mut state, contents).map_err(says)?;
            index.remove(name)?;
            index.apply(name, None, whole(state, mark), &self.sealer)?;
        }
        Ok((mark, is_old || mark.end - mark.base > mark.base.max(LEAST_GROWTH)))
    }

    /// Begins journals anew with what their workspaces are now; the journals
    /// before are kept, if asked for.
    fn begin_anew(&self, mut folds: Vec<Fold<'_>>, keep: bool) -> Result<(), StateError> {
        if folds.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = folds.iter().map(|fold| fold.file.workspace().clone()).collect();
        let mut drafts = Vec::with_capacity(folds.len());
        for (fold, state) in folds.iter().zip(self.load_all(&names)?) {
            let state = state?;
            // What is pending goes to the journal as it is.
            let is_settled = self.seen(&state.name)?.serial == state.serial;
            drafts.push(is_settled.then(|| write_draft(fold.file.path(), state, &self.sealer)).transpose()?);
        }
        failpoint::hit("compact.draft.after");
        self.with_index(true, |index| {
            for (fold, mark) in folds.iter().zip(&drafts) {
                let Some(mark) = mark else { continue };
                put_in_place(fold.file, keep)?;
                failpoint::hit("compact.rename.after");
                if let Some(index) = index {
                    index.set_mark(fold.file.workspace(), *mark, &self.sealer)?;
                }
            }
            index.map_or(Ok(()), Index::make_durable)
        })?;
        for (fold, mark) in folds.iter_mut().zip(drafts) {
            fold.writer.reopen();
            if let (Some(mark), Some(seen)) = (mark, locked(&self.seen).get_mut(fold.file.workspace())) {
                (seen.sound, seen.torn, seen.folded) = (mark.end, 0, mark);
            }
        }
        Ok(())
    }

    pub(super) fn reseal_all(&self, locks: &[&dyn WorkspaceLock]) -> Result<(), StateError> {
        if locks.is_empty() {
            return self.index.discard();
        }
        self.fold_all(locks)?;
        self.begin_anew(self.folds(locks)?, false)
    }
}

/// The old journal's name goes to the new one; there is one at any instant.
fn put_in_place(file: &JournalFile, keep: bool) -> Result<(), StateError> {
    let path = file.path();
    let (draft, old) = (path.with_extension("new"), path.with_extension("old"));
    if !draft.exists() {
        // It is in place already, and the index was found damaged after that.
        return Ok(());
    }
    let open = File::open(path).map_err(failed("open", path))?;
    let _guard = file.guard(&open)?;
    remove(&old)?;
    if keep && fs::hard_link(path, &old).is_err() {
        fs::copy(path, &old).map_err(failed("keep a copy of", path))?;
    }
    fs::rename(&draft, path).map_err(failed("replace", path))?;
    sync_dir(path.parent().unwrap_or(path))
}

/// Writes a journal that begins with this state; durable, but not in place.
fn write_draft(path: &Path, state: WorkspaceState, sealer: &Sealer) -> Result<Mark, StateError> {
    let draft = path.with_extension("new");
    let mut file = File::create(&draft).map_err(failed("create", &draft))?;
    let mut header = Some(Header {
        format_version: FORMAT_VERSION,
        workspace: state.name,
        lineage: state.lineage,
        serial: state.serial,
        base_serial: state.serial,
        whole: true,
        run: None,
    });
    let mut mark = Mark::default();
    let mut write = |entries: &[String]| -> Result<(), StateError> {
        let line = format::line(header.take().as_ref(), entries)?;
        file.write_all(line.as_bytes()).map_err(failed("write", &draft))?;
        mark = format::mark_of(&line, mark);
        Ok(())
    };
    let mut first = vec![sealer.to_json(&Entry::Outputs(state.outputs))?];
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
    file.sync_all().map_err(failed("make durable", &draft))?;
    mark.base = mark.end;
    Ok(mark)
}

/// All that a workspace is, for an index that has nothing of it.
fn whole(state: WorkspaceState, mark: Mark) -> Changes {
    Changes {
        lineage: state.lineage,
        serial: state.serial,
        open: state.open,
        journal: mark,
        records: state.resources.into_iter().map(|(key, record)| (key, Some(record))).collect(),
        outputs: Some(state.outputs),
    }
}

/// What is left of entries when only the last word on each record counts.
fn net_changes(meta: &Meta, file: &JournalFile, contents: Contents) -> Result<Changes, String> {
    let mut state = WorkspaceState::empty(file.workspace().clone());
    state.open.clone_from(&meta.open);
    let mut changes = Changes {
        lineage: meta.lineage.clone(),
        serial: meta.serial,
        journal: contents.mark,
        ..Changes::default()
    };
    let mut touched: Vec<RecordKey> = Vec::new();
    let mut outputs_set = false;
    for run in contents.runs {
        (changes.lineage, changes.serial) = (run.header.lineage, run.header.serial);
        for entry in run.entries {
            match &entry {
                Entry::End { changes, .. } | Entry::Records(changes) => {
                    touched.extend(changes.iter().map(|change| match change {
                        RecordChange::Put(record) => record.key.clone(),
                        RecordChange::Remove(key) => key.clone(),
                    }));
                }
                Entry::Outputs(_) => outputs_set = true,
                Entry::Begin(_) => {}
            }
            state.replay(entry)?;
        }
    }
    for key in touched {
        if let Some(record) = state.resources.remove(&key) {
            changes.records.insert(key, Some(record));
        } else {
            changes.records.entry(key).or_insert(None);
        }
    }
    changes.outputs = outputs_set.then_some(state.outputs);
    changes.open = std::mem::take::<Vec<Begin>>(&mut state.open);
    Ok(changes)
}
