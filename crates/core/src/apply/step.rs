//! One step: journal begin, provider call, journal end. Nothing else writes
//! state.
//!
//! Guarantees: a begin is durable before its call is made. An end need not be:
//! the begin of whatever depends on it comes after it in the journal, and with
//! that it is durable. A change of what is only recorded needs no begin: if its
//! record is lost, nothing was done.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::call::{Begun, Caller, Limit};
use super::open::OpenHandle;
use super::settle::Settled;
use super::turn::Turn;
use super::values::Values;
use crate::addr::ResourceAddress;
use crate::cancel::Cancel;
use crate::diag::Diagnostic;
use crate::event::EventSink;
use crate::plan::checks::unread;

use crate::plan::{Change, Plan, Step, StepAction, mark_sensitive, null_write_only};

use crate::provider::{ErrorClass, Outcome, ProviderError, Registry, ResourceSchema, SharedProvider, Target};
use crate::refresh::{failed, unknown_provider};
use crate::state::{
    Begin, CheckOutcome, Entry, Journal, RecordChange, RecordKey, ResourceRecord, StateError, Verb,
    WorkspaceState,
};
use crate::value::{Secrets, Value};

/// What the steps of one workspace share.
pub(super) struct Run<'a> {
    pub plan: &'a Plan,
    pub state: &'a WorkspaceState,
    pub values: Values<'a>,
    pub registry: &'a Registry,
    pub journal: &'a dyn Journal,
    pub slots: &'a Semaphore,
    /// How many may be begun and wait for a slot.
    pub ahead: Semaphore,
    pub events: &'a dyn EventSink,
    pub secrets: &'a Secrets,
    pub cancel: &'a Cancel,
    /// A policy is not kept: nothing else is to begin.
    pub denied: Cancel,
    /// What is to be closed in the end.
    pub opened: Mutex<Vec<OpenHandle>>,
    /// Told when `opened` changes.
    pub opens: Notify,
    pub next_begin: AtomicU64,
    /// What conditions came to that the plan left open, by address.
    pub judged: Mutex<HashMap<String, Vec<CheckOutcome>>>,
    /// Checks whose own data could not be read, and what that makes of them.
    pub unread: Mutex<Vec<(ResourceAddress, CheckOutcome)>>,
    /// What was not come to: its conditions are open.
    pub unreached: Mutex<HashSet<String>>,
}

/// Why there is no new object.
struct Unmade {
    error: ProviderError,
    /// The service took it on.
    is_begun: bool,
}

impl From<ProviderError> for Unmade {
    fn from(error: ProviderError) -> Self {
        Unmade { error, is_begun: false }
    }
}

pub(super) type StepResult<T> = Result<T, Box<Diagnostic>>;

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// To its end.
    Done,
    /// Not to its first call: a stop was requested.
    Unreached,
}

