//! Where modules come from: directories on disk, and git repositories that are
//! fetched once and pinned.
//!
//! `source` reads what a `source` argument says, `git` runs the program of that
//! name, `lock` keeps which commit each repository is pinned to, `store` puts
//! them together.
//!
//! Guarantees: a directory that is given out holds the pinned commit, whatever
//! became of the tag or branch since; a fetch that fails leaves nothing behind
//! that a later run would take for a module; nothing is fetched unless that was
//! asked for.
//! Must not: read modules, or ask a user.

mod git;
mod lock;
mod source;
mod store;

pub use lock::LOCK_FILE;
pub use store::{Fetch, Installed, Modules};
