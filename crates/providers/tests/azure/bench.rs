//! What the tests here share: a provider with a subscription, and its calls as
//! the engine makes them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{
    Operation, Outcome, PlanRequest, PlanResponse, Provider, ProviderError, ReadObject, ReadOutcome, Target,
    Value,
};
use tenantctl_providers::azure::{Azure as Provided, Options};
use tenantctl_providers::conformance::Case;
use tenantctl_test_servers::{Azure, AzureCall, AzureFate, AzureFront};

pub(super) const WORKSPACE: &str = "acme/dev";
pub(super) const TOKEN: &str = "3f0c9f5e-58a7-4cf7-9a5f-0d2f3c1f9a11";
pub(super) const REGION: &str = "westeurope";

/// A provider, and how it reaches the subscription.
pub(super) struct Bench {
    pub(super) provider: Arc<Provided>,
    pub(super) front: AzureFront,
    pub(super) provider_config: Value,
    pub(super) token: String,
}

impl Bench {
    /// At which nothing goes wrong.
    pub(super) fn new() -> Self {
        Self::with(|_| AzureFate::Pass)
    }

    /// At which chosen requests meet their fate.
    pub(super) fn with(judge: impl FnMut(&AzureCall) -> AzureFate + Send + 'static) -> Self {
        let front = Azure::shared().front(judge);
        Self::of(front, provider_block)
    }

    /// With a `provider` block of its own.
    pub(super) fn of(front: AzureFront, block: impl Fn(&str) -> Json) -> Self {
        let provider_config = Value::from_plain_json(&block(front.host()));
        let options = Options {
            call_timeout: Some(Duration::from_secs(20)),
            longest_wait: Some(Duration::from_millis(5)),
            authorities: Some(Azure::shared().authority().as_bytes().to_vec()),
            ..Options::default()
        };
        Bench { provider: Arc::new(Provided::new(options)), front, provider_config, token: TOKEN.into() }
    }

    /// As another creation would see it.
    pub(super) fn token(mut self, token: &str) -> Self {
        self.token = token.to_owned();
        self
    }

    /// A configuration with nulls where nothing is set.
    pub(super) fn config(&self, kind: &str, given: &Json) -> Value {
        let block = &self.provider.schema().resources[kind].block;
        complete(block, given)
    }

    pub(super) fn connection(&self, config: &Value) -> Value {
        self.provider.connection(&self.provider_config, config).expect("a connection")
    }

