//! The file that records who did what: a JSON object a line, only ever added to.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::super::audit::AuditEntry;
use super::super::failpoint;
use super::super::model::FORMAT_VERSION;
use super::super::store::StateError;
use super::fs::{failed, open_or_create, read as read_file};

/// Adds lines, whole ones after a torn one.
pub(super) fn append(path: &Path, entries: &[AuditEntry], durable: bool) -> Result<(), StateError> {
    let mut text = String::new();
    for entry in entries {
        let entry = AuditEntry { format_version: FORMAT_VERSION, ..entry.clone() };
        let json = serde_json::to_string(&entry);
        text.push_str(&json.map_err(|e| StateError::Refused(format!("audit entry: {e}")))?);
        text.push('\n');
    }
    let mut file = open_or_create(path)?;
    file.lock().map_err(failed("lock", path))?;
    let written = add(&mut file, text, durable);
    // Closing it lets go, too.
    let _ = file.unlock();
    failpoint::hit("audit.write.after");
    written.map_err(failed("write to", path))
}

fn add(file: &mut File, text: String, durable: bool) -> std::io::Result<()> {
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let text = if last == [b'\n'] { text } else { format!("\n{text}") };
    file.write_all(text.as_bytes())?;
    if durable { file.sync_data() } else { Ok(()) }
}

/// All lines that can be read; a torn one was never acknowledged.
pub(super) fn read(path: &Path) -> Result<Vec<AuditEntry>, StateError> {
    let bytes = read_file(path)?.unwrap_or_default();
    Ok(bytes.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}
