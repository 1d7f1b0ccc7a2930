//! The file that records who did what: a JSON object a line, only ever added to.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::super::audit::AuditEntry;
use super::super::failpoint;
use super::super::model::FORMAT_VERSION;
use super::super::store::StateError;
use super::fs::{append as add_to, failed, make_dir, open_to_append, read as read_file, sync_dir, sync_file};

/// Adds lines, whole ones after a torn one.
pub(super) fn append(path: &Path, entries: &[AuditEntry], durable: bool) -> Result<(), StateError> {
    let mut text = String::new();
    for entry in entries {
        let entry = AuditEntry { format_version: FORMAT_VERSION, ..entry.clone() };
        let json = serde_json::to_string(&entry);
        text.push_str(&json.map_err(|e| StateError::Refused(format!("audit entry: {e}")))?);
        text.push('\n');
    }
    if let Some(dir) = path.parent() {
        make_dir(dir)?;
    }
    let mut file = open_to_append(path)?;
    file.lock().map_err(failed("lock", path))?;
    let written = add(&mut file, path, &text, durable);
    // Closing it lets go, too.
    let _ = file.unlock();
    failpoint::hit("audit.write.after");
    written
}

fn add(file: &mut File, path: &Path, text: &str, durable: bool) -> Result<(), StateError> {
    let is_new = file.metadata().map_err(failed("look at", path))?.len() == 0;
    if !is_new && last_byte(file).map_err(failed("read", path))? != b'\n' {
        add_to(file, path, b"\n")?;
    }
    add_to(file, path, text.as_bytes())?;
    if durable {
        sync_file(file, path)?;
        sync_dir(path.parent().unwrap_or(path))?;
    }
    Ok(())
}

fn last_byte(file: &mut File) -> std::io::Result<u8> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last[0])
}

/// All lines that can be read; a torn one was never acknowledged.
pub(super) fn read(path: &Path) -> Result<Vec<AuditEntry>, StateError> {
    let bytes = read_file(path)?.unwrap_or_default();
    Ok(bytes.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}
