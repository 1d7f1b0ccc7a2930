//! `providers` and what stands below it.

use clap::{Args, Subcommand};

use super::ConfigArgs;

/// `providers`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ProvidersCommand {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(subcommand)]
    pub(crate) what: Option<ProvidersWhat>,
    /// Taken for OpenTofu's sake: tests ask for nothing here
    #[allow(dead_code, reason = "either value means the same")]
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) test_directory: Option<std::path::PathBuf>,
}

/// What of providers is asked for, other than which are needed.
#[derive(Debug, Subcommand)]
pub(crate) enum ProvidersWhat {
    /// Print what the providers in use take, for editors and other tools
    Schema(ProvidersSchema),
    /// Nothing to do: providers are part of this program
    #[command(hide = true)]
    Lock(ProvidersOthers),
    /// Nothing to do: providers are part of this program
    #[command(hide = true)]
    Mirror(ProvidersOthers),
}

/// `providers schema`.
#[derive(Debug, Args)]
pub(crate) struct ProvidersSchema {
    /// As JSON, the only form there is
    #[arg(long, required = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// What `providers lock` and `providers mirror` are given.
#[derive(Debug, Args)]
pub(crate) struct ProvidersOthers {
    /// Taken for Terraform's sake
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub(crate) arguments: Vec<String>,
}
