//! The few file operations of the local store, with errors that name the path.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::super::store::StateError;

/// Turns a refusal of the file system into an error that says what for.
pub(super) fn failed(action: &str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
    move |source| StateError::Io { action: format!("cannot {action} {}", path.display()), source }
}

/// The whole file; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed("read", path)(e)),
    }
}

/// Opens for reading and writing, made if absent; its directory too.
pub(super) fn open_or_create(path: &Path) -> Result<File, StateError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    match options.open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let dir = path.parent().unwrap_or(path);
            fs::create_dir_all(dir).map_err(failed("create directory", dir))?;
            options.open(path).map_err(failed("open", path))
        }
        opened => opened.map_err(failed("open", path)),
    }
}

/// Makes names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), StateError> {
    sync(dir)
}

/// Makes what was written to a file durable, by whoever it was written.
pub(super) fn sync(path: &Path) -> Result<(), StateError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(failed("make durable", path))
}

/// Replaces a file as a whole: readers and crashes see the old or the new one.
pub(super) fn replace_durably(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let draft = path.with_extension("new");
    let written = File::create(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(failed("write", &draft))?;
    fs::rename(&draft, path).map_err(failed("replace", path))?;
    sync_dir(path.parent().unwrap_or(path))
}
