//! Provisioners: commands on this machine, for objects that were made or are
//! to be removed.
//!
//! Guarantees: what a command says is told line by line, but nothing of a
//! command that is given sensitive values; an abort ends it and what it
//! started; memory is bounded, whatever it says.

use std::io::Read as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::mpsc;

use super::call::aborted;
use super::step::{Run, StepResult};
use crate::diag::{Diagnostic, Severity};
use crate::event::{Event, Provisioning};
use crate::plan::{Change, PlannedCommand};
use crate::value::{Marks, Value};

/// A longer line is told in parts.
const LONGEST_LINE: usize = 16 * 1024;
/// So much of what a failed command said last is told again.
const TAIL: usize = 2 * 1024;
/// What a command left running may keep its output open; so long it is waited for.
const LINGER: Duration = Duration::from_millis(500);

/// What is run when a block does not say it.
const SHELL: [&str; 2] = if cfg!(windows) { ["cmd", "/C"] } else { ["/bin/sh", "-c"] };

impl Run<'_> {
    /// Runs the commands of a change, one after the other.
    ///
    /// # Errors
    /// The first that fails and may not.
    pub(super) async fn provision(&self, change: &Change, at_destroy: bool) -> StepResult<()> {
        for command in change.provisioners.iter().filter(|one| one.at_destroy == at_destroy) {
            let Err(mut error) = self.command(change, command).await else { continue };
            error.address = Some(format!("{}:{}", self.plan.workspace, change.key));
            error.span = Some(command.span);
            if !command.may_fail || self.cancel.is_aborting() {
                return Err(error);
            }
            error.severity = Severity::Warning;
            self.events.send(Event::Diagnostic(*error));
        }
        Ok(())
    }

    fn tell(&self, change: &Change, what: Provisioning) {
        let (workspace, key) = (self.plan.workspace.clone(), change.key.clone());
        self.events.send(Event::Provisioner { workspace, key, what });
    }

    async fn command(&self, change: &Change, planned: &PlannedCommand) -> StepResult<()> {
        let config = self.values.finish(&planned.config)?;
        let exec = LocalExec::of(&config)?;
        self.tell(change, Provisioning::Started);
        if !self.plan.simulate.is_empty() {
            self.tell(change, Provisioning::Output("Not run, since providers are simulated".into()));
            self.tell(change, Provisioning::Finished);
            return Ok(());
        }
        // A process counts like a call.
        let _slot = self.slots.acquire().await.ok();
        if !exec.is_quiet && !exec.is_secret {
            self.tell(change, Provisioning::Output(format!("Executing: {:?}", exec.words)));
        }
        if exec.is_secret {
            let line = "(output suppressed due to sensitive value in config)";
            self.tell(change, Provisioning::Output(line.into()));
        }
        let mut tail = String::new();
        let mut hear = |line: &str| {
            if !exec.is_secret {
                remember(&mut tail, line);
                self.tell(change, Provisioning::Output(line.to_owned()));
            }
        };
        let problem = match self.follow(&exec, &mut hear).await? {
            Ok(status) if status.success() => {
                self.tell(change, Provisioning::Finished);
                return Ok(());
            }
            Ok(status) => format!("ended with {status}"),
            Err(error) => format!("cannot be run: {error}"),
        };
        self.tell(change, Provisioning::Failed);
        let what = match exec.words.last() {
            Some(command) if !exec.is_secret => format!("The command {command:?}"),
            _ => "The command, which is given sensitive values,".into(),
        };
        let said = match tail.trim_end() {
            "" => String::new(),
            tail => format!(" It said:\n{tail}"),
        };
        let detail = format!("{what} {problem}.{said}");
        Err(Box::new(Diagnostic::error("local-exec provisioner error", detail)))
    }

    /// Runs a command and hears what it says.
    async fn follow(
        &self,
        exec: &LocalExec,
        hear: &mut (dyn FnMut(&str) + Send),
    ) -> StepResult<std::io::Result<ExitStatus>> {
        let (mut child, mut lines) = match exec.start() {
            Ok(started) => started,
            Err(error) => return Ok(Err(error)),
        };
        let status = loop {
            tokio::select! {
                biased;
                () = self.cancel.aborted() => {
                    end(&mut child);
                    _ = child.wait().await;
                    return Err(Box::new(Diagnostic::error("Aborted", aborted().detail)));
                }
                Some(line) = lines.recv() => hear(&line),
                status = child.wait() => break status,
            }
        };
        while let Ok(Some(line)) = tokio::time::timeout(LINGER, lines.recv()).await {
            hear(&line);
        }
        Ok(status)
    }
}

