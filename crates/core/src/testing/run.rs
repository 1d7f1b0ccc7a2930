//! Runs the blocks of a test file, one after another.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::condition::{Expected, judge};
use super::file::{Run, TestFile};
use super::names::Names;
use super::overlay::Overlay;
use super::{FileReport, RunReport, RunResult, Status};
use crate::cancel::Cancel;
use crate::config::{self, Instance, Manner, Module, Platform, ProviderBlock, Settings, provider_blocks};
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::event::Silent;
use crate::expr::{Expr, evaluate};
use crate::graph::Graph;
use crate::ops::{self, Engine, PlanOptions, Selection};
use crate::plan::{Inspection, PlanMode};
use crate::state::{RecordKey, StateStore, WorkspaceState};
use crate::syntax::{Attribute, Ident};
use crate::value::{Type, Value};

/// Makes an empty store of states.
pub type Stores = dyn Fn() -> Result<Arc<dyn StateStore>, Diagnostics> + Send + Sync;

/// What all test files share.
pub struct Suite {
    /// How runs are made; states are kept in `stores` instead.
    pub engine: Engine,
    /// The configuration under test, a plain root.
    pub platform: Arc<Platform>,
    /// Where states are kept while a file is run.
    pub stores: Box<Stores>,
}

/// Runs a file.
pub async fn run(suite: &Suite, file: &TestFile) -> FileReport {
    let mut runner = match Runner::new(suite, file) {
        Ok(runner) => runner,
        Err(diagnostics) => return refused(file, diagnostics),
    };
    let mut runs: Vec<RunReport> = Vec::with_capacity(file.runs.len());
    for run in &file.runs {
        let mut report = RunReport {
            name: run.name.name.clone(),
            status: Status::Skip,
            diagnostics: Diagnostics::new(),
            result: None,
        };
        let stopped = suite.engine.cancel.is_draining();
        if !stopped && runs.iter().all(|before| before.status < Status::Error) {
            report.status = Status::Pass;
            if let Err(problems) = Box::pin(runner.attempt(run, &mut report)).await {
                report.status = Status::Error;
                report.diagnostics.extend(problems);
            }
        }
        runs.push(report);
    }
    let (cleanup, leftovers) = runner.clean().await;
    FileReport { path: file.path.clone(), runs, cleanup, leftovers }
}

/// A file that cannot be begun: its first run says why.
fn refused(file: &TestFile, mut diagnostics: Diagnostics) -> FileReport {
    let mut runs = Vec::new();
    for name in file.runs() {
        let status = if runs.is_empty() { Status::Error } else { Status::Skip };
        let diagnostics = std::mem::take(&mut diagnostics);
        runs.push(RunReport { name: name.clone(), status, diagnostics, result: None });
    }
    FileReport { path: file.path.clone(), runs, cleanup: diagnostics, leftovers: Vec::new() }
}

/// A state and what was applied to it last.
struct Stage {
    engine: Engine,
    /// The configuration that removes what there is.
    applied: Option<Arc<Platform>>,
    /// When that was, counted in runs.
    at: usize,
}

struct Runner<'a> {
    suite: &'a Suite,
    file: &'a TestFile,
    names: Names,
    /// Values of variables that the file sets, with their places.
    variables: Settings,
    providers: Vec<ProviderBlock>,
    /// One for the module under test, one for each other module.
    stages: BTreeMap<Option<String>, Stage>,
    modules: HashMap<String, Arc<Platform>>,
    count: usize,
}

impl<'a> Runner<'a> {
    fn new(suite: &'a Suite, file: &'a TestFile) -> Result<Self, Diagnostics> {
        let mut diagnostics = Diagnostics::new();
        let engine = &suite.engine;
        for (name, _) in file.mocks.keys().filter(|(name, _)| engine.registry.get(name).is_none()) {
            let known: Vec<&str> = engine.registry.iter().map(|provider| provider.name()).collect();
            let problem =
                Diagnostic::error("Unknown provider", format!("There is no provider {name:?} to be mocked."));
            diagnostics.push(problem.suggest(name, known));
        }
        let blocks = file.providers.clone();
        let providers = provider_blocks(&engine.registry, &engine.sources, blocks, &mut diagnostics);
        let mut names = Names { variables: outside(&suite.platform)?, ..Names::default() };
        let variables = values(&file.variables, &names, &mut diagnostics);
        names.variables.extend(variables.iter().map(|(name, (value, _))| (name.clone(), value.clone())));
        if diagnostics.has_errors() {
            return Err(diagnostics.sorted());
        }
        let (stages, modules) = (BTreeMap::new(), HashMap::new());
        Ok(Runner { suite, file, names, variables, providers, stages, modules, count: 0 })
    }

