//! `plan`: shows what an apply would do, and keeps it in a file if asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use tenantctl_core::config::{Module, Platform};
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::plan::file::{self, Configuration};
use tenantctl_core::plan::{Generated, Plan};
use tenantctl_core::provider::Registry;

use super::planning::{self, Heartbeat, Planned, Wanted};
use crate::args::PlanCommand;
use crate::error::Exit;
use crate::render::{self, Reporter, json_configuration};
use crate::session::Session;

/// Runs the command.
pub(super) async fn run(session: &Session, args: &PlanCommand) -> Exit {
    let reporter = match planning::reporter(session, &args.run) {
        Ok(reporter) => reporter,
        Err(exit) => return exit,
    };
    let _heartbeat = Heartbeat::start(&reporter);
    match plan(session, args, &reporter).await {
        Ok((plans, failed)) => {
            let waits = args.detailed_exitcode && plans.iter().any(|plan| !plan.deferred.is_empty());
            let changes = args.detailed_exitcode && !plans.iter().all(render::plan::is_empty);
            // The process ends now: taking a large plan apart only takes time.
            std::mem::forget(plans);
            match (failed, waits, changes) {
                (true, ..) => Exit::Failure,
                (false, true, _) => Exit::Waiting,
                (false, false, true) => Exit::Changes,
                (false, false, false) => Exit::Success,
            }
        }
        Err(problems) => {
            reporter.diagnostics(problems.sorted().into_iter().collect());
            Exit::Failure
        }
    }
}

/// The plans, and whether some tenants have none.
async fn plan(
    session: &Session,
    args: &PlanCommand,
    reporter: &Arc<dyn Reporter>,
) -> Result<(Vec<Plan>, bool), Diagnostics> {
    let sealer = session.sealer()?;
    let wanted = Wanted {
        operation: "plan",
        plan: &args.plan,
        select: &args.select,
        config: &args.config,
        run: &args.run,
        imports: Vec::new(),
        generate: args.generate_config_out.is_some(),
        kept: args.out.is_some(),
        only_drift: false,
    };
    if let Some(path) = &args.generate_config_out {
        check_new(path)?;
    }
    let Planned { engine, platform, plans, failed, .. } =
        planning::plan(session, &wanted, reporter, &sealer).await?;
    if let Some(path) = &args.generate_config_out {
        generate(path, &plans, reporter)?;
    }
    if let Some(path) = &args.out {
        let configurations = configurations(&engine.registry, platform.as_deref(), &plans);
        file::write_with(path, &plans, &configurations, &sealer)?;
        reporter.note(&format!(
            "\nSaved the plan to {path}. To do exactly this, run:\n  tenantctl apply {path}",
            path = path.display()
        ));
    } else if !plans.iter().all(render::plan::is_empty) {
        reporter.note("\nWithout -out, apply makes a plan of its own, which may differ from this one.");
    }
    Ok((plans, failed > 0))
}

/// What plans were made from, once for all that share it.
fn configurations(registry: &Registry, platform: Option<&Platform>, plans: &[Plan]) -> Vec<Configuration> {
    let modules = platform.map(Platform::module_of_each).unwrap_or_default();
    let mut by_module: BTreeMap<*const Module, (&Module, Vec<usize>)> = BTreeMap::new();
    for (place, plan) in plans.iter().enumerate() {
        if let Some(module) = modules.get(&plan.workspace) {
            by_module.entry(Arc::as_ptr(module)).or_insert((module, Vec::new())).1.push(place);
        }
    }
    let described =
        |(module, plans)| Configuration { plans, module: json_configuration::root(module, registry) };
    by_module.into_values().map(described).collect()
}

/// Nothing is ever written over.
fn check_new(path: &Path) -> Result<(), Diagnostics> {
    if !path.exists() {
        return Ok(());
    }
    let detail = format!("There is already a file {}, which is not overwritten.", path.display());
    Err(Diagnostic::error("File exists", detail).hint("Choose another name for -generate-config-out.").into())
}

/// Writes the configuration that was made for imported objects.
fn generate(path: &Path, plans: &[Plan], reporter: &Arc<dyn Reporter>) -> Result<(), Diagnostics> {
    // Tenants of one blueprint import by the same blocks.
    let Some(made) = plans.iter().map(|plan| &plan.generated).find(|made| !made.is_empty()) else {
        return Ok(());
    };
    let mut text =
        "# Made by tenantctl for imported objects. Review it, then move it to where it belongs.\n".to_owned();
    for Generated { id, text: block, .. } in made {
        let _ = write!(text, "\n# Imported from {id:?}.\n{block}");
    }
    let written = std::fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|problem| Diagnostics::from(crate::error::file("Writing", path, &problem)))?;
    reporter.note(&format!("\nWrote configuration for imported objects to {}.", path.display()));
    Ok(())
}
