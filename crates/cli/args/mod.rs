//! What can be written on the command line.
//!
//! Long flags take one dash, as Terraform's do, or two; [`parse`] makes the
//! two alike before clap sees them.

mod dashes;
mod fleet;
mod providers;
mod state;
mod taken;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::ops::Selection;

use crate::render::graph::Contents;

pub(crate) use fleet::{DriftCommand, ExplainCommand, OffboardCommand, OnboardCommand, TenantsCommand};
pub(crate) use providers::{ProvidersCommand, ProvidersSchema, ProvidersWhat};
pub(crate) use state::{
    AuditCommand, ForceUnlockCommand, LockArgs, LockCommand, LockList, LockShow, LockWhat, StateCheck,
    StateCommand, StateHistory, StateList, StateMv, StatePull, StatePush, StateReencrypt, StateRestore,
    StateRm, StateShow, StateWhat, TaintCommand, WorkspaceCommand, WorkspaceDelete, WorkspaceList,
    WorkspaceShow, WorkspaceWhat,
};
pub(crate) use taken::TakenByApply;
use taken::{TakenByInit, TakenEverywhere, TakenLock};
pub(crate) use values::Values;

/// Parses the process's arguments, its own name included.
///
/// # Errors
/// Wrong usage; also a request for help or version, which is no failure.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(dashes::rewrite(arguments))
}

/// Plan and apply for a whole fleet of SaaS tenants.
#[derive(Debug, Parser)]
#[command(
    name = "tenantctl",
    version,
    after_help = "Long flags may also be written with one dash: -chdir=DIR, -var 'a=b'.",
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// For every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Change to this directory first
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) chdir: Option<PathBuf>,
    /// No colours
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Where states are kept [default: state]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Show warnings by their title only
    #[arg(long, global = true)]
    pub(crate) compact_warnings: bool,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenEverywhere,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fetch the modules that the configuration names
    Init(InitCommand),
    /// Show what apply would do
    Plan(PlanCommand),
    /// Make tenants follow their configuration
    Apply(ApplyCommand),
    /// Remove everything of the selected tenants
    Destroy(ApplyCommand),
    /// Take an object that exists under management
    Import(ImportCommand),
    /// Show a plan file, or what the state holds
    Show(ShowCommand),
    /// Show output values
    Output(OutputCommand),
    /// Check the configuration
    Validate(ValidateCommand),
    /// Run the tests of the configuration
    Test(TestCommand),
    /// Try expressions against configuration and state
    Console(ConsoleCommand),
    /// Bring configuration files into the canonical layout
    Fmt(FmtCommand),
    /// Fetch modules only
    Get(GetCommand),
    /// Draw what depends on what
    Graph(GraphCommand),
    /// List the providers that are needed
    Providers(ProvidersCommand),
    /// Look into the state, and change it
    State(StateCommand),
    /// Take into the state what others changed
    Refresh(ApplyCommand),
    /// Mark an object to be made anew
    Taint(TaintCommand),
    /// Take that mark away
    Untaint(TaintCommand),
    /// Look at locks
    Lock(LockCommand),
    /// Take a lock away from whoever has it
    ForceUnlock(ForceUnlockCommand),
    /// List, show and delete workspaces
    Workspace(WorkspaceCommand),
    /// Show who did what
    Audit(AuditCommand),
    /// List the tenants
    Tenants(TenantsCommand),
    /// Show where each setting of a tenant comes from
    Explain(ExplainCommand),
    /// Take a tenant in, or change its settings
    Onboard(OnboardCommand),
    /// Let a tenant go: suspend, export, hold, delete
    Offboard(OffboardCommand),
    /// Show what others changed
    Drift(DriftCommand),
    /// Show the version
    Version(VersionCommand),
}

/// Which configuration, with which values and providers.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    pub(crate) values: Values,
    /// Simulate all providers, or the named one; may be repeated
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "*")]
    pub(crate) simulate: Vec<String>,
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
    #[arg(long, conflicts_with = "destroy")]
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

/// `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanCommand {
    /// Write the plan to this file, for apply
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Exit with 2 when there are changes, with 3 when some wait for another plan
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    /// Write configuration for imported objects that have none to this new file
    #[arg(long, value_name = "FILE")]
    pub(crate) generate_config_out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// `apply` and `destroy`.
