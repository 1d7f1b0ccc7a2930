//! What `plan` and `apply` have in common: from flags to plans.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tenantctl_core::addr::{ResourceAddress, Selector, WorkspaceName};
use tenantctl_core::config::{Platform, Seated};
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::event::EventSink;
use tenantctl_core::ops::{self, Engine, PlanOptions};
use tenantctl_core::plan::{Plan, PlanMode};
use tenantctl_core::state::Sealer;

use crate::args::{ConfigArgs, PlanArgs, RunArgs, SelectArgs};
use crate::error::Exit;
use crate::output::Output;
use crate::render::both::Both;
use crate::render::report::Report;
use crate::render::reporter::Human;
use crate::render::stream::Stream;
use crate::render::{Reporter, count};
use crate::session::{self, Session};

/// What to plan, as the flags say it.
pub(super) struct Wanted<'w> {
    pub(super) operation: &'w str,
    pub(super) plan: &'w PlanArgs,
    pub(super) select: &'w SelectArgs,
    pub(super) config: &'w ConfigArgs,
    pub(super) run: &'w RunArgs,
    /// Objects to import: address and id.
    pub(super) imports: Vec<(ResourceAddress, String)>,
    /// Whether imported objects without configuration get one.
    pub(super) generate: bool,
    /// Whether the plans are written to a file.
    pub(super) kept: bool,
    /// Nothing but what others changed is of interest.
    pub(super) only_drift: bool,
}

/// Plans and the engine they were made with.
pub(super) struct Planned {
    pub(super) engine: Engine,
    /// What the plans were made from, unless they are from a file.
    pub(super) platform: Option<Arc<Platform>>,
    pub(super) plans: Vec<Plan>,
    /// There may be more tenants than one.
    pub(super) fleet: bool,
    /// So many could not be planned; why was told.
    pub(super) failed: usize,
    /// What came of each workspace so far, and where that is to be written.
    pub(super) report: Reported,
}

/// The report of a run and where it goes.
pub(super) struct Reported {
    operation: String,
    path: Option<PathBuf>,
    pub(super) report: Report,
}

impl Reported {
    /// Of this run, nothing in it yet.
    pub(super) fn new(session: &Session, operation: &str, run: &RunArgs) -> Self {
        let report = Report::new(Arc::clone(&session.sources));
        Reported { operation: operation.to_owned(), path: run.report.clone(), report }
    }

    /// Writes it as it is now, if it was asked for.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn write(&self) -> Result<(), Diagnostic> {
        let Some(path) = &self.path else { return Ok(()) };
        let is_xml = path.extension().is_some_and(|end| end == "xml");
        let text = self.report.text(&self.operation, is_xml);
        std::fs::write(path, text).map_err(|problem| crate::error::file("Cannot write", path, &problem))
    }
}

/// Who tells the user. What stands in the way of that is told at once.
pub(super) fn reporter(session: &Session, run: &RunArgs) -> Result<Arc<dyn Reporter>, Exit> {
    let (output, sources) = (session.output.clone(), Arc::clone(&session.sources));
    let problem = match (&run.state, &run.state_out) {
        (None, None) => None,
        _ => Some(
            Diagnostic::error("Unsupported flag", "States are not in files that can be named one by one.")
                .hint("-state-dir=DIR names their directory; \"state push\" takes a state file over."),
        ),
    };
    if let Some(problem) = problem {
        session.report([problem]);
        return Err(Exit::Failure);
    }
    if run.json {
        return Ok(Arc::new(Stream::new(output, sources, run.show_sensitive)));
    }
    let human =
        Human::new(output, Arc::clone(&sources), run.show_sensitive, session.compact_warnings, run.concise);
    let human: Arc<dyn Reporter> = Arc::new(human);
    let Some(path) = &run.json_into else { return Ok(human) };
    match std::fs::File::create(path) {
        Ok(file) => {
            let output = Output::to(file, std::io::sink());
            let stream = Arc::new(Stream::new(output, sources, run.show_sensitive));
            Ok(Arc::new(Both(human, stream)))
        }
        Err(error) => {
            session.report([crate::error::file("Cannot write", path, &error)]);
            Err(Exit::Failure)
        }
    }
}

