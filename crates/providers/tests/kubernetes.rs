//! The Kubernetes provider against a real API server, with its defaults,
//! admission, field ownership, garbage collection and namespace deletion.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{
    ErrorClass, Outcome, PlanRequest, PlanResponse, Provider, ProviderError, ReadObject, ReadOutcome, Target,
    Type, Value,
};
use tenantctl_providers::conformance::{self, Case};
use tenantctl_providers::kubernetes::{Kubernetes, Options};
use tenantctl_test_servers::Cluster;

const KIND: &str = "kubernetes_manifest";
const WORKSPACE: &str = "acme/dev";

/// A provider, and how it reaches the cluster.
struct Bench {
    provider: Arc<Kubernetes>,
    cluster: Value,
}

impl Bench {
    /// As administrator, by kubeconfig.
    fn admin() -> Self {
        Self::by_file(Cluster::shared().kubeconfig().to_owned())
    }

    fn by_file(path: PathBuf) -> Self {
        let path = path.to_str().expect("a path in UTF-8").to_owned();
        Self::with(Value::object([("config_path", path.into())]))
    }

    /// As someone else, with a token.
    fn by_token(token: &str) -> Self {
        let shared = Cluster::shared();
        Self::with(Value::object([
            ("endpoint", shared.endpoint().into()),
            ("ca", shared.ca_pem().into()),
            ("token", token.into()),
        ]))
    }

    fn with(cluster: Value) -> Self {
        Bench { provider: Arc::new(Kubernetes::new(Options::default())), cluster }
    }

    /// A configuration: the manifest, and other arguments.
    fn config(&self, manifest: Json, others: Json) -> Value {
        let block = &self.provider.schema().resources[KIND].block;
        let mut entries = block.empty().as_entries().expect("an object").clone();
        entries.insert("manifest".into(), Value::from_plain_json(&manifest));
        entries.insert("cluster".into(), self.cluster.clone());
        for (name, value) in others.as_object().into_iter().flatten() {
            entries.insert(name.as_str().into(), Value::from_plain_json(value));
        }
        Value::object(entries)
    }

    fn manifest(&self, manifest: Json) -> Value {
        self.config(manifest, Json::Null)
    }

    fn connection(&self, config: &Value) -> Value {
        self.provider.connection(&Value::NULL, config).expect("a connection")
    }

    fn plan(&self, prior: Option<&Value>, config: &Value) -> PlanResponse {
        let problems = self.provider.validate(KIND, config);
        assert!(problems.is_empty(), "{problems:?}");
        let object = prior.and_then(|p| p.get("object")).unwrap_or_else(|| Value::unknown(Type::Dynamic));
        let mut proposed = config.as_entries().expect("an object").clone();
        proposed.insert("object".into(), object);
        let proposed = Value::object(proposed);
        self.provider.plan(PlanRequest { kind: KIND, prior, config, proposed: &proposed }).expect("a plan")
    }

    async fn create(&self, config: &Value) -> Result<Value, ProviderError> {
        let planned = self.plan(None, config).planned;
        let connection = self.connection(config);
        let outcome = self.provider.create(target(&connection), config, &planned).await;
        self.finish(&connection, outcome).await
    }

    async fn update(&self, prior: &Value, config: &Value) -> Result<Value, ProviderError> {
        let planned = self.plan(Some(prior), config).planned;
        let connection = self.connection(config);
        let outcome = self.provider.update(target(&connection), prior, config, &planned).await;
        self.finish(&connection, outcome).await
    }

    async fn delete(&self, prior: &Value) -> Result<Value, ProviderError> {
        let connection = self.connection(prior);
        let outcome = self.provider.delete(target(&connection), prior).await;
        self.finish(&connection, outcome).await
    }

    async fn find(&self, config: &Value) -> Result<Option<Value>, ProviderError> {
        let planned = self.plan(None, config).planned;
        self.provider.find(target(&self.connection(config)), &planned).await
    }

