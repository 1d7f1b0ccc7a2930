//! `apply` and `destroy`: make a plan or take one from a file, ask, do it.

use std::path::Path;
use std::sync::Arc;

use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::event::EventSink;
use tenantctl_core::ops::{self, ValueOption};
use tenantctl_core::plan::{Plan, file};
use tenantctl_core::state::Sealer;

use super::approval;
use super::planning::{self, Heartbeat, Planned, Reported, Wanted};
use crate::args::{ApplyCommand, PlanArgs};
use crate::error::Exit;
use crate::render::{self, Reporter};
use crate::session::{self, Session};

/// Which of the three commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Follow the configuration.
    Apply,
    /// Remove everything.
    Destroy,
    /// Only take into state what others changed, without asking.
    Refresh,
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Verb::Apply => "apply",
            Verb::Destroy => "destroy",
            Verb::Refresh => "refresh",
        }
    }
}

/// Runs the command.
pub(super) async fn run(session: &Session, args: &ApplyCommand, verb: Verb) -> Exit {
    let reporter = match planning::reporter(session, &args.run) {
        Ok(reporter) => reporter,
        Err(exit) => return exit,
    };
    let _heartbeat = Heartbeat::start(&reporter);
    match apply(session, args, verb, &reporter).await {
        Ok(exit) => exit,
        Err(problems) => {
            reporter.diagnostics(problems.sorted().into_iter().collect());
            Exit::Failure
        }
    }
}

async fn apply(
    session: &Session,
    args: &ApplyCommand,
    verb: Verb,
    reporter: &Arc<dyn Reporter>,
) -> Result<Exit, Diagnostics> {
    check(args, verb)?;
    let sealer = session.sealer()?;
    let planned = match &args.file {
        Some(path) => from_file(session, args, path, reporter, &sealer)?,
        None => {
            let flags = PlanArgs {
                destroy: args.plan.destroy || verb == Verb::Destroy,
                refresh_only: args.plan.refresh_only || verb == Verb::Refresh,
                ..args.plan.clone()
            };
            let wanted = Wanted {
                operation: verb.name(),
                plan: &flags,
                select: &args.select,
                config: &args.config,
                run: &args.run,
                imports: Vec::new(),
                generate: false,
                kept: false,
                only_drift: false,
            };
            planning::plan(session, &wanted, reporter, &sealer).await?
        }
    };
    let acts = !planned.plans.iter().all(render::plan::is_empty);
    let approved = args.auto_approve || args.file.is_some() || verb == Verb::Refresh;
    if acts && !approved && !approval::ask(session, &planned.plans, args.run.input).await? {
        return Err(Diagnostic::error("Not approved", "Nothing was done.").into());
    }
    if session.cancel.is_draining() {
        return Err(Diagnostic::error("Stopped", "Nothing was done.").into());
    }
    let failed = planned.failed > 0;
    let exit = execute(planned, reporter).await;
    Ok(if failed { Exit::Failure } else { exit })
}

fn check(args: &ApplyCommand, verb: Verb) -> Result<(), Diagnostics> {
    if args.file.is_some() && verb != Verb::Apply {
        return Err(Diagnostic::error(
            "Unexpected argument",
            format!("{} makes its own plan and takes no file.", verb.name()),
        )
        .hint("To apply a saved plan, run: tenantctl apply FILE")
        .into());
    }
    let plan = &args.plan;
    let named = [&plan.targets, &plan.excludes, &plan.replace];
    let files = [&plan.target_files, &plan.exclude_files];
    let plans = plan.destroy
        || plan.refresh_only
        || files.iter().any(|files| !files.is_empty())
        || named.iter().any(|names| !names.is_empty());
    let selects = !args.select.selection().is_all();
    let reads = args.config.values.0.iter().any(|value| matches!(value, ValueOption::File(_)));
    if args.file.is_some() && (plans || selects || reads) {
        return Err(Diagnostic::error(
            "Flags without effect",
            "A plan file is applied as it is: flags that say what to plan cannot be given with it.",
        )
        .into());
    }
    if args.plan.destroy && verb == Verb::Refresh {
        return Err(Diagnostic::error("Contradicting flags", "refresh changes no objects.").into());
    }
    if args.run.json && !args.auto_approve && args.file.is_none() && verb != Verb::Refresh {
        return Err(Diagnostic::error("Approval needed", "With -json nobody can be asked.")
            .hint("Pass -auto-approve, or apply a plan file.")
            .into());
    }
    Ok(())
}

