//! Amazon Web Services by its official SDK: clusters and their node groups,
//! buckets, names, and who may do what.
//!
//! Resource types carry Terraform's names and arguments; what a type does not
//! take is an error by its schema. Region and account are arguments of a
//! resource or of the provider block.
//!
//! Guarantees: credentials come from the standard chain and are kept nowhere
//! (keys in the provider block are marked sensitive); a creation that was lost
//! is found again by name and mark and never made twice; objects of others are
//! never taken over or removed; every error carries the service's request id.
//! Must not: wait for long operations inside a call, or repeat writes.
#![allow(clippy::redundant_closure_for_method_calls, reason = "the SDK's types have long names")]

mod connection;
mod eks;
mod error;
#[cfg(feature = "aws-iam")]
mod iam;
mod json;
mod plan;
mod policy;
mod resource;
mod route53;
mod s3;
mod schema;
mod session;
mod sts;
mod tags;
mod validate;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{
    AttributeError, Block, ErrorClass, Opened, Operation, Outcome, PlanRequest, PlanResponse, Provider,
    ProviderError, ProviderSchema, ReadObject, ReadOutcome, ResourceSchema, Target, Value,
};

use crate::cluster_access::ClusterAccess;
use json::plain;
use resource::{Call, Called, Data, Done, Resource};
use session::{Session, Sessions};
use validate::Problems;

/// Reads of one type that are under way at once.
const PARALLEL_READS: usize = 16;
/// Workspaces for which a whole zone is listed rather than each of their records
/// asked for.
const MANY: usize = 20;

/// What the caller found in its surroundings.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The region of objects for which nothing else names one.
    pub region: Option<String>,
    /// How long one call may take; a minute when not set.
    pub call_timeout: Option<Duration>,
    /// The longest wait between two looks at what takes long; as the services
    /// need it when not set.
    pub longest_wait: Option<Duration>,
}

/// The provider.
pub struct Aws {
    schema: ProviderSchema,
    resources: BTreeMap<&'static str, Box<dyn Resource>>,
    data: BTreeMap<&'static str, Box<dyn Data>>,
    sessions: Arc<Sessions>,
    region: Option<String>,
    longest_wait: Option<Duration>,
    /// Planned values of what is under way. Operations are kept on disk and so
    /// cannot hold them: there may be secrets in them.
    waiting: Mutex<HashMap<String, Value>>,
}

impl Aws {
    /// A provider without connections; they are opened when needed.
    pub fn new(options: Options) -> Self {
        let resources = s3::resources().into_iter().chain(eks::resources()).chain(route53::resources());
        #[cfg(feature = "aws-iam")]
        let resources = resources.chain(iam::resources());
        let resources: Vec<Box<dyn Resource>> = resources.collect();
        let data: Vec<Box<dyn Data>> = eks::data().into_iter().chain(sts::data()).collect();
        let version_0 = |block: Block| ResourceSchema { version: 0, block };
        Aws {
            schema: ProviderSchema {
                config: schema::provider(),
                resources: resources
                    .iter()
                    .map(|r| (r.kind(), version_0(r.block().timeouts(r.timeouts()))))
                    .collect(),
                data_sources: data.iter().map(|d| (d.kind(), version_0(d.block()))).collect(),
                ephemeral: [(eks::TOKEN, version_0(eks::token_block()))].into(),
            },
            resources: resources.into_iter().map(|r| (r.kind(), r)).collect(),
            data: data.into_iter().map(|d| (d.kind(), d)).collect(),
            sessions: Arc::new(Sessions::new(options.call_timeout)),
            region: options.region,
            longest_wait: options.longest_wait,
            waiting: Mutex::default(),
        }
    }

    /// What gives credentials of clusters to those who talk to them.
    pub fn cluster_access(&self) -> Arc<dyn ClusterAccess> {
        Arc::new(eks::Access(Arc::clone(&self.sessions)))
    }