    async fn finish(
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

    async fn read(&self, objects: &[Value]) -> Vec<ReadOutcome> {
        let connection = self.connection(&objects[0]);
        let reads: Vec<_> = objects.iter().map(|prior| ReadObject { prior }).collect();
        self.provider.read(KIND, &connection, WORKSPACE, &reads).await
    }

    async fn refreshed(&self, object: &Value) -> Value {
        match self.read(std::slice::from_ref(object)).await.remove(0) {
            ReadOutcome::Found(value) => value,
            other => panic!("not found: {other:?}"),
        }
    }

    async fn namespace(&self, name: &str) -> Value {
        let config =
            self.manifest(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
        self.create(&config).await.expect("a namespace")
    }
}

fn target(connection: &Value) -> Target<'_> {
    Target { kind: KIND, connection, token: "t", workspace: WORKSPACE }
}

fn config_map(namespace: &str, name: &str, data: Json) -> Json {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data})
}

fn deployment(namespace: &str, name: &str) -> Json {
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

fn kubectl(args: &[&str]) -> String {
    let output = Cluster::shared().kubectl(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn at(value: &Value, path: &str) -> Json {
    value.to_plain_json().expect("known").pointer(path).cloned().unwrap_or_default()
}

/// Kinds of a tenant, each through its whole life, with fields that servers
/// default, rewrite and reorder.
#[tokio::test]
async fn kinds_of_a_tenant_conform() {
    let bench = Bench::admin();
    let ns = "conform";
    bench.namespace(ns).await;
    let meta = |name: &str| json!({"name": name, "namespace": ns});
    let pod_selector = json!({"matchLabels": {"app": "x"}});
    let mut changed_deployment = deployment(ns, "web");
    changed_deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2".into();
    let rollout = json!({"wait": {"rollout": true, "condition": [{"type": "Available", "status": null}]}});
    let case = |manifest: Json| Case::new(KIND, bench.manifest(manifest)).workspace(WORKSPACE);
    let set = |mut manifest: Json, path: &str, value: Json| {
        *manifest.pointer_mut(path).expect("a field") = value;
        manifest
    };
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("s"), "spec": {
        "selector": {"app": "x"}, "ports": [{"name": "a", "port": 80, "targetPort": "http"}, {"name": "b", "port": 80, "protocol": "UDP"}]}});
    let policy = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta("n"), "spec": {
        "podSelector": {}, "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [{"podSelector": pod_selector}], "ports": [{"port": 80}]}],
        "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}]}});
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta("q"), "spec": {
        "hard": {"requests.cpu": "2000m", "requests.memory": "2048Mi", "pods": 10}}});
    let limits = json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": meta("l"), "spec": {"limits": [{
        "type": "Container", "default": {"cpu": "1000m"}, "defaultRequest": {"cpu": 0.5}, "max": {"memory": "1024Mi"}}]}});
    let autoscaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta("h"), "spec": {
    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"}, "minReplicas": 1, "maxReplicas": 3,
    "metrics": [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}},
        {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1024Mi"}}},
    ]}});
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta("p"), "spec": {
        "maxUnavailable": 1, "selector": pod_selector}});
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta("tenant:admin"), "rules": [
        {"apiGroups": ["", "apps"], "resources": ["pods", "deployments"], "verbs": ["get", "list"]}]});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta("tenant:admin"),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "User", "name": "a"}, {"kind": "Group", "name": "a"}, {"kind": "ServiceAccount", "name": "a", "namespace": ns}]});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta("secret"), "type": "Opaque",
        "stringData": {"password": "hunter2"}, "data": {"key": "aGVsbG8="}});
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("sa"), "automountServiceAccountToken": false});
    let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta("i"), "spec": {
        "rules": [{"host": "a.example", "http": {"paths": [{"path": "/", "pathType": "Prefix",
            "backend": {"service": {"name": "s", "port": {"number": 80}}}}]}}]}});
    let cron = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta("c"), "spec": {
        "schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "c", "image": "c:1", "command": ["true"]}]}}}}}});
    let stateful = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta("db"), "spec": {
        "serviceName": "db", "replicas": 0, "selector": {"matchLabels": {"app": "db"}},
        "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "c", "image": "c:1"}]}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}}]}});
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta("pvc"), "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}});
    let cases = vec![
        case(
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "conform-other", "labels": {"a": "b"}}}),
        ),
        case(config_map(ns, "cm", json!({"a": "1", "b": ""}))).changed(bench.manifest(config_map(
            ns,
            "cm",
            json!({"a": "2"}),
        ))),
        case(secret.clone()).changed(bench.manifest(set(secret, "/stringData/password", "hunter3".into()))),
        Case::new(KIND, bench.config(deployment(ns, "web"), rollout.clone()))
            .workspace(WORKSPACE)
            .changed(bench.config(changed_deployment, rollout)),
        case(service.clone()).changed(bench.manifest(set(service, "/spec/ports/0/targetPort", 8080.into()))),
        case(policy.clone()).changed(bench.manifest(set(policy, "/spec/ingress/0/ports/0/port", 81.into()))),
        case(quota.clone()).changed(bench.manifest(set(quota, "/spec/hard/pods", "11".into()))),
        case(limits.clone()).changed(bench.manifest(set(
            limits,
            "/spec/limits/0/default/cpu",
            "900m".into(),
        ))),
        case(autoscaler.clone()).changed(bench.manifest(set(autoscaler, "/spec/maxReplicas", 4.into()))),
        case(budget.clone()).changed(bench.manifest(set(budget, "/spec/maxUnavailable", "50%".into()))),
        case(role.clone()).changed(bench.manifest(set(role, "/rules/0/verbs", json!(["get"])))),
        case(binding.clone()).changed(bench.manifest(set(
            binding,
            "/subjects",
            json!([{"kind": "User", "name": "a"}]),
        ))),
        case(account),
        case(ingress),
        case(cron.clone()).changed(bench.manifest(set(cron, "/spec/schedule", "0 0 2 1 *".into()))),
        case(stateful),
        case(claim),
    ];
    conformance::check(bench.provider.clone(), cases).await;
}

