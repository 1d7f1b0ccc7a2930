//! What `plan` and `apply` have in common: from flags to plans.

use std::sync::Arc;
use std::time::Duration;

use tenantctl_core::addr::{ResourceAddress, Selector};
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::event::EventSink;
use tenantctl_core::ops::{self, Engine, PlanOptions};
use tenantctl_core::plan::{Plan, PlanMode};
use tenantctl_core::state::Sealer;

use crate::args::{ConfigArgs, PlanArgs, RunArgs, SelectArgs};
use crate::render::Reporter;
use crate::render::reporter::Human;
use crate::render::stream::Stream;
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
}

/// Plans and the engine they were made with.
pub(super) struct Planned {
    pub(super) engine: Engine,
    pub(super) plans: Vec<Plan>,
    /// There may be more tenants than one.
    pub(super) fleet: bool,
}

/// Who tells the user.
pub(super) fn reporter(session: &Session, run: &RunArgs) -> Arc<dyn Reporter> {
    let (output, sources) = (session.output.clone(), Arc::clone(&session.sources));
    if run.json {
        Arc::new(Stream::new(output, sources, run.show_sensitive))
    } else {
        Arc::new(Human::new(output, sources, run.show_sensitive, run.compact_warnings))
    }
}

/// Makes plans of all selected tenants and shows them.
///
/// # Errors
/// When a single one cannot be made: a fleet is planned wholly or not at all.
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
/// When a single one cannot be made.
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
    let selection = session::selection(wanted.select);
    reporter.planning(selected(&loaded.platform.tenants(), wanted.select), fleet);
    let events: Arc<dyn EventSink> = Arc::clone(reporter) as Arc<dyn EventSink>;
    let parallelism = session::parallelism(wanted.run.parallelism, fleet);
    let mut engine = session.engine(wanted.operation, loaded.registry, sealer, events, parallelism)?;
    engine.lock_timeout = wanted.run.wait.lock_timeout;
    if wanted.run.show_sensitive {
        session.showed_sensitive(&*engine.store, wanted.operation, Vec::new())?;
    }
    let outcomes = Box::pin(ops::plan(&engine, &loaded.platform, &selection, &options)).await?;
    let total = outcomes.len();
    let mut plans = Vec::with_capacity(total);
    let mut problems = Diagnostics::new();
    for outcome in outcomes {
        let failed = outcome.diagnostics.has_errors();
        problems.extend(outcome.diagnostics);
        plans.extend(outcome.result.filter(|_| !failed).map(|mut plan| {
            plan.simulate.clone_from(&loaded.simulate);
            plan
        }));
    }
    // Of nothing but failures there is no plan that could be shown as empty.
    if show && (total == 0 || !plans.is_empty()) {
        reporter.plans(&plans, fleet);
    }
    if plans.len() < total && fleet {
        let failed = total - plans.len();
        let detail =
            format!("{failed} of {total} tenants could not be planned, so that nothing can be applied.");
        problems.push(
            Diagnostic::error("Incomplete plan", detail)
                .hint("Choose tenants with -tenant to go on without them."),
        );
    }
    if plans.len() < total || problems.has_errors() {
        return Err(problems);
    }
    if show {
        reporter.diagnostics(problems.into_iter().collect());
    }
    Ok(Planned { engine, plans, fleet })
}

fn selected(tenants: &[tenantctl_core::config::TenantSummary], select: &SelectArgs) -> usize {
    let meant = |chosen: &[String], name: &String| chosen.is_empty() || chosen.contains(name);
    tenants.iter().filter(|t| meant(&select.tenants, &t.name) && meant(&select.tiers, &t.tier)).count()
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
    if !plan.targets.is_empty() && !plan.excludes.is_empty() {
        let detail = "A plan is about what -target names, or about all but what -exclude names.";
        return Err(Diagnostic::error("Contradicting flags", detail).into());
    }
    Ok(PlanOptions {
        mode,
        skip_refresh: !plan.refresh,
        replace: plan.replace.iter().map(address).collect::<Result<_, _>>()?,
        targets: selectors(&plan.targets)?,
        excludes: selectors(&plan.excludes)?,
        imports: wanted.imports.clone(),
        generate: wanted.generate,
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
