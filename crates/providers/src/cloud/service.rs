//! The resource types of a cloud, driven as the engine drives a provider.
//!
//! Guarantees: what a change leads to is remembered while it goes on, and in
//! memory only, for there may be secrets in it; errors do not repeat what is
//! sensitive in the values they are about.
//! Must not: wait for long operations inside a call, or repeat writes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{
    AttributeError, Block, ErrorClass, Operation, Outcome, PlanRequest, PlanResponse, ProviderError,
    ReadObject, ReadOutcome, ResourceSchema, Target, Value,
};

use super::json::{self, plain};
use super::plan;
use super::problems::Problems;
use super::resource::{Call, Called, Done, Resource};

/// Reads of one type that are under way at once.
const PARALLEL_READS: usize = 16;
/// Shorter texts are no secrets, but in every other word.
const SHORTEST_SECRET: usize = 4;

/// How sessions come about.
#[async_trait]
pub(crate) trait Opens: Send + Sync {
    /// What calls are made with.
    type Session: Send + Sync;

    /// The session of a connection.
    async fn open(&self, connection: &Value) -> Called<Arc<Self::Session>>;

    /// Adds what a session knows of an object that came from it.
    fn complete(&self, session: &Self::Session, block: &Block, object: &mut Json) {
        let _ = (session, block, object);
    }

    /// Marks what is secret of an object that came from a session.
    fn mark(&self, session: &Self::Session, object: Value) -> Value {
        let _ = session;
        object
    }
}

/// All resource types of a cloud.
pub(crate) struct Service<O: Opens> {
    sessions: Arc<O>,
    types: BTreeMap<&'static str, Type<O::Session>>,
    longest_wait: Option<Duration>,
    /// Planned values of what is under way. Operations are kept on disk and so
    /// cannot hold them: there may be secrets in them.
    waiting: Mutex<HashMap<String, Waiting>>,
}

struct Type<S> {
    resource: Box<dyn Resource<S>>,
    block: Block,
}

/// What a change is to lead to.
#[derive(Clone)]
struct Waiting {
    planned: Value,
    config: Value,
}

/// What is done to an object.
#[derive(Clone, Copy)]
pub(crate) enum Change<'a> {
    /// It is made.
    Create,
    /// It is changed from what it was.
    Update(&'a Value),
    /// It is removed.
    Delete,
}

impl Change<'_> {
    fn verb(self) -> &'static str {
        match self {
            Change::Create => "create",
            Change::Update(_) => "update",
            Change::Delete => "delete",
        }
    }
}

impl<O: Opens> Service<O> {
    /// Of these types. Waits between two looks are no longer than `longest_wait`.
    pub(crate) fn new(
        sessions: Arc<O>,
        resources: Vec<Box<dyn Resource<O::Session>>>,
        longest_wait: Option<Duration>,
    ) -> Self {
        let typed = |resource: Box<dyn Resource<O::Session>>| {
            let block = resource.block().timeouts(resource.timeouts());
            (resource.kind(), Type { resource, block })
        };
        let types = resources.into_iter().map(typed).collect();
        Service { sessions, types, longest_wait, waiting: Mutex::default() }
    }

