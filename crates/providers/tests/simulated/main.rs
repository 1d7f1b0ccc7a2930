//! The provider `simulated` through the conformance suite.

#[path = "../common/mod.rs"]
mod common;

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Provider, Value};
use tenantctl_providers::conformance::Case;
use tenantctl_providers::simulated::Sandbox;

fn cases() -> Vec<Case> {
    let case = |kind: &str, config: Json, changed: Json| {
        Case::new(kind, Value::from_plain_json(&config)).changed(Value::from_plain_json(&changed))
    };
    let at = |extra: Json| {
        let mut config = json!({"name": "acme", "region": "eu"});
        config.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        config
    };
    let pool = |nodes: i64| json!({"cluster": "shared", "name": "acme", "nodes": nodes, "labels": {"tenant": "acme"}});
    vec![
        case("simulated_bucket", at(json!({"encrypted": true})), at(json!({"retention_days": 7}))),
        case("simulated_cluster", at(json!({"version": "1.32"})), at(json!({"version": "1.33"}))),
        case(
            "simulated_dns_record",
            json!({"name": "acme.example.com", "type": "A", "values": ["192.0.2.1"], "ttl": 60}),
            json!({"name": "acme.example.com", "type": "A", "values": ["192.0.2.2"], "ttl": 60}),
        ),
        case(
            "simulated_identity",
            json!({"name": "acme"}),
            json!({"name": "acme", "subjects": ["acme/web"]}),
        ),
        case("simulated_node_pool", pool(1), pool(3)),
        case("simulated_vault", at(json!({})), at(json!({"tags": {"tenant": "acme"}}))),
    ]
}

#[tokio::test]
async fn every_type_conforms_whatever_happens() {
    let kinds: Vec<&str> = Sandbox.schema().resources.keys().copied().collect();
    assert_eq!(cases().iter().map(|case| case.kind.as_str()).collect::<Vec<_>>(), kinds);
    common::simulated(Arc::new(Sandbox), Value::NULL, cases()).await;
}