#[tokio::test]
async fn a_definition_and_its_first_object_apply_together() {
    let bench = Bench::admin();
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "tunnels.together.example"},
        "spec": {
            "group": "together.example", "scope": "Namespaced",
            "names": {"plural": "tunnels", "singular": "tunnel", "kind": "Tunnel", "listKind": "TunnelList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object",
                "properties": {"spec": {"type": "object", "properties": {
                    "ends": {"type": "array", "items": {"type": "string"}},
                    "size": {"type": "string", "default": "small"},
                }}},
            }}}],
        },
    });
    let definition = bench.manifest(definition);
    let tunnel = bench.manifest(json!({
        "apiVersion": "together.example/v1", "kind": "Tunnel", "metadata": {"name": "t"}, "spec": {"ends": ["a", "b"]},
    }));
    assert!(bench.find(&tunnel).await.expect("no error").is_none());
    // At the same time: the object finds its kind as soon as it is served.
    let (made, dug) = tokio::join!(bench.create(&definition), bench.create(&tunnel));
    let (made, dug) = (made.expect("a definition"), dug.expect("an object"));
    assert_eq!(bench.refreshed(&made).await, made);
    assert_eq!(bench.refreshed(&dug).await, dug);
    assert_eq!(bench.plan(Some(&dug), &tunnel).planned, dug);
    bench.delete(&made).await.expect("deleted");
    assert!(matches!(bench.read(std::slice::from_ref(&dug)).await[0], ReadOutcome::Gone));
    assert!(bench.delete(&dug).await.expect("gone with its kind").is_null());
}

#[tokio::test]
async fn objects_of_others_are_left_alone() {
    let bench = Bench::admin();
    bench.namespace("foreign").await;
    kubectl(&["create", "configmap", "theirs", "-n", "foreign", "--from-literal=a=1"]);
    let config = bench.manifest(config_map("foreign", "theirs", json!({"a": "2"})));
    let error = bench.create(&config).await.expect_err("not ours");
    assert_eq!(error.class, ErrorClass::Conflict);
    assert_eq!(error.summary, "Object already exists");
    assert!(
        error.hint.expect("a hint").contains("apiVersion=v1,kind=ConfigMap,namespace=foreign,name=theirs")
    );
    assert_eq!(bench.find(&config).await.expect_err("not ours").class, ErrorClass::Conflict);
    assert_eq!(kubectl(&["get", "cm", "theirs", "-n", "foreign", "-o", "jsonpath={.data.a}"]), "1");

    // An object of another workspace is as foreign, for removal too.
    let config = bench.manifest(config_map("foreign", "moved", json!({"a": "1"})));
    let made = bench.create(&config).await.expect("made");
    kubectl(&["annotate", "cm", "moved", "-n", "foreign", "--overwrite", "tenantctl.dev/workspace=other"]);
    let error = bench.create(&config).await.expect_err("another workspace's");
    assert!(error.detail.contains("\"other\""), "{error}");
    assert_eq!(bench.delete(&made).await.expect_err("another workspace's").class, ErrorClass::Conflict);
}

