//! Kubernetes objects by server-side apply.
//!
//! One resource type for every kind there is: `kubernetes_manifest` takes the
//! object as Kubernetes is to have it, and owns exactly the fields that it
//! sets. A plan needs no cluster, so that objects of a cluster, or of a kind,
//! that the same plan creates can be planned.
//!
//! Guarantees: fields of others, defaults and status never show as changes;
//! objects of others are never taken over or removed; where an object lives
//! travels with it, so that it can be read and removed when the configuration
//! is gone; secrets stay out of messages.
//! Must not: read the environment, retry, or wait inside a call; where the
//! engine waits between calls, a watch tells it when to look again. (One
//! exception: a kind whose definition has just been made gets some seconds.)

mod apply;
mod client;
mod clock;
mod connection;
mod delete;
mod discovery;
mod error;
mod fields;
mod health;
mod held;
mod inventory;
mod manifest;
mod meanings;
mod ownership;
mod pages;
mod project;
mod quantity;
mod read;
mod rollout;
mod schema;
mod secrets;
mod settings;
mod silence;
mod validate;
mod wait;
mod watch;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_trait::async_trait;
use tenantctl_core::provider::{
    AttributeError, ErrorClass, Operation, Outcome, Path, PlanRequest, PlanResponse, Provider, ProviderError,
    ProviderSchema, ReadObject, ReadOutcome, Target, Type, Value,
};

use crate::cluster_access::ClusterAccess;
use manifest::{at, part};
use settings::Handle;

/// What the caller found in its surroundings.
#[derive(Clone, Default)]
pub struct Options {
    /// Kubeconfig files for objects that name no cluster, merged in this
    /// order; those that do not exist are passed over.
    pub kubeconfig: Vec<PathBuf>,
    /// Without any of them, take the service account of the pod we run in.
    pub in_cluster: bool,
    /// What `~/` stands for in a `config_path`.
    pub home: Option<PathBuf>,
    /// Clouds that give credentials of their clusters, by provider.
    pub access: BTreeMap<String, Arc<dyn ClusterAccess>>,
}

/// The provider.
pub struct Kubernetes {
    schema: ProviderSchema,
    clients: client::Clients,
    /// Planned values of objects that are waited for. Operations are kept on
    /// disk and so cannot hold them: there may be secrets in them.
    waiting: Mutex<HashMap<String, Value>>,
    /// What operations have last seen of the objects they wait for.
    seen: watch::Seen,
    /// Of the refresh that is under way, if it is a large one.
    reading: Mutex<Weak<inventory::Inventory>>,
}

impl Kubernetes {
    /// A provider without connections; they are opened when needed.
    pub fn new(options: Options) -> Self {
        Kubernetes {
            schema: schema::schema(),
            clients: client::Clients::new(options),
            waiting: Mutex::default(),
            seen: watch::Seen::default(),
            reading: Mutex::default(),
        }
    }

    /// Of the refresh that is under way, if it is a large one.
    fn inventory(&self) -> Option<Arc<inventory::Inventory>> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }
}

#[async_trait]
impl Provider for Kubernetes {
    fn name(&self) -> &str {
        "kubernetes"
    }

    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    fn validate(&self, kind: &str, config: &Value) -> Vec<AttributeError> {
        if kind != schema::MANIFEST {
            return Vec::new();
        }
        let mut errors = validate::validate(&config.get("manifest").unwrap_or(Value::NULL));
        for action in ["create", "update", "delete"] {
            let limit = part(config, &["timeouts", action]).unwrap_or(Value::NULL);
            if limit.as_str().is_some_and(|text| wait::seconds(text).is_none()) {
                errors.push(AttributeError {
                    path: Path::root().attribute("timeouts").attribute(action),
                    summary: "Invalid duration",
                    detail: format!("{} is not a duration.", limit.show()),
                    hint: Some("Write it as 90s, 10m or 1h30m.".into()),
                });
            }
        }
        let fields = part(config, &["wait", "fields"]).unwrap_or(Value::NULL);
        for (path, pattern) in fields.as_entries().into_iter().flatten() {
            let sound = pattern.as_str().is_none_or(|text| text == "*" || regex::Regex::new(text).is_ok());
            if !sound || fields::parse(path).is_none() {
                errors.push(AttributeError {
                    path: Path::root().attribute("wait").attribute("fields").attribute(path.clone()),
                    summary: "Invalid field to wait for",
                    detail: format!("{path} = {} names no field and pattern.", pattern.show()),
                    hint: Some("Write it as \"status.phase\" = \"^Running$\", with * for any value.".into()),
                });
            }
        }
        let computed = config.get("computed_fields").unwrap_or(Value::NULL);
        for (i, path) in computed.as_items().unwrap_or_default().iter().enumerate() {
            if path.as_str().is_some_and(|text| fields::parse(text).is_none()) {
                errors.push(AttributeError {
                    path: Path::root().attribute("computed_fields").index(i),
                    summary: "Invalid field path",
                    detail: format!("{} is not the path of a field.", path.show()),
                    hint: Some("Write it as spec.replicas or metadata.annotations[\"a.example/b\"].".into()),
                });
            }
        }
        errors
    }

    fn connection(&self, provider_config: &Value, config: &Value) -> Result<Value, AttributeError> {
        connection::settle(provider_config, config)
    }

