//! The cloud that simulated objects live in: a directory that many processes
//! share.
//!
//! `WORKSPACE.log` holds the objects of a workspace, `names/XX.log` who holds
//! which name, so that no two workspaces make the same object.
//!
//! Guarantees: a change costs one append to each of two files, whatever the
//! size of the cloud; what a call has done is seen by every process and
//! survives the death of this one (not the loss of power: nothing is synced);
//! objects on disk are sealed.
//! Must not: know resource types. Locks are held for one read or write of a
//! file, never across an await; a names lock is taken before a workspace's.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tenantctl_core::provider::Value;
use uuid::Uuid;

use super::log::Log;
use super::script::{Faults, Script};
use super::tables::{History, Names, ObjectEntry, Objects, Record};

/// How many workspaces are kept in memory.
const CACHED: usize = 512;
/// How many files the names are spread over.
const SHARDS: usize = 256;

/// Keeps what is written to disk from those who have no key.
pub trait Sealer: Send + Sync {
    /// The bytes, unreadable.
    ///
    /// # Errors
    /// When they cannot be sealed; the text tells no content.
    fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, String>;

    /// What [`Sealer::seal`] was given.
    ///
    /// # Errors
    /// When they were sealed with another key or are damaged.
    fn unseal(&self, sealed: &[u8]) -> Result<Vec<u8>, String>;
}

