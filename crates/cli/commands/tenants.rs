//! `tenants`: who there is, in configuration and in state.

use std::collections::BTreeMap;

use serde_json::json;
use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::config::TenantSummary;
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::state::WorkspaceState;

use super::states;
use crate::args::{SelectArgs, TenantsCommand};
use crate::error::{self, Exit};
use crate::render::{Table, count};
use crate::session::Session;

/// Runs the command.
pub(super) fn run(session: &Session, args: &TenantsCommand) -> Result<Exit, Diagnostics> {
    let (platform, _, problems) = session.read(&args.config);
    let platform = match platform {
        Some(platform) if !problems.has_errors() => platform,
        _ => return Err(problems.sorted()),
    };
    session.report(problems.sorted());
    let tenants = platform.tenants();
    let chosen: Vec<&TenantSummary> =
        tenants.iter().filter(|tenant| is_meant(tenant, &args.select)).collect();
    let sealer = session.sealer()?;
    let store = session.store(&sealer)?;
    let known = store.list().map_err(|e| error::state(&e))?;
    let names: Vec<WorkspaceName> = chosen.iter().map(|tenant| tenant.workspace.clone()).collect();
    let states: BTreeMap<WorkspaceName, WorkspaceState> =
        states::read(&*store, &names)?.into_iter().map(|state| (state.name.clone(), state)).collect();
    let left: Vec<&WorkspaceName> = known
        .iter()
        .filter(|name| platform.is_fleet() && !tenants.iter().any(|t| t.workspace == **name))
        .collect();
    if args.json {
        session.output.json(&document(session, &chosen, &states, &left));
    } else {
        table(session, &chosen, &states);
        report_left(session, &left);
    }
    Ok(Exit::Success)
}

fn is_meant(tenant: &TenantSummary, select: &SelectArgs) -> bool {
    let meant = |chosen: &[String], name: &String| chosen.is_empty() || chosen.contains(name);
    meant(&select.tenants, &tenant.name) && meant(&select.tiers, &tenant.tier)
}

fn sizes(states: &BTreeMap<WorkspaceName, WorkspaceState>, name: &WorkspaceName) -> (usize, u64) {
    states.get(name).map_or((0, 0), |state| (state.resources.len(), state.serial))
}

fn document(
    session: &Session,
    chosen: &[&TenantSummary],
    states: &BTreeMap<WorkspaceName, WorkspaceState>,
    left: &[&WorkspaceName],
) -> serde_json::Value {
    let tenants: Vec<_> = chosen
        .iter()
        .map(|tenant| {
            let (objects, serial) = sizes(states, &tenant.workspace);
            json!({
                "name": tenant.name,
                "tier": tenant.tier,
                "isolation": tenant.isolation,
                "workspace": tenant.workspace,
                "objects": objects,
                "serial": serial,
                "place": session.sources.place(tenant.span),
            })
        })
        .collect();
    json!({ "format_version": "1.0", "tenants": tenants, "not_in_configuration": left })
}

fn table(session: &Session, chosen: &[&TenantSummary], states: &BTreeMap<WorkspaceName, WorkspaceState>) {
    let mut table = Table::new(&["tenant", "tier", "isolation", "objects", "serial"]);
    for tenant in chosen {
        let (objects, serial) = sizes(states, &tenant.workspace);
        let TenantSummary { tier, isolation, workspace, .. } = tenant;
        table.row([
            workspace.to_string(),
            tier.clone(),
            isolation.clone(),
            objects.to_string(),
            serial.to_string(),
        ]);
    }
    session.output.text(&table.render(0));
}

/// A tenant that is gone from the configuration keeps its objects until
/// somebody says that they shall go.
fn report_left(session: &Session, left: &[&WorkspaceName]) {
    if left.is_empty() {
        return;
    }
    let names: Vec<&str> = left.iter().map(|name| name.as_str()).collect();
    let detail = format!(
        "The state holds {} that the configuration does not name: {}. Nothing of theirs is deleted.",
        count(left.len(), "workspace"),
        names.join(", ")
    );
    session.report([Diagnostic::warning("Tenants without configuration", detail)]);
}