/// Tells why there is nothing to tell of a run, as the run would have told it.
pub(super) fn refused(session: &Session, run: &RunArgs, problems: Diagnostics) -> Exit {
    let all: Vec<Diagnostic> = problems.into_iter().collect();
    if run.json {
        let stream = Stream::new(session.output.clone(), Arc::clone(&session.sources), run.show_sensitive);
        stream.diagnostics(all);
    } else {
        session.report(all);
    }
    Exit::Failure
}

/// The addresses that are named, and those in files: one a line, with comments
/// after #.
fn addresses(named: &[String], files: &[PathBuf]) -> Result<Vec<String>, Diagnostics> {
    let mut all = named.to_vec();
    for path in files {
        let text =
            std::fs::read_to_string(path).map_err(|error| crate::error::file("Cannot read", path, &error))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        all.extend(lines.map(String::from));
    }
    Ok(all)
}

/// Makes plans of all selected tenants and shows them.
///
/// # Errors
/// When none can be made; with `-fail-fast`, when a single one cannot.
pub(super) async fn plan(
    session: &Session,
    wanted: &Wanted<'_>,
    reporter: &Arc<dyn Reporter>,
    sealer: &Arc<Sealer>,
) -> Result<Planned, Diagnostics> {
    made(session, wanted, reporter, sealer, true).await
}

/// The same without showing them.
///
/// # Errors
/// As of [`plan`].
pub(super) async fn make(
    session: &Session,
    wanted: &Wanted<'_>,
    reporter: &Arc<dyn Reporter>,
    sealer: &Arc<Sealer>,
) -> Result<Planned, Diagnostics> {
    made(session, wanted, reporter, sealer, false).await
}

async fn made(
    session: &Session,
    wanted: &Wanted<'_>,
    reporter: &Arc<dyn Reporter>,
    sealer: &Arc<Sealer>,
    show: bool,
) -> Result<Planned, Diagnostics> {
    let options = options(wanted)?;
    let loaded = session.load(wanted.config, sealer)?;
    reporter.diagnostics(loaded.warnings.into_iter().collect());
    let fleet = loaded.platform.is_fleet();
    let selection = wanted.select.selection();
    let chosen = loaded.platform.chosen(&selection)?;
    reporter.planning(chosen.len(), fleet);
    let events: Arc<dyn EventSink> = Arc::clone(reporter) as Arc<dyn EventSink>;
    let parallelism = session::parallelism(wanted.run.parallelism, fleet);
    let mut engine = session.engine(wanted.operation, loaded.registry, sealer, events, parallelism)?;
    engine.lock_timeout = wanted.run.wait.lock_timeout;
    engine.fail_fast = wanted.run.fail_fast;
    if wanted.run.show_sensitive {
        session.showed_sensitive(&*engine.store, wanted.operation, Vec::new())?;
    }
    let outcomes = Box::pin(ops::plan(&engine, &loaded.platform, &selection, &options)).await?;
    let total = outcomes.len();
    let mut plans = Vec::with_capacity(total);
    let mut problems = Diagnostics::new();
    let mut report = Reported::new(session, wanted.operation, wanted.run);
    let whose = owners(&loaded.platform, &chosen);
    for outcome in outcomes {
        report.report.planned(&outcome.workspace, outcome.result.as_ref(), &outcome.diagnostics, || {
            whose.get(&outcome.workspace).cloned().unwrap_or_default()
        });
        let failed = outcome.diagnostics.has_errors();
        problems.extend(outcome.diagnostics);
        plans.extend(outcome.result.filter(|_| !failed).map(|mut plan| {
            plan.simulate.clone_from(&loaded.simulate);
            if wanted.only_drift {
                plan.outputs.clear();
            }
            plan
        }));
    }
    if total == 0 && !selection.is_all() {
        let detail = "No tenant is all of what was selected, so nothing was planned.";
        let hint = "See who there is, and with which tiers, environments and labels: tenantctl tenants -json";
        problems.push(Diagnostic::warning("Nothing selected", detail).hint(hint));
    }
    // Of nothing but failures there is no plan that could be shown as empty.
    if show && (total == 0 || !plans.is_empty()) {
        reporter.plans(&plans, fleet);
    }
    let guard = ops::guard(&loaded.platform, &plans, !selection.is_all());
    let refused = guard.has_errors() && !wanted.plan.ignore_guard;
    problems.extend(guard.into_iter().filter(|_| refused));
    report.write()?;
    let failed = total - plans.len();
    if refused || failed > 0 && (!fleet || plans.is_empty() || wanted.run.fail_fast) {
        return Err(problems);
    }
    if failed > 0 {
        let detail = format!(
            "{failed} of {} could not be planned. The rest goes on without.",
            count(total, "workspace")
        );
        let hint = "Use -fail-fast to have nothing done unless all can be.";
        problems.push(Diagnostic::warning("Incomplete plan", detail).hint(hint));
    }
    if show || failed > 0 {
        reporter.diagnostics(problems.sorted().into_iter().collect());
    }
    Ok(Planned { engine, platform: Some(loaded.platform), plans, fleet, failed, report })
}