    /// Takes a run. What is not as it should be is in the report.
    ///
    /// # Errors
    /// What keeps it from being taken.
    async fn attempt(&mut self, run: &Run, report: &mut RunReport) -> Result<(), Diagnostics> {
        let platform = Arc::new(self.platform(run)?);
        let mut engine = self.stage(run)?.engine.clone();
        let (platform, registry) = self.overlaid(&platform, run, &engine, report)?;
        engine.registry = registry;
        self.stage(run)?.engine = engine.clone();
        let options = options(run)?;
        let expected = Expected::new(&run.expect_failures, platform.module());
        let planned = one(ops::plan(&engine, &platform, &Selection::default(), &options).await?)?;
        let failed = planned.diagnostics.has_errors();
        let Some(plan) = planned.result.filter(|_| !failed || run.plan_only) else {
            let problems = if run.plan_only {
                expected.remaining(planned.diagnostics)
            } else {
                expected.explained(planned.diagnostics)
            };
            return finished(problems, report);
        };
        let instance = one(platform.instances(&Selection::default())?.instances)?;
        let graph = Graph::build(&instance.module)?;
        let timestamp = engine.timestamp.clone();
        if run.plan_only {
            finished(expected.remaining(planned.diagnostics), report)?;
            let inspection = Inspection::planned(&graph, &instance, &plan, &timestamp);
            self.judge(run, &instance, &inspection, report);
            report.result = Some(RunResult::Plan(Box::new(plan)));
            return Ok(());
        }
        self.count += 1;
        let count = self.count;
        let stage = self.stage(run)?;
        (stage.applied, stage.at) = (Some(platform.clone()), count);
        let applied = one(ops::apply(&engine, vec![plan.clone()]).await)?;
        let problems: Diagnostics = planned.diagnostics.into_iter().chain(applied.diagnostics).collect();
        finished(expected.remaining(problems), report)?;
        let state = state_of(&engine, &instance)?;
        let inspection = Inspection::applied(&graph, &instance, &plan, &state, &timestamp);
        self.judge(run, &instance, &inspection, report);
        report.result = Some(RunResult::State(Box::new(state)));
        Ok(())
    }

    /// Judges the assertions of a run, and keeps its outputs for the next ones.
    fn judge(&mut self, run: &Run, instance: &Instance, inspection: &Inspection<'_>, report: &mut RunReport) {
        let outputs: BTreeMap<Arc<str>, Value> = instance
            .module
            .outputs
            .iter()
            .map(|output| {
                let value = inspection.evaluate(&output.value).unwrap_or(Value::unknown(Type::Dynamic));
                let value = if output.sensitive { value.sensitive() } else { value };
                (output.name.name.clone(), value)
            })
            .collect();
        let mut names = self.names.clone();
        // The module's own variables are what the run made of them.
        names.variables.retain(|name, _| !instance.module.variables.iter().any(|v| v.name.name == *name));
        let all = Value::object(outputs.iter().map(|(name, value)| (name.clone(), value.clone())));
        names.outputs = Some(outputs);
        judge(&run.assertions, &names, inspection, report);
        self.names.runs.insert(run.name.name.clone(), all);
    }

    /// The configuration that a run is of, with the run's values.
    fn platform(&mut self, run: &Run) -> Result<Platform, Diagnostics> {
        let base = match &run.module {
            None => self.suite.platform.clone(),
            Some((source, span)) => self.module(source, *span)?,
        };
        let mut diagnostics = Diagnostics::new();
        let mut given = self.variables.clone();
        if run.module.is_some() {
            let outside = self.suite.platform.given().iter();
            given.extend(outside.filter_map(|(name, (_, span))| {
                let value = self.names.variables.get(name)?;
                (!self.variables.contains_key(name)).then(|| (name.clone(), (value.clone(), *span)))
            }));
        }
        given.extend(values(&run.variables, &self.names, &mut diagnostics));
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        // A file's variables may be meant for another of its modules.
        given.retain(|name, _| base.module().variables.iter().any(|v| v.name.name == *name));
        Ok(base.with(base.module().clone(), given))
    }

    fn module(&mut self, source: &str, span: Span) -> Result<Arc<Platform>, Diagnostics> {
        if let Some(known) = self.modules.get(source) {
            return Ok(known.clone());
        }
        let engine = &self.suite.engine;
        let dir = PathBuf::from(source);
        if !dir.is_dir() {
            let detail = format!("There is no directory {}.", dir.display());
            return Err(Diagnostic::error("Unreadable module directory", detail).at(span).into());
        }
        let mut found = Diagnostics::new();
        let mut modules = crate::modules::Modules::open(Path::new("."), None, &engine.sources, &mut found);
        let (platform, mut problems) =
            config::load(&engine.registry, &engine.sources, &mut modules, &dir, &[], Manner::default());
        problems.extend(found);
        let platform = match platform {
            Some(platform) if !problems.has_errors() => Arc::new(platform.rooted(None)?),
            _ => return Err(problems),
        };
        self.modules.insert(source.to_owned(), platform.clone());
        Ok(platform)
    }