#[tokio::test]
async fn an_imported_object_is_taken_over() {
    let bench = Bench::admin();
    bench.namespace("imports").await;
    kubectl(&["create", "configmap", "old", "-n", "imports", "--from-literal=a=1", "--from-literal=b=2"]);
    let config = bench.manifest(config_map("imports", "old", json!({"a": "1"})));
    let connection = bench.connection(&config);
    let id = "apiVersion=v1,kind=ConfigMap,namespace=imports,name=old";
    let imported = bench.provider.import(target(&connection), id).await.expect("imported");
    assert_eq!(at(&imported, "/manifest"), config_map("imports", "old", json!({"a": "1", "b": "2"})));
    let updated = bench.update(&imported, &config).await.expect("updated");
    assert_eq!(bench.refreshed(&updated).await, updated);
    assert_eq!(bench.plan(Some(&updated), &config).planned, updated);
    assert!(bench.find(&config).await.expect("ours now").is_some());
}

#[tokio::test]
async fn conflicts_name_manager_and_field_and_can_be_forced() {
    let bench = Bench::admin();
    bench.namespace("taken").await;
    let config = bench.manifest(config_map("taken", "cm", json!({"a": "1", "b": "1"})));
    let made = bench.create(&config).await.expect("made");
    kubectl(&["patch", "cm", "cm", "-n", "taken", "--field-manager=somebody", "-p", r#"{"data":{"a":"9"}}"#]);
    let drifted = bench.refreshed(&made).await;
    assert_eq!(at(&drifted, "/object/data/a"), "9");
    let error = bench.update(&drifted, &config).await.expect_err("a conflict");
    assert_eq!(error.class, ErrorClass::Conflict);
    assert!(error.detail.contains("data.a is owned by somebody"), "{error}");
    assert_eq!(error.path.expect("a path").to_string(), "manifest.data.a");

    let force = json!({"field_manager": {"name": null, "force_conflicts": true}});
    let forced = bench.config(config_map("taken", "cm", json!({"a": "1"})), force);
    let updated = bench.update(&drifted, &forced).await.expect("forced");
    assert_eq!(at(&updated, "/object/data"), json!({"a": "1"}));
    // What the manifest no longer sets is gone.
    assert_eq!(kubectl(&["get", "cm", "cm", "-n", "taken", "-o", "jsonpath={.data}"]), r#"{"a":"1"}"#);
}

#[tokio::test]
async fn drift_shows_in_our_fields_only() {
    let bench = Bench::admin();
    bench.namespace("drift").await;
    let config =
        bench.config(deployment("drift", "web"), json!({"wait": {"rollout": true, "condition": []}}));
    let made = bench.create(&config).await.expect("made");
    assert_eq!(at(&made, "/object"), at(&made, "/manifest"), "defaults do not show");

    kubectl(&["label", "deployment", "web", "-n", "drift", "theirs=1"]);
    kubectl(&["set", "env", "deployment/web", "-n", "drift", "EXTRA=1"]);
    assert_eq!(bench.refreshed(&made).await, made, "fields of others do not show");

    kubectl(&["scale", "deployment", "web", "-n", "drift", "--replicas=3"]);
    kubectl(&["set", "image", "deployment/web", "-n", "drift", "web=web:9"]);
    let drifted = bench.refreshed(&made).await;
    assert_eq!(at(&drifted, "/object/spec/replicas"), 3);
    assert_eq!(at(&drifted, "/object/spec/template/spec/containers/0/image"), "web:9");
    assert_ne!(bench.plan(Some(&drifted), &config).planned, drifted);

    // Lists and maps that have one owner show what others put into them.
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "b", "namespace": "drift"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "User", "name": "a"}]});
    let bound = bench.create(&bench.manifest(binding)).await.expect("made");
    let add = r#"[{"op":"add","path":"/subjects/-","value":{"kind":"User","name":"eve","apiGroup":"rbac.authorization.k8s.io"}}]"#;
    kubectl(&["patch", "rolebinding", "b", "-n", "drift", "--type=json", "-p", add]);
    let drifted = bench.refreshed(&bound).await;
    assert_eq!(at(&drifted, "/object/subjects/1/name"), "eve");
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "drift"},
        "spec": {"selector": {"app": "x"}, "ports": [{"port": 80}]}});
    let served = bench.create(&bench.manifest(service)).await.expect("made");
    kubectl(&["patch", "service", "s", "-n", "drift", "-p", r#"{"spec":{"selector":{"extra":"y"}}}"#]);
    assert_eq!(at(&bench.refreshed(&served).await, "/object/spec/selector/extra"), "y");
}

#[tokio::test]
async fn fields_that_others_may_change_are_left_as_they_are() {
    let bench = Bench::admin();
    bench.namespace("shared").await;
    let others = json!({"computed_fields": ["spec.replicas"]});
    let config = bench.config(deployment("shared", "web"), others.clone());
    let made = bench.create(&config).await.expect("made");
    kubectl(&["scale", "deployment", "web", "-n", "shared", "--replicas=5"]);
    assert_eq!(bench.refreshed(&made).await, made);
    let mut manifest = deployment("shared", "web");
    manifest["metadata"]["labels"]["new"] = "1".into();
    let updated = bench.update(&made, &bench.config(manifest, others)).await.expect("updated");
    assert_eq!(bench.refreshed(&updated).await, updated);
    assert_eq!(
        kubectl(&["get", "deployment", "web", "-n", "shared", "-o", "jsonpath={.spec.replicas}"]),
        "5"
    );
}

#[tokio::test]
async fn a_namespace_that_does_not_go_away_says_why() {
    let bench = Bench::admin();
    let namespace = bench.namespace("stuck").await;
    let mut held = config_map("stuck", "held", json!({}));
    held["metadata"]["finalizers"] = json!(["tenantctl.example/hold"]);
    bench.create(&bench.manifest(held)).await.expect("made");
    let connection = bench.connection(&namespace);
    let mut outcome = bench.provider.delete(target(&connection), &namespace).await.expect("deleted");
    let mut messages = Vec::new();
    for _ in 0..120 {
        let Outcome::Pending(operation) = &outcome else { panic!("gone: {messages:?}") };
        messages.push(operation.message.clone());
        if operation.message.contains("configmaps") && operation.message.contains("tenantctl.example/hold") {
            kubectl(&["patch", "cm", "held", "-n", "stuck", "-p", r#"{"metadata":{"finalizers":null}}"#]);
            let done = bench.finish(&connection, Ok(outcome)).await.expect("gone");
            assert!(done.is_null());
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        outcome = bench.provider.poll(target(&connection), operation).await.expect("polled");
    }
    panic!("nothing named: {messages:?}");
}

#[tokio::test]
async fn waits_end_with_a_reason() {
    let bench = Bench::admin();
    bench.namespace("waits").await;
    let mut manifest = deployment("waits", "web");
    manifest["spec"]["template"]["metadata"]["annotations"] =
        json!({tenantctl_test_servers::PHASE_ANNOTATION: "Pending"});
    let others = json!({"wait": {"rollout": true, "condition": []}, "timeouts": {"create": "2s", "update": null, "delete": null}});
    let config = bench.config(manifest, others);
    let error = bench.create(&config).await.expect_err("never ready");
    assert_eq!(error.class, ErrorClass::Indeterminate);
    assert!(error.detail.contains("0 of 2 replicas ready"), "{error}");
    assert!(bench.find(&config).await.expect("ours").is_some(), "what is there is found");
}

#[tokio::test]
async fn refusals_are_explained_without_secrets() {
    let shared = Cluster::shared();
    let admin = Bench::admin();
    admin.namespace("refused").await;
    let map = config_map("refused", "cm", json!({"a": "1"}));

    let carol = Bench::by_token(&shared.token("carol", &[]));
    let error = carol.create(&carol.manifest(map.clone())).await.expect_err("forbidden");
    assert_eq!(error.class, ErrorClass::Denied);
    assert!(error.detail.contains("carol"), "{error}");

    let nobody = Bench::by_token("no-such-token");
    let error = nobody.create(&nobody.manifest(map.clone())).await.expect_err("unauthorized");
    assert_eq!(error.class, ErrorClass::Denied);
    assert!(!format!("{error:?}").contains("no-such-token"), "{error:?}");

    let error = admin
        .create(&admin.manifest(config_map("no-such-namespace", "cm", json!({}))))
        .await
        .expect_err("no namespace");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::NotFound, "Namespace does not exist"));
    assert!(error.detail.contains("no-such-namespace"), "{error}");

    let unknown = json!({"apiVersion": "none.example/v1", "kind": "Thing", "metadata": {"name": "t"}});
    let error = admin.create(&admin.manifest(unknown)).await.expect_err("no kind");
    assert_eq!(
        (error.class, error.summary.as_str()),
        (ErrorClass::NotFound, "Kind not known to the cluster")
    );

    let scoped =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "t", "namespace": "x"}});
    assert_eq!(
        admin.create(&admin.manifest(scoped)).await.expect_err("no namespace in it").class,
        ErrorClass::Invalid
    );

    let mut bad = deployment("refused", "web");
    bad["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = 99999.into();
    let error = admin.create(&admin.manifest(bad)).await.expect_err("invalid");
    assert_eq!(error.class, ErrorClass::Invalid);
    let path = error.path.clone().expect("a path").to_string();
    assert_eq!(path, "manifest.spec.template.spec.containers[0].ports[0].containerPort");

    let mut misspelt = map.clone();
    misspelt["dta"] = json!({});
    let error = admin.create(&admin.manifest(misspelt)).await.expect_err("unknown field");
    assert_eq!(error.class, ErrorClass::Invalid);
    assert_eq!(error.path.expect("a path").to_string(), "manifest.dta");

    for (key, value) in [("tls.crt", "not base64 hunter2"), ("bad key", "aHVudGVyMg==")] {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "refused"}, "data": {key: value}});
        let error = admin.create(&admin.manifest(secret)).await.expect_err("invalid");
        assert_eq!(error.class, ErrorClass::Invalid, "{error}");
        assert!(!format!("{error:?}").contains(value), "{error:?}");
    }

    let mut immutable = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fixed", "namespace": "refused"},
        "data": {"a": "1"}, "immutable": true});
    let made = admin.create(&admin.manifest(immutable.clone())).await.expect("made");
    immutable["data"]["a"] = "2".into();
    let error = admin.update(&made, &admin.manifest(immutable)).await.expect_err("immutable");
    assert!(error.hint.expect("a hint").contains("-replace"));
}