/// A configuration that is there must be the one that was planned.
fn check_config(
    session: &Session,
    args: &ApplyCommand,
    path: &Path,
    plans: &[Plan],
) -> Result<(), Diagnostics> {
    let Some(digest) = session.config_digest(&args.config) else { return Ok(()) };
    if plans.iter().all(|plan| plan.config_digest == digest) {
        return Ok(());
    }
    let detail = format!(
        "The configuration in {} is not the one that {} was made from: it was changed since.",
        session.root.display(),
        path.display()
    );
    Err(Diagnostic::error("Plan is for another configuration", detail)
        .hint("Make a new plan. To apply this one as it is, run the command without the configuration.")
        .into())
}

/// Plans that were saved; the configuration is not needed.
fn from_file(
    session: &Session,
    args: &ApplyCommand,
    path: &Path,
    reporter: &Arc<dyn Reporter>,
    sealer: &Arc<Sealer>,
) -> Result<Planned, Diagnostics> {
    let mut plans = file::read(path, sealer)?;
    check_config(session, args, path, &plans)?;
    give(session, args, &mut plans)?;
    let registry = session.registry_of(&plans, &args.config, sealer)?;
    let fleet = plans.iter().any(|plan| plan.tenant.is_some());
    let events: Arc<dyn EventSink> = Arc::clone(reporter) as Arc<dyn EventSink>;
    let parallelism = session::parallelism(args.run.parallelism, fleet);
    let mut engine = session.engine("apply", registry, sealer, events, parallelism)?;
    engine.lock_timeout = args.run.wait.lock_timeout;
    engine.fail_fast = args.run.fail_fast;
    let mut report = Reported::new(session, "apply", &args.run);
    for plan in &plans {
        report.report.planned(&plan.workspace, Some(plan), &Diagnostics::new(), Default::default);
    }
    Ok(Planned { engine, platform: None, plans, fleet, failed: 0, report })
}

/// Values of ephemeral variables, which no file has.
fn give(session: &Session, args: &ApplyCommand, plans: &mut [Plan]) -> Result<(), Diagnostics> {
    for (name, text) in &session.settings.variables {
        for plan in plans.iter_mut() {
            plan.give(name, text, &session.sources)?;
        }
    }
    for value in &args.config.values.0 {
        let ValueOption::Variable(name, text) = value else { continue };
        let mut is_taken = false;
        for plan in plans.iter_mut() {
            is_taken |= plan.give(name, text, &session.sources)?;
        }
        if !is_taken {
            let detail = format!(
                "A plan file is applied as it is: it has no ephemeral variable {name:?} that could be given with it."
            );
            return Err(Diagnostic::error("Flags without effect", detail).into());
        }
    }
    Ok(())
}

pub(super) async fn execute(planned: Planned, reporter: &Arc<dyn Reporter>) -> Exit {
    let Planned { engine, plans, fleet, mut report, .. } = planned;
    let mode = plans.first().map(|plan| plan.mode).unwrap_or_default();
    let plans: Vec<Plan> = plans
        .into_iter()
        .filter(|plan| !render::plan::is_empty(plan) || !plan.refreshed.is_empty() || plan.rechecked)
        .collect();
    if plans.is_empty() {
        reporter.applied(&[], mode, fleet);
        return Exit::Success;
    }
    reporter.applying(&plans, fleet);
    let partial = plans.iter().any(|plan| plan.partial);
    let waiting: usize = plans.iter().map(|plan| plan.deferred.len()).sum();
    let outcomes = Box::pin(ops::apply(&engine, plans)).await;
    reporter.applied(&outcomes, mode, fleet);
    outcomes.iter().for_each(|outcome| report.report.applied(outcome));
    if let Err(problem) = report.write() {
        reporter.diagnostics(vec![problem]);
        return Exit::Failure;
    }
    if partial {
        let detail =
            "The plan was made with -target or -exclude, so not all of the configuration is followed.";
        let hint = "Run plan without these flags to see what is left.";
        reporter.diagnostics(vec![Diagnostic::warning("Applied in part", detail).hint(hint)]);
    }
    if waiting > 0 {
        let words = render::count(waiting, "resource");
        reporter.note(&format!("\n{words} waited for what this run brought. Run apply again to finish."));
    }
    if outcomes.iter().all(render::summary::is_complete) { Exit::Success } else { Exit::Failure }
}
