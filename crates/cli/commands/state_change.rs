//! `state mv`, `state rm`, `taint` and `untaint`.

use tenantctl_core::addr::{ResourceAddress, WorkspaceName};
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::ops::{self, Engine, Place, Scope};
use tenantctl_core::state::RecordKey;

use super::planning::invalid;
use super::states;
use crate::args::{StateMv, StateRm, TaintCommand};
use crate::error::Exit;
use crate::session::Session;

/// Gives objects another address.
pub(super) async fn mv(session: &Session, args: &StateMv) -> Result<Exit, Diagnostics> {
    let engine = states::engine(session, "state mv", args.lock)?;
    let from = place(&engine, &args.source, args.tenant.as_ref(), true)?;
    let to = place(&engine, &args.destination, args.tenant.as_ref(), false).or_else(|problems| {
        match args.destination.contains(':') || args.tenant.is_some() {
            true => Err(problems),
            // Where only the source names a workspace, it is meant for both.
            false => Ok(Place { workspace: from.workspace.clone(), scope: scope(&args.destination)? }),
        }
    })?;
    let edits = ops::move_objects(&engine, &from, &to, args.dry_run).await?;
    let across = from.workspace != to.workspace;
    let name = |workspace: &WorkspaceName, key: &RecordKey| {
        if across { format!("{workspace}:{key}") } else { key.to_string() }
    };
    let word = if args.dry_run { "Would move" } else { "Move" };
    for edit in &edits {
        let after = edit.after.as_ref().map(|key| name(&to.workspace, key)).unwrap_or_default();
        session.output.line(&format!("{word} {:?} to {after:?}", name(&from.workspace, &edit.before)));
    }
    if !args.dry_run {
        session.output.line(&format!("Successfully moved {} object(s).", edits.len()));
    }
    Ok(Exit::Success)
}

/// `WORKSPACE:ADDRESS`, or an address in the workspace that is meant.
fn place(
    engine: &Engine,
    text: &str,
    tenant: Option<&String>,
    must_exist: bool,
) -> Result<Place, Diagnostics> {
    let named =
        text.split_once(':').and_then(|(name, rest)| Some((name.parse::<WorkspaceName>().ok()?, rest)));
    Ok(match named {
        Some((workspace, address)) if must_exist => {
            let workspace = states::known(&*engine.store, Some(workspace.as_str()))?;
            Place { workspace, scope: scope(address)? }
        }
        Some((workspace, address)) => Place { workspace, scope: scope(address)? },
        None => Place {
            workspace: states::known(&*engine.store, tenant.map(String::as_str))?,
            scope: scope(text)?,
        },
    })
}

fn scope(text: &str) -> Result<Scope, Diagnostics> {
    text.parse().map_err(|e| invalid(&e).into())
}

/// Forgets objects.
pub(super) async fn rm(session: &Session, args: &StateRm) -> Result<Exit, Diagnostics> {
    let engine = states::engine(session, "state rm", args.lock)?;
    let workspace = states::known(&*engine.store, args.tenant.as_deref())?;
    let scopes = args.addresses.iter().map(|text| scope(text)).collect::<Result<Vec<_>, _>>()?;
    let edits = ops::forget(&engine, &workspace, &scopes, args.dry_run).await?;
    let word = if args.dry_run { "Would remove" } else { "Removed" };
    for edit in &edits {
        session.output.line(&format!("{word} {}", edit.before));
    }
    if !args.dry_run {
        session.output.line(&format!("Successfully removed {} resource instance(s).", edits.len()));
    }
    Ok(Exit::Success)
}

/// Marks an object, or takes the mark away.
pub(super) async fn taint(
    session: &Session,
    args: &TaintCommand,
    tainted: bool,
) -> Result<Exit, Diagnostics> {
    let operation = if tainted { "taint" } else { "untaint" };
    let address: ResourceAddress = args.address.parse().map_err(|e| invalid(&e))?;
    let engine = states::engine(session, operation, args.lock)?;
    let workspace = states::known(&*engine.store, args.tenant.as_deref())?;
    if args.allow_missing {
        let state = states::read(&*engine.store, std::slice::from_ref(&workspace))?.remove(0);
        if !state.resources.contains_key(&RecordKey::current(address.clone())) {
            let words = format!("The state of {workspace} holds no object {address}.");
            session.report([Diagnostic::warning("No such object", words)]);
            return Ok(Exit::Success);
        }
    }
    let changed = ops::taint(&engine, &workspace, &address, tainted).await?;
    session.output.line(&match (tainted, changed) {
        (true, true) => format!("Resource instance {address} has been marked as tainted."),
        (true, false) => format!("Resource instance {address} is tainted already."),
        (false, true) => format!("Resource instance {address} has been successfully untainted."),
        (false, false) => {
            let words = format!("Resource instance {address} is not tainted.");
            return Err(Diagnostic::error("Not tainted", words).into());
        }
    });
    Ok(Exit::Success)
}