#[tokio::test]
async fn an_unreachable_cluster_is_transient_and_nothing_is_gone() {
    let closed =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let away = Bench::with(Value::object([("endpoint", format!("https://{closed}").into())]));
    let config = away.manifest(config_map("x", "cm", json!({})));
    let error = away.create(&config).await.expect_err("refused");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Transient, "Cluster not reachable"));
    assert_eq!(away.find(&config).await.expect_err("refused").class, ErrorClass::Transient);
    let prior = away.plan(None, &config).planned;
    let read = away.read(std::slice::from_ref(&prior)).await.remove(0);
    assert!(matches!(read, ReadOutcome::Failed(e) if e.class == ErrorClass::Transient));
    assert_eq!(away.delete(&prior).await.expect_err("refused").class, ErrorClass::Transient);

    // Somebody who is not the cluster.
    let shared = Cluster::shared();
    let stranger = Bench::with(Value::object([
        ("endpoint", shared.endpoint().into()),
        ("token", "secret-token".into()),
    ]));
    let error =
        stranger.create(&stranger.manifest(config_map("x", "cm", json!({})))).await.expect_err("no trust");
    assert_eq!(error.class, ErrorClass::Denied, "{error}");

    let nowhere = Bench::with(Value::NULL);
    let error =
        nowhere.create(&nowhere.manifest(config_map("x", "cm", json!({})))).await.expect_err("no cluster");
    assert_eq!(error.class, ErrorClass::Invalid, "{error}");
}

