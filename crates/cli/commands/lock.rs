//! `lock list`, `lock show` and `force-unlock`.

use serde_json::{Value as Json, json};
use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::ops;
use tenantctl_core::state::{LockStatus, StateStore};

use super::{approval, states};
use crate::args::{ForceUnlockCommand, LockArgs, LockList, LockShow};
use crate::error::{self, Exit};
use crate::render::Table;
use crate::session::Session;

/// Lists locks.
pub(super) fn list(session: &Session, args: &LockList) -> Result<Exit, Diagnostics> {
    let locks = all(&*states::store(session)?)?;
    if args.json {
        let locks: Vec<Json> = locks.iter().map(document).collect();
        session.output.json(&json!({ "format_version": "1.0", "locks": locks }));
    } else if locks.is_empty() {
        session.output.line("No workspace is locked.");
    } else {
        let mut table = Table::new(&["workspace", "held", "operation", "who", "process", "since", "id"]);
        for lock in &locks {
            let holder = lock.holder.clone();
            let text = |f: fn(tenantctl_core::state::LockInfo) -> String| {
                holder.clone().map(f).unwrap_or_else(|| "?".to_owned())
            };
            table.row([
                lock.workspace.to_string(),
                word(lock).to_owned(),
                text(|info| info.operation),
                text(|info| info.who),
                text(|info| info.pid.to_string()),
                text(|info| info.created),
                text(|info| info.id),
            ]);
        }
        session.output.text(&table.render(0));
    }
    Ok(Exit::Success)
}

/// Whether it keeps anybody out.
fn word(lock: &LockStatus) -> &'static str {
    if lock.held { "yes" } else { "no, its process is gone" }
}

fn document(lock: &LockStatus) -> Json {
    json!({ "workspace": lock.workspace, "held": lock.held, "holder": lock.holder })
}

fn all(store: &dyn StateStore) -> Result<Vec<LockStatus>, Diagnostics> {
    Ok(store.locks().map_err(|e| error::state(&e))?)
}

/// The lock of this workspace or id.
fn find(store: &dyn StateStore, which: &str) -> Result<LockStatus, Diagnostics> {
    let mut locks = all(store)?;
    let is_it = |lock: &LockStatus| {
        lock.workspace.as_str() == which || lock.holder.as_ref().is_some_and(|holder| holder.id == which)
    };
    if let Some(at) = locks.iter().position(is_it) {
        return Ok(locks.swap_remove(at));
    }
    let is_workspace = which.parse::<WorkspaceName>().is_ok();
    let what = if is_workspace { "workspace or lock" } else { "lock" };
    let problem = Diagnostic::error("Not locked", format!("No {what} {which:?} is locked."));
    Err(problem
        .suggest(which, locks.iter().map(|lock| lock.workspace.as_str()))
        .hint("tenantctl lock list shows all locks.")
        .into())
}

/// Shows one lock.
pub(super) fn show(session: &Session, args: &LockShow) -> Result<Exit, Diagnostics> {
    let lock = find(&*states::store(session)?, &args.which)?;
    if args.json {
        session.output.json(&document(&lock));
    } else {
        session.output.text(&text(&lock));
    }
    Ok(Exit::Success)
}

fn text(lock: &LockStatus) -> String {
    let mut text = format!("Workspace: {}\nHeld:      {}\n", lock.workspace, word(lock));
    if let Some(holder) = &lock.holder {
        text.push_str(&format!(
            "ID:        {}\nOperation: {}\nWho:       {}\nProcess:   {}\nSince:     {}\nVersion:   {}\n",
            holder.id, holder.operation, holder.who, holder.pid, holder.created, holder.version
        ));
    }
    text
}

/// Takes a lock away.
pub(super) async fn force(session: &Session, args: &ForceUnlockCommand) -> Result<Exit, Diagnostics> {
    let engine = states::engine(session, "force-unlock", LockArgs::default())?;
    let lock = find(&*engine.store, &args.which)?;
    let name = &lock.workspace;
    if lock.held && !args.force {
        session.output.text(&text(&lock));
        let question = format!("Do you really want to force-unlock {name}?");
        let scope = "Its holder, if it is alive, can write nothing more. Calls that it has in flight go on.";
        if !approval::confirm(session, &question, scope, "Pass -force.").await? {
            return Err(Diagnostic::error("Not approved", "Nothing was done.").into());
        }
    }
    engine.store.force_unlock(name).map_err(|e| error::state(&e))?;
    let holder =
        lock.holder.map(|holder| format!("{} (process {})", holder.who, holder.pid)).unwrap_or_default();
    ops::note(&engine, vec![name.clone()], &holder);
    session.output.line(&if lock.held {
        format!("{name} has been unlocked. The next run finds out what became of calls in flight.")
    } else {
        format!("{name} was not locked any more; what its dead holder left is removed.")
    });
    Ok(Exit::Success)
}
