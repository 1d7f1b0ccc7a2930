//! Flags that scripts for Terraform give, and that ask for nothing here.
//!
//! Must not: hold a flag that somebody would miss the effect of.

use clap::Args;

use super::values::Values;

/// Of every command: problems that are alike are shown together.
#[derive(Debug, Args)]
#[allow(dead_code, reason = "either value means the same")]
pub(crate) struct TakenEverywhere {
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, hide = true,
          default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    consolidate_warnings: bool,
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, hide = true,
          default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    consolidate_errors: bool,
}

/// Of `apply` and `destroy`: what is forgotten is no error, and earlier states
/// are kept anyway.
#[derive(Debug, Default, Args)]
#[allow(dead_code, reason = "either value means the same")]
pub(crate) struct TakenByApply {
    #[arg(long, hide = true)]
    suppress_forget_errors: bool,
    #[arg(long, value_name = "FILE", hide = true)]
    backup: Option<String>,
}

/// Of `init`: there is no backend to change, and no state to lock.
#[derive(Debug, Args)]
#[allow(dead_code, reason = "either value means the same")]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct TakenByInit {
    #[arg(long, hide = true)]
    reconfigure: bool,
    #[arg(long, hide = true)]
    migrate_state: bool,
    #[arg(long, hide = true)]
    force_copy: bool,
    #[arg(long, hide = true)]
    ignore_remote_version: bool,
    #[arg(long, value_name = "DIR", hide = true)]
    test_directory: Option<String>,
    #[command(flatten)]
    lock: TakenLock,
}

/// A lock on a state that is only looked at.
#[derive(Debug, Args)]
#[allow(dead_code, reason = "either value means the same")]
pub(crate) struct TakenLock {
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, hide = true,
          default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    lock: bool,
    #[arg(long, value_name = "DURATION", hide = true)]
    lock_timeout: Option<String>,
}

/// Of what changes a state: it is always locked, earlier ones are kept anyway,
/// and no variable plays a part.
#[derive(Debug, Args)]
#[allow(dead_code, reason = "either value means the same")]
pub(crate) struct TakenByState {
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, hide = true,
          default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    lock: bool,
    #[arg(long, value_name = "FILE", hide = true)]
    backup: Option<String>,
    #[arg(long, hide = true)]
    ignore_remote_version: bool,
    #[command(flatten)]
    values: TakenValues,
}

/// Values of variables where nothing depends on them.
#[derive(Clone, Debug, Default, Args)]
#[allow(dead_code, reason = "either value means the same")]
pub(crate) struct TakenValues {
    #[command(flatten)]
    values: Values,
}
