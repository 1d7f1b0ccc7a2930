//! The file operations of the local store, with errors that name the path.
//!
//! All that changes a file or a directory goes through here, so that a test
//! can write down in which order it happened and what was made durable, and
//! act out a loss of power after any of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use super::super::store::StateError;

#[cfg(test)]
pub(super) use self::recorded::{Op, Recording, told};

/// What is done, for a test that listens; nothing at all elsewhere.
#[cfg(not(test))]
macro_rules! tell {
    ($($op:tt)*) => {};
}
#[cfg(test)]
macro_rules! tell {
    ($($op:tt)*) => {
        told(Op::$($op)*)
    };
}

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
    let opened = match options.open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            make_dir(path.parent().unwrap_or(path))?;
            options.open(path)
        }
        opened => opened,
    };
    tell!(Create(path.to_owned()));
    opened.map_err(failed("open", path))
}

/// Opens for adding at the end, made if absent.
pub(super) fn open_to_append(path: &Path) -> Result<File, StateError> {
    let opened = OpenOptions::new().read(true).append(true).create(true).open(path);
    tell!(Create(path.to_owned()));
    opened.map_err(failed("open for writing", path))
}

/// Makes a directory and those above it.
pub(super) fn make_dir(dir: &Path) -> Result<(), StateError> {
    fs::create_dir_all(dir).map_err(failed("create directory", dir))?;
    tell!(MakeDir(dir.to_owned()));
    Ok(())
}

/// Makes an empty file, or one empty.
pub(super) fn create(path: &Path) -> Result<File, StateError> {
    let file = File::create(path).map_err(failed("create", path))?;
    tell!(Truncate(path.to_owned(), 0));
    Ok(file)
}

/// Adds to the end of a file.
pub(super) fn append(mut file: &File, path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let written = file.write_all(bytes);
    tell!(Append(path.to_owned(), bytes.to_owned()));
    written.map_err(failed("write to", path))
}

/// The error of what could not be made durable.
fn unsynced(path: &Path) -> impl FnOnce(io::Error) -> StateError {
    move |source| match source.kind() {
        ErrorKind::InvalidInput | ErrorKind::Unsupported => {
            let why = "its file system does not do that; keep the state on another one, with -state-dir";
            StateError::Io { action: format!("cannot make durable {} ({why})", path.display()), source }
        }
        _ => failed("make durable", path)(source),
    }
}

/// Makes a file durable as it is.
pub(super) fn sync_file(file: &File, path: &Path) -> Result<(), StateError> {
    file.sync_data().map_err(unsynced(path))?;
    tell!(Sync(path.to_owned()));
    Ok(())
}

/// Cuts a file off.
pub(super) fn shorten(file: &File, path: &Path, len: u64) -> Result<(), StateError> {
    file.set_len(len).map_err(failed("shorten", path))?;
    tell!(Truncate(path.to_owned(), len));
    Ok(())
}

/// Makes names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), StateError> {
    File::open(dir).and_then(|file| file.sync_all()).map_err(unsynced(dir))?;
    tell!(SyncDir(dir.to_owned()));
    Ok(())
}

/// Gives a file the name of another, which is gone then.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StateError> {
    fs::rename(from, to).map_err(failed("replace", to))?;
    tell!(Rename(from.to_owned(), to.to_owned()));
    Ok(())
}

/// Keeps a file under another name, too.
pub(super) fn keep(path: &Path, copy: &Path) -> Result<(), StateError> {
    if fs::hard_link(path, copy).is_err() {
        fs::copy(path, copy).map_err(failed("keep a copy of", path))?;
    }
    tell!(Link(path.to_owned(), copy.to_owned()));
    Ok(())
}

/// Removes a file that may be gone.
pub(super) fn remove(path: &Path) -> Result<(), StateError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        removed => {
            tell!(Remove(path.to_owned()));
            removed.map_err(failed("remove", path))
        }
    }
}

/// Replaces a file as a whole: readers and crashes see the old or the new one.
pub(super) fn replace_durably(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let draft = path.with_extension("new");
    let file = create(&draft)?;
    append(&file, &draft, bytes)?;
    sync_file(&file, &draft)?;
    rename(&draft, path)?;
    sync_dir(path.parent().unwrap_or(path))
}

#[cfg(test)]
mod recorded {
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex, PoisonError};

    /// One thing done to the disk.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(in super::super) enum Op {
        Create(PathBuf),
        Truncate(PathBuf, u64),
        Append(PathBuf, Vec<u8>),
        Sync(PathBuf),
        SyncDir(PathBuf),
        MakeDir(PathBuf),
        Rename(PathBuf, PathBuf),
        Link(PathBuf, PathBuf),
        Remove(PathBuf),
    }

    impl Op {
        fn path(&self) -> &PathBuf {
            match self {
                Op::Create(path)
                | Op::Truncate(path, _)
                | Op::Append(path, _)
                | Op::Sync(path)
                | Op::SyncDir(path)
                | Op::MakeDir(path)
                | Op::Rename(path, _)
                | Op::Link(path, _)
                | Op::Remove(path) => path,
            }
        }
    }

    type Ops = Arc<Mutex<Vec<Op>>>;

    static RECORDINGS: Mutex<Vec<(PathBuf, Ops)>> = Mutex::new(Vec::new());

    /// All that is done at or below a directory, in order, from now on.
    pub(in super::super) struct Recording(Ops);

    impl Recording {
        pub(in super::super) fn of(root: PathBuf) -> Self {
            let ops = Ops::default();
            let mut all = RECORDINGS.lock().unwrap_or_else(PoisonError::into_inner);
            all.push((root, Arc::clone(&ops)));
            Recording(ops)
        }

        pub(in super::super) fn ops(&self) -> Vec<Op> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    pub(in super::super) fn told(op: Op) {
        let all = RECORDINGS.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, ops) in all.iter().filter(|(root, _)| op.path().starts_with(root)) {
            ops.lock().unwrap_or_else(PoisonError::into_inner).push(op.clone());
        }
    }
}
