use serde_json::json;
use tenantctl_core::provider::{ErrorClass, ReadOutcome, Value};
use tenantctl_test_servers::Cluster;

use crate::bench::{Bench, config_map, deployment};

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
