//! `init` and `get`: fetch the modules that the configuration names, and pin
//! them.

use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::ops::{Fetch, Installed};

use crate::args::{ConfigArgs, GetCommand, InitCommand, LockFile};
use crate::error::Exit;
use crate::session::Session;

/// Runs `init`.
pub(super) fn run(session: &Session, args: &InitCommand) -> Result<Exit, Diagnostics> {
    let keep_pins = args.lockfile == Some(LockFile::Readonly);
    if keep_pins && args.upgrade {
        let detail = "-upgrade changes the lock file, and -lockfile=readonly keeps it as it is.";
        return Err(Diagnostic::error("Invalid combination", detail).into());
    }
    install(session, &args.config, args.upgrade, keep_pins)?;
    let good = session.output.theme().good("tenantctl has been initialized.");
    session.output.line(&format!("{good} \"tenantctl plan\" shows what would be done."));
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