    /// The schemas of all types.
    pub(crate) fn schemas(&self) -> BTreeMap<&'static str, ResourceSchema> {
        let schema = |block: &Block| ResourceSchema { version: 0, block: block.clone() };
        self.types.iter().map(|(kind, ty)| (*kind, schema(&ty.block))).collect()
    }

    fn of(&self, kind: &str) -> Called<(&dyn Resource<O::Session>, &Block)> {
        self.types.get(kind).map(|ty| (&*ty.resource, &ty.block)).ok_or_else(|| {
            let detail = format!("There is no resource type {kind}.");
            ProviderError::new(ErrorClass::Invalid, "Unknown resource type", detail)
        })
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<String, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Problems of a configuration.
    pub(crate) fn validate(&self, kind: &str, config: &Value) -> Vec<AttributeError> {
        let mut problems = Problems::new(config);
        if let Some(ty) = self.types.get(kind) {
            problems.tags();
            ty.resource.validate(&mut problems);
        }
        problems.into_found()
    }

    /// The name of an object in its connection.
    pub(crate) fn identity(&self, kind: &str, planned: &Value) -> Option<String> {
        self.types.get(kind)?.resource.identity(planned)
    }

    /// Names in the world that an object claims.
    pub(crate) fn claims(&self, kind: &str, planned: &Value) -> Vec<String> {
        self.types.get(kind).map(|ty| ty.resource.claims(planned)).unwrap_or_default()
    }

    /// What a change comes to.
    pub(crate) fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError> {
        match self.of(request.kind) {
            Ok((resource, block)) => plan::plan(resource, block, request),
            Err(_) => Ok(PlanResponse { planned: request.proposed.clone(), requires_replace: Vec::new() }),
        }
    }

    /// Reads objects of one type and connection.
    pub(crate) async fn read(
        &self,
        kind: &str,
        connection: &Value,
        objects: &[ReadObject<'_>],
    ) -> Vec<ReadOutcome> {
        let all_failed = |error: ProviderError| -> Vec<ReadOutcome> {
            objects.iter().map(|_| ReadOutcome::Failed(error.clone())).collect()
        };
        let (resource, block) = match self.of(kind) {
            Ok(found) => found,
            Err(error) => return all_failed(error),
        };
        let session = match self.sessions.open(connection).await {
            Ok(session) => session,
            Err(error) => return all_failed(error),
        };
        let priors: Vec<Json> = objects.iter().map(|object| plain(object.prior)).collect();
        let read = match resource.read_all(&session, &priors).await {
            Some(read) => read,
            None => {
                let reads: Vec<_> = priors.iter().map(|prior| resource.read(&session, prior)).collect();
                futures::stream::iter(reads).buffered(PARALLEL_READS).collect().await
            }
        };
        let outcome = |(object, read): (&ReadObject<'_>, Called<Option<Json>>)| match read {
            Ok(Some(actual)) => {
                ReadOutcome::Found(self.shown(&session, resource, block, object.prior, actual))
            }
            Ok(None) => ReadOutcome::Gone,
            Err(error) => ReadOutcome::Failed(scrubbed(error, block, &[object.prior])),
        };
        objects.iter().zip(read).map(outcome).collect()
    }

    /// What a creation would have made.
    pub(crate) async fn find(&self, target: &Target<'_>, planned: &Value) -> Called<Option<Value>> {
        let (resource, block) = self.of(target.kind)?;
        let session = self.sessions.open(target.connection).await?;
        let call = call(&*session, target, &Json::Null);
        let found =
            resource.find(&call, &plain(planned)).await.map_err(|e| scrubbed(e, block, &[planned]))?;
        Ok(found.map(|actual| self.shown(&session, resource, block, planned, actual)))
    }

    /// Begins a change and remembers what it is to lead to while it goes on.
    pub(crate) async fn write(
        &self,
        target: &Target<'_>,
        change: Change<'_>,
        config: &Value,
        planned: &Value,
    ) -> Called<Outcome> {
        let (resource, _) = self.of(target.kind)?;
        let session = self.sessions.open(target.connection).await?;
        let name = resource.identity(planned).unwrap_or_default();
        let key = format!("{} {} {name} {} {}", change.verb(), target.kind, target.workspace, target.token);
        let waiting = Waiting { planned: planned.clone(), config: config.clone() };
        self.waiting().insert(key.clone(), waiting.clone());
        let (json, settings) = (plain(planned), plain(config));
        let call = call(&*session, target, &settings);
        let done = match change {
            Change::Create => resource.create(&call, &json).await,
            Change::Update(prior) => resource.update(&call, &plain(prior), &json).await,
            Change::Delete => resource.delete(&call, &json).await,
        };
        let over = !matches!(done, Ok(Done::Pending(_)));
        if over {
            self.waiting().remove(&key);
        }
        self.outcome(&session, target, &key, &waiting, done)
    }

    /// Asks how a change goes.
    pub(crate) async fn poll(&self, target: &Target<'_>, operation: &Operation) -> Called<Outcome> {
        let (resource, _) = self.of(target.kind)?;
        let session = self.sessions.open(target.connection).await?;
        let key = operation.handle.get("key").and_then(Json::as_str).unwrap_or_default();
        let what = operation.handle.get("what").cloned().unwrap_or(Json::Null);
        let Some(waiting) = self.waiting().get(key).cloned() else {
            // What there is now tells what became of it.
            let detail = "The operation was begun by another process.";
            return Err(ProviderError::new(ErrorClass::NotFound, "Operation not known", detail));
        };
        let settings = plain(&waiting.config);
        let call = call(&*session, target, &settings);
        let done = resource.poll(&call, &what, &plain(&waiting.planned)).await;
        let goes_on = match &done {
            Ok(Done::Pending(_)) => true,
            Ok(_) => false,
            Err(error) => error.class.is_retryable(),
        };
        if !goes_on {
            self.waiting().remove(key);
        }
        self.outcome(&session, target, key, &waiting, done)
    }

    fn outcome(
        &self,
        session: &O::Session,
        target: &Target<'_>,
        key: &str,
        waiting: &Waiting,
        done: Called<Done>,
    ) -> Called<Outcome> {
        let (resource, block) = self.of(target.kind)?;
        match done {
            Ok(Done::Object(actual)) => {
                Ok(Outcome::Done(self.shown(session, resource, block, &waiting.planned, actual)))
            }
            Ok(Done::Gone) => Ok(Outcome::Done(Value::NULL)),
            Ok(Done::Pending(operation)) => {
                let after = operation.after.min(self.longest_wait.unwrap_or(Duration::MAX));
                let handle = json!({ "version": 1, "key": key, "what": operation.handle });
                Ok(Outcome::Pending(Operation { handle, after, ..operation }))
            }
            Err(error) => Err(scrubbed(error, block, &[&waiting.planned, &waiting.config])),
        }
    }

    /// An object as the engine has it.
    fn shown(
        &self,
        session: &O::Session,
        resource: &dyn Resource<O::Session>,
        block: &Block,
        reference: &Value,
        mut actual: Json,
    ) -> Value {
        self.sessions.complete(session, block, &mut actual);
        self.sessions.mark(session, json::settled(resource, block, reference, &actual))
    }

    /// Reads an object by its id.
    pub(crate) async fn import(&self, target: &Target<'_>, id: &str) -> Called<Value> {
        let (resource, block) = self.of(target.kind)?;
        let session = self.sessions.open(target.connection).await?;
        let mut seed = resource.seed(id)?;
        if let (Some(defaults), Some(seed)) = (target.connection.get("default_tags"), seed.as_object_mut()) {
            seed.insert("tags_all".into(), plain(&defaults));
        }
        let Some(mut actual) = resource.read(&session, &seed).await? else {
            let detail = format!("There is no {} {id:?}.", target.kind);
            return Err(ProviderError::new(ErrorClass::NotFound, "Object not found", detail));
        };
        if let (Some(actual), Some(seed)) = (actual.as_object_mut(), seed.as_object()) {
            for (name, value) in seed {
                actual.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        Ok(self.shown(&session, resource, block, &json::open(block), actual))
    }
}

fn call<'a, S>(session: &'a S, target: &Target<'a>, config: &'a Json) -> Call<'a, S> {
    Call { at: session, token: target.token, workspace: target.workspace, config }
}

/// The error without what is sensitive in the values it is about, by its marks
/// or by the block: services like to repeat what they refuse.
fn scrubbed(mut error: ProviderError, block: &Block, values: &[&Value]) -> ProviderError {
    fn secrets(value: &Value, inherited: bool, found: &mut Vec<String>) {
        let sensitive = inherited || value.is_sensitive();
        if let Some(text) = value.as_str().filter(|text| sensitive && text.len() >= SHORTEST_SECRET) {
            found.push(text.to_owned());
        }
        value.for_each_child(&mut |child| secrets(child, sensitive, found));
    }
    let mut found = Vec::new();
    for value in values {
        secrets(value, false, &mut found);
        let hidden = block.attributes.iter().filter(|(_, a)| a.sensitive || a.write_only);
        for part in hidden.filter_map(|(name, _)| value.get(name)) {
            secrets(&part, true, &mut found);
        }
    }
    for secret in found {
        error.detail = error.detail.replace(&secret, "(sensitive value)");
    }
    error
}
