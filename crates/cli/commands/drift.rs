//! `drift`: what others changed, and nothing else.

use super::planning::{self, Heartbeat, Planned, Wanted};
use crate::args::{DriftCommand, PlanArgs};
use crate::error::Exit;
use crate::session::Session;

/// Runs the command.
pub(super) async fn run(session: &Session, args: &DriftCommand) -> Exit {
    let reporter = match planning::reporter(session, &args.run) {
        Ok(reporter) => reporter,
        Err(exit) => return exit,
    };
    let _heartbeat = Heartbeat::start(&reporter);
    let plan = PlanArgs { refresh_only: true, ..PlanArgs::plain() };
    let wanted = Wanted {
        operation: "drift",
        plan: &plan,
        select: &args.select,
        config: &args.config,
        run: &args.run,
        imports: Vec::new(),
        generate: false,
        kept: false,
        only_drift: true,
    };
    let planned = match session.sealer() {
        Ok(sealer) => Box::pin(planning::plan(session, &wanted, &reporter, &sealer)).await,
        Err(problems) => Err(problems),
    };
    match planned {
        Ok(Planned { plans, failed, .. }) => {
            let drifted = plans.iter().filter(|plan| !plan.drift.is_empty()).count();
            if drifted > 0 {
                reporter.note(
                    "\nThe next apply undoes this. To keep it, change the configuration; to take only the \
                     state along: tenantctl refresh.",
                );
            }
            match (failed, drifted) {
                (0, 0) => Exit::Success,
                (0, _) if args.detailed_exitcode => Exit::Changes,
                (0, _) => Exit::Success,
                (..) => Exit::Failure,
            }
        }
        Err(problems) => {
            reporter.diagnostics(problems.sorted().into_iter().collect());
            Exit::Failure
        }
    }
}