#[tokio::test]
async fn many_objects_are_read_by_pages() {
    let shared = Cluster::shared();
    let admin = Bench::admin();
    admin.namespace("pages").await;
    let maps: Vec<Json> =
        (0..600).map(|i| config_map("pages", &format!("cm-{i}"), json!({"a": "1"}))).collect();
    let configs: Vec<Value> = maps.into_iter().map(|m| admin.manifest(m)).collect();
    let made = futures::future::join_all(configs.iter().map(|c| admin.create(c))).await;
    let mut objects: Vec<Value> = made.into_iter().map(|m| m.expect("made")).collect();
    kubectl(&["delete", "cm", "cm-7", "-n", "pages"]);
    kubectl(&["create", "rolebinding", "alice", "-n", "pages", "--clusterrole=view", "--user=alice"]);
    let missing = admin.manifest(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x", "namespace": "pages"}}));
    objects.push(admin.plan(None, &missing).planned);

    let alice = Bench::by_token(&shared.token("alice", &["tenant-a"]));
    let connection = alice.connection(&alice.manifest(json!({})));
    let reads: Vec<_> = objects.iter().map(|prior| ReadObject { prior }).collect();
    let mark = shared.audit_mark();
    let read = alice.provider.read(KIND, &connection, WORKSPACE, &reads).await;
    let asked: Vec<String> = shared
        .audit_since(mark)
        .into_iter()
        .filter(|e| e.user == "alice")
        .map(|e| format!("{} {}", e.verb, e.path()))
        .collect();
    assert_eq!(read.len(), 601);
    for (i, outcome) in read.iter().enumerate() {
        match outcome {
            ReadOutcome::Found(value) => assert_eq!(value, &objects[i]),
            ReadOutcome::Gone => assert!(i == 7 || i == 600, "{i} is gone"),
            ReadOutcome::Failed(error) => panic!("{i}: {error}"),
        }
    }
    let count = |request: &str| asked.iter().filter(|a| *a == request).count();
    assert_eq!(count("list /api/v1/namespaces/pages/configmaps"), 2, "{asked:?}");
    assert_eq!(count("get /api/v1/namespaces/pages/serviceaccounts/x"), 1, "{asked:?}");
    assert_eq!(asked.len(), 4, "one more for discovery: {asked:?}");
}

#[tokio::test]
async fn data_sources_read_objects() {
    let shared = Cluster::shared();
    let (certificate, key) = shared.client_certificate("data-admin", &["system:masters"]);
    let bench = Bench::with(Value::object([
        ("host", shared.endpoint().into()),
        ("cluster_ca_certificate", shared.ca_pem().into()),
        ("client_certificate", certificate.into()),
        ("client_key", key.into()),
    ]));
    bench.namespace("data").await;
    let config = Value::object([
        ("api_version", "v1".into()),
        ("kind", "Namespace".into()),
        ("metadata", Value::object([("name", "data".into()), ("namespace", Value::NULL)])),
        ("cluster", bench.cluster.clone()),
        ("object", Value::NULL),
    ]);
    let connection = bench.connection(&config);
    let read = bench.provider.read_data("kubernetes_resource", &connection, &config).await.expect("read");
    assert_eq!(at(&read, "/object/status/phase"), "Active");
}

/// What a server does with a request: an answer, or nothing.
type Answer = Option<(u16, &'static str, Json)>;

/// A server for what a real one does too seldom: each request, by its first
/// line and how many came before, gets its answer.
fn scripted(answer: impl Fn(&str, usize) -> Answer + Send + 'static) -> Bench {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for (count, stream) in listener.incoming().enumerate() {
            let mut stream = BufReader::new(stream.expect("a connection"));
            let (mut first, mut length) = (String::new(), 0);
            stream.read_line(&mut first).expect("a request");
            loop {
                let mut header = String::new();
                stream.read_line(&mut header).expect("a header");
                if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a length");
                }
                if header.trim().is_empty() {
                    break;
                }
            }
            stream.read_exact(&mut vec![0; length]).expect("a body");
            if let Some((code, headers, body)) = answer(first.trim(), count) {
                let body = body.to_string();
                let length = body.len();
                write!(
                    stream.get_mut(),
                    "HTTP/1.1 {code} x\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
                )
                .expect("an answer");
            }
        }
    });
    Bench::with(Value::object([("endpoint", format!("http://{address}").into())]))
}