    /// The configuration with providers, mocks and overrides in their places,
    /// and the providers that it needs.
    fn overlaid(
        &self,
        platform: &Platform,
        run: &Run,
        engine: &Engine,
        report: &mut RunReport,
    ) -> Result<(Arc<Platform>, crate::provider::Registry), Diagnostics> {
        let mut registry = engine.registry.clone();
        // Overrides of a file may be of another of its modules.
        let of_file = self.file.overrides.iter().filter(|_| run.module.is_none());
        let overrides = of_file.chain(&run.overrides).collect();
        let given = run.providers.as_deref().unwrap_or_default();
        let overlay = Overlay::new(&self.file.mocks, given, overrides, &mut registry);
        let (module, warnings) = overlay.over(platform.module())?;
        finished(warnings, report)?;
        let module = self.provided(module, run)?;
        Ok((Arc::new(platform.with(module, Settings::new())), registry))
    }

    /// The module with the file's `provider` blocks.
    fn provided(&self, module: Arc<Module>, run: &Run) -> Result<Arc<Module>, Diagnostics> {
        if self.providers.is_empty() && self.file.mocks.is_empty() {
            return Ok(module);
        }
        let mut made = (*module).clone();
        for block in self.mocked(run) {
            let own = block.reference();
            let count = made.providers.len();
            made.providers.retain(|other| {
                other.for_each.is_some() || !own.names(&other.name.name, other.alias.as_ref())
            });
            // The default configuration needs no block.
            if own.alias.is_some() || made.providers.len() < count {
                made.providers.push(block);
            }
        }
        for mut block in self.given(run)? {
            block.config = self.names.settle(&block.config).map_err(|problem| Diagnostics::from(*problem))?;
            let own = block.reference();
            made.providers.retain(|other| !own.names(&other.name.name, other.alias.as_ref()));
            made.providers.push(block);
        }
        Ok(Arc::new(made))
    }

    /// Blocks in which nothing is configured, for what is mocked.
    fn mocked(&self, run: &Run) -> Vec<ProviderBlock> {
        let mut blocks = Vec::new();
        for ((name, alias), mock) in &self.file.mocks {
            let Some(provider) = self.suite.engine.registry.get(name) else { continue };
            let config = Expr::literal(provider.schema().config.empty(), mock.span);
            let mut add = |name: &Arc<str>, alias: &Option<Arc<str>>| {
                let name = Ident { name: name.clone(), span: mock.span };
                let (alias, config) = (alias.clone(), config.clone());
                let (local, for_each) = (None, None);
                blocks.push(ProviderBlock { name, local, alias, for_each, config, span: mock.span });
            };
            match &run.providers {
                None => add(name, alias),
                Some(named) => {
                    let meant = named.iter().filter(|(_, outer)| outer.names(name, alias.as_ref()));
                    meant.for_each(|(inner, _)| add(&inner.name, &inner.alias));
                }
            }
        }
        blocks
    }

    /// The file's `provider` blocks as the run's module is to have them: all of
    /// them, or those that its `providers` names.
    fn given(&self, run: &Run) -> Result<Vec<ProviderBlock>, Diagnostics> {
        let Some(named) = &run.providers else { return Ok(self.providers.clone()) };
        let mut given = Vec::with_capacity(named.len());
        for (inner, outer) in named {
            let found = self.providers.iter().find(|p| outer.names(&p.name.name, p.alias.as_ref()));
            let Some(block) = found else {
                // A provider needs no block, and a mock is one.
                if outer.alias.is_none()
                    || self.file.mocks.contains_key(&(outer.name.clone(), outer.alias.clone()))
                {
                    continue;
                }
                let detail = format!("This test file has no provider block {outer}.");
                return Err(Diagnostic::error("Provider configuration not present", detail)
                    .at(outer.span)
                    .into());
            };
            given.push(ProviderBlock { alias: inner.alias.clone(), ..block.clone() });
        }
        Ok(given)
    }

