//! Where the index is, and opening it for a short while.
//!
//! sled admits one process and waits for none, so whoever comes while it is
//! open tries again for a while, and nobody has it open across a provider
//! call. sled's `flush` does not reach the disk, so its files are synced here.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use sled::{Db, Mode};

use super::super::store::StateError;
use super::fs::{failed, open_or_create, sync, sync_dir};
use super::index::Index;
use super::journal::locked;

/// sled pads the end of a segment at each opening, so small ones write less;
/// records that do not fit go to files of their own.
const SEGMENT_BYTES: usize = 256 << 10;
const CACHE_BYTES: u64 = 64 << 20;
const WAIT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Where the index is.
pub(super) struct IndexPlace {
    dir: PathBuf,
    wait: Duration,
    /// Callers in this process queue here rather than poll.
    turn: Mutex<()>,
}

impl IndexPlace {
    pub(super) fn new(dir: PathBuf) -> Self {
        IndexPlace { dir, wait: WAIT, turn: Mutex::new(()) }
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
        self.opened(deadline, f)
    }

    /// Puts a damaged index out of the way, for one to be made anew from the
    /// journals; gives where it is now. It is looked at once more first:
    /// another process may have done so by now.
    pub(super) fn set_aside(&self) -> Result<Option<PathBuf>, StateError> {
        let _turn = locked(&self.turn);
        let deadline = Instant::now() + self.wait;
        let _admission = self.admission(deadline)?;
        let is_sound = |index: Option<&Index<'_>>| index.map_or(Ok(()), Index::read_through);
        match self.opened(deadline, is_sound) {
            Err(StateError::Corrupt(_)) => {}
            other => return other.map(|()| None),
        }
        let aside = (1..).map(|n| self.dir.with_extension(format!("damaged-{n}"))).find(|p| !p.exists());
        let Some(aside) = aside else { return Ok(None) };
        fs::rename(&self.dir, &aside).map_err(failed("put aside", &self.dir))?;
        sync_dir(self.dir.parent().unwrap_or(&self.dir))?;
        Ok(Some(aside))
    }

    /// Removes the index; the journals have all that was in it.
    pub(super) fn discard(&self) -> Result<(), StateError> {
        let _turn = locked(&self.turn);
        let _admission = self.admission(Instant::now() + self.wait)?;
        match fs::remove_dir_all(&self.dir) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(failed("remove", &self.dir)(e)),
            _ => Ok(()),
        }
    }

    fn opened<T>(
        &self,
        deadline: Instant,
        f: impl FnOnce(Option<&Index<'_>>) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        // sled panics on some kinds of damage.
        let done = catch_unwind(AssertUnwindSafe(|| {
            let synced = self.blobs()?.into_iter().collect();
            let index = Index::new(self.open(deadline)?, self, synced);
            // Whoever writes makes it durable. What sled tidies up while
            // reading may get lost.
            f(Some(&index))
        }));
        done.unwrap_or_else(|_| Err(self.corrupt("reading it failed unexpectedly")))
    }

    /// A lock of our own: sled writes to its directory before it takes its own.
    fn admission(&self, deadline: Instant) -> Result<File, StateError> {
        // Beside the directory, which may be replaced.
        let path = self.dir.with_extension("lock");
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
            .segment_size(SEGMENT_BYTES)
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

    /// Returns when all that was written survives a crash of the machine.
    pub(super) fn make_durable(&self, db: &Db, synced: &HashSet<PathBuf>) -> Result<(), StateError> {
        db.flush().map_err(|e| self.error(e))?;
        let blobs: Vec<_> = self.blobs()?.into_iter().filter(|f| !synced.contains(f)).collect();
        for file in &blobs {
            sync_if_there(file)?;
        }
        if !blobs.is_empty() {
            sync_dir(&self.dir.join("blobs"))?;
        }
        for file in files(&self.dir)? {
            sync_if_there(&file)?;
        }
        sync_dir(&self.dir)?;
        // The index itself may be new.
        sync_dir(self.dir.parent().unwrap_or(&self.dir))
    }

    fn blobs(&self) -> Result<Vec<PathBuf>, StateError> {
        files(&self.dir.join("blobs"))
    }

    pub(super) fn error(&self, error: sled::Error) -> StateError {
        match error {
            sled::Error::Io(source) => failed("use the state index", &self.dir)(source),
            other => self.corrupt(&other.to_string()),
        }
    }

    /// What is wrong with it. Nothing is lost: the journals have it all.
    pub(super) fn corrupt(&self, why: &str) -> StateError {
        StateError::Corrupt(format!("the state index {} is damaged: {why}", self.dir.display()))
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

/// sled removes files that it no longer needs.
fn sync_if_there(file: &Path) -> Result<(), StateError> {
    match sync(file) {
        Err(StateError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The files in a directory; none when it is not there yet.
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
    match list() {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.map_err(failed("list", dir)),
    }
}
