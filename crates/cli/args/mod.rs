//! What can be written on the command line.
//!
//! Long flags take one dash, as Terraform's do, or two; [`parse`] makes the
//! two alike before clap sees them.

mod configuration;
mod dashes;
mod fleet;
mod hints;
mod providers;
mod shared;
mod state;
mod taken;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use configuration::{
    ConsoleCommand, FmtCommand, GetCommand, GraphCommand, InitCommand, LockFile, TestCommand, ValidateCommand,
};
pub(crate) use fleet::{
    DriftCommand, ExplainCommand, OffboardCommand, OnboardCommand, Status, TenantsCommand,
};
pub(crate) use hints::instead;
pub(crate) use providers::{ProvidersCommand, ProvidersSchema, ProvidersWhat};
pub(crate) use shared::{ConfigArgs, PlanArgs, RunArgs, SelectArgs};
pub(crate) use state::{
    AuditCommand, ForceUnlockCommand, LockArgs, LockCommand, LockList, LockShow, LockWhat, StateCheck,
    StateCommand, StateHistory, StateList, StateMv, StatePull, StatePush, StateReencrypt, StateRestore,
    StateRm, StateShow, StateWhat, TaintCommand, WorkspaceCommand, WorkspaceDelete, WorkspaceList,
    WorkspaceShow, WorkspaceWhat,
};
pub(crate) use taken::TakenByApply;
use taken::{TakenEverywhere, TakenValues};
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
    #[allow(dead_code, reason = "either value means the same")]
    #[arg(long, hide = true)]
    pub(crate) ignore_remote_version: bool,
}

/// `show`.
#[derive(Clone, Debug, Args)]
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
    /// Write that into this file, too
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) json_into: Option<PathBuf>,
}

/// `output`.
#[derive(Clone, Debug, Args)]
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
    /// Write that into this file, too
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "raw"])]
    pub(crate) json_into: Option<PathBuf>,
    #[allow(dead_code, reason = "it asks for nothing")]
    #[command(flatten)]
    pub(crate) taken: TakenValues,
}

/// `version`.
#[derive(Debug, Args)]
pub(crate) struct VersionCommand {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
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
