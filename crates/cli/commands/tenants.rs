//! `tenants`: who there is, in configuration and in state.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::config::Seated;
use tenantctl_core::diag::Diagnostics;
use tenantctl_core::ops;
use tenantctl_core::state::{Standing, Standings, WorkspaceState};

use super::states;
use crate::args::{Status, TenantsCommand};
use crate::error::{self, Exit};
use crate::render::{Table, count, json_diagnostic};
use crate::session::Session;

/// Runs the command.
pub(super) fn run(session: &Session, args: &TenantsCommand) -> Result<Exit, Diagnostics> {
    let (platform, _, problems) = session.read(&args.config);
    let platform = match platform {
        Some(platform) if !problems.has_errors() => platform,
        _ => return Err(problems.sorted()),
    };
    session.report(problems.sorted());
    let selection = args.select.selection();
    let chosen = platform.chosen(&selection)?;
    let sealer = session.sealer()?;
    let store = session.store(&sealer)?;
    let known = store.list().map_err(|e| error::state(&e))?;
    let names: Vec<WorkspaceName> = chosen.iter().map(|tenant| tenant.workspace.clone()).collect();
    let states: BTreeMap<WorkspaceName, WorkspaceState> =
        states::read(&*store, &names)?.into_iter().map(|state| (state.name.clone(), state)).collect();
    let record = store.audit().map_err(|e| error::state(&e))?;
    let standings = Standings::of(&record);
    let is_meant = |seated: &Seated| {
        args.statuses.is_empty()
            || args.statuses.iter().any(|wanted| match wanted {
                Status::Drifted => standings.get(&seated.workspace).drifted > 0,
                other => *other == status(states.get(&seated.workspace), &standings.get(&seated.workspace)),
            })
    };
    let chosen: Vec<Seated> = chosen.into_iter().filter(is_meant).collect();
    let left = ops::unconfigured(&platform, known);
    let broken: Vec<_> = platform.broken_of(&selection).collect();
    let problems: Diagnostics = broken.iter().flat_map(|(_, problems)| problems.iter().cloned()).collect();
    if args.json {
        let mut document = document(session, &chosen, &states, &standings, &left);
        let invalid = |(name, problems): &(&Arc<str>, &Diagnostics)| {
            let all: Vec<_> =
                problems.iter().map(|d| json_diagnostic::diagnostic(d, &session.sources)).collect();
            json!({ "name": name, "diagnostics": all })
        };
        document["invalid"] = broken.iter().map(invalid).collect();
        session.output.json(&document);
    } else {
        if chosen.is_empty() {
            session.output.line("No tenant is all of that.");
        } else {
            table(session, &chosen, &states, &standings);
        }
        session.report(ops::left_over(&left).into_iter().chain(problems.clone().sorted()));
    }
    Ok(if problems.has_errors() { Exit::Failure } else { Exit::Success })
}

fn sizes(states: &BTreeMap<WorkspaceName, WorkspaceState>, name: &WorkspaceName) -> (usize, u64) {
    states.get(name).map_or((0, 0), |state| (state.resources.len(), state.serial))
}

fn document(
    session: &Session,
    chosen: &[Seated],
    states: &BTreeMap<WorkspaceName, WorkspaceState>,
    standings: &Standings<'_>,
    left: &[WorkspaceName],
) -> serde_json::Value {
    let tenants: Vec<_> = chosen
        .iter()
        .map(|seated| {
            let (objects, serial) = sizes(states, &seated.workspace);
            let standing = standings.get(&seated.workspace);
            json!({
                "name": seated.tenant,
                "tier": seated.tier,
                "isolation": seated.isolation,
                "environment": seated.environment,
                "labels": seated.labels,
                "compliance": seated.compliance,
                "workspace": seated.workspace,
                "status": status(states.get(&seated.workspace), &standing).words(),
                "objects": objects,
                "serial": serial,
                "last_apply": standing.applied,
                "drift": standing.checked.map(|at| json!({ "checked": at, "objects": standing.drifted })),
                "place": session.sources.place(seated.span),
            })
        })
        .collect();
    json!({ "format_version": "1.0", "tenants": tenants, "not_in_configuration": left })
}

/// What the state and the record say of how the last run ended.
fn status(state: Option<&WorkspaceState>, standing: &Standing<'_>) -> Status {
    match state {
        None => Status::NotApplied,
        Some(state) if state.lineage.is_empty() => Status::NotApplied,
        Some(state) if !state.open.is_empty() => Status::Interrupted,
        Some(state) if state.resources.values().any(|record| record.tainted) => Status::Incomplete,
        Some(_) if standing.incomplete => Status::Incomplete,
        Some(state) if standing.destroyed && state.resources.is_empty() => Status::Destroyed,
        Some(_) => Status::Applied,
    }
}

fn table(
    session: &Session,
    chosen: &[Seated],
    states: &BTreeMap<WorkspaceName, WorkspaceState>,
    standings: &Standings<'_>,
) {
    let environments = chosen.iter().any(|seated| seated.environment.is_some());
    let mut columns = vec!["tenant", "tier", "isolation", "status", "objects", "applied", "drift"];
    if environments {
        columns.insert(1, "environment");
    }
    let mut table = Table::new(&columns);
    for seated in chosen {
        let (objects, _) = sizes(states, &seated.workspace);
        let standing = standings.get(&seated.workspace);
        let mut row = vec![
            seated.tenant.to_string(),
            seated.tier.to_string(),
            seated.isolation.to_string(),
            status(states.get(&seated.workspace), &standing).words().to_owned(),
            objects.to_string(),
            standing.applied.map_or_else(|| "-".to_owned(), ago),
            drift(&standing),
        ];
        if environments {
            row.insert(1, seated.environment.as_deref().unwrap_or("-").to_owned());
        }
        table.row(row);
    }
    session.output.text(&table.render(0));
}

/// What the last look found, if nothing was applied since.
fn drift(standing: &Standing<'_>) -> String {
    match (standing.checked, standing.drifted) {
        (None, _) => "-".to_owned(),
        (Some(_), 0) => "none".to_owned(),
        (Some(_), number) => count(number, "object"),
    }
}

/// How long ago that was, in its largest unit, as kubectl writes ages.
fn ago(at: &str) -> String {
    let Ok(then) = at.parse::<Timestamp>() else { return at.to_owned() };
    let seconds = Timestamp::now().duration_since(then).as_secs().max(0);
    match seconds {
        ..60 => format!("{seconds}s ago"),
        60..3_600 => format!("{}m ago", seconds / 60),
        3_600..86_400 => format!("{}h ago", seconds / 3_600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}
