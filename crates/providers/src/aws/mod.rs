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

mod arn;
mod connection;
mod eks;
mod error;
#[cfg(feature = "aws-iam")]
mod iam;
mod policy;
mod resource;
mod route53;
mod s3;
mod schema;
mod session;
mod sts;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value as Json;
use tenantctl_core::provider::{
    AttributeError, Block, ErrorClass, Opened, Operation, Outcome, PlanRequest, PlanResponse, Provider,
    ProviderError, ProviderSchema, ReadObject, ReadOutcome, ResourceSchema, Target, Value,
};

use crate::cloud::json::{self, plain};
use crate::cloud::service::{Change, Opens, Service};
use crate::cloud::{plan, problems, tags};
use crate::cluster_access::ClusterAccess;
use resource::{Called, Data, Resource};
use session::{Session, Sessions};

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
    service: Service<Sessions>,
    data: BTreeMap<&'static str, Box<dyn Data>>,
    sessions: Arc<Sessions>,
    region: Option<String>,
}

impl Aws {
    /// A provider without connections; they are opened when needed.
    pub fn new(options: Options) -> Self {
        let resources = s3::resources().into_iter().chain(eks::resources()).chain(route53::resources());
        #[cfg(feature = "aws-iam")]
        let resources = resources.chain(iam::resources());
        let resources: Vec<Box<dyn Resource<Session>>> = resources.collect();
        let data: Vec<Box<dyn Data>> = eks::data().into_iter().chain(sts::data()).collect();
        let sessions = Arc::new(Sessions::new(options.call_timeout));
        let service = Service::new(Arc::clone(&sessions), resources, options.longest_wait);
        let version_0 = |block: Block| ResourceSchema { version: 0, block };
        let schema = ProviderSchema {
            config: schema::provider(),
            resources: service.schemas(),
            data_sources: data.iter().map(|d| (d.kind(), version_0(d.block()))).collect(),
            ephemeral: [(eks::TOKEN, version_0(eks::token_block()))].into(),
        };
        let data = data.into_iter().map(|d| (d.kind(), d)).collect();
        Aws { schema, service, data, sessions, region: options.region }
    }

    /// What gives credentials of clusters to those who talk to them.
    pub fn cluster_access(&self) -> Arc<dyn ClusterAccess> {
        Arc::new(eks::Access(Arc::clone(&self.sessions)))
    }
}

#[async_trait]
impl Opens for Sessions {
    type Session = Session;

    async fn open(&self, connection: &Value) -> Called<Arc<Session>> {
        self.get(connection).await
    }

    fn complete(&self, session: &Session, block: &Block, object: &mut Json) {
        let Some(object) = object.as_object_mut() else { return };
        object.entry("region").or_insert_with(|| session.region().into());
        if block.attributes.contains_key(eks::ACCESS) {
            let name = object.get("name").and_then(Json::as_str).unwrap_or_default();
            let access = session.access(name);
            object.insert(eks::ACCESS.into(), access.into());
        }
    }

    fn mark(&self, session: &Session, object: Value) -> Value {
        if session.has_keys() { eks::with_secret_access(object) } else { object }
    }
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
        self.service.validate(kind, config)
    }

    fn connection(&self, provider_config: &Value, config: &Value) -> Result<Value, AttributeError> {
        connection::settle(self.region.as_deref(), provider_config, config)
    }

    fn identity(&self, kind: &str, planned: &Value) -> Option<String> {
        self.service.identity(kind, planned)
    }

    fn claims(&self, kind: &str, planned: &Value) -> Vec<String> {
        self.service.claims(kind, planned)
    }

    fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError> {
        self.service.plan(request)
    }

    fn reading(&self, workspaces: usize) -> Option<Box<dyn Send + Sync>> {
        self.sessions.zones.reading(workspaces)
    }

    async fn read(
        &self,
        kind: &str,
        connection: &Value,
        _workspace: &str,
        objects: &[ReadObject<'_>],
    ) -> Vec<ReadOutcome> {
        self.service.read(kind, connection, objects).await
    }

    async fn find(&self, target: Target<'_>, planned: &Value) -> Result<Option<Value>, ProviderError> {
        self.service.find(&target, planned).await
    }

    async fn create(
        &self,
        target: Target<'_>,
        config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        self.service.write(&target, Change::Create, config, planned).await
    }

    async fn update(
        &self,
        target: Target<'_>,
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        self.service.write(&target, Change::Update(prior), config, planned).await
    }

    async fn delete(&self, target: Target<'_>, prior: &Value) -> Result<Outcome, ProviderError> {
        self.service.write(&target, Change::Delete, &Value::NULL, prior).await
    }

    async fn poll(&self, target: Target<'_>, operation: &Operation) -> Result<Outcome, ProviderError> {
        self.service.poll(&target, operation).await
    }

    async fn import(&self, target: Target<'_>, id: &str) -> Result<Value, ProviderError> {
        self.service.import(&target, id).await
    }

    async fn open(&self, kind: &str, connection: &Value, config: &Value) -> Result<Opened, ProviderError> {
        let Some(schema) = self.schema.ephemeral.get(kind) else {
            let detail = format!("There is no ephemeral resource {kind}.");
            return Err(ProviderError::new(ErrorClass::Invalid, "Unknown ephemeral resource", detail));
        };
        let session = self.sessions.get(connection).await?;
        let found = eks::token(&session, &plain(config)).await?;
        Ok(Opened { value: json::found(&schema.block, config, &found), handle: None, renew_after: None })
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
