//! `audit`: who did what, when, from which plan.

use tenantctl_core::diag::Diagnostics;
use tenantctl_core::state::AuditEntry;

use super::states;
use crate::args::AuditCommand;
use crate::error::{self, Exit};
use crate::render::{Table, count};
use crate::session::Session;

/// More workspaces than this are counted.
const NAMED: usize = 3;

/// Runs the command.
pub(super) fn run(session: &Session, args: &AuditCommand) -> Result<Exit, Diagnostics> {
    let mut entries = states::store(session)?.audit().map_err(|e| error::state(&e))?;
    let is_meant = |entry: &AuditEntry| {
        let mut of = entry.workspaces.iter();
        args.tenants.is_empty() || of.any(|name| args.tenants.iter().any(|t| states::is_of(name, t)))
    };
    entries.retain(is_meant);
    if args.json {
        entries.iter().for_each(|entry| session.output.json(entry));
    } else if entries.is_empty() {
        session.output.line("Nothing is recorded.");
    } else {
        session.output.text(&table(&entries));
    }
    Ok(Exit::Success)
}

fn table(entries: &[AuditEntry]) -> String {
    let mut table = Table::new(&["when", "who", "what", "workspace", "serial", "details"]);
    for entry in entries {
        let mut details = entry.detail.clone();
        if !entry.complete {
            details.push_str(" (not all of it)");
        }
        if !entry.addresses.is_empty() {
            details.push_str(&format!(": {}", entry.addresses.join(", ")));
        }
        if let Some(plan) = &entry.plan {
            details.push_str(&format!(", plan {plan}"));
        }
        let names: Vec<String> = entry.workspaces.iter().map(ToString::to_string).collect();
        table.row([
            entry.at.clone(),
            entry.who.clone(),
            entry.operation.clone(),
            if names.len() > NAMED { count(names.len(), "workspace") } else { names.join(", ") },
            entry.serial.map(|serial| serial.to_string()).unwrap_or_default(),
            details.trim_start_matches(": ").to_owned(),
        ]);
    }
    table.render(0)
}
