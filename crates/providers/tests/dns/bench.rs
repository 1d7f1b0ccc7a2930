//! What the tests here share: a server, a provider, its calls as the engine
//! makes them.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{
    Outcome, PlanRequest, PlanResponse, Provider, ProviderError, ReadObject, ReadOutcome, Target, Type, Value,
};
use tenantctl_providers::dns::Dns;
use tenantctl_test_servers::NameServer;

pub(super) const WORKSPACE: &str = "acme/dev";
pub(super) const A: &str = "dns_a_record_set";
pub(super) const ZONE: &str = NameServer::ZONE;

/// A server, a provider, and how the one reaches the other.
pub(super) struct Bench {
    pub(super) server: NameServer,
    pub(super) provider: Arc<Dns>,
    /// The provider block.
    pub(super) block: Value,
    pub(super) workspace: &'static str,
    pub(super) token: &'static str,
}

impl Bench {
    pub(super) fn start() -> Self {
        let server = NameServer::start();
        let block = block(&server, Json::Null);
        Bench { server, provider: Arc::new(Dns::new()), block, workspace: WORKSPACE, token: "token-1" }
    }

    /// The same with other arguments in the provider block.
    pub(super) fn with(mut self, changes: Json) -> Self {
        self.block = block(&self.server, changes);
        self
    }

    /// The provider block with other arguments.
    pub(super) fn block(&self, changes: Json) -> Value {
        block(&self.server, changes)
    }

    pub(super) fn config(&self, kind: &str, arguments: Json) -> Value {
        let empty = self.provider.schema().resources[kind].block.empty();
        let entries = empty.as_entries().expect("an object").iter().map(|(name, null)| {
            let given = arguments.get(&**name).map(Value::from_plain_json);
            (name.clone(), given.map_or(null.clone(), |v| v.convert(&null.ty()).expect("of the type")))
        });
        Value::object(entries)
    }

    /// A set of addresses in the zone.
    pub(super) fn a(&self, name: &str, addresses: &[&str]) -> Value {
        self.config(A, json!({"zone": ZONE, "name": name, "addresses": addresses, "ttl": 60}))
    }

    pub(super) fn connection(&self) -> Value {
        self.provider.connection(&self.block, &self.a("x", &["192.0.2.1"])).expect("a connection")
    }

    fn target<'a>(&'a self, kind: &'a str, connection: &'a Value) -> Target<'a> {
        Target { kind, connection, token: self.token, workspace: self.workspace }
    }

    pub(super) fn plan(&self, kind: &str, prior: Option<&Value>, config: &Value) -> PlanResponse {
        let problems = self.provider.validate(kind, config);
        assert!(problems.is_empty(), "{problems:?}");
        let mut proposed = config.as_entries().expect("an object").clone();
        for name in ["id", "ttl"] {
            if config.get(name).is_some_and(|value| value.is_null()) {
                let before = prior.and_then(|p| p.get(name));
                proposed.insert(name.into(), before.unwrap_or_else(|| Value::unknown(Type::Dynamic)));
            }
        }
        let proposed = Value::object(proposed);
        let connection = &self.connection();
        self.provider
            .plan(PlanRequest { kind, prior, config, connection, proposed: &proposed })
            .expect("a plan")
    }

    pub(super) async fn create(&self, kind: &str, config: &Value) -> Result<Value, ProviderError> {
        let (planned, connection) = (self.plan(kind, None, config).planned, self.connection());
        done(self.provider.create(self.target(kind, &connection), config, &planned).await)
    }

    pub(super) async fn update(
        &self,
        kind: &str,
        prior: &Value,
        config: &Value,
    ) -> Result<Value, ProviderError> {
        let (planned, connection) = (self.plan(kind, Some(prior), config).planned, self.connection());
        done(self.provider.update(self.target(kind, &connection), prior, config, &planned).await)
    }

    pub(super) async fn delete(&self, kind: &str, prior: &Value) -> Result<Value, ProviderError> {
        let connection = self.connection();
        done(self.provider.delete(self.target(kind, &connection), prior).await)
    }

    pub(super) async fn find(&self, kind: &str, config: &Value) -> Result<Option<Value>, ProviderError> {
        let (planned, connection) = (self.plan(kind, None, config).planned, self.connection());
        self.provider.find(self.target(kind, &connection), &planned).await
    }

    pub(super) async fn import(&self, kind: &str, id: &str) -> Result<Value, ProviderError> {
        let connection = self.connection();
        let target = Target { token: "", ..self.target(kind, &connection) };
        self.provider.import(target, id).await
    }

    pub(super) async fn read(&self, kind: &str, objects: &[Value]) -> Vec<ReadOutcome> {
        let reads: Vec<_> = objects.iter().map(|prior| ReadObject { prior }).collect();
        self.provider.read(kind, &self.connection(), self.workspace, &reads).await
    }

    pub(super) async fn refreshed(&self, kind: &str, object: &Value) -> Value {
        match self.read(kind, std::slice::from_ref(object)).await.remove(0) {
            ReadOutcome::Found(value) => value,
            other => panic!("not found: {other:?}"),
        }
    }

    /// The records of a name of the zone, as the server has them.
    pub(super) fn live(&self, name: &str) -> Vec<String> {
        self.server.records(&format!("{name}.{ZONE}"))
    }
}

fn block(server: &NameServer, changes: Json) -> Value {
    let mut update = json!({
        "server": "127.0.0.1", "port": server.port(), "transport": null, "timeout": "60s", "retries": null,
        "key_name": NameServer::KEY, "key_algorithm": NameServer::ALGORITHM, "key_secret": server.secret(),
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        update[name] = value.clone();
    }
    Value::from_plain_json(&json!({ "update": update }))
}

fn done(outcome: Result<Outcome, ProviderError>) -> Result<Value, ProviderError> {
    match outcome? {
        Outcome::Done(value) => Ok(value),
        Outcome::Pending(_) => panic!("nothing here takes long"),
    }
}