    fn stage(&mut self, run: &Run) -> Result<&mut Stage, Diagnostics> {
        let key = run.module.as_ref().map(|(source, _)| source.clone());
        Ok(match self.stages.entry(key) {
            std::collections::btree_map::Entry::Occupied(stage) => stage.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let engine = Engine {
                    store: (self.suite.stores)()?,
                    events: Arc::new(Silent),
                    ..self.suite.engine.clone()
                };
                place.insert(Stage { engine, applied: None, at: 0 })
            }
        })
    }

    /// Removes what the runs made, the last first. Gives what could not be.
    async fn clean(self) -> (Diagnostics, Vec<RecordKey>) {
        let (mut diagnostics, mut leftovers) = (Diagnostics::new(), Vec::new());
        let mut stages: Vec<Stage> = self.stages.into_values().collect();
        stages.sort_by_key(|stage| std::cmp::Reverse(stage.at));
        for mut stage in stages {
            let Some(platform) = stage.applied else { continue };
            // The first request to stop ends the runs; what they made goes all
            // the same. The second leaves it.
            let asked = std::mem::take(&mut stage.engine.cancel);
            let cleaned = tokio::select! {
                biased;
                () = asked.aborted() => Err(Diagnostic::error(
                    "Stopped",
                    "What the test made was not removed, as was asked.",
                ).into()),
                cleaned = destroy(&stage.engine, &platform) => cleaned,
            };
            diagnostics.extend(cleaned.err().into_iter().flatten());
            let state = platform
                .instances(&Selection::default())
                .and_then(|selected| one(selected.instances))
                .and_then(|instance| state_of(&stage.engine, &instance));
            match state {
                Ok(state) => leftovers.extend(state.resources.into_keys().filter(is_made)),
                Err(problems) => diagnostics.extend(problems),
            }
        }
        (diagnostics, leftovers)
    }
}

fn is_made(key: &RecordKey) -> bool {
    key.address.mode == crate::addr::ResourceMode::Managed
}

async fn destroy(engine: &Engine, platform: &Arc<Platform>) -> Result<(), Diagnostics> {
    let options = PlanOptions { mode: PlanMode::Destroy, ..PlanOptions::default() };
    let engine = Engine { cancel: Cancel::default(), ..engine.clone() };
    let planned = one(ops::plan(&engine, platform, &Selection::default(), &options).await?)?;
    let Some(plan) = planned.result else { return Err(planned.diagnostics) };
    let applied = one(ops::apply(&engine, vec![plan]).await)?;
    if applied.diagnostics.has_errors() { Err(applied.diagnostics) } else { Ok(()) }
}

/// Notes what is wrong with a run.
///
/// # Errors
/// None but those that are errors, which end the run.
fn finished(problems: Diagnostics, report: &mut RunReport) -> Result<(), Diagnostics> {
    if problems.has_errors() {
        return Err(problems);
    }
    report.diagnostics.extend(problems);
    Ok(())
}

fn options(run: &Run) -> Result<PlanOptions, Diagnostics> {
    let mut options = PlanOptions {
        mode: run.mode,
        skip_refresh: run.skip_refresh,
        replace: run.replace.clone(),
        ..PlanOptions::default()
    };
    for (target, span) in &run.targets {
        let target = target.parse().map_err(|error| {
            Diagnostics::from(Diagnostic::error("Invalid address", format!("{error}.")).at(*span))
        })?;
        options.targets.push(target);
    }
    Ok(options)
}

/// Values of variables given from outside of the tests, converted.
fn outside(platform: &Platform) -> Result<BTreeMap<Arc<str>, Value>, Diagnostics> {
    let settled = platform.inspected(None, None)?.variables;
    let given = settled.into_iter().filter(|(name, _)| platform.given().contains_key(name));
    Ok(given.map(|(name, (value, _))| (name, value)).collect())
}

fn values(attributes: &[Attribute], names: &Names, diagnostics: &mut Diagnostics) -> Settings {
    let mut values = Settings::new();
    for attribute in attributes {
        let span = attribute.value.span;
        match evaluate(&attribute.value, names) {
            Ok(value) if value.is_wholly_known() => {
                values.insert(attribute.name.name.clone(), (value, span));
            }
            Ok(_) => {
                let detail = "This comes of a run that did not apply, so that it is not known.";
                diagnostics.push(Diagnostic::error("Value not known", detail).at(span));
            }
            Err(problem) => diagnostics.push(*problem),
        }
    }
    values
}

fn state_of(engine: &Engine, instance: &Instance) -> Result<WorkspaceState, Diagnostics> {
    ops::read_state(engine, &instance.workspace)
}

/// The only one of what there is one of.
fn one<T>(all: Vec<T>) -> Result<T, Diagnostics> {
    let missing = || Diagnostic::error("Internal error", "A test has no instance to be run for.");
    all.into_iter().next().ok_or_else(|| missing().into())
}
