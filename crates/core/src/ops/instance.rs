//! Planning one instance: settling what the last run left open, refreshing,
//! deciding, reading what the decision needs, judging.
//!
//! Must not: change anything but the state's journal, and that only to settle
//! an unfinished run.

use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::apply::recovery;
use super::openings::{Open, Openings};
use super::partly::Partly;
use super::plan::{state_error, stopped};
use super::rehearse::Rehearsal;
use super::{Engine, PlanOptions, loaded, scrub};
use crate::addr::ResourceAddress;
use crate::apply;
use crate::config::{Instance, Platform};
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::event::Event;
use crate::graph::Graph;
use crate::plan::{
    Chosen, Judge, Moves, Needs, Plan, PlanInput, PlanMode, Planned, file, moves, plan as make_plan,
};
use crate::provider::{ProviderError, Target};
use crate::refresh::{Drift, Patience, Refreshed, failed, refresh, unknown_provider};
use crate::retry::{BUSY, Retry};
use crate::state::{RecordChange, RecordKey, ResourceRecord, StateError, WorkspaceLock, WorkspaceState};
use crate::value::{Marks, Secrets, Value};

/// What one plan is about.
#[derive(Clone, Copy)]
struct About<'a> {
    state: &'a WorkspaceState,
    chosen: &'a Chosen,
    moved: &'a Moves,
}

/// What it takes to plan an instance.
pub(super) struct One<'a> {
    pub(super) engine: &'a Engine,
    /// Known so far, of all instances.
    pub(super) secrets: &'a Secrets,
    pub(super) platform: &'a Platform,
    pub(super) instance: &'a Instance,
    pub(super) graph: &'a Graph,
    pub(super) options: &'a PlanOptions,
    pub(super) rehearsal: &'a Rehearsal,
    pub(super) partly: &'a Partly,
}