/// Tenant, tier and environment of each workspace, as far as they are known.
fn owners(platform: &Platform, chosen: &[Seated]) -> HashMap<WorkspaceName, [Option<String>; 3]> {
    let text = |name: &Arc<str>| Some(name.to_string());
    let seated = chosen.iter().map(|seated| {
        let environment = seated.environment.as_ref().and_then(text);
        (seated.workspace.clone(), [text(&seated.tenant), text(&seated.tier), environment])
    });
    let broken =
        platform.broken().filter_map(|(name, _)| Some((name.parse().ok()?, [text(name), None, None])));
    broken.chain(seated).collect()
}

fn options(wanted: &Wanted<'_>) -> Result<PlanOptions, Diagnostics> {
    let plan = wanted.plan;
    if plan.refresh_only && !plan.refresh {
        let problem =
            Diagnostic::error("Contradicting flags", "-refresh-only needs what -refresh=false turns off.");
        return Err(problem.into());
    }
    let mode = match (plan.destroy, plan.refresh_only) {
        (true, _) => PlanMode::Destroy,
        (false, true) => PlanMode::RefreshOnly,
        (false, false) => PlanMode::Normal,
    };
    let address = |text: &String| text.parse::<ResourceAddress>().map_err(|e| Diagnostics::from(invalid(&e)));
    let selectors = |texts: &[String]| -> Result<Vec<Selector>, Diagnostics> {
        let parsed = |text: &String| text.parse().map_err(|e| Diagnostics::from(invalid(&e)));
        texts.iter().map(parsed).collect()
    };
    let targets = addresses(&plan.targets, &plan.target_files)?;
    let excludes = addresses(&plan.excludes, &plan.exclude_files)?;
    if !targets.is_empty() && !excludes.is_empty() {
        let detail = "A plan is about what -target names, or about all but what -exclude names.";
        return Err(Diagnostic::error("Contradicting flags", detail).into());
    }
    Ok(PlanOptions {
        mode,
        skip_refresh: !plan.refresh,
        replace: plan.replace.iter().map(address).collect::<Result<_, _>>()?,
        targets: selectors(&targets)?,
        excludes: selectors(&excludes)?,
        imports: wanted.imports.clone(),
        generate: wanted.generate,
        relevant: wanted.kept,
        brief: !wanted.kept,
        skip_lock: !wanted.run.lock && wanted.operation == "plan",
    })
}

/// Text that is no address.
pub(super) fn invalid(error: &tenantctl_core::addr::AddressError) -> Diagnostic {
    Diagnostic::error("Invalid address", crate::error::sentence(&error.to_string()))
        .hint("An address looks like kubernetes_manifest.main or module.db.aws_s3_bucket.logs[\"eu\"].")
}

/// Tells the reporter that time passes, as long as it is held.
pub(super) struct Heartbeat(tokio::task::AbortHandle);

impl Heartbeat {
    /// From now on.
    pub(super) fn start(reporter: &Arc<dyn Reporter>) -> Self {
        let reporter = Arc::clone(reporter);
        let task = tokio::spawn(async move {
            let mut second = tokio::time::interval(Duration::from_secs(1));
            second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                second.tick().await;
                reporter.tick();
            }
        });
        Heartbeat(task.abort_handle())
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}
