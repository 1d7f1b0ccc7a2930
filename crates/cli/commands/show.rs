//! `show`: a saved plan, or what the state holds.

use std::path::Path;

use tenantctl_core::diag::Diagnostics;
use tenantctl_core::ops;
use tenantctl_core::plan::{Plan, file};
use tenantctl_core::state::{Dependencies, WorkspaceState};
use tenantctl_core::value::exact;

use super::states;
use crate::args::{ConfigArgs, ShowCommand};
use crate::error::Exit;
use crate::providers;
use crate::render::{fleet, json_configuration, json_plan, json_state, plan, state};
use crate::session::Session;

/// Runs the command.
pub(super) fn run(session: &Session, args: &ShowCommand) -> Result<Exit, Diagnostics> {
    if args.show_sensitive {
        session.showed_sensitive(&*states::store(session)?, "show", Vec::new())?;
    }
    match args.file.as_ref().or(args.plan.as_ref()) {
        Some(path) => saved_plan(session, args, path)?,
        None if args.config => configuration(session, args)?,
        None => current_state(session, args)?,
    }
    Ok(Exit::Success)
}

/// What tenants consist of; the root directory where there are none.
fn configuration(session: &Session, args: &ShowCommand) -> Result<(), Diagnostics> {
    let config = ConfigArgs { values: args.values.clone(), ..ConfigArgs::default() };
    let platform = session.look(&config)?;
    let (root, blueprint) = platform.modules();
    let registry = providers::real(&session.settings);
    session.output.json(&json_configuration::root(blueprint.unwrap_or(root), &registry));
    Ok(())
}

fn saved_plan(session: &Session, args: &ShowCommand, path: &Path) -> Result<(), Diagnostics> {
    let is_shown = |plan: &Plan| {
        args.tenants.is_empty() || plan.tenant.as_ref().is_some_and(|tenant| args.tenants.contains(tenant))
    };
    if args.json {
        let (plans, configurations) = file::read_with(path, &*session.sealer()?)?;
        let of = |place: usize| configurations.iter().find(|one| one.plans.binary_search(&place).is_ok());
        let shown = plans.iter().enumerate().filter(|(_, plan)| is_shown(plan));
        let shown: Vec<_> = shown.map(|(place, plan)| (plan, of(place).map(|one| &one.module))).collect();
        let registry = providers::real(&session.settings);
        let mut lists = Dependencies::default();
        let json = json_plan::plans(&shown, &registry, &mut lists, args.show_sensitive);
        session.output.document(&exact::text(json.to_string()), &lists);
        return Ok(());
    }
    let mut plans = file::read(path, &*session.sealer()?)?;
    plans.retain(is_shown);
    let style = session.style(args.show_sensitive);
    session.output.text(&match plans.as_slice() {
        [single] if single.tenant.is_none() => plan::page(single, style),
        several => fleet::page(several, style),
    });
    Ok(())
}

fn current_state(session: &Session, args: &ShowCommand) -> Result<(), Diagnostics> {
    let mut states = states::load(session, &args.tenants)?;
    if args.json {
        let registry = providers::real(&session.settings);
        states.iter_mut().for_each(|state| ops::complete(&registry, state));
        let mut lists = Dependencies::default();
        let one =
            |s: &WorkspaceState| (s.name.to_string(), json_state::state(s, &mut lists, args.show_sensitive));
        let mut all = states.iter().map(one);
        let json = match states.len() {
            0 => serde_json::json!({ "format_version": "1.0" }),
            1 => all.next().map(|(_, json)| json).unwrap_or_default(),
            _ => json_state::workspaces(all),
        };
        session.output.document(&exact::text(json.to_string()), &lists);
        return Ok(());
    }
    let style = session.style(args.show_sensitive);
    match states.as_slice() {
        [] => session.output.line("The state is empty."),
        [single] => session.output.text(&state::workspace(single, style)),
        several => {
            for one in several {
                let title = style.theme.bold(&format!("Workspace {}", one.name));
                session.output.text(&format!("{title}\n\n{}\n", state::workspace(one, style)));
            }
        }
    }
    Ok(())
}
