//! Flags that several commands share: what a run is about, and how it behaves.

use std::path::PathBuf;

use clap::Args;
use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::config::Deprecation;
use tenantctl_core::ops::Selection;

use super::state::LockArgs;
use super::values::Values;

/// Which configuration, with which values and providers.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    pub(crate) values: Values,
    /// Simulate all providers, or the named one; may be repeated
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "*")]
    pub(crate) simulate: Vec<String>,
    /// Of which modules to say what is deprecated: all, local or none
    #[arg(long, value_name = "module:WHICH", default_value = "module:all", hide_default_value = true,
          value_parser = deprecation)]
    pub(crate) deprecation: Deprecation,
    /// Faults that simulated providers show
    #[arg(long, value_name = "FILE")]
    pub(crate) fault_script: Option<PathBuf>,
}

/// Which tenants.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Selection")]
pub(crate) struct SelectArgs {
    /// Only this tenant; may be repeated
    #[arg(long = "tenant", value_name = "NAME")]
    pub(crate) tenants: Vec<String>,
    /// Only tenants of this tier; may be repeated
    #[arg(long = "tier", value_name = "NAME")]
    pub(crate) tiers: Vec<String>,
    /// Only in this environment; may be repeated
    #[arg(long = "environment", value_name = "NAME")]
    pub(crate) environments: Vec<String>,
    /// Only tenants with this label; may be repeated, all must hold
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) labels: Vec<(String, String)>,
    /// Only the platform's shared resources
    #[arg(long, conflicts_with_all = ["tenants", "tiers", "environments", "labels"])]
    pub(crate) platform: bool,
    /// Set by `offboard`.
    #[arg(skip)]
    pub(crate) gone: Vec<WorkspaceName>,
}

impl SelectArgs {
    /// The instances that are meant.
    pub(crate) fn selection(&self) -> Selection {
        Selection {
            tenants: self.tenants.clone(),
            tiers: self.tiers.clone(),
            environments: self.environments.clone(),
            labels: self.labels.clone(),
            platform: self.platform,
            gone: self.gone.clone(),
        }
    }
}

/// How a run behaves, whatever it does.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct RunArgs {
    /// Provider calls in flight at a time [default: 10, in a fleet 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) parallelism: Option<u16>,
    /// Hold the lock of each workspace while it is planned; an apply always does
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) lock: bool,
    #[command(flatten)]
    pub(crate) wait: LockArgs,
    /// Ask for what is missing
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) input: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Write what came of each workspace here, as .json or, for JUnit, .xml
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Go no further once one tenant fails
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Write what -json would print to this file, too
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) json_into: Option<PathBuf>,
    /// Say nothing of how it goes on
    #[arg(long)]
    pub(crate) concise: bool,
    /// Show sensitive values
    #[arg(long)]
    pub(crate) show_sensitive: bool,
    /// States are in a directory of their own.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) state: Option<PathBuf>,
    /// The same.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) state_out: Option<PathBuf>,
}

/// What to plan.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Plan")]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct PlanArgs {
    /// Only this address and what it needs; may be repeated
    #[arg(long = "target", value_name = "ADDRESS")]
    pub(crate) targets: Vec<String>,
    /// All but this address and what depends on it; may be repeated
    #[arg(long = "exclude", value_name = "ADDRESS")]
    pub(crate) excludes: Vec<String>,
    /// The same for each address in a file, one a line; may be repeated
    #[arg(long = "target-file", value_name = "FILE")]
    pub(crate) target_files: Vec<PathBuf>,
    /// All but each address in a file, one a line; may be repeated
    #[arg(long = "exclude-file", value_name = "FILE")]
    pub(crate) exclude_files: Vec<PathBuf>,
    /// Make this object anew; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) replace: Vec<String>,
    /// Read the real objects first
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) refresh: bool,
    /// Only take into state what others changed
    #[arg(long, conflicts_with_all = ["destroy", "replace"])]
    pub(crate) refresh_only: bool,
    /// Plan the removal of everything
    #[arg(long)]
    pub(crate) destroy: bool,
    /// Go beyond the platform's guard
    #[arg(long)]
    pub(crate) ignore_guard: bool,
}

impl PlanArgs {
    /// Without any flag.
    pub(crate) fn plain() -> Self {
        PlanArgs {
            targets: Vec::new(),
            excludes: Vec::new(),
            target_files: Vec::new(),
            exclude_files: Vec::new(),
            replace: Vec::new(),
            refresh: true,
            refresh_only: false,
            destroy: false,
            ignore_guard: false,
        }
    }
}

fn deprecation(text: &str) -> Result<Deprecation, String> {
    match text {
        "module:all" => Ok(Deprecation::All),
        "module:local" => Ok(Deprecation::Local),
        "module:none" => Ok(Deprecation::None),
        _ => Err("it is module:all, module:local or module:none".to_owned()),
    }
}

pub(super) fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("it is written as NAME=VALUE".to_owned()),
    }
}