impl One<'_> {
    /// Plans it; with warnings.
    pub(super) async fn plan(
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
        let mut read = Read::default();
        // From here on nothing has an effect: who asks to stop does not wait
        // for what is being read.
        let cancel = &self.engine.cancel;
        let left = || stopped(&self.instance.workspace);
        let decided = cancel.unless_draining(Box::pin(self.decided(state, &mut read))).await;
        self.close(&mut read).await;
        let (mut plan, mut warnings) = decided.ok_or_else(left)??;
        warnings.extend(read.warnings);
        warnings.extend(self.judged(&mut plan)?);
        if !self.options.skip_refresh {
            let rehearsed = cancel.unless_draining(self.rehearsal.of(self.engine, &plan)).await;
            warnings.extend(rehearsed.ok_or_else(left)?);
        }
        Ok((plan, warnings))
    }

    /// Takes in what others changed, and decides by it.
    async fn decided(
        &self,
        mut state: WorkspaceState,
        read: &mut Read,
    ) -> Result<(Plan, Diagnostics), Diagnostics> {
        let workspace = &self.instance.workspace;
        let options = self.options;
        let mut moved = moves(self.graph, &self.engine.registry, &mut state)?;
        let chosen = Chosen::new(self.graph, &state, options.mode, &options.targets, &options.excludes)?;
        self.partly.found(chosen.found(self.graph, &state));
        let mut warnings = std::mem::take(&mut moved.warnings);
        let mut refreshed = Refreshed::default();
        if !options.skip_refresh && !state.resources.is_empty() {
            self.engine
                .events
                .send(Event::RefreshStarted { workspace: workspace.clone(), objects: state.resources.len() });
            refreshed = self.refreshed(&mut state, &chosen, &moved, read).await?;
            self.engine.events.send(Event::RefreshFinished { workspace: workspace.clone() });
        }
        let prepared: Vec<_> =
            std::mem::take(&mut moved.changes).into_iter().chain(refreshed.changes).collect();
        let about = About { state: &state, chosen: &chosen, moved: &moved };
        let (plan, found) = self.made(about, options.mode, &refreshed.drift, &prepared, read).await?;
        warnings.extend(found);
        Ok((plan, warnings))
    }

    /// What the policies warn of.
    ///
    /// # Errors
    /// What they deny.
    fn judged(&self, plan: &mut Plan) -> Result<Diagnostics, Diagnostics> {
        if self.options.mode != PlanMode::Normal {
            return Ok(Diagnostics::new());
        }
        let judge = Judge {
            policies: &self.platform.policies(self.instance),
            owner: self.platform.owner(self.instance),
            instance: self.instance,
            graph: self.graph,
            registry: &self.engine.registry,
        };
        let judged = judge.judge(plan);
        if judged.has_errors() { Err(judged) } else { Ok(judged) }
    }

    /// Takes in what others changed. Where recorded credentials are not taken
    /// any more, those that the configuration gives now are.
    async fn refreshed(
        &self,
        state: &mut WorkspaceState,
        chosen: &Chosen,
        moved: &Moves,
        read: &mut Read,
    ) -> Result<Refreshed, Diagnostics> {
        let wanted = |key: &RecordKey| chosen.covers(self.graph, &key.address);
        let told = |key: &RecordKey, attempt, wait, error: &ProviderError| {
            self.retrying(key.clone(), attempt, wait, error);
        };
        let patience = Patience { cancel: &self.engine.cancel, told: &told };
        let registry = &self.engine.registry;
        let unread = match refresh(registry, state, &wanted, &patience).await {
            Ok(refreshed) => return Ok(refreshed),
            Err(unread) => unread,
        };
        let anew = self.reconnected(About { state, chosen, moved }, &unread.denied, read).await;
        if anew.is_empty() {
            return Err(unread.problems);
        }
        for record in &anew {
            state.resources.insert(record.key.clone(), record.clone());
        }
        let again = refresh(registry, state, &wanted, &patience).await;
        let again = again.map_err(|unread| unread.problems)?;
        let anew = anew.into_iter().map(|record| RecordChange::Put(Box::new(record)));
        Ok(Refreshed { changes: anew.chain(again.changes).collect(), ..again })
    }

    /// Plans, reading what planning needs.
    async fn made(
        &self,
        about: About<'_>,
        mode: PlanMode,
        drift: &[Drift],
        prepared: &[RecordChange],
        read: &mut Read,
    ) -> Result<(Plan, Diagnostics), Diagnostics> {
        loop {
            let input = PlanInput {
                is_trial: false,
                instance: self.instance,
                graph: self.graph,
                state: about.state,
                drift,
                refreshed: prepared,
                registry: &self.engine.registry,
                mode,
                replace: &self.options.replace,
                chosen: about.chosen,
                moves: about.moved,
                imports: &self.options.imports,
                generate: self.options.generate,
                relevant: self.options.relevant,
                timestamp: &self.engine.timestamp,
                config_digest: self.platform.digest(),
                data: &read.data,
                unread: &read.unread,
                imported: &read.imported,
                opened: &read.opened,
            };
            match make_plan(input)? {
                Planned::Plan(mut plan, found) => {
                    plan.generated.iter_mut().for_each(|one| one.text = crate::fmt::format(&one.text));
                    scrub::learn_plan(&plan, self.secrets);
                    plan.schemas = file::schemas(&self.engine.registry, &plan);
                    return Ok((*plan, found));
                }
                Planned::Needs(needs) => self.reading(needs, read).await?,
            }
        }
    }

    /// Records of objects whose credentials are not taken any more, reached as
    /// the configuration now says; none where it says nothing new.
    async fn reconnected(
        &self,
        about: About<'_>,
        denied: &[RecordKey],
        read: &mut Read,
    ) -> Vec<ResourceRecord> {
        if denied.is_empty() {
            return Vec::new();
        }
        // What it changes is of no interest, and what is wrong with it is told
        // by the plan that counts.
        let made = Box::pin(self.made(about, PlanMode::Normal, &[], &[], read)).await;
        let Ok((plan, _)) = made else { return Vec::new() };
        let changes = plan.changes.into_iter().filter(|change| denied.contains(&change.key));
        let anew = changes.filter_map(|change| {
            let record = about.state.resources.get(&change.key)?;
            let is_new = change.connection.is_wholly_known() && change.connection != record.connection;
            is_new.then(|| ResourceRecord { connection: change.connection, ..record.clone() })
        });
        anew.collect()
    }

    /// Closes what was opened to plan; an apply opens it anew. What was being
    /// opened when somebody asked to stop ends by itself, at the latest when
    /// its lease does.
    async fn close(&self, read: &mut Read) {
        for Open { wanted, handle, .. } in read.openings.left() {
            let (Some(provider), Some(handle)) = (self.engine.registry.get(&wanted.provider), handle) else {
                continue;
            };
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
        Retry { cancel: &self.engine.cancel, busy: BUSY, told: &told }.call(call).await
    }

    /// Reads what a plan needs, and renews meanwhile what is open. A renewal
    /// that has begun comes to its end.
    async fn reading(&self, needs: Needs, read: &mut Read) -> Result<(), Diagnostics> {
        let openings = Arc::clone(&read.openings);
        let mut warnings = Diagnostics::new();
        let result = {
            let mut reading = std::pin::pin!(self.read(needs, read));
            loop {
                tokio::select! {
                    biased;
                    result = &mut reading => break result,
                    (at, open) = openings.due() => warnings.extend(self.renew(&openings, at, open).await),
                }
            }
        };
        read.warnings.extend(warnings);
        result
    }

    /// Renews one thing that is open; a warning when that fails.
    async fn renew(&self, openings: &Openings, at: usize, open: Open) -> Option<Diagnostic> {
        let Open { wanted, handle, .. } = open;
        let provider = self.engine.registry.get(&wanted.provider)?;
        let handle = handle.unwrap_or(serde_json::Value::Null);
        let call = || provider.renew(&wanted.address.kind, &wanted.connection, &handle);
        match self.called(&wanted.address, call).await {
            Ok(renewed) => {
                openings.renewed(at, renewed);
                None
            }
            Err(error) => {
                let address = format!("{}:{}", self.instance.workspace, wanted.address);
                let mut warning = failed(&error, &address);
                warning.severity = Severity::Warning;
                Some(warning.hint("What is open of it may stop to work before the plan is made."))
            }
        }
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
                Err(error) => {
                    let mut problem = failed(&error, &address(&wanted.address));
                    problem.span = wanted.span;
                    if wanted.in_check {
                        problem.severity = Severity::Warning;
                        read.warnings.push(problem);
                        read.unread.insert(wanted.address);
                    } else {
                        diagnostics.push(problem);
                    }
                }
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
                    read.openings.hold(wanted.clone(), &opened);
                    read.opened.insert(wanted.address, opened.value);
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
    openings: Arc<Openings>,
    warnings: Diagnostics,
}