/// Ends a command and all that it started.
fn end(child: &mut tokio::process::Child) {
    #[cfg(unix)]
    if let Some(group) = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
        _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    _ = child.start_kill();
}

fn remember(tail: &mut String, line: &str) {
    tail.push_str(line);
    tail.push('\n');
    if tail.len() > 2 * TAIL {
        let cut = tail.ceil_char_boundary(tail.len() - TAIL);
        tail.drain(..cut);
    }
}

/// What a `local-exec` block says.
struct LocalExec {
    /// The program and its arguments, the command last.
    words: Vec<String>,
    directory: Option<String>,
    environment: Vec<(String, String)>,
    is_quiet: bool,
    /// Something sensitive is in it, so that nothing it says may be told.
    is_secret: bool,
}

impl LocalExec {
    fn of(config: &Value) -> StepResult<Self> {
        if !config.is_wholly_known() {
            let detail =
                "The arguments of the provisioner are not known, although all that they depend on is done.";
            return Err(Box::new(Diagnostic::error("Value not known at apply", detail)));
        }
        let text = |name: &str| config.get(name).and_then(|value| value.as_str().map(str::to_owned));
        let command = text("command").filter(|command| !command.is_empty());
        let Some(command) = command else {
            let detail = "The command of a local-exec provisioner must be text that is not empty.";
            return Err(Box::new(Diagnostic::error("Invalid command", detail)));
        };
        let words = |value: Value| -> Vec<String> {
            value
                .as_items()
                .unwrap_or_default()
                .iter()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect()
        };
        let mut words = config.get("interpreter").map(words).unwrap_or_default();
        if words.is_empty() {
            words = SHELL.map(str::to_owned).to_vec();
        }
        words.push(command);
        let environment = config.get("environment").map(|value| {
            let entries = value.as_entries().into_iter().flat_map(|entries| entries.iter());
            entries.filter_map(|(name, value)| Some((name.to_string(), value.as_str()?.to_owned()))).collect()
        });
        let marks = config.deep_marks();
        Ok(LocalExec {
            words,
            directory: text("working_dir").filter(|directory| !directory.is_empty()),
            environment: environment.unwrap_or_default(),
            is_quiet: config.get("quiet").and_then(|quiet| quiet.as_bool()) == Some(true),
            is_secret: marks.contains(Marks::SENSITIVE) || marks.contains(Marks::EPHEMERAL),
        })
    }

    /// The running command, and its lines: both of its outputs, in the order in
    /// which it writes them.
    fn start(&self) -> std::io::Result<(tokio::process::Child, mpsc::Receiver<String>)> {
        let (reader, writer) = std::io::pipe()?;
        let (program, arguments) = self.words.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).kill_on_drop(true);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        // A stop request from the keyboard is for this program, which lets the
        // command end.
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn()?;
        // The pipe ends when nobody can write to it any more.
        drop(command);
        let (lines, received) = mpsc::channel(64);
        // Not one of the runtime's threads, which would be waited for if the
        // command left something behind that keeps the pipe open.
        std::thread::Builder::new().spawn(move || read(reader, &lines))?;
        Ok((child, received))
    }
}

/// Reads lines until the pipe ends or nobody listens.
fn read(mut pipe: std::io::PipeReader, lines: &mpsc::Sender<String>) {
    let (mut buffer, mut line) = ([0; 4096], Vec::new());
    let send = |line: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(line).trim_end_matches('\r').to_owned();
        line.clear();
        lines.blocking_send(text).is_ok()
    };
    while let Ok(length @ 1..) = pipe.read(&mut buffer) {
        for &byte in &buffer[..length] {
            if (byte == b'\n' || line.len() >= LONGEST_LINE) && !send(&mut line) {
                return;
            }
            if byte != b'\n' {
                line.push(byte);
            }
        }
    }
    if !line.is_empty() {
        send(&mut line);
    }
}
