//! A store whose process dies: at one of the entries of its journals, just
//! before that is written or just after.
//!
//! Entries that nobody waits for die with it, unless one that somebody waits
//! for came after them. What is dead writes nothing any more and hears of nothing; whoever waits
//! for it is to be dropped.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::state::{
    AuditEntry, Commit, Entry, Journal, LocalStore, LockInfo, LockStatus, PastRun, StateError, StateStore,
    WorkspaceLock, WorkspaceState,
};
use tokio::sync::Notify;

/// Processes that have died so far.
pub(crate) static DEATHS: AtomicU32 = AtomicU32::new(0);

/// Which entry it dies at, counted over all journals from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crash {
    pub(crate) at: u8,
    /// The entry is still written.
    pub(crate) after: bool,
}

/// When a process dies, and that it has.
#[derive(Default)]
pub(crate) struct Life {
    left: AtomicI64,
    after: bool,
    death: Notify,
}

impl Life {
    pub(crate) fn until(crash: Crash) -> Arc<Self> {
        Arc::new(Life { left: AtomicI64::new(crash.at.into()), after: crash.after, death: Notify::new() })
    }

    /// Returns when the process has died.
    pub(crate) async fn ended(&self) {
        self.death.notified().await;
    }
}

/// A local store in a process that dies.
pub(crate) struct Mortal {
    pub(crate) store: LocalStore,
    pub(crate) life: Arc<Life>,
}

struct MortalJournal {
    journal: Box<dyn Journal>,
    life: Arc<Life>,
    /// Not durable yet: dies with the process.
    soon: Mutex<Vec<Entry>>,
}

impl MortalJournal {
    fn die(&self) {
        DEATHS.fetch_add(1, Ordering::Relaxed);
        self.life.death.notify_one();
    }

    fn write_soon(&self) -> Result<(), StateError> {
        let entries = std::mem::take(&mut *self.soon.lock().unwrap_or_else(PoisonError::into_inner));
        entries.into_iter().try_for_each(|entry| self.journal.append_soon(entry))
    }
}

#[async_trait]
impl Journal for MortalJournal {
    async fn append(&self, entry: Entry) -> Result<(), StateError> {
        let left = self.life.left.fetch_sub(1, Ordering::SeqCst);
        if left > 0 {
            self.write_soon()?;
            return self.journal.append(entry).await;
        }
        if left == 0 {
            if self.life.after {
                self.write_soon()?;
                self.journal.append(entry).await?;
            }
            self.die();
        }
        std::future::pending().await
    }

    fn append_soon(&self, entry: Entry) -> Result<(), StateError> {
        let left = self.life.left.fetch_sub(1, Ordering::SeqCst);
        if left > 0 {
            self.soon.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        } else if left == 0 {
            self.die();
        }
        Ok(())
    }

    async fn flush(&self) -> Result<(), StateError> {
        if self.life.left.load(Ordering::SeqCst) < 0 {
            return std::future::pending().await;
        }
        self.write_soon()?;
        self.journal.flush().await
    }
}

impl StateStore for Mortal {
    fn lock(&self, name: &WorkspaceName, info: &LockInfo) -> Result<Box<dyn WorkspaceLock>, StateError> {
        self.store.lock(name, info)
    }

    fn load(&self, names: &[WorkspaceName]) -> Result<Vec<Result<WorkspaceState, StateError>>, StateError> {
        self.store.load(names)
    }

    fn list(&self) -> Result<Vec<WorkspaceName>, StateError> {
        self.store.list()
    }

    fn journal(
        &self,
        lock: &dyn WorkspaceLock,
        state: &WorkspaceState,
    ) -> Result<Box<dyn Journal>, StateError> {
        let journal = self.store.journal(lock, state)?;
        Ok(Box::new(MortalJournal { journal, life: Arc::clone(&self.life), soon: Mutex::default() }))
    }

    fn compact(&self, lock: &dyn WorkspaceLock) -> Result<(), StateError> {
        self.store.compact(lock)
    }

    fn commit(&self, commits: &[Commit<'_>]) -> Result<(), StateError> {
        self.store.commit(commits)
    }

    fn history(&self, name: &WorkspaceName) -> Result<Vec<PastRun>, StateError> {
        self.store.history(name)
    }

    fn past(&self, name: &WorkspaceName, serial: u64) -> Result<WorkspaceState, StateError> {
        self.store.past(name, serial)
    }

    fn delete(&self, lock: &dyn WorkspaceLock) -> Result<(), StateError> {
        self.store.delete(lock)
    }

    fn locks(&self) -> Result<Vec<LockStatus>, StateError> {
        self.store.locks()
    }

    fn force_unlock(&self, name: &WorkspaceName) -> Result<Option<LockStatus>, StateError> {
        self.store.force_unlock(name)
    }

    fn check(&self, name: &WorkspaceName) -> Result<Vec<String>, StateError> {
        self.store.check(name)
    }

    fn reseal(&self, lock: &dyn WorkspaceLock) -> Result<(), StateError> {
        self.store.reseal(lock)
    }

    fn record(&self, audit: &[AuditEntry], durable: bool) -> Result<(), StateError> {
        self.store.record(audit, durable)
    }

    fn audit(&self) -> Result<Vec<AuditEntry>, StateError> {
        self.store.audit()
    }

    fn notices(&self) -> Vec<String> {
        self.store.notices()
    }
}
