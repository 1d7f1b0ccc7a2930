//! What can be written after `state`, `lock`, `workspace` and their kin.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::taken::{TakenByState, TakenValues};

/// How long to wait for a lock.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct LockArgs {
    /// Wait so long for a lock that somebody else holds: 30s, 5m
    #[arg(long, value_name = "DURATION", default_value = "0s", hide_default_value = true,
          value_parser = duration)]
    pub(crate) lock_timeout: Duration,
}

/// `state`.
#[derive(Debug, Args)]
pub(crate) struct StateCommand {
    #[command(subcommand)]
    pub(crate) what: StateWhat,
}

/// What of the state.
#[derive(Debug, Subcommand)]
pub(crate) enum StateWhat {
    /// List objects
    List(StateList),
    /// Show one object
    Show(StateShow),
    /// Give objects another address, in their workspace or another one
    Mv(StateMv),
    /// Forget objects, which stay as they are
    Rm(StateRm),
    /// Print the state in the format of Terraform's state files
    Pull(StatePull),
    /// Take a Terraform state file over
    Push(StatePush),
    /// Read all that is kept, and say what is broken
    Check(StateCheck),
    /// List the runs whose states are kept
    History(StateHistory),
    /// Take the state back to what it was after an earlier run
    Restore(StateRestore),
    /// Seal everything anew with the present key
    Reencrypt(StateReencrypt),
}

/// `state list`.
#[derive(Clone, Debug, Args)]
pub(crate) struct StateList {
    /// Only what is one of these, or inside one of them
    #[arg(value_name = "ADDRESS")]
    pub(crate) addresses: Vec<String>,
    /// Only objects whose attribute id is this
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Only this tenant; may be repeated
    #[arg(long = "tenant", value_name = "NAME")]
    pub(crate) tenants: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Write that into this file, too
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) json_into: Option<PathBuf>,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenValues,
}

/// `state show`.
#[derive(Clone, Debug, Args)]
pub(crate) struct StateShow {
    /// The object
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,
    /// Of this tenant
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Show sensitive values
    #[arg(long)]
    pub(crate) show_sensitive: bool,
    /// Write that into this file, too
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) json_into: Option<PathBuf>,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenValues,
}

/// `state mv`.
#[derive(Debug, Args)]
pub(crate) struct StateMv {
    /// What to move: an object, a resource or a module
    #[arg(value_name = "[WORKSPACE:]SOURCE")]
    pub(crate) source: String,
    /// Its new address
    #[arg(value_name = "[WORKSPACE:]DESTINATION")]
    pub(crate) destination: String,
    /// Of this tenant, where an address names no workspace
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenByState,
}

/// `state rm`.
#[derive(Debug, Args)]
pub(crate) struct StateRm {
    /// What to forget: objects, resources or modules
    #[arg(value_name = "ADDRESS", required = true)]
    pub(crate) addresses: Vec<String>,
    /// Of this tenant
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenByState,
}

/// `state pull`.
#[derive(Debug, Args)]
pub(crate) struct StatePull {
    /// Of this tenant
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Print sensitive values in the open, as Terraform needs them
    #[arg(long)]
    pub(crate) show_sensitive: bool,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenValues,
}

/// `state push`.
#[derive(Debug, Args)]
pub(crate) struct StatePush {
    /// A state file of version 4, or - for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// To this tenant
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Whatever its lineage and serial are
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenByState,
}

/// `state check`.
#[derive(Debug, Args)]
pub(crate) struct StateCheck {
    /// Only this tenant; may be repeated
    #[arg(long = "tenant", value_name = "NAME")]
    pub(crate) tenants: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `state history`.
#[derive(Debug, Args)]
pub(crate) struct StateHistory {
    /// Of this tenant
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `state restore`.
#[derive(Debug, Args)]
pub(crate) struct StateRestore {
    /// The serial of the state, from state history
    #[arg(value_name = "SERIAL")]
    pub(crate) serial: u64,
    /// Of this tenant
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

/// `state reencrypt`.
#[derive(Debug, Args)]
pub(crate) struct StateReencrypt {
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

/// `taint` and `untaint`.
#[derive(Debug, Args)]
pub(crate) struct TaintCommand {
    /// The object
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,
    /// Of this tenant
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Succeed when there is no such object
    #[arg(long)]
    pub(crate) allow_missing: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenByState,
}

/// `lock`.
#[derive(Debug, Args)]
pub(crate) struct LockCommand {
    #[command(subcommand)]
    pub(crate) what: LockWhat,
}

/// What of the locks.
#[derive(Debug, Subcommand)]
pub(crate) enum LockWhat {
    /// List locks that are held, or that a dead process left
    List(LockList),
    /// Show one lock
    Show(LockShow),
}

/// `lock list`.
#[derive(Debug, Args)]
pub(crate) struct LockList {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `lock show`.
#[derive(Debug, Args)]
pub(crate) struct LockShow {
    /// A workspace, or a lock's id
    #[arg(value_name = "WORKSPACE|LOCK_ID")]
    pub(crate) which: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `force-unlock`.
#[derive(Debug, Args)]
pub(crate) struct ForceUnlockCommand {
    /// A workspace, or a lock's id
    #[arg(value_name = "WORKSPACE|LOCK_ID")]
    pub(crate) which: String,
    /// Do not ask
    #[arg(long)]
    pub(crate) force: bool,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenValues,
}

/// `workspace`.
#[derive(Debug, Args)]
pub(crate) struct WorkspaceCommand {
    #[command(subcommand)]
    pub(crate) what: WorkspaceWhat,
}

/// What of the workspaces.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspaceWhat {
    /// List those that have a state
    List(WorkspaceList),
    /// Show what is kept of one
    Show(WorkspaceShow),
    /// Forget one
    Delete(WorkspaceDelete),
}

/// `workspace list`.
#[derive(Clone, Debug, Args)]
pub(crate) struct WorkspaceList {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Write that into this file, too
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) json_into: Option<PathBuf>,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenValues,
}

/// `workspace show`.
#[derive(Debug, Args)]
pub(crate) struct WorkspaceShow {
    /// Which; may be left out when there is one
    #[arg(value_name = "WORKSPACE")]
    pub(crate) name: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `workspace delete`.
#[derive(Debug, Args)]
pub(crate) struct WorkspaceDelete {
    /// Which
    #[arg(value_name = "WORKSPACE")]
    pub(crate) name: String,
    /// Even when it has objects, which stay and are forgotten
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenByState,
}

/// `audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditCommand {
    /// Only this tenant; may be repeated
    #[arg(long = "tenant", value_name = "NAME")]
    pub(crate) tenants: Vec<String>,
    /// Print JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// `90s`, `5m`, `1h30m`, `250ms`, as Terraform writes durations.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration; write it like 30s, 5m or 1h30m");
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let after = &rest[digits..];
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let part = match &after[..end] {
            "ms" => Some(Duration::from_millis(number)),
            "s" => Some(Duration::from_secs(number)),
            "m" => number.checked_mul(60).map(Duration::from_secs),
            "h" => number.checked_mul(3600).map(Duration::from_secs),
            _ => None,
        };
        sum = part.and_then(|part| sum.checked_add(part)).ok_or_else(wrong)?;
        rest = &after[end..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(sum) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_terraform_writes_them() {
        for (text, millis) in [("0s", 0), ("30s", 30_000), ("1h2m3s", 3_723_000), ("250ms", 250)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in
            ["", "5", "s", "5 s", "-5s", "5d", "1.5s", "99999999999999999999s", "9999999999999999999h"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
