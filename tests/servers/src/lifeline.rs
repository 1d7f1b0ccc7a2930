//! Ends every server when the test process ends, however it ends.
//!
//! Statics are not dropped, `abort` and SIGKILL run no code at all, and the
//! kernel's parent-death signal follows the thread that forked, not the process.
//! What always happens is that the kernel closes a dead process's files. So two
//! small shells read a pipe whose only write end is held here:
//!
//! - the *anchor* leads the process group which every server joins before it
//!   executes, so no server is ever outside it, not even for an instant;
//! - the *reaper*, in a group of its own, kills that group at end of file and
//!   removes the folder of the stack.
//!
//! The write end is close-on-exec: children of the test, of whatever kind, do
//! not hold it, and may outlive the test process without keeping servers alive.
//!
//! Dropping a `Lifeline` takes the same path and waits for its end.

use std::io::{PipeReader, PipeWriter, pipe};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::error::{Context, Result};

/// Lives on for some seconds after end of file, so that the number of the
/// group cannot be given to anyone else before the reaper has used it.
const ANCHOR: &str = "while read -r _; do :; done; sleep 20";

/// A server that is just being killed may still create a file, so the folder
/// can need a second try.
const REAPER: &str = r#"trap '' HUP INT TERM
while read -r _; do :; done
kill -s KILL -- "-$1"
rm -rf -- "$2" || { sleep 1; rm -rf -- "$2"; }"#;

#[derive(Debug)]
pub(crate) struct Lifeline {
    write_end: Option<PipeWriter>,
    anchor: Child,
    reaper: Child,
}

impl Lifeline {
    /// Ties `folder` and every process that joins [`group`](Self::group) to the
    /// life of this process.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        let (read_end, write_end) = pipe().context("cannot make a pipe")?;
        let for_anchor = read_end.try_clone().context("cannot copy a pipe")?;
        let anchor = watcher(ANCHOR, for_anchor, &[])?;
        let group = anchor.id().to_string();
        let reaper = watcher(REAPER, read_end, &[group.as_ref(), folder.as_os_str()])?;
        Ok(Self { write_end: Some(write_end), anchor, reaper })
    }

    /// The process group to start servers in.
    pub(crate) fn group(&self) -> i32 {
        // Process ids are positive and fit pid_t; `Child` only types them wider.
        self.anchor.id().cast_signed()
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        drop(self.write_end.take());
        // A failed wait means that there is nothing left to wait for.
        let _ = self.reaper.wait();
        let _ = self.anchor.wait();
    }
}

/// Its output goes nowhere: whoever reads the output of the tests would
/// otherwise wait for these two as well.
fn watcher(script: &str, pipe: PipeReader, args: &[&std::ffi::OsStr]) -> Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", script, "tenantctl-test-servers"])
        .args(args)
        .current_dir("/")
        .process_group(0)
        .stdin(pipe)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start /bin/sh")
}
