//! `init` and `get`: fetch the modules that the configuration names, and pin
//! them; `init -from-example` puts a configuration there first.

use std::path::Path;

use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::ops::{Fetch, Installed};

use crate::args::{ConfigArgs, GetCommand, InitCommand, LockFile};
use crate::error::Exit;
use crate::examples;
use crate::session::Session;

/// Runs `init`.
pub(super) fn run(session: &Session, args: &InitCommand) -> Result<Exit, Diagnostics> {
    if let Some(name) = &args.from_example {
        return begin(session, name, args.directory.as_deref());
    }
    useless(session, args)?;
    if !args.get {
        session.look(&args.config)?;
        return Ok(done(session));
    }
    let keep_pins = args.lockfile == Some(LockFile::Readonly);
    if keep_pins && args.upgrade {
        let detail = "-upgrade changes the lock file, and -lockfile=readonly keeps it as it is.";
        return Err(Diagnostic::error("Invalid combination", detail).into());
    }
    install(session, &args.config, args.upgrade, keep_pins)?;
    Ok(done(session))
}

fn done(session: &Session) -> Exit {
    let good = session.output.theme().good("tenantctl has been initialized.");
    session.output.line(&format!("{good} \"tenantctl plan\" shows what would be done."));
    Exit::Success
}

/// Flags of Terraform's that can do nothing here: what would be missed is
/// refused, the rest is told.
fn useless(session: &Session, args: &InitCommand) -> Result<(), Diagnostics> {
    if let Some(source) = &args.from_module {
        let detail = format!("init copies no modules, so that {source:?} is not fetched.");
        let error = Diagnostic::error("Unsupported flag", detail);
        return Err(error.hint("Copy or clone it here, or begin with -from-example=NAME.").into());
    }
    if !args.backend_config.is_empty() {
        let detail = "State is kept on this machine, by no backend that could be configured.";
        let error = Diagnostic::error("Unsupported flag", detail);
        return Err(error.hint("Leave -backend-config out; -state-dir=DIR names the directory.").into());
    }
    if !args.plugin_dir.is_empty() {
        let detail = "Providers come with the program, so -plugin-dir is of no use.";
        session.report([Diagnostic::warning("Flag without effect", detail)]);
    }
    Ok(())
}

/// Puts a copy of an example into a directory. Examples need nothing fetched.
fn begin(session: &Session, name: &str, directory: Option<&Path>) -> Result<Exit, Diagnostics> {
    let example = examples::find(name)?;
    let written = example.write(directory.unwrap_or(Path::new(".")))?;
    let place = directory.map_or_else(|| "here".to_owned(), |path| format!("in {}", path.display()));
    let theme = session.output.theme();
    let good = theme.good(&format!("{written} files of the example {name} are {place}."));
    session.output.line(&format!("{good} They are yours to change; README.md says what is what."));
    let there = directory.map_or_else(String::new, |path| format!(" -chdir={}", path.display()));
    session.output.line(&format!("\"tenantctl{there} plan\" shows what would be done."));
    Ok(Exit::Success)
}

/// Runs `get`.
pub(super) fn get(session: &Session, args: &GetCommand) -> Result<Exit, Diagnostics> {
    install(session, &args.config, args.update, false)?;
    Ok(Exit::Success)
}

fn install(
    session: &Session,
    config: &ConfigArgs,
    upgrade: bool,
    keep_pins: bool,
) -> Result<(), Diagnostics> {
    let output = session.output.clone();
    let announce = Box::new(move |source: &str| output.line(&format!("Fetching {source}")));
    let (installed, problems) = session.install(config, Fetch { upgrade, keep_pins, announce });
    for Installed { source, commit } in &installed {
        session.output.line(&format!("{source} is at {commit}"));
    }
    if problems.has_errors() {
        return Err(problems.sorted());
    }
    session.report(problems.sorted());
    if !installed.is_empty() {
        let number = match installed.len() {
            1 => "1 repository".to_owned(),
            several => format!("{several} repositories"),
        };
        session.output.line(&format!("{number} pinned in {}.", tenantctl_core::modules::LOCK_FILE));
    }
    Ok(())
}
