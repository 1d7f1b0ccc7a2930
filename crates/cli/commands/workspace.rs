//! `workspace list`, `workspace show` and `workspace delete`.

use serde_json::json;
use tenantctl_core::diag::{Diagnostics, agree};
use tenantctl_core::ops;

use super::states;
use crate::args::{WorkspaceDelete, WorkspaceList, WorkspaceShow};
use crate::error::{self, Exit};
use crate::render::{Table, count};
use crate::session::Session;

/// Lists workspaces.
pub(super) fn list(session: &Session, args: &WorkspaceList) -> Result<Exit, Diagnostics> {
    let names = states::store(session)?.list().map_err(|e| error::state(&e))?;
    if args.json {
        session.output.json(&json!({ "format_version": "1.0", "workspaces": names }));
    } else {
        session.output.text(&names.iter().map(|name| format!("{name}\n")).collect::<String>());
    }
    Ok(Exit::Success)
}

/// Shows what is kept of one.
pub(super) fn show(session: &Session, args: &WorkspaceShow) -> Result<Exit, Diagnostics> {
    let store = states::store(session)?;
    let name = states::known(&*store, args.name.as_deref())?;
    let state = states::read(&*store, std::slice::from_ref(&name))?.remove(0);
    let (objects, outputs, open) = (state.resources.len(), state.outputs.len(), state.open.len());
    if args.json {
        session.output.json(&json!({
            "format_version": "1.0", "workspace": name, "lineage": state.lineage, "serial": state.serial,
            "objects": objects, "outputs": outputs, "open_calls": open,
        }));
        return Ok(Exit::Success);
    }
    let mut table = Table::new(&["workspace", name.as_str()]);
    for (head, text) in [
        ("lineage", state.lineage),
        ("serial", state.serial.to_string()),
        ("objects", objects.to_string()),
        ("outputs", outputs.to_string()),
        ("open calls", open.to_string()),
    ] {
        table.row([head.to_owned(), text]);
    }
    session.output.text(&table.render(0));
    Ok(Exit::Success)
}

/// Forgets one.
pub(super) async fn delete(session: &Session, args: &WorkspaceDelete) -> Result<Exit, Diagnostics> {
    let engine = states::engine(session, "workspace delete", args.lock)?;
    let name = states::known(&*engine.store, Some(&args.name))?;
    let left = ops::delete(&engine, &name, args.force).await?;
    session.output.line(&format!("Deleted workspace {:?}.", name.as_str()));
    if left > 0 {
        let words = agree(left, "stays as it is, and is not", "stay as they are, and are not");
        session.output.line(&format!("{} {words} managed any more.", count(left, "object")));
    }
    Ok(Exit::Success)
}