fn discovery() -> Json {
    json!({"kind": "APIResourceList", "groupVersion": "v1", "resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": true}]})
}

fn status(code: u16, reason: &str) -> Json {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": reason})
}

#[tokio::test]
async fn interrupted_writes_are_indeterminate_and_refused_ones_are_not() {
    let cases: [(Answer, ErrorClass); 4] = [
        (None, ErrorClass::Indeterminate),
        (Some((504, "", status(504, "Timeout"))), ErrorClass::Indeterminate),
        (
            Some((429, "retry-after: 7\r\n", status(429, "TooManyRequests"))),
            ErrorClass::Throttled(Some(Duration::from_secs(7))),
        ),
        (Some((503, "", status(503, "ServiceUnavailable"))), ErrorClass::Transient),
    ];
    for (answer, class) in cases {
        let patches = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = patches.clone();
        let bench = scripted(move |request, _| {
            if request.starts_with("GET /api/v1 ") {
                Some((200, "", discovery()))
            } else if request.starts_with("GET ") {
                Some((404, "", status(404, "NotFound")))
            } else {
                counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                answer.clone()
            }
        });
        let error =
            bench.create(&bench.manifest(config_map("x", "cm", json!({})))).await.expect_err("it fails");
        assert_eq!(error.class, class, "{error}");
        assert_eq!(patches.load(std::sync::atomic::Ordering::SeqCst), 1, "sent once");
    }
}

