//! What tests of providers share: a provider at a stand-in with its calls as
//! the engine makes them, and simulated clouds for the conformance suite.

#![allow(dead_code, reason = "each of the tests takes what it needs")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{
    Block, Operation, Outcome, PlanRequest, PlanResponse, Provider, ProviderError, ReadObject, ReadOutcome,
    SharedProvider, Target, Value,
};
use tenantctl_providers::conformance::{self, Case, Fault, Faulty, Service, Trouble};
use tenantctl_providers::simulated::{Cloud, Script, Sealer, Simulated};
use tenantctl_test_servers::{Front, FrontFate};

pub(crate) const WORKSPACE: &str = "acme/dev";
pub(crate) const TOKEN: &str = "3f0c9f5e-58a7-4cf7-9a5f-0d2f3c1f9a11";

/// A provider, and how it reaches its stand-in.
pub(crate) struct Bench<P> {
    pub(crate) provider: Arc<P>,
    pub(crate) front: Front,
    pub(crate) provider_config: Value,
    pub(crate) token: String,
}

impl<P: Provider + 'static> Bench<P> {
    pub(crate) fn of(provider: P, front: Front, block: &Json) -> Self {
        let provider_config = Value::from_plain_json(block);
        Bench { provider: Arc::new(provider), front, provider_config, token: TOKEN.into() }
    }

    /// As another creation would see it.
    pub(crate) fn token(mut self, token: &str) -> Self {
        self.token = token.to_owned();
        self
    }

    /// A configuration with nulls where nothing is set.
    pub(crate) fn config(&self, kind: &str, given: &Json) -> Value {
        complete(&self.provider.schema().resources[kind].block, given)
    }

    pub(crate) fn connection(&self, config: &Value) -> Value {
        self.provider.connection(&self.provider_config, config).expect("a connection")
    }

    fn target<'t>(&'t self, kind: &'t str, connection: &'t Value) -> Target<'t> {
        Target { kind, connection, token: &self.token, workspace: WORKSPACE }
    }

    pub(crate) fn plan(&self, kind: &str, prior: Option<&Value>, config: &Value) -> PlanResponse {
        let problems = self.provider.validate(kind, config);
        assert!(problems.is_empty(), "{problems:?}");
        self.try_plan(kind, prior, config).expect("a plan")
    }

    pub(crate) fn try_plan(
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

    pub(crate) async fn create(&self, kind: &str, config: &Value) -> Result<Value, ProviderError> {
        let planned = self.plan(kind, None, config).planned;
        let connection = self.connection(config);
        let outcome = self.provider.create(self.target(kind, &connection), config, &planned).await;
        self.finish(kind, &connection, outcome).await
    }

    /// Begins a creation and leaves it, as a process that is killed.
    pub(crate) async fn begin(&self, kind: &str, config: &Value, planned: &Value) -> Operation {
        let connection = self.connection(config);
        match self.provider.create(self.target(kind, &connection), config, planned).await {
            Ok(Outcome::Pending(operation)) => operation,
            other => panic!("it begins: {other:?}"),
        }
    }

    /// Asks for an operation, as a process that knows nothing else of it.
    pub(crate) async fn poll(
        &self,
        kind: &str,
        config: &Value,
        operation: &Operation,
    ) -> Result<Outcome, ProviderError> {
        let connection = self.connection(config);
        self.provider.poll(self.target(kind, &connection), operation).await
    }

    pub(crate) async fn update(
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

    pub(crate) async fn delete(&self, kind: &str, prior: &Value) -> Result<Value, ProviderError> {
        let connection = self.connection(prior);
        let outcome = self.provider.delete(self.target(kind, &connection), prior).await;
        self.finish(kind, &connection, outcome).await
    }

    pub(crate) async fn find(&self, kind: &str, config: &Value) -> Result<Option<Value>, ProviderError> {
        let planned = self.plan(kind, None, config).planned;
        let connection = self.connection(config);
        self.provider.find(self.target(kind, &connection), &planned).await
    }

    pub(crate) async fn import(&self, kind: &str, id: &str) -> Result<Value, ProviderError> {
        let connection = self.connection(&self.config(kind, &json!({})));
        self.provider.import(self.target(kind, &connection), id).await
    }

    pub(crate) async fn data(&self, kind: &str, given: &Json) -> Result<Value, ProviderError> {
        let config = complete(&self.provider.schema().data_sources[kind].block, given);
        let connection = self.connection(&config);
        self.provider.read_data(kind, &connection, &config).await
    }

    pub(crate) async fn read(&self, kind: &str, objects: &[Value]) -> Vec<ReadOutcome> {
        let connection = self.connection(&objects[0]);
        let objects: Vec<_> = objects.iter().map(|prior| ReadObject { prior }).collect();
        self.provider.read(kind, &connection, WORKSPACE, &objects).await
    }

    /// The object as a refresh finds it.
    pub(crate) async fn refreshed(&self, kind: &str, object: &Value) -> Value {
        match self.read(kind, std::slice::from_ref(object)).await.remove(0) {
            ReadOutcome::Found(value) => value,
            other => panic!("{other:?}"),
        }
    }

    /// Follows an operation as the engine does: what is busy is asked again.
    pub(crate) async fn finish(
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

    /// The calls that a refresh of many workspaces comes to, with one object
    /// each, as the engine reads them: each by itself and many at a time.
    pub(crate) async fn refresh_of_many(&self, kind: &str, objects: &[Value]) -> usize {
        use futures::StreamExt as _;
        let before = self.front.asked().len();
        let held = self.provider.reading(objects.len());
        let reads = objects.iter().map(|object| self.read(kind, std::slice::from_ref(object)));
        let found: Vec<Vec<ReadOutcome>> = futures::stream::iter(reads).buffered(64).collect().await;
        drop(held);
        let found = found.into_iter().flatten();
        let found = found.filter(|read| matches!(read, ReadOutcome::Found(_))).count();
        assert_eq!(found, objects.len(), "all of them are there");
        self.front.asked().len() - before
    }

    /// A case of the conformance suite.
    pub(crate) fn case(&self, kind: &str, config: &Json) -> Case {
        let config = Value::from_plain_json(config);
        Case::new(kind, config).provider_config(self.provider_config.clone()).workspace(WORKSPACE)
    }

    /// The same with what it is changed to.
    pub(crate) fn changing(&self, kind: &str, config: &Json, changed: &Json) -> Case {
        self.case(kind, config).changed(Value::from_plain_json(changed))
    }
}

/// Given arguments with nulls for the others, in the schema's types.
pub(crate) fn complete(block: &Block, given: &Json) -> Value {
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

/// A part of an object, as text; empty without it.
pub(crate) fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What a front does when this is to happen.
pub(crate) fn fate(trouble: Option<Trouble>, failed: (u16, &'static str)) -> FrontFate {
    match trouble {
        None => FrontFate::Pass,
        Some(Trouble::Fails) => FrontFate::Refuse { status: failed.0, code: failed.1 },
        Some(Trouble::Throttled) => FrontFate::Refuse { status: 429, code: "TooManyRequests" },
        Some(Trouble::Hangs) => FrontFate::Hang,
        Some(Trouble::AnswerLost) => FrontFate::LoseAnswer,
    }
}

/// Keeps things as they are.
struct Open;

impl Sealer for Open {
    fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, String> {
        Ok(plain.to_vec())
    }

    fn unseal(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        Ok(sealed.to_vec())
    }
}

/// Everything takes a while.
const SLOW: &str = r#"{"version": 1, "rules": [
    {"then": {"pending": {"polls": 2, "message": "working", "after_ms": 1}}}
]}"#;

/// Takes cases through the whole suite, each in a simulated cloud of its own.
pub(crate) async fn simulated(provider: SharedProvider, provider_config: Value, cases: Vec<Case>) {
    let cases: Vec<Case> = cases.into_iter().map(Case::simulated).collect();
    let service = |fault: &Fault| {
        let (provider, fault, folder) =
            (provider.clone(), fault.clone(), tempfile::tempdir().expect("a folder"));
        let (place, patience) = (folder.path().to_owned(), fault.patience());
        let process = move || -> SharedProvider {
            let script = Script::parse(SLOW).expect("a script");
            let cloud = Cloud::open(&place, Arc::new(Open)).expect("opens").with_script(script);
            let simulated = Simulated::new(provider.clone(), Arc::new(cloud));
            Arc::new(Faulty::new(Arc::new(simulated), fault.clone()))
        };
        Service::new(process).provider_config(provider_config.clone()).deadline(patience).keeping(folder)
    };
    conformance::check_in(&service, cases.clone()).await;
    for trouble in Trouble::ALL {
        conformance::check_through(trouble, service, cases.clone()).await;
    }
    conformance::check_killed(service, cases).await;
}
