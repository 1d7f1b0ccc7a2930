//! Planning instances, many at a time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use tokio::sync::Semaphore;

use super::apply::recovery;
use super::{Engine, Outcome, PlanOptions, Selection, audit, guards, loaded, locks, passing, scrub};
use crate::addr::{ResourceAddress, WorkspaceName};
use crate::apply;
use crate::config::{Instance, Module, Platform, Selected};
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::event::Event;
use crate::graph::Graph;
use crate::plan::{
    Chosen, Needs, OpenRead, Plan, PlanInput, PlanMode, Planned, file, judge, moves, plan as make_plan,
};
use crate::provider::{ProviderError, SharedProvider, Target};
use crate::refresh::{Patience, Refreshed, failed, refresh, unknown_provider};
use crate::retry::Retry;
use crate::state::{RecordKey, StateError, WorkspaceLock, WorkspaceState};
use crate::value::{Marks, Secrets, Value};

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
        guards::still_used(engine, platform)?;
    }
    let Selected { instances, failed } = platform.instances(selection)?;
    let secrets = Secrets::default();
    let engine = &scrub::engine(engine, &secrets);
    let work = Work { engine, secrets: &secrets, platform, options, graphs: graphs(&instances) };
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
            None => passing::recorded(engine, &workspace)?,
        };
        tenants = tenants
            .into_iter()
            .filter_map(|tenant| {
                let passes = options.mode == PlanMode::Destroy || tenant.shared.is_empty();
                let problem = match passing::check(&tenant, &passed) {
                    Err(_) if platform_failed && !passes => {
                        let detail = "What it refers to of the platform could not be planned.";
                        Some(Diagnostic::error("Platform not planned", detail).address(&tenant.workspace))
                    }
                    Err(problem) if !passes => Some(problem),
                    Ok(()) | Err(_) => None,
                };
                if let Some(problem) = problem {
                    outcomes.push(work.unplanned(tenant.workspace, problem.into()));
                    return None;
                }
                Some(Instance { passed: passed.clone(), ..tenant })
            })
            .collect();
    }
    outcomes.extend(work.plan(tenants).await?);
    outcomes.extend(failed.into_iter().map(|(workspace, problems)| work.unplanned(workspace, problems)));
    if platform.is_fleet() && options.mode == PlanMode::Normal {
        guards::refuse_claims(&engine.registry, &mut outcomes);
        if selection.is_all() {
            let known = engine.store.list().map_err(|e| state_error(&e))?;
            let left = guards::left_over(&guards::unconfigured(platform, known));
            left.into_iter().for_each(|warning| engine.events.send(Event::Diagnostic(warning)));
        }
    }
    scrub::outcomes(&mut outcomes, &secrets);
    audit::planned(engine, &outcomes);
    Ok(outcomes)
}

/// What the planning of many instances has in common.
struct Work<'a> {
    engine: &'a Engine,
    secrets: &'a Secrets,
    platform: &'a Arc<Platform>,
    options: &'a PlanOptions,
    graphs: Graphs,
}

