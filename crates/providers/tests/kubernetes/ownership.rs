use serde_json::json;
use tenantctl_core::provider::{ErrorClass, Provider};

use crate::bench::{Bench, at, config_map, deployment, kubectl, target};

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
    assert_eq!(bench.changed_by(&made).await, "kubectl kubectl-set", "and not who set the label");

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
    assert_eq!(bench.changed_by(&bound).await, "kubectl-patch");
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