    fn resource(&self, kind: &str) -> Called<(&dyn Resource, &Block)> {
        let resource = self.resources.get(kind).zip(self.schema.resources.get(kind));
        resource.map(|(resource, schema)| (&**resource, &schema.block)).ok_or_else(|| {
            let detail = format!("There is no resource type {kind}.");
            ProviderError::new(ErrorClass::Invalid, "Unknown resource type", detail)
        })
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<String, Value>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Under which the planned value of a change is kept.
    fn key(&self, target: &Target<'_>, verb: &str, object: &Value) -> String {
        let name = self.resources.get(target.kind).and_then(|r| r.identity(object)).unwrap_or_default();
        format!("{verb} {} {name} {} {}", target.kind, target.workspace, target.token)
    }

    /// An operation that knows where its planned value is.
    fn wrapped(&self, key: &str, operation: Operation) -> Operation {
        let after = operation.after.min(self.longest_wait.unwrap_or(Duration::MAX));
        let handle = json!({ "version": 1, "key": key, "what": operation.handle });
        Operation { handle, after, ..operation }
    }

    /// Begins a change and remembers what it is to lead to while it goes on.
    async fn write(
        &self,
        target: &Target<'_>,
        change: Change<'_>,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        let (resource, block) = self.resource(target.kind)?;
        let session = self.sessions.get(target.connection).await?;
        let key = self.key(target, change.verb(), planned);
        self.waiting().insert(key.clone(), planned.clone());
        let call = Call { at: &session, token: target.token, workspace: target.workspace };
        let json = plain(planned);
        let done = match change {
            Change::Create => resource.create(&call, &json).await,
            Change::Update(prior) => resource.update(&call, &plain(prior), &json).await,
            Change::Delete => resource.delete(&call, &json).await,
        };
        match done {
            Ok(Done::Pending(operation)) => Ok(Outcome::Pending(self.wrapped(&key, operation))),
            Ok(done) => {
                self.waiting().remove(&key);
                Ok(Outcome::Done(finished(resource, block, &session, planned, done)))
            }
            Err(error) => {
                self.waiting().remove(&key);
                Err(scrubbed(error, planned))
            }
        }
    }
}

/// What is done to an object.
#[derive(Clone, Copy)]
enum Change<'a> {
    Create,
    /// From what it was.
    Update(&'a Value),
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

fn finished(resource: &dyn Resource, block: &Block, session: &Session, planned: &Value, done: Done) -> Value {
    match done {
        Done::Object(actual) => shown(resource, block, session, planned, actual),
        Done::Gone | Done::Pending(_) => Value::NULL,
    }
}

fn shown(
    resource: &dyn Resource,
    block: &Block,
    session: &Session,
    reference: &Value,
    mut actual: Json,
) -> Value {
    if let Some(object) = actual.as_object_mut() {
        object.entry("region").or_insert_with(|| session.region().into());
        if block.attributes.contains_key(eks::ACCESS) {
            let name = object.get("name").and_then(Json::as_str).unwrap_or_default();
            let access = session.access(name);
            object.insert(eks::ACCESS.into(), access.into());
        }
    }
    let value = json::settled(resource, block, reference, &actual);
    if session.has_keys() { eks::with_secret_access(value) } else { value }
}

/// The error without what is sensitive in the values it is about: services
/// like to repeat what they refuse.
fn scrubbed(mut error: ProviderError, value: &Value) -> ProviderError {
    fn secrets(value: &Value, inherited: bool, found: &mut Vec<String>) {
        let sensitive = inherited || value.is_sensitive();
        if let Some(text) = value.as_str().filter(|text| sensitive && !text.is_empty()) {
            found.push(text.to_owned());
        }
        value.for_each_child(&mut |child| secrets(child, sensitive, found));
    }
    let mut found = Vec::new();
    secrets(value, false, &mut found);
    for secret in found {
        error.detail = error.detail.replace(&secret, "(sensitive value)");
    }
    error
}

#[async_trait]
impl Provider for Aws {
    fn name(&self) -> &str {
        "aws"
    }

    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    fn validate(&self, kind: &str, config: &Value) -> Vec<AttributeError> {
        let mut problems = Problems::new(config);
        if let Some(resource) = self.resources.get(kind) {
            problems.tags();
            resource.validate(&mut problems);
        }
        problems.into_found()
    }

    fn connection(&self, provider_config: &Value, config: &Value) -> Result<Value, AttributeError> {
        connection::settle(self.region.as_deref(), provider_config, config)
    }

    fn identity(&self, kind: &str, planned: &Value) -> Option<String> {
        self.resources.get(kind)?.identity(planned)
    }

    fn claims(&self, kind: &str, planned: &Value) -> Vec<String> {
        self.resources.get(kind).map(|resource| resource.claims(planned)).unwrap_or_default()
    }

    fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError> {
        match self.resource(request.kind) {
            Ok((resource, block)) => plan::plan(resource, block, request),
            Err(_) => Ok(PlanResponse { planned: request.proposed.clone(), requires_replace: Vec::new() }),
        }
    }

    fn reading(&self, workspaces: usize) -> Option<Box<dyn Send + Sync>> {
        (workspaces >= MANY).then(|| -> Box<dyn Send + Sync> { Box::new(self.sessions.listing()) })
    }

    async fn read(
        &self,
        kind: &str,
        connection: &Value,
        _workspace: &str,
        objects: &[ReadObject<'_>],
    ) -> Vec<ReadOutcome> {
        let all_failed = |error: ProviderError| -> Vec<ReadOutcome> {
            objects.iter().map(|_| ReadOutcome::Failed(error.clone())).collect()
        };
        let (resource, block) = match self.resource(kind) {
            Ok(resource) => resource,
            Err(error) => return all_failed(error),
        };
        let session: Arc<Session> = match self.sessions.get(connection).await {
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
            Ok(Some(actual)) => ReadOutcome::Found(shown(resource, block, &session, object.prior, actual)),
            Ok(None) => ReadOutcome::Gone,
            Err(error) => ReadOutcome::Failed(scrubbed(error, object.prior)),
        };
        objects.iter().zip(read).map(outcome).collect()
    }

    async fn find(&self, target: Target<'_>, planned: &Value) -> Result<Option<Value>, ProviderError> {
        let (resource, block) = self.resource(target.kind)?;
        let session = self.sessions.get(target.connection).await?;
        let call = Call { at: &session, token: target.token, workspace: target.workspace };
        let found = resource.find(&call, &plain(planned)).await.map_err(|e| scrubbed(e, planned))?;
        Ok(found.map(|actual| shown(resource, block, &session, planned, actual)))
    }

    async fn create(
        &self,
        target: Target<'_>,
        _config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        self.write(&target, Change::Create, planned).await
    }

    async fn update(
        &self,
        target: Target<'_>,
        prior: &Value,
        _config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        self.write(&target, Change::Update(prior), planned).await
    }

    async fn delete(&self, target: Target<'_>, prior: &Value) -> Result<Outcome, ProviderError> {
        self.write(&target, Change::Delete, prior).await
    }

    async fn poll(&self, target: Target<'_>, operation: &Operation) -> Result<Outcome, ProviderError> {
        let (resource, block) = self.resource(target.kind)?;
        let session = self.sessions.get(target.connection).await?;
        let key = operation.handle.get("key").and_then(Json::as_str).unwrap_or_default();
        let what = operation.handle.get("what").cloned().unwrap_or(Json::Null);
        let Some(planned) = self.waiting().get(key).cloned() else {
            // What there is now tells what became of it.
            let detail = "The operation was begun by another process.";
            return Err(ProviderError::new(ErrorClass::NotFound, "Operation not known", detail));
        };
        let call = Call { at: &session, token: target.token, workspace: target.workspace };
        match resource.poll(&call, &what, &plain(&planned)).await {
            Ok(Done::Pending(operation)) => Ok(Outcome::Pending(self.wrapped(key, operation))),
            Ok(done) => {
                self.waiting().remove(key);
                Ok(Outcome::Done(finished(resource, block, &session, &planned, done)))
            }
            Err(error) => {
                if !error.class.is_retryable() {
                    self.waiting().remove(key);
                }
                Err(scrubbed(error, &planned))
            }
        }
    }

    async fn import(&self, target: Target<'_>, id: &str) -> Result<Value, ProviderError> {
        let (resource, block) = self.resource(target.kind)?;
        let session = self.sessions.get(target.connection).await?;
        let mut seed = resource.seed(id)?;
        if let (Some(defaults), Some(seed)) = (target.connection.get("default_tags"), seed.as_object_mut()) {
            seed.insert("tags_all".into(), plain(&defaults));
        }
        let Some(mut actual) = resource.read(&session, &seed).await? else {
            let detail = format!("There is no {} {id:?} in {}.", target.kind, session.region());
            return Err(ProviderError::new(ErrorClass::NotFound, "Object not found", detail));
        };
        if let (Some(actual), Some(seed)) = (actual.as_object_mut(), seed.as_object()) {
            for (name, value) in seed {
                actual.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        Ok(shown(resource, block, &session, &json::open(block), actual))
    }

    async fn open(&self, kind: &str, connection: &Value, config: &Value) -> Result<Opened, ProviderError> {
        let Some(schema) = self.schema.ephemeral.get(kind) else {
            let detail = format!("There is no ephemeral resource {kind}.");
            return Err(ProviderError::new(ErrorClass::Invalid, "Unknown ephemeral resource", detail));
        };
        let session = self.sessions.get(connection).await?;
        let found = eks::token(&session, &plain(config)).await?;
        Ok(Opened { value: json::found(&schema.block, config, &found), handle: None })
    }

    async fn read_data(
        &self,
        kind: &str,
        connection: &Value,
        config: &Value,
    ) -> Result<Value, ProviderError> {
        let Some((data, schema)) = self.data.get(kind).zip(self.schema.data_sources.get(kind)) else {
            let detail = format!("There is no data source {kind}.");
            return Err(ProviderError::new(ErrorClass::Invalid, "Unknown data source", detail));
        };
        let session = self.sessions.get(connection).await?;
        let found = data.read(&session, &plain(config)).await?;
        Ok(json::found(&schema.block, config, &found))
    }
}
