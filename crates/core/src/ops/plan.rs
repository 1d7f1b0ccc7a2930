//! Planning instances, many at a time.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt as _, TryStreamExt as _};

use super::claims::{self, Claim};
use super::instance::One;
use super::load::beyond;
use super::locks::Held;
use super::partly::Partly;
use super::passing::Passed;
use super::rehearse::Rehearsal;
use super::{Engine, Outcome, PlanOptions, Selection, audit, guards, locks, passing, scrub};
use crate::addr::WorkspaceName;
use crate::config::{Instance, Module, Platform, Selected};
use crate::diag::{Diagnostic, Diagnostics};
use crate::event::Event;
use crate::graph::Graph;
use crate::plan::{Plan, PlanMode};
use crate::provider::SharedProvider;
use crate::state::StateError;
use crate::value::Secrets;

/// Instances planned at a time; each holds its state in memory meanwhile.
const AT_ONCE: usize = 64;

/// Plans the selected instances; one outcome each: the platform's first, which
/// tenants may refer to, then theirs in order.
///
/// # Errors
/// What is wrong with the configuration or the store as a whole.
pub async fn plan(
    engine: &Engine,
    platform: &Arc<Platform>,
    selection: &Selection,
    options: &PlanOptions,
) -> Result<Vec<Outcome<Plan>>, Diagnostics> {
    if options.mode == PlanMode::Destroy && selection.platform {
        guards::still_used(engine, platform, &HashSet::new())?;
    }
    let Selected { instances, failed } = platform.instances(selection)?;
    let secrets = Secrets::default();
    let engine = &scrub::engine(engine, &secrets);
    let (rehearsal, partly) = (Arc::default(), Arc::<Partly>::default());
    let work = Work {
        engine,
        secrets: &secrets,
        platform,
        options,
        graphs: graphs(&instances),
        rehearsal,
        partly: Arc::clone(&partly),
        claims: Mutex::default(),
    };
    let (shared, mut tenants): (Vec<_>, Vec<_>) =
        instances.into_iter().partition(|instance| platform.is_fleet() && instance.seated.is_none());
    let is_planned = !shared.is_empty();
    let mut outcomes = work.plan(shared).await?;
    let platform_failed = is_planned && outcomes.iter().all(|outcome| outcome.result.is_none());
    if tenants.iter().any(|tenant| !tenant.shared.is_empty())
        && let Some(workspace) = platform.shared_workspace()
    {
        let passed = match outcomes.first() {
            Some(outcome) => passing::planned(outcome),
            None => passing::recorded(engine, platform, &workspace)?,
        };
        tenants = work.given(tenants, &passed, platform_failed, &mut outcomes);
    }
    outcomes.extend(work.plan(tenants).await?);
    outcomes.extend(failed.into_iter().map(|(workspace, problems)| work.unplanned(workspace, problems)));
    if options.mode == PlanMode::Destroy && is_planned && selection.is_all() {
        keep_shared(engine, platform, &mut outcomes);
    }
    if work.is_compared() {
        let mut claims = work.claims.into_inner().unwrap_or_default();
        claims::add_recorded(engine, &mut claims).map_err(|e| state_error(&e))?;
        claims::refuse(&claims, &mut outcomes);
        if selection.is_all() {
            let known = engine.store.list().map_err(|e| state_error(&e))?;
            let left = guards::left_over(&guards::unconfigured(platform, known));
            left.into_iter().for_each(|warning| engine.events.send(Event::Diagnostic(warning)));
        }
    }
    for warning in partly.warnings(options).filter(|_| outcomes.iter().any(|one| one.result.is_some())) {
        engine.events.send(Event::Diagnostic(warning));
    }
    scrub::outcomes(&mut outcomes, &secrets);
    audit::planned(engine, selection, options, &outcomes);
    Ok(outcomes)
}

