//! What the tests here share: a provider with a cluster, its calls as the
//! engine makes them, and some manifests.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{
    Outcome, PlanRequest, PlanResponse, Provider, ProviderError, ReadObject, ReadOutcome, Target, Type, Value,
};
use tenantctl_providers::kubernetes::{Kubernetes, Options};
use tenantctl_test_servers::Cluster;

pub(super) const KIND: &str = "kubernetes_manifest";
pub(super) const WORKSPACE: &str = "acme/dev";

/// A provider, and how it reaches the cluster.
pub(super) struct Bench {
    pub(super) provider: Arc<Kubernetes>,
    pub(super) cluster: Value,
}

impl Bench {
    /// As administrator, by kubeconfig.
    pub(super) fn admin() -> Self {
        Self::by_file(Cluster::shared().kubeconfig().to_owned())
    }

    pub(super) fn by_file(path: PathBuf) -> Self {
        let path = path.to_str().expect("a path in UTF-8").to_owned();
        Self::with(Value::object([("config_path", path.into())]))
    }

    /// As someone else, with a token.
    pub(super) fn by_token(token: &str) -> Self {
        let shared = Cluster::shared();
        Self::with(Value::object([
            ("endpoint", shared.endpoint().into()),
            ("ca", shared.ca_pem().into()),
            ("token", token.into()),
        ]))
    }

    pub(super) fn with(cluster: Value) -> Self {
        Bench { provider: Arc::new(Kubernetes::new(Options::default())), cluster }
    }

    /// A configuration: the manifest, and other arguments.
    pub(super) fn config(&self, manifest: Json, others: Json) -> Value {
        let block = &self.provider.schema().resources[KIND].block;
        let mut entries = block.empty().as_entries().expect("an object").clone();
        entries.insert("manifest".into(), Value::from_plain_json(&manifest));
        entries.insert("cluster".into(), self.cluster.clone());
        for (name, value) in others.as_object().into_iter().flatten() {
            entries.insert(name.as_str().into(), Value::from_plain_json(value));
        }
        Value::object(entries)
    }

    pub(super) fn manifest(&self, manifest: Json) -> Value {
        self.config(manifest, Json::Null)
    }

    pub(super) fn connection(&self, config: &Value) -> Value {
        self.provider.connection(&Value::NULL, config).expect("a connection")
    }

    pub(super) fn plan(&self, prior: Option<&Value>, config: &Value) -> PlanResponse {
        let problems = self.provider.validate(KIND, config);
        assert!(problems.is_empty(), "{problems:?}");
        let object = prior.and_then(|p| p.get("object")).unwrap_or_else(|| Value::unknown(Type::Dynamic));
        let mut proposed = config.as_entries().expect("an object").clone();
        proposed.insert("object".into(), object);
        let proposed = Value::object(proposed);
        self.provider
            .plan(PlanRequest { kind: KIND, prior, config, connection: &Value::NULL, proposed: &proposed })
            .expect("a plan")
    }

    pub(super) async fn create(&self, config: &Value) -> Result<Value, ProviderError> {
        let planned = self.plan(None, config).planned;
        let connection = self.connection(config);
        let outcome = self.provider.create(target(&connection), config, &planned).await;
        self.finish(&connection, outcome).await
    }

    pub(super) async fn update(&self, prior: &Value, config: &Value) -> Result<Value, ProviderError> {
        let planned = self.plan(Some(prior), config).planned;
        let connection = self.connection(config);
        let outcome = self.provider.update(target(&connection), prior, config, &planned).await;
        self.finish(&connection, outcome).await
    }

    pub(super) async fn delete(&self, prior: &Value) -> Result<Value, ProviderError> {
        let connection = self.connection(prior);
        let outcome = self.provider.delete(target(&connection), prior).await;
        self.finish(&connection, outcome).await
    }

    pub(super) async fn find(&self, config: &Value) -> Result<Option<Value>, ProviderError> {
        let planned = self.plan(None, config).planned;
        self.provider.find(target(&self.connection(config)), &planned).await
    }

    pub(super) async fn finish(
        &self,
        connection: &Value,
        outcome: Result<Outcome, ProviderError>,
    ) -> Result<Value, ProviderError> {
        let mut outcome = outcome?;
        loop {
            match outcome {
                Outcome::Done(value) => return Ok(value),
                Outcome::Pending(operation) => {
                    tokio::time::sleep(operation.after.min(Duration::from_millis(300))).await;
                    outcome = self.provider.poll(target(connection), &operation).await?;
                }
            }
        }
    }

    pub(super) async fn read(&self, objects: &[Value]) -> Vec<ReadOutcome> {
        let connection = self.connection(&objects[0]);
        let reads: Vec<_> = objects.iter().map(|prior| ReadObject { prior }).collect();
        self.provider.read(KIND, &connection, WORKSPACE, &reads).await
    }

    pub(super) async fn refreshed(&self, object: &Value) -> Value {
        match self.read(std::slice::from_ref(object)).await.remove(0) {
            ReadOutcome::Found(value) | ReadOutcome::Changed(value, _) => value,
            other => panic!("not found: {other:?}"),
        }
    }

    /// Who changed an object.
    pub(super) async fn changed_by(&self, object: &Value) -> String {
        match self.read(std::slice::from_ref(object)).await.remove(0) {
            ReadOutcome::Changed(_, by) => {
                by.into_iter().map(|author| author.name).collect::<Vec<_>>().join(" ")
            }
            other => panic!("not changed by anybody: {other:?}"),
        }
    }

    pub(super) async fn namespace(&self, name: &str) -> Value {
        let config =
            self.manifest(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
        self.create(&config).await.expect("a namespace")
    }
}

pub(super) fn target(connection: &Value) -> Target<'_> {
    Target { kind: KIND, connection, token: "t", workspace: WORKSPACE }
}

pub(super) fn config_map(namespace: &str, name: &str, data: Json) -> Json {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data})
}

pub(super) fn deployment(namespace: &str, name: &str) -> Json {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": {}},
                "spec": {
                    "hostNetwork": false,
                    "containers": [{
                        "name": "web", "image": "web:1", "args": ["--port", "80"],
                        "env": [{"name": "A", "value": ""}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                        "ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}],
                        "resources": {"requests": {"cpu": 0.5, "memory": "1024Mi"}, "limits": {"cpu": "1000m", "memory": "1Gi"}},
                        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
                        "securityContext": {"capabilities": {"drop": ["ALL"]}, "privileged": false},
                        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
                    }],
                    "tolerations": [{"key": "tenant", "operator": "Exists"}],
                    "topologySpreadConstraints": [{
                        "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
                        "labelSelector": {"matchLabels": {"app": name}},
                    }],
                    "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1024Mi"}}],
                },
            },
        },
    })
}

pub(super) fn kubectl(args: &[&str]) -> String {
    let output = Cluster::shared().kubectl(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(super) fn at(value: &Value, path: &str) -> Json {
    value.to_plain_json().expect("known").pointer(path).cloned().unwrap_or_default()
}
