//! `import`: takes one object that exists under management.

use std::sync::Arc;

use tenantctl_core::addr::{ResourceAddress, Selector};
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::plan::Plan;

use super::apply::execute;
use super::planning::{self, Heartbeat, Planned, Wanted, invalid};
use crate::args::{ImportCommand, PlanArgs};
use crate::error::Exit;
use crate::render::Reporter;
use crate::session::Session;

/// Runs the command.
pub(super) async fn run(session: &Session, args: &ImportCommand) -> Exit {
    let reporter = match planning::reporter(session, &args.run) {
        Ok(reporter) => reporter,
        Err(exit) => return exit,
    };
    let _heartbeat = Heartbeat::start(&reporter);
    match import(session, args, &reporter).await {
        Ok(exit) => exit,
        Err(problems) => {
            reporter.diagnostics(problems.sorted().into_iter().collect());
            Exit::Failure
        }
    }
}

async fn import(
    session: &Session,
    args: &ImportCommand,
    reporter: &Arc<dyn Reporter>,
) -> Result<Exit, Diagnostics> {
    let address: ResourceAddress = args.address.parse().map_err(|e| invalid(&e))?;
    let sealer = session.sealer()?;
    let flags = PlanArgs {
        targets: vec![Selector::Resource(address.without_key()).to_string()],
        refresh: false,
        ignore_guard: true,
        ..PlanArgs::plain()
    };
    let wanted = Wanted {
        operation: "import",
        plan: &flags,
        select: &args.select,
        config: &args.config,
        run: &args.run,
        imports: vec![(address.clone(), args.id.clone())],
        generate: false,
        kept: false,
        only_drift: false,
    };
    let planned = planning::make(session, &wanted, reporter, &sealer).await?;
    let Planned { engine, platform, plans, fleet, report, .. } = planned;
    if plans.len() != 1 {
        let detail = format!("{} tenants are selected, but an object belongs to one.", plans.len());
        return Err(Diagnostic::error("One tenant needed", detail).hint("Name it with -tenant.").into());
    }
    let imports =
        |plan: &Plan| plan.changes.iter().any(|c| c.importing.is_some() && c.key.address == address);
    if !plans.iter().all(imports) {
        let detail = format!("The state already has an object {address}.");
        return Err(Diagnostic::error("Already managed", detail)
            .hint("To import another one in its place, remove that from the state first.")
            .into());
    }
    let plans = plans.into_iter().map(|plan| Plan { partial: false, ..plan.without_steps() }).collect();
    Ok(execute(Planned { engine, platform, plans, fleet, failed: 0, report }, reporter).await)
}