    fn identity(&self, _kind: &str, planned: &Value) -> Option<String> {
        manifest::identity(at(planned, &["manifest"])?)
    }

    fn claims(&self, _kind: &str, planned: &Value) -> Vec<String> {
        at(planned, &["manifest"]).map(manifest::hosts).unwrap_or_default()
    }

    fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError> {
        let manifest = manifest::seal(&request.config.get("manifest").unwrap_or(Value::NULL));
        let object =
            if manifest.is_known() { manifest::desired(&manifest) } else { Value::unknown(Type::Dynamic) };
        let cluster = |v: &Value| v.get("cluster").unwrap_or(Value::NULL);
        let mut reached = connection::seal(&cluster(request.proposed));
        let mut requires_replace = Vec::new();
        if let Some(prior) = request.prior {
            requires_replace = renamed(&prior.get("manifest").unwrap_or(Value::NULL), &manifest);
            let (before, after) = (cluster(prior), cluster(request.config));
            match connection::same_place(&before, &after) {
                // Rotated credentials are no change of the object.
                Some(true) if connection::is_settled(&after) && !before.is_null() => {
                    reached = connection::seal(&before);
                }
                Some(false) if !before.is_null() && !after.is_null() => {
                    requires_replace.push(Path::root().attribute("cluster"));
                }
                _ => {}
            }
        }
        let settled = [("object", object), ("manifest", manifest), ("cluster", reached)];
        let planned = fields::with_entries(request.proposed, settled);
        Ok(PlanResponse { planned, requires_replace })
    }

    fn reading(&self, workspaces: usize) -> Option<Box<dyn Send + Sync>> {
        if workspaces < inventory::EVERYWHERE {
            return None;
        }
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        // Two at a time share one.
        let inventory = reading.upgrade().unwrap_or_default();
        *reading = Arc::downgrade(&inventory);
        Some(Box::new(inventory))
    }

    async fn read(
        &self,
        _kind: &str,
        connection: &Value,
        _workspace: &str,
        objects: &[ReadObject<'_>],
    ) -> Vec<ReadOutcome> {
        self.read_objects(connection, objects).await
    }

    async fn find(&self, target: Target<'_>, planned: &Value) -> Result<Option<Value>, ProviderError> {
        self.find_object(&target, planned).await
    }

    async fn create(
        &self,
        target: Target<'_>,
        config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        self.create_object(&target, config, planned).await
    }

    async fn update(
        &self,
        target: Target<'_>,
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError> {
        self.update_object(&target, prior, config, planned).await
    }

    async fn rehearse(
        &self,
        target: Target<'_>,
        _prior: &Value,
        config: &Value,
        planned: &Value,
    ) -> Result<(), ProviderError> {
        self.rehearse_update(&target, config, planned).await
    }

    async fn delete(&self, target: Target<'_>, prior: &Value) -> Result<Outcome, ProviderError> {
        self.delete_object(&target, prior).await
    }

    async fn poll(&self, target: Target<'_>, operation: &Operation) -> Result<Outcome, ProviderError> {
        match serde_json::from_value::<Handle>(operation.handle.clone()) {
            Ok(handle @ Handle::Rollout { .. }) => self.poll_rollout(&target, operation, handle).await,
            Ok(handle @ Handle::Delete { .. }) => self.poll_delete(&target, operation, handle).await,
            Err(_) => Err(ProviderError::new(
                ErrorClass::Invalid,
                "Unknown operation",
                "The recorded operation is none of this provider.",
            )),
        }
    }

    async fn changed(&self, target: Target<'_>, operation: &Operation) {
        if let Ok(handle) = serde_json::from_value::<Handle>(operation.handle.clone()) {
            self.watched(&target, handle).await;
        }
    }

    async fn import(&self, target: Target<'_>, id: &str) -> Result<Value, ProviderError> {
        self.import_object(&target, id).await
    }

    async fn read_data(
        &self,
        _kind: &str,
        connection: &Value,
        config: &Value,
    ) -> Result<Value, ProviderError> {
        self.read_resource(connection, config).await
    }
}

/// What of an object's name changes: each of it needs a new object. Without a
/// known manifest nothing is said; `update` refuses what turns out so.
fn renamed(before: &Value, after: &Value) -> Vec<Path> {
    const NAMES: [&[&str]; 4] =
        [&["apiVersion"], &["kind"], &["metadata", "name"], &["metadata", "namespace"]];
    if !after.is_known() || !at(after, &["metadata"]).is_some_and(Value::is_known) {
        return Vec::new();
    }
    let root = || Path::root().attribute("manifest");
    let changed = NAMES.into_iter().filter(|path| meaning(before, path) != meaning(after, path));
    changed.map(|path| path.iter().fold(root(), |p, name| p.attribute(*name))).collect()
}

/// What a part of a name says: a text, or what stands there instead. Versions
/// of one group show the same object, and no namespace is `default`.
fn meaning<'v>(manifest: &'v Value, path: &[&str]) -> Result<&'v str, Option<&'v Value>> {
    let value = at(manifest, path).filter(|value| !value.is_null());
    match (path, value.and_then(Value::as_str)) {
        (["apiVersion"], Some(api_version)) => Ok(manifest::group(api_version)),
        (["metadata", "namespace"], None) if value.is_none() => Ok("default"),
        (_, Some(text)) => Ok(text),
        (_, None) => Err(value),
    }
}

#[cfg(test)]
mod tests;