impl Work<'_> {
    /// Plans instances, many at a time; one outcome each, in order.
    async fn plan(&self, instances: Vec<Instance>) -> Result<Vec<Outcome<Plan>>, Diagnostics> {
        let mut outcomes = Vec::with_capacity(instances.len());
        let reading = |provider: &SharedProvider| provider.reading(instances.len());
        let _reading: Vec<_> = match self.options.skip_refresh {
            true => Vec::new(),
            false => self.engine.registry.iter().filter_map(reading).collect(),
        };
        let prepared =
            prepared(self.engine, instances, self.options.skip_lock).flat_map(futures::stream::iter);
        let work = prepared.map(|prepared| {
            let (instance, state, lock) = prepared?;
            let graph = self.graphs[&key(&instance.module)].clone();
            let (engine, platform, options) =
                (self.engine.clone(), self.platform.clone(), self.options.clone());
            let secrets = self.secrets.clone();
            let workspace = instance.workspace.clone();
            let task = tokio::spawn(async move {
                let graph = graph?;
                let one = One {
                    engine: &engine,
                    secrets: &secrets,
                    platform: &platform,
                    instance: &instance,
                    graph: &graph,
                    options: &options,
                };
                if engine.cancel.is_draining() {
                    return Err(stopped(&one.instance.workspace));
                }
                tokio::select! {
                    biased;
                    () = engine.cancel.aborted() => Err(stopped(&one.instance.workspace)),
                    planned = one.plan(state, lock) => planned,
                }
            });
            Ok::<_, Diagnostics>(async move { Ok((workspace, task.await)) })
        });
        let mut stream = Box::pin(work.try_buffered(AT_ONCE));
        while let Some(next) = stream.next().await {
            let (workspace, result) = next?;
            let (result, diagnostics) = match result {
                Ok(Ok((plan, warnings))) => (Some(plan), self.placed(&workspace, warnings)),
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

    /// The outcome of an instance that cannot be planned.
    fn unplanned(&self, workspace: WorkspaceName, diagnostics: Diagnostics) -> Outcome<Plan> {
        self.engine.events.send(Event::Planned { workspace: workspace.clone(), counts: None });
        Outcome { workspace, result: None, diagnostics }
    }
}

type Prepared =
    (Instance, Result<WorkspaceState, StateError>, Result<Option<Box<dyn WorkspaceLock>>, StateError>);

/// Instances with their states and locks, a portion at a time as they are
/// asked for.
fn prepared(
    engine: &Engine,
    instances: Vec<Instance>,
    skip_lock: bool,
) -> impl Stream<Item = Vec<Result<Prepared, Diagnostics>>> {
    let portions: Vec<Vec<Instance>> = {
        let mut left = instances.into_iter().peekable();
        std::iter::from_fn(|| left.peek().is_some().then(|| left.by_ref().take(locks::PORTION).collect()))
            .collect()
    };
    futures::stream::iter(portions).then(move |portion: Vec<Instance>| async move {
        let names: Vec<_> = portion.iter().map(|instance| instance.workspace.clone()).collect();
        match locks::portion(engine, &names, skip_lock).await {
            Ok(held) => portion
                .into_iter()
                .zip(held)
                .map(|(instance, (lock, state))| Ok((instance, state, lock)))
                .collect(),
            Err(error) => vec![Err(Diagnostics::from(state_error(&error)))],
        }
    })
}

/// A stop was requested. Planning changes nothing but the state's journal,
/// which may be left anywhere.
fn stopped(workspace: &WorkspaceName) -> Diagnostics {
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

struct One<'a> {
    engine: &'a Engine,
    /// Known so far, of all instances.
    secrets: &'a Secrets,
    platform: &'a Platform,
    instance: &'a Instance,
    graph: &'a Graph,
    options: &'a PlanOptions,
}

impl One<'_> {
    async fn plan(
        &self,
        state: Result<WorkspaceState, StateError>,
        lock: Result<Option<Box<dyn WorkspaceLock>>, StateError>,
    ) -> Result<(Plan, Diagnostics), Diagnostics> {
        let lock = lock.map_err(|e| state_error(&e))?;
        let mut state = loaded(&self.engine.registry, state)?;
        scrub::learn_state(&state, self.secrets);
        if !state.open.is_empty() {
            state = self.recover(state, lock.as_deref()).await?;
        }
        let workspace = &self.instance.workspace;
        let options = self.options;
        let mut moved = moves(self.graph, &self.engine.registry, &mut state)?;
        let (chosen, mut warnings) =
            Chosen::new(self.graph, &state, options.mode, &options.targets, &options.excludes)?;
        warnings.extend(std::mem::take(&mut moved.warnings));
        let mut refreshed = Refreshed::default();
        if !options.skip_refresh && !state.resources.is_empty() {
            self.engine
                .events
                .send(Event::RefreshStarted { workspace: workspace.clone(), objects: state.resources.len() });
            let wanted = |key: &RecordKey| chosen.covers(self.graph, &key.address);
            let told = |key: &RecordKey, attempt, wait, error: &ProviderError| {
                self.retrying(key.clone(), attempt, wait, error);
            };
            let patience = Patience { cancel: &self.engine.cancel, told: &told };
            refreshed = refresh(&self.engine.registry, &mut state, &wanted, &patience).await?;
            self.engine.events.send(Event::RefreshFinished { workspace: workspace.clone() });
        }
        let prepared: Vec<_> =
            std::mem::take(&mut moved.changes).into_iter().chain(refreshed.changes).collect();
        let mut read = Read::default();
        let planned = async {
            loop {
                let input = PlanInput {
                    instance: self.instance,
                    graph: self.graph,
                    state: &state,
                    drift: &refreshed.drift,
                    refreshed: &prepared,
                    registry: &self.engine.registry,
                    mode: options.mode,
                    replace: &options.replace,
                    chosen: &chosen,
                    moves: &moved,
                    imports: &options.imports,
                    generate: options.generate,
                    timestamp: &self.engine.timestamp,
                    config_digest: self.platform.digest(),
                    data: &read.data,
                    unread: &read.unread,
                    imported: &read.imported,
                    opened: &read.opened,
                };
                match make_plan(input)? {
                    Planned::Plan(mut plan, found) => {
                        plan.generated = crate::fmt::format(&plan.generated);
                        scrub::learn_plan(&plan, self.secrets);
                        plan.schemas = file::schemas(&self.engine.registry, &plan);
                        return Ok::<_, Diagnostics>((*plan, found));
                    }
                    Planned::Needs(needs) => self.read(needs, &mut read).await?,
                }
            }
        };
        let planned = Box::pin(planned).await;
        self.close(&mut read).await;
        let (plan, found) = planned?;
        warnings.extend(found);
        warnings.extend(read.warnings);
        if options.mode == PlanMode::Normal {
            let judged = judge(self.platform.policies(), self.instance, &plan);
            if judged.has_errors() {
                return Err(judged);
            }
            warnings.extend(judged);
        }
        Ok((plan, warnings))
    }

    /// Closes what was opened to plan; an apply opens it anew.
    async fn close(&self, read: &mut Read) {
        for (wanted, handle) in std::mem::take(&mut read.handles).into_iter().rev() {
            let Some(provider) = self.engine.registry.get(&wanted.provider) else { continue };
            let closed = provider.close(&wanted.address.kind, &wanted.connection, &handle).await;
            if let Err(error) = closed {
                let address = format!("{}:{}", self.instance.workspace, wanted.address);
                let mut warning = failed(&error, &address);
                warning.severity = Severity::Warning;
                read.warnings.push(warning);
            }
        }
    }

    /// Settles what the last run left open, before anything is decided.
    async fn recover(
        &self,
        mut state: WorkspaceState,
        lock: Option<&dyn WorkspaceLock>,
    ) -> Result<WorkspaceState, Diagnostics> {
        let Some(lock) = lock else {
            return Err(Diagnostic::error(
                "Unfinished run",
                format!("The last run on {} died in a call, and settling that needs the lock.", state.name),
            )
            .hint("Run again without -lock=false.")
            .into());
        };
        let journal = self.engine.store.journal(lock, &state).map_err(|e| state_error(&e))?;
        let slots = Semaphore::new(self.engine.parallelism.max(1));
        apply::recover(recovery(self.engine, &slots), &mut state, &*journal).await?;
        drop(journal);
        let reloaded =
            self.engine.store.load(std::slice::from_ref(&state.name)).map_err(|e| state_error(&e))?;
        match reloaded.into_iter().next() {
            Some(state) => loaded(&self.engine.registry, state),
            None => Ok(state),
        }
    }

    fn retrying(&self, key: RecordKey, attempt: u32, wait: Duration, error: &ProviderError) {
        let (workspace, error) = (self.instance.workspace.clone(), error.to_string());
        self.engine.events.send(Event::Retrying { workspace, key, attempt, wait, error });
    }

    /// Makes a call about something until it succeeds or fails for good.
    async fn called<T, F>(&self, address: &ResourceAddress, call: impl Fn() -> F) -> Result<T, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>>,
    {
        let told = |attempt: u32, wait: Duration, error: &ProviderError| {
            self.retrying(RecordKey::current(address.clone()), attempt, wait, error);
        };
        Retry { cancel: &self.engine.cancel, told: &told }.call(call).await
    }

    async fn read(&self, needs: Needs, read: &mut Read) -> Result<(), Diagnostics> {
        let mut diagnostics = Diagnostics::new();
        let address = |address: &ResourceAddress| format!("{}:{address}", self.instance.workspace);
        for wanted in needs.data {
            [&wanted.config, &wanted.connection].into_iter().for_each(|value| self.secrets.learn(value));
            let Some(provider) = self.engine.registry.get(&wanted.provider) else {
                diagnostics.push(unknown_provider(&wanted.provider));
                continue;
            };
            let call = || provider.read_data(&wanted.address.kind, &wanted.connection, &wanted.config);
            match self.called(&wanted.address, call).await {
                Ok(value) => drop(read.data.insert(wanted.address, value)),
                Err(error) if wanted.in_check => {
                    let mut warning = failed(&error, &address(&wanted.address));
                    warning.severity = Severity::Warning;
                    read.warnings.push(warning);
                    read.unread.insert(wanted.address);
                }
                Err(error) => diagnostics.push(failed(&error, &address(&wanted.address))),
            }
        }
        for wanted in needs.opens {
            let Some(provider) = self.engine.registry.get(&wanted.provider) else {
                diagnostics.push(unknown_provider(&wanted.provider));
                continue;
            };
            match provider.open(&wanted.address.kind, &wanted.connection, &wanted.config).await {
                Ok(opened) => {
                    self.secrets.learn(&opened.value.clone().with_marks(Marks::EPHEMERAL));
                    read.opened.insert(wanted.address.clone(), opened.value);
                    read.handles.extend(opened.handle.map(|handle| (wanted, handle)));
                }
                Err(error) => diagnostics.push(failed(&error, &address(&wanted.address))),
            }
        }
        for wanted in needs.imports {
            self.secrets.learn(&wanted.connection);
            let Some(provider) = self.engine.registry.get(&wanted.provider) else {
                diagnostics.push(unknown_provider(&wanted.provider));
                continue;
            };
            let target = Target {
                kind: &wanted.address.kind,
                connection: &wanted.connection,
                token: "",
                workspace: self.instance.workspace.as_str(),
            };
            let found = self.called(&wanted.address, || provider.import(target.clone(), &wanted.id)).await;
            let mut problem = match found {
                Ok(value) if !value.is_null() => {
                    read.imported.insert(wanted.address, value);
                    continue;
                }
                Ok(_) => {
                    let detail = format!("There is no object {:?} to be imported.", wanted.id);
                    Diagnostic::error("Nothing to import", detail).address(address(&wanted.address))
                }
                Err(error) => failed(&error, &address(&wanted.address)),
            };
            problem.span = wanted.span;
            diagnostics.push(problem);
        }
        if diagnostics.has_errors() { Err(diagnostics) } else { Ok(()) }
    }
}

/// What planning had to read.
#[derive(Default)]
struct Read {
    data: BTreeMap<ResourceAddress, Value>,
    unread: HashSet<ResourceAddress>,
    imported: BTreeMap<ResourceAddress, Value>,
    opened: BTreeMap<ResourceAddress, Value>,
    /// What is to be closed.
    handles: Vec<(OpenRead, serde_json::Value)>,
    warnings: Diagnostics,
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
