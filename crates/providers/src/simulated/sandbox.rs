//! The provider `simulated`: what a cloud would give, for examples, rehearsals
//! and tests. A cluster, a pool of nodes, a bucket, a vault, an identity and a
//! DNS record, which exist in the simulated cloud alone.
//!
//! A simulated cluster can stand for a real one: with a kubeconfig at hand it
//! hands back the context of its own name, or the current one, so that one
//! apply leads from nothing to objects inside a real API server.
//!
//! Guarantees: results are unknown until apply, as those of a cloud are; what
//! is handed back refers to credentials and holds none.
//! Must not: do the work of a service itself; it is always wrapped in
//! [`Simulated`](super::Simulated).

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use serde::Deserialize;
use tenantctl_core::provider::{
    Aspect, Attribute, AttributeError, Block, ErrorClass, Meaning, Outcome, Path, PlanRequest, PlanResponse,
    Provider, ProviderError, ProviderSchema, ReadObject, ReadOutcome, ResourceSchema, Target, Timeouts, Type,
    Value,
};

use super::object::text;

/// The type whose objects can stand for real clusters.
const CLUSTER: &str = "simulated_cluster";

static SCHEMA: LazyLock<ProviderSchema> = LazyLock::new(schema);

/// The provider's types; their objects live in a [`Cloud`](super::Cloud).
#[derive(Clone, Copy, Debug, Default)]
pub struct Sandbox;

fn named(ty: Type, description: &'static str) -> Attribute {
    Attribute::required(ty).force_new().describe(description)
}

type Attributes = Vec<(&'static str, Attribute)>;

fn texts() -> Type {
    Type::list(Type::String)
}

fn name() -> (&'static str, Attribute) {
    ("name", named(Type::String, "Name, which no other object of the type has."))
}

fn region() -> (&'static str, Attribute) {
    ("region", named(Type::String, "Where it is."))
}

fn tags() -> (&'static str, Attribute) {
    ("tags", Attribute::optional(Type::map(Type::String)).describe("Tags, for costs and owners."))
}

fn id() -> (&'static str, Attribute) {
    ("id", Attribute::computed(Type::String).describe("What the cloud calls it."))
}

fn cluster() -> Attributes {
    vec![
        name(),
        region(),
        ("version", Attribute::optional(Type::String).describe("Kubernetes version.")),
        tags(),
        id(),
        ("endpoint", Attribute::computed(Type::String).describe("Address of its API server.")),
        ("ingress_ip", Attribute::computed(Type::String).describe("Where requests from outside arrive.")),
        (
            "connection",
            Attribute::computed(Type::Dynamic)
                .describe("How to reach it: the argument cluster of kubernetes_manifest."),
        ),
    ]
}

fn node_pool() -> Attributes {
    let taint = Type::object([("key", Type::String), ("value", Type::String), ("effect", Type::String)]);
    vec![
        ("cluster", named(Type::String, "Name of the cluster.")),
        name(),
        ("machine", Attribute::optional(Type::String).describe("Machine type of its nodes.")),
        ("nodes", Attribute::required(Type::Number).describe("How many nodes.")),
        ("labels", Attribute::optional(Type::map(Type::String)).describe("Labels of its nodes.")),
        ("taints", Attribute::optional(Type::list(taint)).describe("Taints of its nodes.")),
        tags(),
        id(),
    ]
}

fn bucket() -> Attributes {
    vec![
        name(),
        region(),
        ("encrypted", Attribute::optional(Type::Bool).describe("Encrypted at rest.")),
        (
            "retention_days",
            Attribute::optional(Type::Number).describe("For how many days objects cannot be deleted."),
        ),
        tags(),
        id(),
        ("url", Attribute::computed(Type::String).describe("Address of the bucket.")),
    ]
}

fn vault() -> Attributes {
    vec![
        name(),
        region(),
        tags(),
        id(),
        ("url", Attribute::computed(Type::String).describe("Address of the vault.")),
    ]
}

fn identity() -> Attributes {
    vec![
        name(),
        ("subjects", Attribute::optional(texts()).describe("Service accounts that may act as it.")),
        tags(),
        id(),
        ("client_id", Attribute::computed(Type::String).describe("What a service account names it by.")),
    ]
}

fn dns_record() -> Attributes {
    vec![
        name(),
        ("type", named(Type::String, "Type of the record.")),
        ("ttl", Attribute::optional(Type::Number).describe("For how long it may be cached, in seconds.")),
        ("values", Attribute::required(texts()).describe("What the name stands for.")),
        id(),
    ]
}

/// What attributes mean by their names: all types call the same alike.
fn with_meanings(block: Block) -> Block {
    let meanings = [
        Meaning::of(Aspect::Region, &["region"]),
        Meaning::of(Aspect::Encrypted, &["encrypted"]).or(false),
        Meaning::of(Aspect::RetentionDays, &["retention_days"]),
        Meaning::of(Aspect::Labels, &["tags"]),
    ];
    let has = |meaning: &Meaning| meaning.path.iter().all(|name| block.attributes.contains_key(name));
    let meanings: Vec<_> = meanings.into_iter().filter(has).collect();
    meanings.into_iter().fold(block, Block::meaning)
}

fn schema() -> ProviderSchema {
    let types = [
        (CLUSTER, cluster()),
        ("simulated_node_pool", node_pool()),
        ("simulated_bucket", bucket()),
        ("simulated_vault", vault()),
        ("simulated_identity", identity()),
        ("simulated_dns_record", dns_record()),
    ];
    let resource = |(kind, attributes): (&'static str, Attributes)| {
        let block = Block::new(attributes, []).timeouts(Timeouts::minutes(60, 60, 60));
        (kind, ResourceSchema { version: 0, block: with_meanings(block) })
    };
    ProviderSchema { resources: types.into_iter().map(resource).collect(), ..ProviderSchema::default() }
}

/// What a simulated service answers where it would otherwise invent: where a
/// new cluster is reached.
pub fn answers(kubeconfig: Option<PathBuf>) -> impl Fn(&str, &Value) -> Value + Send + Sync + 'static {
    // What is kept must lead there from any directory.
    let kubeconfig = kubeconfig.map(|path| std::path::absolute(&path).unwrap_or(path));
    move |kind, planned| {
        let is_open = |name: &str| planned.get(name).is_some_and(|v| !v.is_known());
        if kind != CLUSTER || !is_open("connection") {
            return planned.clone();
        }
        let name = text(planned, "name");
        let endpoint = Value::from(format!("https://{name}.simulated.invalid"));
        let connection = match &kubeconfig {
            None => Value::object([("endpoint", endpoint.clone())]),
            Some(path) => Value::object([
                ("config_path", path.display().to_string().into()),
                ("config_context", context(path, &name).map_or(Value::NULL, Value::from)),
            ]),
        };
        let settle = |(attribute, value): (&Arc<str>, &Value)| {
            let value = match &**attribute {
                "connection" => connection.clone(),
                "endpoint" if !value.is_known() => endpoint.clone(),
                _ => value.clone(),
            };
            (attribute.clone(), value)
        };
        Value::object(planned.as_entries().into_iter().flatten().map(settle)).with_marks(planned.marks())
    }
}

