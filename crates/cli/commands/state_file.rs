//! `state pull` and `state push`: state files as Terraform has them.

use std::io::Read as _;
use std::path::Path;

use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::ops::{self, Pushed, terraform};
use tenantctl_core::value::exact;

use super::states;
use crate::args::{StatePull, StatePush};
use crate::error::{self, Exit};
use crate::providers;
use crate::session::Session;

/// The workspace of a root without tenants.
const DEFAULT: &str = "default";

/// Prints a workspace's state.
pub(super) fn pull(session: &Session, args: &StatePull) -> Result<Exit, Diagnostics> {
    let sealer = session.sealer()?;
    let store = session.store(&sealer)?;
    let name = states::known(&*store, args.tenant.as_deref())?;
    let state = states::read(&*store, std::slice::from_ref(&name))?.remove(0);
    if args.show_sensitive {
        session.showed_sensitive(&*store, "state pull", vec![name])?;
    }
    let registry = providers::real(&session.settings);
    let (json, lists) = terraform::write(&state, &registry, &sealer, args.show_sensitive)?;
    session.output.document(&exact::text(format!("{json:#}")), &lists);
    Ok(Exit::Success)
}

/// Takes a state file over.
pub(super) async fn push(session: &Session, args: &StatePush) -> Result<Exit, Diagnostics> {
    let sealer = session.sealer()?;
    let engine = states::engine(session, "state push", args.lock)?;
    let known = engine.store.list().map_err(|e| error::state(&e))?;
    let name: WorkspaceName = match &args.tenant {
        Some(tenant) => match known.iter().find(|name| name.as_str() == tenant) {
            Some(name) => name.clone(),
            None => tenant.parse().map_err(|e: tenantctl_core::addr::AddressError| {
                Diagnostic::error("Invalid workspace", error::sentence(&e.to_string()))
            })?,
        },
        None if known.is_empty() => DEFAULT.parse().map_err(|e: tenantctl_core::addr::AddressError| {
            Diagnostic::error("Invalid workspace", error::sentence(&e.to_string()))
        })?,
        None => states::known(&*engine.store, None)?,
    };
    let text = read(&args.file)?;
    let (state, warnings) = terraform::read(&text, &name, &engine.registry, &sealer)?;
    session.report(warnings.sorted());
    match ops::push(&engine, &state, args.force).await? {
        Pushed::Same => session.output.line(&format!("The state of {name} is that already.")),
        Pushed::Done => {
            let objects = crate::render::count(state.resources.len(), "object");
            session.output.line(&format!("Pushed {objects} to {name}. Run tenantctl plan to compare."));
        }
    }
    Ok(Exit::Success)
}

fn read(path: &Path) -> Result<Vec<u8>, Diagnostics> {
    if path == Path::new("-") {
        let mut text = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut text);
        return read
            .map(|_| text)
            .map_err(|e| error::file("Cannot read", Path::new("standard input"), &e).into());
    }
    std::fs::read(path).map_err(|e| error::file("Cannot read", path, &e).into())
}