#[derive(Debug, Args)]
pub(crate) struct ApplyCommand {
    /// A plan file; without it a plan is made, shown and asked about
    #[arg(value_name = "PLAN")]
    pub(crate) file: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    pub(crate) auto_approve: bool,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenByApply,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportCommand {
    /// The address of its resource block
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,
    /// What the service calls it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// `show`.
#[derive(Debug, Args)]
pub(crate) struct ShowCommand {
    /// A plan file; without it the state is shown
    #[arg(value_name = "PLAN")]
    pub(crate) file: Option<PathBuf>,
    /// This plan file
    #[arg(long, value_name = "FILE", require_equals = true, conflicts_with_all = ["file", "state", "config"])]
    pub(crate) plan: Option<PathBuf>,
    /// The state, which is what is shown anyway
    #[arg(long, conflicts_with_all = ["file", "config"])]
    pub(crate) state: bool,
    /// The configuration, in JSON
    #[arg(long, requires = "json", conflicts_with = "file")]
    pub(crate) config: bool,
    /// Only this tenant; may be repeated
    #[arg(long = "tenant", value_name = "NAME")]
    pub(crate) tenants: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Show sensitive values
    #[arg(long)]
    pub(crate) show_sensitive: bool,
    #[command(flatten)]
    pub(crate) values: Values,
}

/// `output`.
#[derive(Debug, Args)]
pub(crate) struct OutputCommand {
    /// Only this output
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Of this tenant
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Print JSON
    #[arg(long, conflicts_with = "raw")]
    pub(crate) json: bool,
    /// Print the text of one output, with nothing around it
    #[arg(long, requires = "name")]
    pub(crate) raw: bool,
    /// Show sensitive values
    #[arg(long)]
    pub(crate) show_sensitive: bool,
}

/// `validate`.
#[derive(Debug, Args)]
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

/// `version`.
#[derive(Debug, Args)]
pub(crate) struct VersionCommand {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("a variable is set with NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use tenantctl_core::ops::ValueOption;

    use super::*;

    fn parsed(line: &[&str]) -> Cli {
        parse(line.iter().map(OsString::from)).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn the_definition_holds() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn terraforms_notation_is_understood() {
        let cli = parsed(&[
            "tenantctl",
            "-chdir=shop",
            "plan",
            "-var",
            "a=b=c",
            "-refresh=false",
            "-out=p",
            "-tenant=acme",
            "-simulate",
            "-lock=false",
            "-parallelism=3",
            "-detailed-exitcode",
        ]);
        let Command::Plan(plan) = cli.command else { panic!("not a plan") };
        assert_eq!(cli.global.chdir, Some("shop".into()));
        assert_eq!(plan.config.values.0, [ValueOption::Variable("a".to_owned(), "b=c".to_owned())]);
        assert_eq!(plan.config.simulate, ["*"]);
        assert_eq!(plan.select.tenants, ["acme"]);
        assert!(!plan.plan.refresh && !plan.run.lock && plan.run.input && plan.detailed_exitcode);
        assert_eq!(plan.run.parallelism, Some(3));
    }

    #[test]
    fn scripts_for_terraform_are_understood() {
        for line in [
            &["init", "-input=false", "-reconfigure", "-backend=false", "-lock-timeout=60s", "-upgrade"][..],
            &["console", "-lock=false", "-var", "a=b"],
            &["graph", "-type=plan", "-draw-cycles"],
            &["validate", "-json", "-no-tests", "-test-directory=t"],
            &["providers", "lock", "-platform=linux_amd64"],
            &["providers", "schema", "-json"],
        ] {
            parsed(&[&["tenantctl"], line].concat());
        }
    }

    #[test]
    fn two_dashes_and_late_globals_are_too() {
        let cli = parsed(&["tenantctl", "apply", "--auto-approve", "saved", "--chdir=shop", "-simulate=aws"]);
        let Command::Apply(apply) = cli.command else { panic!("not an apply") };
        assert_eq!((apply.file, cli.global.chdir), (Some("saved".into()), Some("shop".into())));
        assert!(apply.auto_approve);
        assert_eq!(apply.config.simulate, ["aws"]);
    }

    #[test]
    fn wrong_usage_is_refused() {
        for line in [
            &["tenantctl"][..],
            &["tenantctl", "plan", "-var", "x"],
            &["tenantctl", "output", "-raw"],
            &["tenantctl", "providers", "schema"],
        ] {
            assert!(parse(line.iter().map(OsString::from)).is_err(), "{line:?}");
        }
    }
}