/// Takes back the plan that destroys what tenants share, where some of them keep
/// what they have.
fn keep_shared(engine: &Engine, platform: &Platform, outcomes: &mut [Outcome<Plan>]) {
    let going = outcomes.iter().filter(|outcome| outcome.result.is_some()).map(|outcome| &outcome.workspace);
    let Err(problems) = guards::still_used(engine, platform, &going.collect()) else { return };
    let own = platform.shared_workspace();
    for outcome in outcomes.iter_mut().filter(|outcome| Some(&outcome.workspace) == own.as_ref()) {
        outcome.result = None;
        outcome.diagnostics.extend(problems.clone().into_iter().map(|p| p.address(&outcome.workspace)));
    }
}

/// What the planning of many instances has in common.
struct Work<'a> {
    engine: &'a Engine,
    secrets: &'a Secrets,
    platform: &'a Arc<Platform>,
    options: &'a PlanOptions,
    graphs: Graphs,
    rehearsal: Arc<Rehearsal>,
    partly: Arc<Partly>,
    /// What they claim, where that is to be compared.
    claims: Mutex<Vec<(WorkspaceName, Vec<Claim>)>>,
}

impl Work<'_> {
    /// Whether plans are compared with each other.
    fn is_compared(&self) -> bool {
        self.platform.is_fleet() && self.options.mode == PlanMode::Normal
    }

    /// Plans instances, many at a time; one outcome each, in order.
    async fn plan(&self, instances: Vec<Instance>) -> Result<Vec<Outcome<Plan>>, Diagnostics> {
        let mut outcomes = Vec::with_capacity(instances.len());
        let reading = |provider: &SharedProvider| provider.reading(instances.len());
        let _reading: Vec<_> = match self.options.skip_refresh {
            true => Vec::new(),
            false => self.engine.registry.iter().filter_map(reading).collect(),
        };
        let compared = self.is_compared();
        let held = locks::held(self.engine, instances, |one| &one.workspace, self.options.skip_lock);
        let work = held.map(|(instance, held)| {
            let Held { lock, state } = held?;
            let graph = self.graphs[&key(&instance.module)].clone();
            let (engine, platform, options) =
                (self.engine.clone(), self.platform.clone(), self.options.clone());
            let (secrets, rehearsal, partly) =
                (self.secrets.clone(), self.rehearsal.clone(), Arc::clone(&self.partly));
            let workspace = instance.workspace.clone();
            let task = tokio::spawn(async move {
                let graph = graph.map_err(|problems| match platform.is_fleet() {
                    true => problems,
                    false => beyond(&engine.registry, &platform, &instance, &problems),
                })?;
                let one = One {
                    engine: &engine,
                    secrets: &secrets,
                    platform: &platform,
                    instance: &instance,
                    graph: &graph,
                    options: &options,
                    rehearsal: &rehearsal,
                    partly: &partly,
                };
                if engine.cancel.is_draining() {
                    return Err(stopped(&one.instance.workspace));
                }
                let planned = engine.cancel.unless_aborted(one.plan(state, lock)).await;
                let (plan, warnings) = planned.unwrap_or_else(|| Err(stopped(&one.instance.workspace)))?;
                let claims = if compared { claims::of(&engine.registry, &plan) } else { Vec::new() };
                Ok((if options.brief { plan.brief() } else { plan }, warnings, claims))
            });
            Ok::<_, Diagnostics>(async move { Ok((workspace, task.await)) })
        });
        let mut stream = Box::pin(work.try_buffered(AT_ONCE));
        while let Some(next) = stream.next().await {
            let (workspace, result) = next?;
            let (result, diagnostics) = match result {
                Ok(Ok((plan, warnings, claims))) => {
                    self.claims
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((workspace.clone(), claims));
                    (Some(plan), self.placed(&workspace, warnings))
                }
                Ok(Err(diagnostics)) => (None, self.placed(&workspace, diagnostics)),
                Err(error) => {
                    let detail = format!("Planning {workspace} broke off: {error}.");
                    (None, Diagnostic::error("Internal error", detail).into())
                }
            };
            let counts = result.as_ref().map(Plan::counts);
            self.engine.events.send(Event::Planned { workspace: workspace.clone(), counts });
            outcomes.push(Outcome { workspace, result, diagnostics });
        }
        Ok(outcomes)
    }

    /// Problems with the workspace in their addresses, where there are several.
    fn placed(&self, workspace: &WorkspaceName, problems: Diagnostics) -> Diagnostics {
        let prefix = format!("{workspace}:");
        let place = |problem: Diagnostic| match &problem.address {
            Some(address)
                if self.platform.is_fleet()
                    && !address.starts_with(&prefix)
                    && address != workspace.as_str() =>
            {
                let address = format!("{prefix}{address}");
                problem.address(address)
            }
            _ => problem,
        };
        problems.into_iter().map(place).collect()
    }

    /// Tenants with what the platform passes on to them. Those that lack
    /// something of it have their outcome.
    fn given(
        &self,
        tenants: Vec<Instance>,
        passed: &Passed,
        platform_failed: bool,
        outcomes: &mut Vec<Outcome<Plan>>,
    ) -> Vec<Instance> {
        let mut given = Vec::with_capacity(tenants.len());
        for tenant in tenants {
            // What is destroyed needs nothing.
            let needs = self.options.mode != PlanMode::Destroy && !tenant.shared.is_empty();
            match passing::check(&tenant, passed) {
                Err(problems) if needs => {
                    let problems =
                        if platform_failed { passing::unplanned(&tenant).into() } else { problems };
                    outcomes.push(self.unplanned(tenant.workspace, problems));
                }
                Ok(()) | Err(_) => given.push(Instance { passed: passed.values.clone(), ..tenant }),
            }
        }
        given
    }

    /// The outcome of an instance that cannot be planned.
    fn unplanned(&self, workspace: WorkspaceName, diagnostics: Diagnostics) -> Outcome<Plan> {
        self.engine.events.send(Event::Planned { workspace: workspace.clone(), counts: None });
        Outcome { workspace, result: None, diagnostics }
    }
}

