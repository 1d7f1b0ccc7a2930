//! An append-only file of checksummed entries, and the table that they add up
//! to, shared by any number of processes.
//!
//! Guarantees: an append is one write under an exclusive file lock, so readers
//! see whole entries only; a write cut short by a crash counts as not done and
//! is cleared away by the next one; a process reads only what is new to it;
//! a file that is mostly out of date is rewritten by the first process to
//! write to it, through a rename, so that a crash loses nothing.
//! Must not: keep files open (a fleet has more of them than a process may
//! hold), or know what entries mean.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use uuid::Uuid;

use super::CloudError;

/// First words of the file; the number is the version of the format.
const MAGIC: &str = "tenantctl-simulated 1 ";
/// Bytes of the first line: the magic, 32 hex digits and the line's end.
const HEADER: usize = MAGIC.len() + 33;
/// Files with fewer entries are never rewritten.
const COMPACT_FROM: usize = 64;

/// What the entries of a log add up to.
pub(super) trait Table {
    /// One change.
    type Entry;
    /// The change as bytes.
    fn encode(&self, entry: &Self::Entry) -> Result<Vec<u8>, CloudError>;
    /// The change that bytes stand for.
    fn decode(&self, bytes: &[u8]) -> Result<Self::Entry, CloudError>;
    /// Takes a change in.
    fn apply(&mut self, entry: Self::Entry);
    /// How many entries would make the table.
    fn live(&self) -> usize;
    /// The entries that make the table.
    fn entries(&self) -> Vec<Self::Entry>;
    /// Forgets everything.
    fn clear(&mut self);
}

/// A log and the table as far as it has been read.
pub(super) struct Log<T> {
    path: PathBuf,
    table: T,
    generation: Option<String>,
    offset: u64,
    lines: usize,
}

/// A log whose file is locked for writing, with the table up to date.
pub(super) struct Writer<'a, T> {
    log: &'a mut Log<T>,
    file: File,
}

impl<T: Table> Log<T> {
    /// A log that need not exist yet; nothing is read.
    pub(super) fn new(path: PathBuf, table: T) -> Self {
        Log { path, table, generation: None, offset: 0, lines: 0 }
    }

    /// The table as it stands now.
    pub(super) fn read(&mut self) -> Result<&T, CloudError> {
        let opened = open_locked(&self.path, false)?;
        match opened {
            Some(mut file) => self.catch_up(&mut file)?,
            None => self.restart(None),
        }
        Ok(&self.table)
    }

    /// The table as it stands now, and nobody else changes it meanwhile.
    pub(super) fn write(&mut self) -> Result<Writer<'_, T>, CloudError> {
        let first = self.generation.is_none();
        let mut file = self.open_for_writing()?;
        if first && self.lines > COMPACT_FROM && self.lines > 2 * self.table.live() {
            self.compact()?;
            file = self.open_for_writing()?;
        }
        Ok(Writer { log: self, file })
    }

    fn open_for_writing(&mut self) -> Result<File, CloudError> {
        let Some(mut file) = open_locked(&self.path, true)? else {
            return Err(io::Error::from(io::ErrorKind::NotFound).into());
        };
        self.catch_up(&mut file)?;
        if self.generation.is_none() {
            let generation = Uuid::new_v4().simple().to_string();
            file.set_len(0)?;
            append(&mut file, 0, header(&generation).as_bytes())?;
            self.restart(Some(generation));
        } else if file.metadata()?.len() > self.offset {
            file.set_len(self.offset)?;
        }
        Ok(file)
    }

    fn restart(&mut self, generation: Option<String>) {
        self.table.clear();
        self.offset = if generation.is_some() { HEADER as u64 } else { 0 };
        self.generation = generation;
        self.lines = 0;
    }

    /// Takes in what was appended since the last time.
    fn catch_up(&mut self, file: &mut File) -> Result<(), CloudError> {
        if self.generation.is_some() && generation(&read(file, 0, HEADER as u64)?)? == self.generation {
            let length = file.metadata()?.len();
            let new = read(file, self.offset, length.saturating_sub(self.offset))?;
            return self.replay(&new);
        }
        // Most are read once: header and entries together.
        let text = read(file, 0, file.metadata()?.len())?;
        self.restart(generation(&text)?);
        text.get(HEADER..).map_or(Ok(()), |entries| self.replay(entries))
    }

    fn replay(&mut self, text: &[u8]) -> Result<(), CloudError> {
        let mut rest = text;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            let Some(bytes) = decode_line(line) else {
                // Only a last line can have been cut short.
                return if after.is_empty() { Ok(()) } else { Err(CloudError::Damaged) };
            };
            let entry = self.table.decode(&bytes)?;
            self.table.apply(entry);
            self.lines += 1;
            self.offset += end as u64 + 1;
            rest = after;
        }
        Ok(())
    }

    /// Rewrites the file; the caller holds its lock.
    fn compact(&mut self) -> Result<(), CloudError> {
        let mut text = header(&Uuid::new_v4().simple().to_string());
        for entry in self.table.entries() {
            text.push_str(&encode_line(&self.table.encode(&entry)?));
        }
        let beside = self.path.with_extension("new");
        std::fs::write(&beside, text)?;
        std::fs::rename(&beside, &self.path)?;
        Ok(())
    }
}