    fn target<'t>(&'t self, kind: &'t str, connection: &'t Value) -> Target<'t> {
        Target { kind, connection, token: &self.token, workspace: WORKSPACE }
    }

    pub(super) fn plan(&self, kind: &str, prior: Option<&Value>, config: &Value) -> PlanResponse {
        let problems = self.provider.validate(kind, config);
        assert!(problems.is_empty(), "{problems:?}");
        self.try_plan(kind, prior, config).expect("a plan")
    }

    pub(super) fn try_plan(
        &self,
        kind: &str,
        prior: Option<&Value>,
        config: &Value,
    ) -> Result<PlanResponse, String> {
        let block = &self.provider.schema().resources[kind].block;
        let mut proposed = config.as_entries().expect("an object").clone();
        for (name, attribute) in block.attributes.iter().filter(|(_, a)| a.computed) {
            if proposed.get(*name).is_none_or(Value::is_null) {
                let guess = prior
                    .map_or_else(|| Value::unknown(attribute.ty.clone()), |p| p.get(name).expect("there"));
                proposed.insert((*name).into(), guess);
            }
        }
        let (proposed, connection) = (Value::object(proposed), self.connection(config));
        let request = PlanRequest { kind, prior, config, connection: &connection, proposed: &proposed };
        self.provider.plan(request).map_err(|error| error.detail)
    }

    pub(super) async fn create(&self, kind: &str, config: &Value) -> Result<Value, ProviderError> {
        let planned = self.plan(kind, None, config).planned;
        let connection = self.connection(config);
        let outcome = self.provider.create(self.target(kind, &connection), config, &planned).await;
        self.finish(kind, &connection, outcome).await
    }

    /// Begins a creation and leaves it, as a process that is killed.
    pub(super) async fn begin(&self, kind: &str, config: &Value, planned: &Value) -> Operation {
        let connection = self.connection(config);
        match self.provider.create(self.target(kind, &connection), config, planned).await {
            Ok(Outcome::Pending(operation)) => operation,
            other => panic!("it begins: {other:?}"),
        }
    }

    /// Asks for an operation, as a process that knows nothing else of it.
    pub(super) async fn poll(
        &self,
        kind: &str,
        config: &Value,
        operation: &Operation,
    ) -> Result<Outcome, ProviderError> {
        let connection = self.connection(config);
        self.provider.poll(self.target(kind, &connection), operation).await
    }

    pub(super) async fn update(
        &self,
        kind: &str,
        prior: &Value,
        config: &Value,
    ) -> Result<Value, ProviderError> {
        let planned = self.plan(kind, Some(prior), config).planned;
        let connection = self.connection(config);
        let outcome = self.provider.update(self.target(kind, &connection), prior, config, &planned).await;
        self.finish(kind, &connection, outcome).await
    }

    pub(super) async fn delete(&self, kind: &str, prior: &Value) -> Result<Value, ProviderError> {
        let connection = self.connection(prior);
        let outcome = self.provider.delete(self.target(kind, &connection), prior).await;
        self.finish(kind, &connection, outcome).await
    }

    pub(super) async fn find(&self, kind: &str, config: &Value) -> Result<Option<Value>, ProviderError> {
        let planned = self.plan(kind, None, config).planned;
        let connection = self.connection(config);
        self.provider.find(self.target(kind, &connection), &planned).await
    }

    pub(super) async fn import(&self, kind: &str, id: &str) -> Result<Value, ProviderError> {
        let connection = self.connection(&self.config(kind, &json!({})));
        self.provider.import(self.target(kind, &connection), id).await
    }

    pub(super) async fn read(&self, kind: &str, objects: &[Value]) -> Vec<ReadOutcome> {
        let connection = self.connection(&objects[0]);
        let objects: Vec<_> = objects.iter().map(|prior| ReadObject { prior }).collect();
        self.provider.read(kind, &connection, WORKSPACE, &objects).await
    }

    /// Takes a case through its life, repeating what may be repeated, as the
    /// engine does.
    pub(super) async fn life(&self, case: &Case) -> Result<(), ProviderError> {
        let kind = case.kind.as_str();
        let json = |value: &Value| value.to_plain_json().expect("known");
        let config = self.config(kind, &json(&case.config));
        let mut object = self.again(async || self.create(kind, &config).await).await?;
        let found = self.again(async || self.find(kind, &config).await).await?;
        assert_eq!(found.as_ref(), Some(&object), "{kind}: find");
        if let Some(changed) = &case.changed {
            let config = self.config(kind, &json(changed));
            object = self.again(async || self.update(kind, &object, &config).await).await?;
            let planned = self.plan(kind, Some(&object), &config).planned;
            assert_eq!(planned, object, "{kind}: the second plan is not empty");
        }
        assert_eq!(self.refreshed(kind, &object).await, object, "{kind}: read");
        let left = self.again(async || self.delete(kind, &object).await).await?;
        assert!(left.is_null(), "{kind}: {left:?}");
        let read = self.read(kind, std::slice::from_ref(&object)).await;
        assert!(matches!(read[..], [ReadOutcome::Gone]), "{kind}: {read:?}");
        Ok(())
    }

    async fn again<T>(&self, call: impl AsyncFn() -> Result<T, ProviderError>) -> Result<T, ProviderError> {
        for _ in 0..20 {
            match call().await {
                Err(error) if error.class.is_retryable() => {}
                done => return done,
            }
        }
        call().await
    }

    /// The object as a refresh finds it.
    pub(super) async fn refreshed(&self, kind: &str, object: &Value) -> Value {
        match self.read(kind, std::slice::from_ref(object)).await.remove(0) {
            ReadOutcome::Found(value) => value,
            other => panic!("{other:?}"),
        }
    }

    /// Follows an operation as the engine does: what is busy is asked again.
    pub(super) async fn finish(
        &self,
        kind: &str,
        connection: &Value,
        outcome: Result<Outcome, ProviderError>,
    ) -> Result<Value, ProviderError> {
        let mut outcome = outcome?;
        loop {
            match outcome {
                Outcome::Done(value) => return Ok(value),
                Outcome::Pending(operation) => {
                    tokio::time::sleep(operation.after.min(Duration::from_millis(20))).await;
                    let polled = self.provider.poll(self.target(kind, connection), &operation).await;
                    outcome = match polled {
                        Err(error) if error.class.is_retryable() => Outcome::Pending(operation),
                        polled => polled?,
                    };
                }
            }
        }
    }
}

/// The `provider` block of a subscription at a host.
pub(super) fn provider_block(host: &str) -> Json {
    json!({
        "subscription_id": Azure::SUBSCRIPTION, "tenant_id": Azure::TENANT, "client_id": Azure::CLIENT,
        "client_secret": Azure::SECRET, "use_cli": false, "metadata_host": host,
        "default_tags": [{"tags": {"team": "platform"}}],
    })
}

/// Given arguments with nulls for the others, in the schema's types.
pub(super) fn complete(block: &tenantctl_core::provider::Block, given: &Json) -> Value {
    Value::object(block.unset().iter().map(|(name, unset)| {
        let value = match (given.get(&**name), block.blocks.get(&**name)) {
            (None | Some(Json::Null), _) => unset.clone(),
            (Some(Json::Array(items)), Some(nested)) => {
                let items = items.iter().map(|item| complete(&nested.block, item)).collect();
                Value::list(nested.block.ty(), items)
            }
            (Some(value), _) => {
                Value::from_plain_json(value).convert(&unset.ty()).unwrap_or_else(|e| panic!("{name}: {e}"))
            }
        };
        (name.clone(), value)
    }))
}