#[tokio::test]
async fn a_list_whose_pages_expire_starts_anew() {
    let item = |name: &str| json!({"metadata": {"name": name, "namespace": "x"}, "data": {"a": "1"}});
    let bench = scripted(move |request, count| {
        let page = |next: &str, items: Json| {
            Some((200, "", json!({"metadata": {"continue": next}, "items": items})))
        };
        match (count, request) {
            (0, _) => Some((200, "", discovery())),
            (1, r) if !r.contains("continue=") => page("a b&c", json!([item("one")])),
            (2, r) if r.contains("continue=a%20b%26c") => Some((410, "", status(410, "Expired"))),
            (3, r) if !r.contains("continue=") => page("d", json!([item("one")])),
            (4, r) if r.contains("continue=d") => page("", json!([item("two")])),
            _ => Some((400, "", status(400, "not as expected"))),
        }
    });
    let prior =
        |name: &str| bench.plan(None, &bench.manifest(config_map("x", name, json!({"a": "1"})))).planned;
    let read = bench.read(&[prior("one"), prior("two"), prior("three")]).await;
    let shown: Vec<&str> = read
        .iter()
        .map(|outcome| match outcome {
            ReadOutcome::Found(_) => "found",
            ReadOutcome::Gone => "gone",
            ReadOutcome::Failed(_) => "failed",
        })
        .collect();
    assert_eq!(shown, ["found", "found", "gone"]);
}

#[tokio::test]
async fn a_read_that_fails_half_way_says_so() {
    let bench = scripted(|request, _| {
        if request.starts_with("GET /api/v1 ") {
            Some((200, "", discovery()))
        } else {
            Some((500, "", status(500, "InternalError")))
        }
    });
    let prior = |name: &str| bench.plan(None, &bench.manifest(config_map("x", name, json!({})))).planned;
    for outcome in bench.read(&[prior("one"), prior("two")]).await {
        assert!(matches!(outcome, ReadOutcome::Failed(e) if e.class == ErrorClass::Transient));
    }
}