impl<T: Table> Writer<'_, T> {
    /// The table as it stands.
    pub(super) fn table(&self) -> &T {
        &self.log.table
    }

    /// Makes one change, on disk first.
    pub(super) fn append(&mut self, entry: T::Entry) -> Result<(), CloudError> {
        let line = encode_line(&self.log.table.encode(&entry)?);
        append(&mut self.file, self.log.offset, line.as_bytes())?;
        self.log.offset += line.len() as u64;
        self.log.lines += 1;
        self.log.table.apply(entry);
        Ok(())
    }
}

fn append(file: &mut File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

fn header(generation: &str) -> String {
    format!("{MAGIC}{generation}\n")
}

/// The file, locked, and surely the one that the path leads to. A missing
/// file is made when it is to be written, else `None`.
fn open_locked(path: &Path, write: bool) -> Result<Option<File>, CloudError> {
    loop {
        let opened = OpenOptions::new().read(true).write(write).create(write).truncate(false).open(path);
        let file = match opened {
            Err(e) if e.kind() == io::ErrorKind::NotFound && !write => return Ok(None),
            Err(e) if e.kind() == io::ErrorKind::NotFound && make_folder(path)? => continue,
            other => other?,
        };
        if write {
            file.lock()?;
        } else {
            file.lock_shared()?;
        }
        if is_at(&file, path)? {
            return Ok(Some(file));
        }
    }
}

/// Makes the folder of a file; whether there was none.
fn make_folder(file: &Path) -> io::Result<bool> {
    match file.parent().filter(|folder| !folder.exists()) {
        Some(folder) => std::fs::create_dir_all(folder).map(|()| true),
        None => Ok(false),
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (open, now) = (file.metadata()?, std::fs::metadata(path)?);
    Ok((open.dev(), open.ino()) == (now.dev(), now.ino()))
}

/// Elsewhere an open file cannot be renamed over.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// So many bytes from an offset on, or those that there are.
fn read(file: &mut File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.seek(SeekFrom::Start(offset))?;
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What tells a file from its earlier versions; `None` for one whose very
/// first write was cut short.
fn generation(text: &[u8]) -> Result<Option<String>, CloudError> {
    let Some(header) = text.get(..HEADER) else { return Ok(None) };
    let header = std::str::from_utf8(header).map_err(|_| CloudError::Damaged)?;
    let generation = header.strip_prefix(MAGIC).ok_or(CloudError::Version)?;
    Ok(Some(generation.trim_end().to_owned()))
}

fn encode_line(bytes: &[u8]) -> String {
    let sum = crc32fast::hash(bytes);
    let mut line = format!("{sum:08x} ");
    BASE64.encode_string(bytes, &mut line);
    line.push('\n');
    line
}

fn decode_line(line: &[u8]) -> Option<Vec<u8>> {
    let (sum, text) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let bytes = BASE64.decode(text).ok()?;
    let sum = u32::from_str_radix(sum, 16).ok()?;
    (crc32fast::hash(&bytes) == sum).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Names come with `+` and go with `-`.
    #[derive(Default)]
    struct Names(BTreeSet<String>);

    impl Table for Names {
        type Entry = String;

        fn encode(&self, entry: &String) -> Result<Vec<u8>, CloudError> {
            Ok(entry.clone().into_bytes())
        }

        fn decode(&self, bytes: &[u8]) -> Result<String, CloudError> {
            String::from_utf8(bytes.to_vec()).map_err(|_| CloudError::Damaged)
        }

        fn apply(&mut self, entry: String) {
            match entry.split_at(1) {
                ("+", name) => self.0.insert(name.into()),
                (_, name) => self.0.remove(name),
            };
        }

        fn live(&self) -> usize {
            self.0.len()
        }

        fn entries(&self) -> Vec<String> {
            self.0.iter().map(|name| format!("+{name}")).collect()
        }

        fn clear(&mut self) {
            self.0.clear();
        }
    }

    fn log(dir: &tempfile::TempDir) -> Log<Names> {
        Log::new(dir.path().join("a.log"), Names::default())
    }

    fn add(log: &mut Log<Names>, entry: &str) {
        log.write().expect("locks").append(entry.into()).expect("appends");
    }

    fn names(log: &mut Log<Names>) -> Vec<String> {
        log.read().expect("reads").0.iter().cloned().collect()
    }

    #[test]
    fn two_readers_see_each_others_entries() {
        let dir = tempfile::tempdir().expect("dir");
        let (mut a, mut b) = (log(&dir), log(&dir));
        assert!(names(&mut b).is_empty());
        add(&mut a, "+one");
        add(&mut b, "+two");
        add(&mut a, "-one");
        assert_eq!(names(&mut a), ["two"]);
        assert_eq!(names(&mut b), ["two"]);
    }

    #[test]
    fn an_entry_cut_short_was_never_made() {
        let dir = tempfile::tempdir().expect("dir");
        add(&mut log(&dir), "+one");
        let path = dir.path().join("a.log");
        for torn in ["0", "00000000 abc", "00000000 abcd\n"] {
            let mut file = OpenOptions::new().append(true).open(&path).expect("opens");
            file.write_all(torn.as_bytes()).expect("writes");
            assert_eq!(names(&mut log(&dir)), ["one"], "{torn:?}");
            add(&mut log(&dir), "+one");
            assert_eq!(names(&mut log(&dir)), ["one"], "{torn:?}");
        }
    }

    #[test]
    fn damage_and_other_versions_are_told() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("a.log");
        let mut first = log(&dir);
        add(&mut first, "+one");
        add(&mut first, "+two");
        let text = std::fs::read_to_string(&path).expect("reads");
        let flipped = text.replacen('\n', "\nx", 1);
        std::fs::write(&path, flipped).expect("writes");
        assert!(matches!(log(&dir).read(), Err(CloudError::Damaged)));
        std::fs::write(&path, text.replace("simulated 1", "simulated 9")).expect("writes");
        assert!(matches!(log(&dir).read(), Err(CloudError::Version)));
    }

    #[test]
    fn compaction_keeps_the_table_and_others_notice() {
        let dir = tempfile::tempdir().expect("dir");
        let mut old = log(&dir);
        for _ in 0..COMPACT_FROM {
            add(&mut old, "+one");
            add(&mut old, "+two");
        }
        let length = || std::fs::metadata(dir.path().join("a.log")).expect("there").len();
        let before = length();
        add(&mut log(&dir), "-two");
        assert!(length() < before / 10);
        assert_eq!(names(&mut old), ["one"]);
        add(&mut old, "+three");
        assert_eq!(names(&mut log(&dir)), ["one", "three"]);
    }
}