/// The context of that name; without one, or a readable file, the current one
/// is meant.
fn context(kubeconfig: &FilePath, name: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    #[derive(Deserialize)]
    struct Kubeconfig {
        #[serde(default)]
        contexts: Vec<Named>,
    }
    let text = std::fs::read_to_string(kubeconfig).ok()?;
    let config: Kubeconfig = serde_yaml_ng::from_str(&text).ok()?;
    config.contexts.into_iter().map(|context| context.name).find(|context| context == name)
}

fn not_wrapped() -> ProviderError {
    ProviderError::new(
        ErrorClass::Invalid,
        "Not simulated",
        "Objects of the provider simulated need a simulated cloud to live in.",
    )
}

#[async_trait]
impl Provider for Sandbox {
    fn name(&self) -> &str {
        "simulated"
    }

    fn schema(&self) -> &ProviderSchema {
        &SCHEMA
    }

    fn identity(&self, kind: &str, planned: &Value) -> Option<String> {
        let part = |name: &str| planned.get(name).and_then(|v| v.as_str().map(str::to_owned));
        let noun = kind.strip_prefix("simulated_").unwrap_or(kind);
        let within = match kind {
            "simulated_node_pool" => part("cluster")? + "/",
            "simulated_dns_record" => part("type")? + " ",
            _ => String::new(),
        };
        Some(format!("{noun} {within}{}", part("name")?))
    }

    fn claims(&self, kind: &str, planned: &Value) -> Vec<String> {
        let part = |name: &str| planned.get(name).and_then(|v| v.as_str().map(str::to_lowercase));
        // Whoever has the name's addresses has its visitors.
        let leads = part("type").is_some_and(|kind| ["a", "aaaa", "cname"].contains(&kind.as_str()));
        let name = part("name").filter(|_| leads && kind == "simulated_dns_record");
        name.map(|name| format!("host {}", name.trim_end_matches('.'))).into_iter().collect()
    }

    fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError> {
        let planned = request.proposed.clone();
        let (Some(prior), Some(resource)) = (request.prior, SCHEMA.resources.get(request.kind)) else {
            return Ok(PlanResponse { planned, requires_replace: Vec::new() });
        };
        let fixed: BTreeMap<_, _> = resource.block.attributes.iter().filter(|(_, a)| a.force_new).collect();
        let changed = |name: &&&str| prior.get(name) != planned.get(name);
        let requires_replace = fixed
            .into_keys()
            .filter(|name| changed(name))
            .map(|name| Path::root().attribute(*name))
            .collect();
        Ok(PlanResponse { planned, requires_replace })
    }

    async fn read(
        &self,
        _kind: &str,
        _connection: &Value,
        _workspace: &str,
        objects: &[ReadObject<'_>],
    ) -> Vec<ReadOutcome> {
        objects.iter().map(|_| ReadOutcome::Failed(not_wrapped())).collect()
    }

    async fn find(&self, _target: Target<'_>, _planned: &Value) -> Result<Option<Value>, ProviderError> {
        Err(not_wrapped())
    }

    async fn create(&self, _: Target<'_>, _: &Value, _: &Value) -> Result<Outcome, ProviderError> {
        Err(not_wrapped())
    }

    async fn update(&self, _: Target<'_>, _: &Value, _: &Value, _: &Value) -> Result<Outcome, ProviderError> {
        Err(not_wrapped())
    }

    async fn delete(&self, _target: Target<'_>, _prior: &Value) -> Result<Outcome, ProviderError> {
        Err(not_wrapped())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(name: &str) -> Value {
        let open = || Value::unknown(Type::String);
        Value::object([
            ("name", name.into()),
            ("endpoint", open()),
            ("connection", Value::unknown(Type::Dynamic)),
            ("id", open()),
        ])
    }

    #[test]
    fn a_cluster_is_reached_as_its_kubeconfig_says() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("config");
        std::fs::write(
            &file,
            "contexts: [{name: own, context: {}}, {name: other}]\ncurrent-context: other\n",
        )
        .expect("written");
        let path = file.display().to_string();
        let (own, strange, none) =
            (answers(Some(file.clone())), answers(Some(dir.path().join("missing"))), answers(None));
        let connection = |made: Value| made.get("connection").expect("there").to_plain_json().expect("known");
        let json = serde_json::json!({"config_path": path, "config_context": "own"});
        assert_eq!(connection(own(CLUSTER, &cluster("own"))), json);
        let json = serde_json::json!({"config_path": path, "config_context": null});
        assert_eq!(connection(own(CLUSTER, &cluster("new"))), json);
        assert_eq!(connection(strange(CLUSTER, &cluster("own")))["config_context"], serde_json::Value::Null);
        let made = none(CLUSTER, &cluster("own"));
        let endpoint = serde_json::json!({"endpoint": "https://own.simulated.invalid"});
        assert_eq!(connection(made.clone()), endpoint);
        assert!(!made.get("id").expect("there").is_known(), "the rest is the cloud's to invent");
        assert_eq!(none("simulated_bucket", &cluster("own")), cluster("own"));
    }

    #[test]
    fn names_tell_objects_apart() {
        let object = Value::object([("cluster", "a".into()), ("name", "b".into()), ("type", "A".into())]);
        let identity = |kind| Sandbox.identity(kind, &object);
        assert_eq!(identity("simulated_node_pool").as_deref(), Some("node_pool a/b"));
        assert_eq!(identity("simulated_dns_record").as_deref(), Some("dns_record A b"));
        assert_eq!(identity("simulated_bucket").as_deref(), Some("bucket b"));
        assert_eq!(Sandbox.identity("simulated_bucket", &Value::object([("name", Value::NULL)])), None);
    }

    #[test]
    fn a_new_name_is_a_new_object() {
        let object = |name: &str, nodes: i64| {
            Value::object([("name", name.into()), ("cluster", "c".into()), ("nodes", nodes.into())])
        };
        let replaced = |from: &Value, to: &Value| {
            let request = PlanRequest {
                kind: "simulated_node_pool",
                prior: Some(from),
                config: to,
                connection: &Value::NULL,
                proposed: to,
            };
            Sandbox.plan(request).expect("plans").requires_replace.len()
        };
        assert_eq!(replaced(&object("a", 1), &object("a", 2)), 0);
        assert_eq!(replaced(&object("a", 1), &object("b", 1)), 1);
    }
}