/// A stop was requested. Planning changes nothing but the state's journal,
/// which may be left anywhere.
pub(super) fn stopped(workspace: &WorkspaceName) -> Diagnostics {
    Diagnostic::error("Stopped", format!("{workspace} was not planned, as was asked.")).into()
}

/// Graphs by the address of their root module, which outlives them; or what is
/// wrong with the module.
pub(super) type Graphs = HashMap<usize, Result<Arc<Graph>, Diagnostics>>;

pub(super) fn key(module: &Arc<Module>) -> usize {
    Arc::as_ptr(module) as usize
}

/// One graph for each root module, however many instances share it.
pub(super) fn graphs(instances: &[Instance]) -> Graphs {
    let mut graphs = Graphs::new();
    for instance in instances {
        let build = || Graph::build(&instance.module).map(Arc::new);
        graphs.entry(key(&instance.module)).or_insert_with(build);
    }
    graphs
}

/// A store's error as a diagnostic.
pub(super) fn state_error(error: &StateError) -> Diagnostic {
    match error {
        StateError::Locked { workspace, holder } => {
            let detail = match holder {
                Some(info) => format!(
                    "The workspace {workspace} is locked by {} (process {}) for {:?} since {}; lock {}.",
                    info.who, info.pid, info.operation, info.created, info.id
                ),
                None => format!("The workspace {workspace} is locked by another process."),
            };
            Diagnostic::error("Workspace is locked", detail).hint(
                "Wait until that run is over, or have it waited for with -lock-timeout=5m. A lock goes with \
                     its process; one that hangs can be ended, or shut out with tenantctl force-unlock.",
            )
        }
        other => Diagnostic::error("State not available", format!("{other}.")),
    }
}
