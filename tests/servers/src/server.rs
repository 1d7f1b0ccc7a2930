//! One server process: start, wait until ready, signal, kill, start again.
//!
//! A server sees none of the environment of the tests and writes its output to
//! `NAME.log` in the folder of the stack. It always runs in the process group
//! of the stack's [`Lifeline`](crate::lifeline::Lifeline), which is what ends it
//! when this process does.

use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Context, Failure, Result};

/// Lines of log shown when a server fails.
const TAIL: usize = 30;
const POLL: Duration = Duration::from_millis(20);

#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    /// The whole environment, besides HOME.
    pub(crate) env: Vec<(&'static str, String)>,
    pub(crate) folder: PathBuf,
    pub(crate) group: i32,
}

#[derive(Debug)]
pub(crate) struct Server {
    launch: Launch,
    child: Child,
}

impl Server {
    pub(crate) fn start(launch: Launch) -> Result<Self> {
        let child = spawn(&launch)?;
        Ok(Self { launch, child })
    }

    /// Waits until `ready` says so. Failing that, the error has the end of the log.
    pub(crate) fn wait_until(&mut self, deadline: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < deadline {
            if let Some(status) = self.exited()? {
                return Err(self.ended(status));
            }
            if ready() {
                return Ok(());
            }
            sleep(POLL);
        }
        Err(Failure::new(format!(
            "{} is not ready after {deadline:?}; its log ends:\n{}",
            self.launch.name,
            self.log_tail()
        )))
    }

    /// Kills and starts again with the same arguments, hence the same port.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.kill();
        self.child = spawn(&self.launch)?;
        Ok(())
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(self.pid().cast_signed())
            .ok_or_else(|| Failure::new("a process without a number"))?;
        kill_process(pid, signal).context(format!("cannot signal {}", self.launch.name))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.launch.name
    }

    pub(crate) fn log_tail(&self) -> String {
        let log = fs::read(log_file(&self.launch)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }

    fn exited(&mut self) -> Result<Option<ExitStatus>> {
        let name = self.launch.name;
        self.child.try_wait().context(format!("cannot ask for the state of {name}"))
    }

    fn ended(&self, status: ExitStatus) -> Failure {
        let tail = self.log_tail();
        let text = format!("{} ended by itself ({status}); its log ends:\n{tail}", self.launch.name);
        if tail.contains("address already in use") { Failure::PortTaken(text) } else { Failure::Other(text) }
    }

    fn kill(&mut self) {
        // Both fail only when the process has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(launch: &Launch) -> Result<Child> {
    let log = log_file(launch);
    let open = || {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .context(format!("cannot open {}", log.display()))
    };
    Command::new(&launch.program)
        .args(&launch.args)
        .env_clear()
        .env("HOME", &launch.folder)
        .envs(launch.env.iter().map(|(name, value)| (*name, value)))
        .current_dir(&launch.folder)
        .process_group(launch.group)
        .stdin(Stdio::null())
        .stdout(open()?)
        .stderr(open()?)
        .spawn()
        .context(format!("cannot start {}", launch.program.display()))
}

fn log_file(launch: &Launch) -> PathBuf {
    log_path(&launch.folder, launch.name)
}

fn log_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.log"))
}
