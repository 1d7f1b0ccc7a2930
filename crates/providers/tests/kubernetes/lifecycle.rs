use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, Outcome, Provider, ReadOutcome, Value};
use tenantctl_providers::conformance::{self, Case, Fault, Service, Trouble};
use tenantctl_providers::kubernetes::{Kubernetes, Options};
use tenantctl_test_servers::{Cluster, Fate};

use crate::bench::{Bench, KIND, WORKSPACE, config_map, deployment, kubectl, target};
use crate::common;

/// What an object is imported by.
fn import(object: &Value) -> Option<String> {
    let manifest = object.get("manifest")?;
    let text = |of: &Value, name: &str| of.get(name)?.as_str().map(str::to_owned);
    let metadata = manifest.get("metadata")?;
    let place = text(&metadata, "namespace").map(|namespace| format!("namespace={namespace},"));
    let (version, kind) = (text(&manifest, "apiVersion")?, text(&manifest, "kind")?);
    let name = text(&metadata, "name")?;
    Some(format!("apiVersion={version},kind={kind},{}name={name}", place.unwrap_or_default()))
}

/// Kinds of a tenant, with fields that servers default, rewrite and reorder.
fn cases(bench: &Bench, ns: &str) -> Vec<Case> {
    let meta = |name: &str| json!({"name": name, "namespace": ns});
    let pod_selector = json!({"matchLabels": {"app": "x"}});
    let mut changed_deployment = deployment(ns, "web");
    changed_deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2".into();
    let rollout = json!({"wait": {"rollout": true, "condition": [{"type": "Available", "status": null}]}});
    let case = |manifest: Json| {
        let mut other = manifest.clone();
        other["metadata"]["name"] = "other".into();
        Case::new(KIND, bench.manifest(manifest))
            .workspace(WORKSPACE)
            .imported_by(import)
            .other(bench.manifest(other))
    };
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
    vec![
        case(
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("{ns}-other"), "labels": {"a": "b"}}}),
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
    ]
}

/// The cluster is that of the provider block, which leads there by a proxy that
/// does as it is told.
fn service(fault: &Fault) -> Service {
    let (judge, patience) = (fault.clone(), fault.patience());
    let proxy = Cluster::shared().proxy(move |method, path| {
        match judge.strike(&format!("{method} {path}"), method != "GET") {
            None => Fate::Pass,
            Some(Trouble::Fails) => Fate::Refuse { code: 503, retry_after: None },
            Some(Trouble::Throttled) => Fate::Refuse { code: 429, retry_after: Some(0) },
            Some(Trouble::Hangs) => Fate::Hang,
            Some(Trouble::AnswerLost) => Fate::LoseAnswer,
        }
    });
    let config = Value::object([("host", proxy.endpoint().into())]);
    Service::new(|| Arc::new(Kubernetes::new(Options::default())))
        .provider_config(config)
        .deadline(patience)
        .keeping(proxy)
}

/// The kinds, in a namespace that is there.
async fn all(name: &str) -> Vec<Case> {
    Bench::admin().namespace(name).await;
    cases(&Bench::with(Value::NULL), name)
}

#[tokio::test]
async fn kinds_of_a_tenant_conform() {
    let bench = Bench::admin();
    bench.namespace("conform").await;
    conformance::check(bench.provider.clone(), cases(&bench, "conform")).await;
}

#[tokio::test]
async fn kinds_of_a_tenant_conform_when_each_call_fails_once() {
    conformance::check_through(Trouble::Fails, service, all("conform-failing").await).await;
}

#[tokio::test]
async fn kinds_of_a_tenant_conform_when_each_call_is_throttled_once() {
    conformance::check_through(Trouble::Throttled, service, all("conform-throttled").await).await;
}

#[tokio::test]
async fn kinds_of_a_tenant_conform_when_each_call_hangs_once() {
    conformance::check_through(Trouble::Hangs, service, all("conform-hanging").await).await;
}

#[tokio::test]
async fn kinds_of_a_tenant_conform_when_each_answer_is_lost_once() {
    conformance::check_through(Trouble::AnswerLost, service, all("conform-losing").await).await;
}

#[tokio::test]
async fn kinds_of_a_tenant_conform_when_processes_are_killed() {
    conformance::check_killed(service, all("conform-killed").await).await;
}

#[tokio::test]
async fn kinds_of_a_tenant_are_simulated() {
    let bench = Bench::admin();
    common::simulated(bench.provider.clone(), Value::NULL, cases(&bench, "conform")).await;
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
