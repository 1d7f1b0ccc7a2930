//! `plan`: shows what an apply would do, and keeps it in a file if asked.

use tenantctl_core::diag::Diagnostics;
use tenantctl_core::plan::{Plan, file};

use super::planning::{self, Heartbeat, Wanted};
use crate::args::PlanCommand;
use crate::error::Exit;
use crate::render::{self, Reporter};
use crate::session::Session;

/// Runs the command.
pub(super) async fn run(session: &Session, args: &PlanCommand) -> Exit {
    let reporter = planning::reporter(session, &args.run);
    let _heartbeat = Heartbeat::start(&reporter);
    match plan(session, args, &reporter).await {
        Ok(plans) => {
            let changes = args.detailed_exitcode && !plans.iter().all(render::plan::is_empty);
            // The process ends now: taking a large plan apart only takes time.
            std::mem::forget(plans);
            if changes { Exit::Changes } else { Exit::Success }
        }
        Err(problems) => {
            reporter.diagnostics(problems.sorted().into_iter().collect());
            Exit::Failure
        }
    }
}

async fn plan(
    session: &Session,
    args: &PlanCommand,
    reporter: &std::sync::Arc<dyn Reporter>,
) -> Result<Vec<Plan>, Diagnostics> {
    let sealer = session.sealer()?;
    let wanted = Wanted {
        operation: "plan",
        plan: &args.plan,
        select: &args.select,
        config: &args.config,
        run: &args.run,
    };
    let plans = planning::plan(session, &wanted, reporter, &sealer).await?.plans;
    if let Some(path) = &args.out {
        file::write(path, &plans, &sealer)?;
        reporter.note(&format!(
            "\nSaved the plan to {path}. To do exactly this, run:\n  tenantctl apply {path}",
            path = path.display()
        ));
    } else if !plans.iter().all(render::plan::is_empty) {
        reporter.note("\nWithout -out, apply makes a plan of its own, which may differ from this one.");
    }
    Ok(plans)
}
