//! Commands about configuration alone, which change nothing that exists.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::shared::ConfigArgs;
use super::taken::{TakenByInit, TakenLock};
use crate::render::graph::Contents;

/// `validate`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ValidateCommand {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave out test files
    #[arg(long)]
    pub(crate) no_tests: bool,
    /// Where tests are, besides the configuration's own directory
    #[arg(long, value_name = "DIR", default_value = "tests")]
    pub(crate) test_directory: PathBuf,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Write that into this file, too
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) json_into: Option<PathBuf>,
}

/// `init`.
#[derive(Debug, Args)]
pub(crate) struct InitCommand {
    /// Take what tags and branches stand for now
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) upgrade: bool,
    /// Whether the lock file may change
    #[arg(long, value_name = "MODE", require_equals = true)]
    pub(crate) lockfile: Option<LockFile>,
    /// Begin with a copy of an example: quickstart, saas-hybrid
    #[arg(long, value_name = "NAME", conflicts_with_all = ["upgrade", "lockfile"])]
    pub(crate) from_example: Option<String>,
    /// Where to put it [default: the working directory]
    #[arg(value_name = "DIR", requires = "from_example")]
    pub(crate) directory: Option<PathBuf>,
    /// Fetch what is not there
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) get: bool,
    /// Begin with a copy of a module: of no use here.
    #[arg(long, value_name = "SOURCE", hide = true)]
    pub(crate) from_module: Option<String>,
    /// Arguments of a backend: of no use here.
    #[arg(long, value_name = "SETTING", hide = true)]
    pub(crate) backend_config: Vec<String>,
    /// Where plugins are: of no use here.
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) plugin_dir: Vec<PathBuf>,
    /// Taken for Terraform's sake: nothing is ever asked
    #[allow(dead_code, reason = "either value means the same")]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, hide = true,
          default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) input: bool,
    /// Taken for Terraform's sake: there is no backend to make ready
    #[allow(dead_code, reason = "either value means the same")]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, hide = true,
          default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) backend: bool,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenByInit,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// What `init` does with the lock file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LockFile {
    /// Fail rather than change it
    Readonly,
}

/// `get`.
#[derive(Debug, Args)]
pub(crate) struct GetCommand {
    /// Take what tags and branches stand for now
    #[arg(long, alias = "upgrade", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) update: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Taken for OpenTofu's sake: tests ask for nothing here
    #[allow(dead_code, reason = "either value means the same")]
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) test_directory: Option<PathBuf>,
}

/// `graph`.
#[derive(Debug, Args)]
pub(crate) struct GraphCommand {
    /// Which blocks
    #[arg(long = "type", value_name = "BLOCKS", value_enum, default_value_t)]
    pub(crate) contents: Contents,
    /// Taken for Terraform's sake: a cycle is told with its places
    #[allow(dead_code, reason = "either value means the same")]
    #[arg(long, hide = true)]
    pub(crate) draw_cycles: bool,
    /// Taken for Terraform's sake: modules are not folded
    #[allow(dead_code, reason = "either value means the same")]
    #[arg(long, value_name = "N", hide = true, allow_negative_numbers = true)]
    pub(crate) module_depth: Option<i64>,
    /// The steps of this plan file rather than the configuration
    #[arg(long, value_name = "FILE", conflicts_with_all = ["contents", "platform", "tenant"])]
    pub(crate) plan: Option<PathBuf>,
    /// What this tenant has rather than the platform's blueprint
    #[arg(long, value_name = "NAME", conflicts_with = "platform")]
    pub(crate) tenant: Option<String>,
    /// The platform's shared resources rather than the blueprint
    #[arg(long)]
    pub(crate) platform: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// `test`.
#[derive(Debug, Args)]
pub(crate) struct TestCommand {
    /// Only this test file; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) filter: Vec<PathBuf>,
    /// Where tests are, besides the configuration's own directory
    #[arg(long, value_name = "DIR", default_value = "tests")]
    pub(crate) test_directory: PathBuf,
    /// Show what each run plans or makes
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the results to this file too, as JUnit's XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit_xml: Option<PathBuf>,
    /// Test this tenant's blueprint, with its settings
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Provider calls in flight at a time [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) parallelism: Option<u16>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Write that into this file, too
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) json_into: Option<PathBuf>,
}

/// `console`.
#[derive(Debug, Args)]
pub(crate) struct ConsoleCommand {
    /// In this tenant's blueprint, with its settings and state
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// In this environment [default: the tenant's first]
    #[arg(long, value_name = "NAME", requires = "tenant")]
    pub(crate) environment: Option<String>,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenLock,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// `fmt`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct FmtCommand {
    /// Files and directories, or - for standard input [default: .]
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<PathBuf>,
    /// List files that differ; never of standard input
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) list: bool,
    /// Write files that differ; never with -check or of standard input
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) write: bool,
    /// Show what differs
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) diff: bool,
    /// Change nothing; exit with 3 when something differs
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) check: bool,
    /// Go into directories inside of directories too
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) recursive: bool,
}