/// Why the cloud's files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// Reading or writing failed; nothing was done.
    #[error("the files of the simulated cloud cannot be used: {0}")]
    Io(#[from] io::Error),
    /// The directory cannot be made.
    #[error("the simulated cloud cannot be kept in {}: {source}", .dir.display())]
    Directory {
        /// Which.
        dir: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An entry does not have its checksum.
    #[error("the files of the simulated cloud are damaged")]
    Damaged,
    /// Another version of the format.
    #[error("the simulated cloud was written by another version of this program")]
    Version,
    /// The key is another one.
    #[error("the simulated cloud cannot be unsealed: {0}")]
    Sealer(String),
    /// A value that must not be stored.
    #[error("an object cannot be kept in the simulated cloud: {0}")]
    Unstorable(String),
}

type Shared<T> = Arc<Mutex<Log<T>>>;

/// Simulated objects, kept in a directory.
pub struct Cloud {
    dir: PathBuf,
    sealer: Arc<dyn Sealer>,
    faults: Faults,
    objects: Mutex<HashMap<String, Shared<Objects>>>,
    names: Vec<Mutex<Log<Names>>>,
}

/// One thing that was done to a workspace's objects.
#[derive(Clone, Debug)]
pub struct Change {
    /// What the cloud keeps the object by.
    pub key: Arc<str>,
    /// What it is from then on, without nulls, and the token of its creation;
    /// `None` when it was deleted.
    pub object: Option<(Arc<str>, Value)>,
}

/// What came of an attempt to put an object in.
pub(super) enum Created {
    /// It is there now.
    New,
    /// It was there, made by the same token.
    Same(Record, Arc<str>),
    /// Another object has its name.
    Taken,
}

/// Where an object is.
pub(super) struct Found {
    /// The workspace whose log has it.
    pub(super) owner: Arc<str>,
    /// The object.
    pub(super) record: Record,
}

impl Cloud {
    /// The cloud of a directory, which is made if need be.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn open(dir: &Path, sealer: Arc<dyn Sealer>) -> Result<Self, CloudError> {
        let refused = |source| CloudError::Directory { dir: dir.to_owned(), source };
        std::fs::create_dir_all(dir.join("names")).map_err(refused)?;
        Ok(Self::at(dir, sealer))
    }

    /// The cloud of a directory, which is made with the first object.
    pub fn at(dir: &Path, sealer: Arc<dyn Sealer>) -> Self {
        let names = dir.join("names");
        let shard = |i: usize| Mutex::new(Log::new(names.join(format!("{i:02x}.log")), Names::default()));
        Cloud {
            dir: dir.to_owned(),
            sealer,
            faults: Faults::default(),
            objects: Mutex::default(),
            names: (0..SHARDS).map(shard).collect(),
        }
    }

    /// The same cloud, with faults.
    #[must_use]
    pub fn with_script(mut self, script: Script) -> Self {
        self.faults = Faults::new(script);
        self
    }

    /// What was done to the objects of a workspace, oldest first, since its log
    /// was rewritten last; what an object is in the end stands in any case.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn history(&self, workspace: &str) -> Result<Vec<Change>, CloudError> {
        let mut log = Log::new(self.path(workspace), History::new(self.sealer.clone()));
        let changes = log.read()?.entries.iter().map(|entry| match entry {
            ObjectEntry::Put(key, record) => {
                Ok(Change { key: key.clone(), object: Some((record.token.clone(), record.value(None)?)) })
            }
            ObjectEntry::Delete(key) => Ok(Change { key: key.clone(), object: None }),
        });
        changes.collect()
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The objects of these keys, looked for in the workspace first.
    pub(super) fn get_many(
        &self,
        workspace: &str,
        keys: &[Option<String>],
    ) -> Result<Vec<Option<Record>>, CloudError> {
        let log = self.log(workspace);
        let mut found: Vec<Option<Record>> = {
            let mut log = lock(&log);
            let table = log.read()?;
            keys.iter().map(|key| table.get(key.as_deref()?).cloned()).collect()
        };
        for (slot, key) in found.iter_mut().zip(keys) {
            if slot.is_none()
                && let Some(key) = key
            {
                *slot = self.get_elsewhere(workspace, key)?.map(|found| found.record);
            }
        }
        Ok(found)
    }

    /// The object of a key, looked for in the workspace first.
    pub(super) fn get(&self, workspace: &str, key: &str) -> Result<Option<Found>, CloudError> {
        // Its own statement: the lock must be free again before names are asked.
        let own = lock(&self.log(workspace)).read()?.get(key).cloned();
        match own {
            Some(record) => Ok(Some(Found { owner: workspace.into(), record })),
            None => self.get_elsewhere(workspace, key),
        }
    }

    fn get_elsewhere(&self, workspace: &str, key: &str) -> Result<Option<Found>, CloudError> {
        let digest = digest(key);
        let Some(owner) = lock(self.shard(digest)).read()?.owner(digest) else { return Ok(None) };
        if &*owner == workspace {
            return Ok(None);
        }
        let record = lock(&self.log(&owner)).read()?.get(key).cloned();
        Ok(record.map(|record| Found { owner, record }))
    }

    /// The object that a token made in a workspace, and its key.
    pub(super) fn by_token(
        &self,
        workspace: &str,
        token: &str,
    ) -> Result<Option<(Arc<str>, Record)>, CloudError> {
        let log = self.log(workspace);
        let mut log = lock(&log);
        Ok(log.read()?.by_token(token).map(|(key, record)| (key.clone(), record.clone())))
    }

    /// Puts a new object in, once for each token and name.
    pub(super) fn create(&self, workspace: &str, key: &str, record: Record) -> Result<Created, CloudError> {
        let digest = digest(key);
        let mut shard = lock(self.shard(digest));
        let mut names = shard.write()?;
        let owner = names.table().owner(digest);
        if let Some(owner) = owner.as_deref().filter(|owner| *owner != workspace)
            && lock(&self.log(owner)).read()?.get(key).is_some()
        {
            return Ok(Created::Taken);
        }
        let log = self.log(workspace);
        let mut log = lock(&log);
        let mut objects = log.write()?;
        if let Some((key, same)) = objects.table().by_token(&record.token) {
            return Ok(Created::Same(same.clone(), key.clone()));
        }
        if objects.table().get(key).is_some() {
            return Ok(Created::Taken);
        }
        if owner.as_deref() != Some(workspace) {
            names.append((digest, Some(workspace.into())))?;
        }
        objects.append(ObjectEntry::Put(key.into(), record))?;
        Ok(Created::New)
    }

    /// Changes an object while nobody else does; `None` from or to `change`
    /// means that there is none. Gives what `change` gives.
    pub(super) fn alter<R>(
        &self,
        owner: &str,
        key: &str,
        change: impl FnOnce(&mut Option<Record>) -> R,
    ) -> Result<R, CloudError> {
        let log = self.log(owner);
        let mut guard = lock(&log);
        let mut objects = guard.write()?;
        let mut record = objects.table().get(key).cloned();
        let there = record.is_some();
        let result = change(&mut record);
        match record {
            Some(record) => objects.append(ObjectEntry::Put(key.into(), record))?,
            None if there => {
                objects.append(ObjectEntry::Delete(key.into()))?;
                drop(objects);
                drop(guard);
                self.release(owner, key)?;
            }
            None => {}
        }
        Ok(result)
    }

    /// Frees the name of an object that is gone.
    fn release(&self, owner: &str, key: &str) -> Result<(), CloudError> {
        let digest = digest(key);
        let mut shard = lock(self.shard(digest));
        let mut names = shard.write()?;
        if names.table().owner(digest).as_deref() == Some(owner)
            && lock(&self.log(owner)).read()?.get(key).is_none()
        {
            names.append((digest, None))?;
        }
        Ok(())
    }

    fn log(&self, workspace: &str) -> Shared<Objects> {
        let mut logs = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = logs.get(workspace) {
            return log.clone();
        }
        if logs.len() >= CACHED {
            logs.retain(|_, log| Arc::strong_count(log) > 1);
        }
        let log = Log::new(self.path(workspace), Objects::new(self.sealer.clone()));
        let log = Arc::new(Mutex::new(log));
        logs.insert(workspace.to_owned(), log.clone());
        log
    }

    fn path(&self, workspace: &str) -> PathBuf {
        self.dir.join(file_name(workspace))
    }

    fn shard(&self, digest: Uuid) -> &Mutex<Log<Names>> {
        &self.names[usize::from(digest.as_bytes()[0]) % SHARDS]
    }
}

fn lock<T>(log: &Mutex<Log<T>>) -> MutexGuard<'_, Log<T>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

fn digest(key: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes())
}

/// A file name that no other workspace has: `/` as `@`, all that is not safe
/// in file names as `%` and the bytes' hex digits.
fn file_name(workspace: &str) -> String {
    let mut name = String::with_capacity(workspace.len() + 4);
    for byte in workspace.bytes() {
        match byte {
            b'/' => name.push('@'),
            b'-' | b'_' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => name.push(byte.into()),
            other => name.push_str(&format!("%{other:02x}")),
        }
    }
    name + ".log"
}