impl Run<'_> {
    /// Takes a step, when it is its turn.
    ///
    /// # Errors
    /// Why it failed; state says what is known of the object.
    pub(super) async fn take(&self, step: &Step, turn: &Turn<'_>) -> StepResult<Taken> {
        if step.action == StepAction::Join {
            return Ok(Taken::Done);
        }
        let change = &self.plan.changes[step.change as usize];
        let provider = self
            .registry
            .get(&change.provider)
            .ok_or_else(|| Box::new(unknown_provider(&change.provider)))?;
        let is_removal = matches!(step.action, StepAction::Delete | StepAction::Depose | StepAction::Forget);
        if !is_removal {
            self.conditions(&change.preconditions)?;
        }
        let taken = match step.action {
            StepAction::Create => self.create(step, change, provider, turn).await,
            StepAction::Update => self.update(step, change, provider, turn).await,
            StepAction::Delete => self.delete(change, provider, turn).await,
            StepAction::Read => self.read(step, change, provider, turn).await,
            StepAction::Open => self.open(step, change, provider, turn).await,
            StepAction::Depose => self.depose(change).await,
            StepAction::Forget => {
                self.record(Entry::Records(vec![RecordChange::Remove(change.key.clone())])).await?;
                Ok(Taken::Done)
            }
            StepAction::Check | StepAction::Join => Ok(Taken::Done),
        }?;
        if !is_removal && taken == Taken::Done {
            self.conditions(&change.postconditions)?;
        }
        Ok(taken)
    }

    /// Whether nothing else is to begin.
    pub(super) fn stops(&self) -> bool {
        self.cancel.is_draining() || self.denied.is_draining()
    }

    /// Returns when nothing else is to begin.
    pub(super) async fn stopping(&self) {
        tokio::select! {
            () = self.cancel.draining() => {}
            () = self.denied.draining() => {}
        }
    }

    pub(super) fn caller<'c>(
        &'c self,
        change: &'c Change,
        action: StepAction,
        slot: SemaphorePermit<'c>,
        provider: &SharedProvider,
    ) -> Caller<'c> {
        let schema = provider.schema().resources.get(&*change.key.address.kind);
        Caller {
            slot: Mutex::new(Some(slot)),
            slots: self.slots,
            events: self.events,
            cancel: self.cancel,
            workspace: &self.plan.workspace,
            key: &change.key,
            action,
            limit: Limit::of(schema, &change.timeouts, action),
            stand: Mutex::default(),
        }
    }

    pub(super) fn error(&self, change: &Change, error: &ProviderError) -> Box<Diagnostic> {
        let mut diagnostic = failed(error, &format!("{}:{}", self.plan.workspace, change.key));
        diagnostic.span = change.span;
        Box::new(diagnostic)
    }

    async fn record(&self, entry: Entry) -> StepResult<()> {
        self.journal.append(entry).await.map_err(|error| not_written(&error))
    }

    /// Says what came of a call, begun or not.
    fn end(&self, id: Option<u64>, changes: Vec<RecordChange>) -> StepResult<()> {
        let Some(entry) = ended(id, changes) else { return Ok(()) };
        self.journal.append_soon(entry).map_err(|error| not_written(&error))
    }

    /// Ends a begin that never came to its call.
    fn unreached(&self, id: Option<u64>) -> StepResult<Taken> {
        self.end(id, Vec::new())?;
        Ok(Taken::Unreached)
    }

    fn new_record(
        &self,
        change: &Change,
        settled: &Settled,
        token: String,
        schema_version: u32,
    ) -> ResourceRecord {
        ResourceRecord {
            key: change.key.clone(),
            provider: change.provider.clone(),
            schema_version,
            attributes: settled.planned.clone(),
            connection: settled.connection.clone(),
            token,
            dependencies: change.dependencies.clone(),
            create_before_destroy: change.create_before_destroy,
            keep: change.keep,
            timeouts: change.timeouts.clone(),
            tainted: false,
        }
    }

    /// Makes a call known before it is made, by a number; `None` where that is
    /// not needed. What is run for an object is more than its record.
    async fn begin(
        &self,
        verb: Verb,
        record: &ResourceRecord,
        change: &Change,
        provider: &SharedProvider,
    ) -> StepResult<Option<u64>> {
        if change.provisioners.is_empty() && provider.is_only_recorded(&record.key.address.kind) {
            return Ok(None);
        }
        let id = self.next_begin.fetch_add(1, Ordering::Relaxed);
        self.record(Entry::Begin(Box::new(Begin { id, verb, record: record.clone(), operation: None })))
            .await?;
        Ok(Some(id))
    }

    /// A call that was not begun does not go on either: no begin has number 0.
    fn begun(&self, id: Option<u64>) -> Begun<'_> {
        Begun { journal: self.journal, id: id.unwrap_or(0) }
    }

    async fn create(
        &self,
        step: &Step,
        change: &Change,
        provider: &SharedProvider,
        turn: &Turn<'_>,
    ) -> StepResult<Taken> {
        let settled = self.settle(change, provider, None)?;
        let open = self.judge(&change.policies, change, (&settled.planned, &settled.config))?;
        let token = uuid::Uuid::new_v4().to_string();
        let schema = provider.schema().resources.get(&*change.key.address.kind);
        let mut record = self.new_record(change, &settled, token, schema.map_or(0, |s| s.version));
        let id = self.begin(Verb::Create, &record, change, provider).await?;
        let Some(slot) = turn.slot().await else { return self.unreached(id) };
        let caller = self.caller(change, step.action, slot, provider);
        let token = record.token.clone();
        let target = Target {
            kind: &change.key.address.kind,
            connection: &settled.connection,
            token: &token,
            workspace: self.plan.workspace.as_str(),
        };
        let made = caller.within(async {
            let outcome = self.make(&caller, provider, target.clone(), &settled).await?;
            let finished = caller.finish(provider, target, self.begun(id), outcome).await;
            finished.map_err(|error| Unmade { error, is_begun: true })
        });
        match Box::pin(made).await {
            Ok(value) => {
                record.attributes = kept(value, schema);
                self.secrets.learn(&record.attributes);
                // What is run for it is a part of it: until that is done, the
                // object is not whole.
                record.tainted = change.provisioners.iter().any(|one| !one.at_destroy);
                let value = record.attributes.clone();
                self.values.set(step.change, value.clone());
                let put = vec![RecordChange::Put(Box::new(record.clone()))];
                if record.tainted {
                    if let Some(entry) = ended(id, put) {
                        self.record(entry).await?;
                    }
                    self.provision(change, false).await?;
                    record.tainted = false;
                    self.record(Entry::Records(vec![RecordChange::Put(Box::new(record))])).await?;
                } else {
                    self.end(id, put)?;
                }
                self.judge_made(open, change, (&value, &settled.config))?;
                Ok(Taken::Done)
            }
            Err(Unmade { error, is_begun: false }) => {
                self.end_failed(id, &error)?;
                Err(self.error(change, &error))
            }
            Err(Unmade { error, is_begun: true }) => {
                // It was begun, so it may be half made: keep it, tainted.
                if error.class != ErrorClass::Indeterminate && record.attributes.is_wholly_known() {
                    record.tainted = true;
                    self.end(id, vec![RecordChange::Put(Box::new(record))])?;
                }
                Err(self.error(change, &error))
            }
        }
    }

    /// Has the object made, once.
    async fn make(
        &self,
        caller: &Caller<'_>,
        provider: &SharedProvider,
        target: Target<'_>,
        settled: &Settled,
    ) -> Result<Outcome, ProviderError> {
        let create = || caller.retry(|| provider.create(target.clone(), &settled.config, &settled.planned));
        match create().await {
            Err(error) if error.class == ErrorClass::Indeterminate && !self.cancel.is_aborting() => {}
            result => return result,
        }
        // Nobody knows: look, and make it only if it is not there.
        match caller.retry(|| provider.find(target.clone(), &settled.planned)).await {
            Ok(Some(found)) => Ok(Outcome::Done(found)),
            Ok(None) => create().await,
            // What is there is not ours, so ours was not made.
            Err(error) if error.class == ErrorClass::Conflict => Err(error),
            Err(error) => Err(ProviderError { class: ErrorClass::Indeterminate, ..error }),
        }
    }

    /// Ends a begin whose call is known not to have done anything; leaves it
    /// open when that is not known, for the next run to look.
    fn end_failed(&self, id: Option<u64>, error: &ProviderError) -> StepResult<()> {
        if error.class == ErrorClass::Indeterminate { Ok(()) } else { self.end(id, Vec::new()) }
    }

    async fn update(
        &self,
        step: &Step,
        change: &Change,
        provider: &SharedProvider,
        turn: &Turn<'_>,
    ) -> StepResult<Taken> {
        let settled = self.settle(change, provider, Some(&change.before))?;
        let open = self.judge(&change.policies, change, (&settled.planned, &settled.config))?;
        let token = self.state.resources.get(&change.key).map(|r| r.token.clone()).unwrap_or_default();
        let schema = provider.schema().resources.get(&*change.key.address.kind);
        let mut record = self.new_record(change, &settled, token, schema.map_or(0, |s| s.version));
        let id = self.begin(Verb::Update, &record, change, provider).await?;
        let Some(slot) = turn.slot().await else { return self.unreached(id) };
        let caller = self.caller(change, step.action, slot, provider);
        let token = record.token.clone();
        let target = Target {
            kind: &change.key.address.kind,
            connection: &settled.connection,
            token: &token,
            workspace: self.plan.workspace.as_str(),
        };
        let changed = caller.within(async {
            let (config, planned) = (&settled.config, &settled.planned);
            let update = || provider.update(target.clone(), &change.before, config, planned);
            let outcome = caller.retry(update).await?;
            caller.finish(provider, target.clone(), self.begun(id), outcome).await
        });
        let result: Result<_, ProviderError> = Box::pin(changed).await;
        match result {
            Ok(value) => {
                record.attributes = kept(value, schema);
                self.secrets.learn(&record.attributes);
                let value = record.attributes.clone();
                self.end(id, vec![RecordChange::Put(Box::new(record))])?;
                self.values.set(step.change, value.clone());
                self.judge_made(open, change, (&value, &settled.config))?;
                Ok(Taken::Done)
            }
            Err(error) => {
                self.end_failed(id, &error)?;
                Err(self.error(change, &error))
            }
        }
    }

    async fn delete(&self, change: &Change, provider: &SharedProvider, turn: &Turn<'_>) -> StepResult<Taken> {
        let deposed = deposed_key(&change.key, self.plan);
        let key =
            if change.action == crate::plan::Action::CreateThenDelete { deposed } else { change.key.clone() };
        let Some(recorded) = self.state.resources.get(&change.key) else { return Ok(Taken::Done) };
        let record = ResourceRecord { key: key.clone(), ..recorded.clone() };
        let mut slot = None;
        if !change.provisioners.is_empty() {
            // What is run before is a part of the step.
            slot = turn.slot().await;
            if slot.is_none() {
                return Ok(Taken::Unreached);
            }
            self.provision(change, true).await?;
        }
        let id = self.begin(Verb::Delete, &record, change, provider).await?;
        if slot.is_none() {
            slot = turn.slot().await;
        }
        let Some(slot) = slot else { return self.unreached(id) };
        let caller = self.caller(change, StepAction::Delete, slot, provider);
        let target = Target {
            kind: &key.address.kind,
            connection: &record.connection,
            token: &record.token,
            workspace: self.plan.workspace.as_str(),
        };
        let removed = caller.within(async {
            let outcome = caller.retry(|| provider.delete(target.clone(), &record.attributes)).await?;
            caller.finish(provider, target.clone(), self.begun(id), outcome).await
        });
        let result: Result<_, ProviderError> = Box::pin(removed).await;
        match result {
            Ok(_) => {
                self.end(id, vec![RecordChange::Remove(key)])?;
                Ok(Taken::Done)
            }
            Err(error) => {
                self.end_failed(id, &error)?;
                Err(self.error(change, &error))
            }
        }
    }

    /// Sets the old object aside under a key of its own.
    async fn depose(&self, change: &Change) -> StepResult<Taken> {
        let Some(recorded) = self.state.resources.get(&change.key) else { return Ok(Taken::Done) };
        let aside = ResourceRecord { key: deposed_key(&change.key, self.plan), ..recorded.clone() };
        self.record(Entry::Records(vec![
            RecordChange::Remove(change.key.clone()),
            RecordChange::Put(Box::new(aside)),
        ]))
        .await?;
        Ok(Taken::Done)
    }

    async fn read(
        &self,
        step: &Step,
        change: &Change,
        provider: &SharedProvider,
        turn: &Turn<'_>,
    ) -> StepResult<Taken> {
        let config = match &change.residual {
            Some(expr) => self.values.finish(expr)?,
            None => change.config.clone(),
        };
        let provider_config =
            change.provider_config.as_ref().map_or(Ok(Value::NULL), |expr| self.values.finish(expr))?;
        let connection = provider
            .connection(&provider_config, &config)
            .map_err(|p| Box::new(Diagnostic::error(p.summary, p.detail)))?;
        let Some(slot) = turn.slot().await else { return Ok(Taken::Unreached) };
        let caller = self.caller(change, step.action, slot, provider);
        let kind = &change.key.address.kind;
        match caller.retry(|| provider.read_data(kind, &connection, &config)).await {
            Ok(value) => {
                let schema = provider.schema().data_sources.get(&**kind);
                let value = schema.map_or(value.clone(), |schema| mark_sensitive(value, &schema.block));
                self.values.set(step.change, value);
            }
            Err(error) if let Some(check) = &change.scope => {
                let unread = unread(check, &change.key.address);
                self.unread.lock().unwrap_or_else(PoisonError::into_inner).push(unread);
                let mut warning = self.error(change, &error);
                warning.severity = crate::diag::Severity::Warning;
                self.events.send(crate::event::Event::Diagnostic(*warning));
            }
            Err(error) => return Err(self.error(change, &error)),
        }
        Ok(Taken::Done)
    }
}

/// How a journal says what came of a call; `None` where nothing has to be said.
fn ended(id: Option<u64>, changes: Vec<RecordChange>) -> Option<Entry> {
    match id {
        Some(id) => Some(Entry::End { id, changes }),
        None => (!changes.is_empty()).then_some(Entry::Records(changes)),
    }
}

fn not_written(error: &StateError) -> Box<Diagnostic> {
    Box::new(Diagnostic::error("State not written", format!("{error}.")))
}

/// The object as it is kept.
fn kept(value: Value, schema: Option<&ResourceSchema>) -> Value {
    match schema {
        Some(schema) => mark_sensitive(null_write_only(value, &schema.block), &schema.block),
        None => value,
    }
}

/// The key of the object that a create-first replacement sets aside: the same
/// for both of its steps, another for each plan.
fn deposed_key(key: &RecordKey, plan: &Plan) -> RecordKey {
    RecordKey { address: key.address.clone(), deposed: Some(format!("{:08x}", plan.serial + 1).into()) }
}
