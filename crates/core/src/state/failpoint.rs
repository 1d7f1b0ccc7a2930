//! Places at which a test can have the process die, as by `kill -9` there.
//!
//! Every write of the store and both sides of every provider call have one.
//! Without the feature `failpoints` a place is nothing at all.
//!
//! Must not: read the environment; a caller arms it.

/// All places. The crash matrix fails when one of them is never passed.
pub const PLACES: [&str; 12] = [
    "journal.write.before",
    "journal.write.after",
    "journal.sync.after",
    "compact.draft.after",
    "compact.rename.after",
    "pending.write.before",
    "pending.write.after",
    "pending.part.after",
    "pending.remove.after",
    "audit.write.after",
    "call.before",
    "call.after",
];

#[cfg(feature = "failpoints")]
mod armed {
    use std::io::Write as _;
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static ARMED: OnceLock<Armed> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    /// What happens at places.
    #[derive(Clone, Debug)]
    pub enum Armed {
        /// The names of all that are passed are added to this file.
        Record(PathBuf),
        /// The process dies at the so-manieth that is passed, from 1.
        Die(u64),
    }

    /// Arms all places, once in a process.
    pub fn arm(armed: Armed) {
        // Whoever was first keeps it.
        let _ = ARMED.set(armed);
    }

    /// A place is passed.
    pub fn hit(place: &str) {
        match ARMED.get() {
            None => {}
            Some(Armed::Record(path)) => {
                let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
                // A record that is missing fails the test.
                let _ = file.and_then(|mut file| file.write_all(format!("{place}\n").as_bytes()));
            }
            // No destructor runs and nothing is written out.
            Some(Armed::Die(at)) if PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *at => {
                std::process::abort();
            }
            Some(Armed::Die(_)) => {}
        }
    }
}

#[cfg(feature = "failpoints")]
pub use armed::{Armed, arm, hit};

/// A place is passed.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn hit(_place: &str) {}
