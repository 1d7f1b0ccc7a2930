//! Commands about tenants as such.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::shared::assignment;
use super::{ConfigArgs, RunArgs, SelectArgs};

/// `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainCommand {
    /// The tenant
    #[arg(value_name = "TENANT")]
    pub(crate) tenant: String,
    /// Only this setting, or what is in it: db, db.storage
    #[arg(value_name = "SETTING")]
    pub(crate) setting: Option<String>,
    /// Only in this environment
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// How a tenant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Status {
    /// The last run came to its end.
    Applied,
    /// Nothing was ever applied.
    NotApplied,
    /// The last run was broken off; the next one looks what became of it.
    Interrupted,
    /// The last run did not come to its end, or left some object half made.
    Incomplete,
    /// The last run took all away.
    Destroyed,
    /// The last look found what others changed.
    Drifted,
}

impl Status {
    /// As it is shown.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Status::Applied => "applied",
            Status::NotApplied => "not applied",
            Status::Interrupted => "interrupted",
            Status::Incomplete => "incomplete",
            Status::Destroyed => "destroyed",
            Status::Drifted => "drifted",
        }
    }
}

/// `tenants`.
#[derive(Debug, Args)]
pub(crate) struct TenantsCommand {
    /// Only tenants that stand so; may be repeated
    #[arg(long = "status", value_name = "STATUS", value_enum, hide_possible_values = false)]
    pub(crate) statuses: Vec<Status>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// `drift`.
#[derive(Debug, Args)]
pub(crate) struct DriftCommand {
    /// Exit with 2 when something drifted
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// `onboard`.
#[derive(Debug, Args)]
pub(crate) struct OnboardCommand {
    /// The tenant
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Its tier
    #[arg(long, value_name = "NAME")]
    pub(crate) tier: Option<String>,
    /// Where it runs; may be repeated
    #[arg(long = "environment", value_name = "NAME")]
    pub(crate) environments: Vec<String>,
    /// Set a setting, as db.storage="20Gi"; may be repeated
    #[arg(long = "set", value_name = "SETTING=VALUE", value_parser = assignment)]
    pub(crate) settings: Vec<(String, String)>,
    /// Give it a label; may be repeated
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) labels: Vec<(String, String)>,
    /// A regime it is under; may be repeated
    #[arg(long = "compliance", value_name = "NAME")]
    pub(crate) compliance: Vec<String>,
    /// Provision it as well
    #[arg(long)]
    pub(crate) apply: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) auto_approve: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// `offboard`.
#[derive(Debug, Args)]
pub(crate) struct OffboardCommand {
    /// The tenant
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Keep what there is for so many days before it may be deleted [default: 30]
    #[arg(long, value_name = "DAYS")]
    pub(crate) retention: Option<u16>,
    /// Delete what is left, once the retention time is over
    #[arg(long)]
    pub(crate) delete: bool,
    /// Write the tenant's settings and outputs, and later the proof of deletion, here
    #[arg(long, value_name = "DIR")]
    pub(crate) export: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    pub(crate) auto_approve: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}
