use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Provider, ReadObject, ReadOutcome, Value};
use tenantctl_test_servers::Cluster;

use crate::bench::{Bench, KIND, WORKSPACE, at, config_map, kubectl};

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
            ReadOutcome::Found(value) | ReadOutcome::Changed(value, _) => assert_eq!(value, &objects[i]),
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
