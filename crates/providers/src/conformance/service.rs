//! How the suite reaches a service, and providers that something happens to.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use tenantctl_core::provider::{
    AttributeError, ErrorClass, Operation, Outcome, PlanRequest, PlanResponse, Provider, ProviderError,
    ProviderSchema, ReadObject, ReadOutcome, SharedProvider, Target, Value,
};

use super::trouble::{Fault, Trouble};

/// How long one call may take, when nobody says.
const DEADLINE: Duration = Duration::from_secs(120);

/// A service, the way to it, and what stands in the way.
pub struct Service {
    pub(super) process: Box<dyn Fn() -> SharedProvider>,
    pub(super) provider_config: Value,
    pub(super) deadline: Duration,
    _kept: Box<dyn Any>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl Service {
    /// Of which each process has a provider that remembers nothing.
    pub fn new(process: impl Fn() -> SharedProvider + 'static) -> Self {
        Service {
            process: Box::new(process),
            provider_config: Value::NULL,
            deadline: DEADLINE,
            _kept: Box::new(()),
        }
    }

    /// By this `provider` block, in place of a case's own.
    #[must_use]
    pub fn provider_config(mut self, config: Value) -> Self {
        self.provider_config = config;
        self
    }

    /// Calls that take longer are given up, as the engine does by `timeouts`.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Keeps what stands before it for as long as it is in use.
    #[must_use]
    pub fn keeping(mut self, kept: impl Any) -> Self {
        self._kept = Box::new(kept);
        self
    }
}

/// A provider to whose calls something happens: for one whose service is
/// nobody that could be stood before.
pub struct Faulty {
    inner: SharedProvider,
    fault: Fault,
}

impl Faulty {
    /// The provider, and what happens to it.
    pub fn new(inner: SharedProvider, fault: Fault) -> Self {
        Faulty { inner, fault }
    }

    async fn through<T>(
        &self,
        call: &str,
        writes: bool,
        made: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        let failed = |class| Err(ProviderError::new(class, "Trouble", format!("The {call} fails.")));
        match self.fault.strike(call, writes) {
            None => made.await,
            Some(Trouble::Fails) => failed(ErrorClass::Transient),
            Some(Trouble::Throttled) => failed(ErrorClass::Throttled(Some(Duration::from_millis(1)))),
            Some(Trouble::Hangs) => std::future::pending().await,
            Some(Trouble::AnswerLost) => {
                made.await?;
                failed(if writes { ErrorClass::Indeterminate } else { ErrorClass::Transient })
            }
        }
    }
}

#[async_trait]
impl Provider for Faulty {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn schema(&self) -> &ProviderSchema {
        self.inner.schema()
    }

    fn validate(&self, kind: &str, config: &Value) -> Vec<AttributeError> {
        self.inner.validate(kind, config)
    }

    fn connection(&self, provider_config: &Value, config: &Value) -> Result<Value, AttributeError> {
        self.inner.connection(provider_config, config)
    }

    fn identity(&self, kind: &str, planned: &Value) -> Option<String> {
        self.inner.identity(kind, planned)
    }

    fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError> {
        self.inner.plan(request)
    }

    async fn read(
        &self,
        kind: &str,
        connection: &Value,
        workspace: &str,
        objects: &[ReadObject<'_>],
    ) -> Vec<ReadOutcome> {
        let read = async { Ok(self.inner.read(kind, connection, workspace, objects).await) };
        let failed =
            |error: ProviderError| objects.iter().map(|_| ReadOutcome::Failed(error.clone())).collect();
        self.through("read", false, read).await.unwrap_or_else(failed)
    }

    async fn find(&self, target: Target<'_>, planned: &Value) -> Result<Option<Value>, ProviderError> {
        self.through("find", false, self.inner.find(target, planned)).await
    }

    async fn create(
        &self,
        target: Target<'_>,
        config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        self.through("create", true, self.inner.create(target, config, planned)).await
    }

    async fn update(
        &self,
        target: Target<'_>,
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        self.through("update", true, self.inner.update(target, prior, config, planned)).await
    }

    async fn delete(&self, target: Target<'_>, prior: &Value) -> Result<Outcome, ProviderError> {
        self.through("delete", true, self.inner.delete(target, prior)).await
    }

    async fn poll(&self, target: Target<'_>, operation: &Operation) -> Result<Outcome, ProviderError> {
        self.through("poll", false, self.inner.poll(target, operation)).await
    }

    async fn import(&self, target: Target<'_>, id: &str) -> Result<Value, ProviderError> {
        self.through("import", false, self.inner.import(target, id)).await
    }
}
