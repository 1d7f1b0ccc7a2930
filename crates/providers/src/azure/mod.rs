//! Azure: clusters and node pools by azure_mgmt_containerservice, vaults and
//! their secrets, identities, and names, by the resource manager and the vault
//! client of its official crates.
//!
//! Resource types carry Terraform's names and arguments; what a type does not
//! take is an error by its schema. Subscription and cloud are arguments of a
//! resource or of the provider block.
//!
//! Guarantees: credentials come from the usual chain and are kept nowhere (a
//! client secret in the provider block is marked sensitive); a creation that
//! was lost is found again by name and mark and never made twice; objects of
//! others are never taken over or removed; every error carries the service's
//! request id.
//! Must not: wait for long operations inside a call, or repeat writes.

mod aks;
mod answer;
mod arm;
mod bridge;
mod connection;
mod credential;
mod dns;
mod id;
mod identity;
mod kind;
mod managed;
mod names;
mod resource_group;
mod schema;
mod session;
mod vault;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tenantctl_core::provider::{
    AttributeError, Operation, Outcome, PlanRequest, PlanResponse, Provider, ProviderError, ProviderSchema,
    ReadObject, ReadOutcome, Target, Value,
};

use crate::cloud::resource::Resource;
use crate::cloud::service::{Change, Service};
use crate::cluster_access::{ClusterAccess, Credentials};
use managed::Managed;
use session::{Session, Sessions};

/// What the caller found in its surroundings.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The variables `ARM_*` and `AZURE_*`.
    pub environment: BTreeMap<String, String>,
    /// How long one call may take; a minute when not set.
    pub call_timeout: Option<Duration>,
    /// The longest wait between two looks at what takes long; as the services
    /// need it when not set.
    pub longest_wait: Option<Duration>,
    /// Authorities to trust in place of the usual ones, as PEM.
    pub authorities: Option<Vec<u8>>,
}

/// The provider.
pub struct Azure {
    schema: ProviderSchema,
    service: Service<Sessions>,
    sessions: Arc<Sessions>,
    environment: BTreeMap<String, String>,
}

impl Azure {
    /// A provider without connections; they are opened when needed.
    pub fn new(options: Options) -> Self {
        let environment = options.environment.clone();
        let longest_wait = options.longest_wait;
        let sessions = Arc::new(Sessions::new(options));
        let service = Service::new(Arc::clone(&sessions), resources(), longest_wait);
        let schema = ProviderSchema {
            config: schema::provider(),
            resources: service.schemas(),
            ..ProviderSchema::default()
        };
        Azure { schema, service, sessions, environment }
    }

    /// What gives credentials of clusters to those who talk to them.
    pub fn cluster_access(&self) -> Arc<dyn ClusterAccess> {
        Arc::new(Access(Arc::clone(&self.sessions)))
    }
}

/// All types.
fn resources() -> Vec<Box<dyn Resource<Session>>> {
    let mut all: Vec<Box<dyn Resource<Session>>> = vec![
        Box::new(Managed(resource_group::ResourceGroup)),
        Box::new(Managed(identity::Identity)),
        Box::new(Managed(identity::FederatedCredential)),
        Box::new(Managed(identity::RoleAssignment)),
        Box::new(Managed(vault::Vault)),
        Box::new(vault::Secret),
        Box::new(Managed(aks::Cluster)),
        Box::new(Managed(aks::NodePool)),
    ];
    all.extend(dns::resources());
    all
}

struct Access(Arc<Sessions>);

#[async_trait]
impl ClusterAccess for Access {
    async fn credentials(&self, cluster: &str) -> Result<Credentials, ProviderError> {
        let session = self.0.for_object(cluster).await?;
        aks::credentials(&session, cluster).await
    }
}

#[async_trait]
impl Provider for Azure {
    fn name(&self) -> &str {
        "azurerm"
    }

    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    fn validate(&self, kind: &str, config: &Value) -> Vec<AttributeError> {
        self.service.validate(kind, config)
    }

    fn connection(&self, provider_config: &Value, config: &Value) -> Result<Value, AttributeError> {
        connection::settle(&self.environment, provider_config, config)
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
        self.sessions.lists.reading(workspaces)
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
}
