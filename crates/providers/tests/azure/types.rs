use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Provider as _, ReadOutcome, Value};
use tenantctl_providers::conformance::{self, Case, Trouble};
use tenantctl_test_servers::Azure;

use crate::bench::{Bench, REGION, service};
use crate::common::{self, text};

fn case(bench: &Bench, kind: &str, config: &Json) -> Case {
    bench.case(kind, config)
}

fn changing(bench: &Bench, kind: &str, config: &Json, changed: &Json) -> Case {
    bench.changing(kind, config, changed)
}

/// A group for what needs one.
pub(crate) async fn group(bench: &Bench, name: &str) -> Value {
    let config = bench.config("azurerm_resource_group", &json!({"name": name, "location": REGION}));
    bench.create("azurerm_resource_group", &config).await.expect("a group")
}

/// A cluster's configuration.
pub(crate) fn cluster(group: &str, name: &str, version: &str) -> Json {
    json!({"name": name, "resource_group_name": group, "location": REGION, "dns_prefix": name,
        "kubernetes_version": version, "identity": [{"type": "SystemAssigned"}],
        "default_node_pool": [{"name": "system", "vm_size": "Standard_D2s_v5", "node_count": 1}]})
}

/// What stands for itself: groups, identities, zones, vaults.
fn plain(bench: &Bench, group: &str) -> Vec<Case> {
    let tagged =
        |tags: Json| json!({"name": format!("{group}-own"), "location": "West Europe", "tags": tags});
    let identity =
        |tags: Json| json!({"name": "acme", "resource_group_name": group, "location": REGION, "tags": tags});
    let zone =
        |tags: Json| json!({"name": format!("{group}.example"), "resource_group_name": group, "tags": tags});
    let vault = |policy: Json, rbac: bool| {
        json!({"name": format!("kv-{group}"), "resource_group_name": group, "location": REGION, "sku_name": "standard",
            "tenant_id": Azure::TENANT, "access_policy": policy, "rbac_authorization_enabled": rbac,
            "soft_delete_retention_days": 7, "tags": {"tenant": "acme"}})
    };
    let policy = json!([{"tenant_id": Azure::TENANT, "object_id": Azure::CLIENT, "secret_permissions": ["Get", "List"]}]);
    vec![
        changing(
            bench,
            "azurerm_resource_group",
            &tagged(json!({"a": "1"})),
            &tagged(json!({"a": "2", "b": "3"})),
        ),
        changing(
            bench,
            "azurerm_user_assigned_identity",
            &identity(json!({"a": "1"})),
            &identity(json!({"b": "2"})),
        ),
        changing(bench, "azurerm_dns_zone", &zone(json!({"a": "1"})), &zone(json!({"a": "2"}))),
        changing(bench, "azurerm_key_vault", &vault(policy, false), &vault(json!([]), true)),
    ]
}

/// Records of a zone that is there.
fn records(bench: &Bench, group: &str, zone: &str) -> Vec<Case> {
    let record = |name: &str, extra: Json| {
        let mut config = json!({"name": name, "resource_group_name": group, "zone_name": zone, "ttl": 300});
        config.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        config
    };
    vec![
        changing(
            bench,
            "azurerm_dns_a_record",
            &record("acme", json!({"records": ["192.0.2.2", "192.0.2.1"], "tags": {"a": "1"}})),
            &record("acme", json!({"records": ["192.0.2.3"], "ttl": 60})),
        ),
        changing(
            bench,
            "azurerm_dns_aaaa_record",
            &record("acme", json!({"records": ["2001:DB8::1"]})),
            &record("acme", json!({"records": ["2001:db8::2"]})),
        ),
        changing(
            bench,
            "azurerm_dns_cname_record",
            &record("www", json!({"record": "web.example.com."})),
            &record("www", json!({"record": "other.example.com"})),
        ),
        changing(
            bench,
            "azurerm_dns_txt_record",
            &record("txt", json!({"record": [{"value": "v=spf1 -all"}, {"value": "x".repeat(300)}]})),
            &record("txt", json!({"record": [{"value": "v=spf1 -all"}]})),
        ),
    ]
}

/// What an identity is trusted with.
fn trust(bench: &Bench, identity: &Value, scope: &str, group: &str) -> Vec<Case> {
    let credential = |subject: &str| {
        json!({"name": "acme", "resource_group_name": group, "parent_id": text(identity, "id"),
            "issuer": "https://oidc.example/", "subject": subject, "audience": ["api://AzureADTokenExchange"]})
    };
    let role = |extra: Json| {
        let mut config = json!({"scope": scope, "principal_id": text(identity, "principal_id")});
        config.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        config
    };
    vec![
        changing(
            bench,
            "azurerm_federated_identity_credential",
            &credential("system:serviceaccount:acme:web"),
            &credential("system:serviceaccount:acme:api"),
        ),
        case(
            bench,
            "azurerm_role_assignment",
            &role(
                json!({"role_definition_name": "Key Vault Secrets User", "skip_service_principal_aad_check": true}),
            ),
        ),
        case(
            bench,
            "azurerm_role_assignment",
            &role(json!({"principal_type": "ServicePrincipal", "role_definition_id":
                "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"})),
        ),
    ]
}

fn secrets(bench: &Bench, vault: &str) -> Vec<Case> {
    let secret = |name: &str, value: &str, kind: &str| {
        json!({"name": name, "key_vault_id": vault, "value": value, "content_type": kind,
            "expiration_date": "2035-01-02T03:04:05Z", "tags": {"tenant": "acme"}})
    };
    let write_only = |value: &str, version: i64| json!({"name": "write-only", "key_vault_id": vault, "value_wo": value, "value_wo_version": version});
    vec![
        changing(
            bench,
            "azurerm_key_vault_secret",
            &secret("db-password", "one", "text"),
            &secret("db-password", "two", "text"),
        ),
        changing(
            bench,
            "azurerm_key_vault_secret",
            &secret("db-user", "same", "text"),
            &secret("db-user", "same", "password"),
        ),
        changing(bench, "azurerm_key_vault_secret", &write_only("hidden-1", 1), &write_only("hidden-2", 2)),
    ]
    .into_iter()
    .map(|case| {
        case.imported_by(|secret| {
            Some(format!("{}/secrets/{}", text(secret, "key_vault_id"), text(secret, "name")))
        })
    })
    .collect()
}

fn clusters(bench: &Bench, group: &str, there: &str) -> Vec<Case> {
    let full = |version: &str, count: i64, tier: &str| {
        let mut config = cluster(group, "full", version);
        config["default_node_pool"][0]["node_count"] = count.into();
        config["default_node_pool"][0]["upgrade_settings"] = json!([{"max_surge": "10%"}]);
        config["sku_tier"] = tier.into();
        config["oidc_issuer_enabled"] = true.into();
        config["workload_identity_enabled"] = true.into();
        config["tags"] = json!({"tenant": "acme"});
        config["api_server_access_profile"] = json!([{"authorized_ip_ranges": ["192.0.2.0/24"]}]);
        config["network_profile"] = json!([{"network_plugin": "azure", "network_plugin_mode": "overlay"}]);
        config["key_vault_secrets_provider"] = json!([{"secret_rotation_enabled": true}]);
        config
    };
    let pool = |count: i64, labels: Json, taints: Json| {
        json!({"name": "acme", "kubernetes_cluster_id": there, "vm_size": "Standard_D4s_v5", "node_count": count,
            "node_labels": labels, "node_taints": taints, "zones": ["1", "2"], "tags": {"tenant": "acme"}})
    };
    let scaling = |most: i64| {
        json!({"name": "scales", "kubernetes_cluster_id": there, "vm_size": "Standard_D4s_v5",
            "auto_scaling_enabled": true, "min_count": 1, "max_count": most})
    };
    vec![
        changing(bench, "azurerm_kubernetes_cluster", &full("1.31", 1, "Free"), &full("1.33", 2, "Standard"))
            // A version has no way back.
            .drifted(Value::from_plain_json(&full("1.31", 2, "Standard"))),
        case(bench, "azurerm_kubernetes_cluster", &cluster(group, "bare", "1.33")),
        changing(
            bench,
            "azurerm_kubernetes_cluster_node_pool",
            &pool(1, json!({"tenant": "acme", "old": "1"}), json!(["tenant=acme:NoSchedule"])),
            &pool(3, json!({"tenant": "acme"}), json!(["tenant=acme:NoExecute"])),
        ),
        changing(bench, "azurerm_kubernetes_cluster_node_pool", &scaling(3), &scaling(5)),
    ]
}

/// Everything that cases need to be there, and the cases; also fails for a type
/// without one.
async fn all(bench: &Bench, name: &str) -> Vec<Case> {
    group(bench, name).await;
    let make = async |kind: &str, config: Json| {
        let config = bench.config(kind, &config);
        bench.create(kind, &config).await.unwrap_or_else(|e| panic!("{kind}: {e}"))
    };
    let zone = format!("zone-{name}.example");
    make("azurerm_dns_zone", json!({"name": zone, "resource_group_name": name})).await;
    let identity = json!({"name": "there", "resource_group_name": name, "location": REGION});
    let identity = make("azurerm_user_assigned_identity", identity).await;
    let vault = json!({"name": format!("kv-{name}-t"), "resource_group_name": name, "location": REGION,
        "sku_name": "standard", "tenant_id": Azure::TENANT});
    let vault = text(&make("azurerm_key_vault", vault).await, "id");
    let there = text(&make("azurerm_kubernetes_cluster", cluster(name, "there", "1.33")).await, "id");
    let mut cases = plain(bench, name);
    cases.extend(records(bench, name, &zone));
    cases.extend(trust(bench, &identity, &vault, name));
    cases.extend(secrets(bench, &vault));
    cases.extend(clusters(bench, name, &there));
    let covered: std::collections::BTreeSet<&str> = cases.iter().map(|case| case.kind.as_str()).collect();
    let kinds = bench.provider.schema().resources.keys().copied();
    assert_eq!(kinds.collect::<Vec<_>>(), covered.into_iter().collect::<Vec<_>>());
    cases
}

#[tokio::test]
async fn every_type_conforms() {
    let bench = Bench::new();
    let cases = all(&bench, "conform").await;
    for case in cases {
        conformance::check(bench.provider.clone(), vec![case]).await;
    }
}

#[tokio::test]
async fn many_objects_are_read_by_page() {
    let bench = Bench::new();
    group(&bench, "pages").await;
    let kind = "azurerm_dns_a_record";
    let zone =
        bench.config("azurerm_dns_zone", &json!({"name": "pages.example", "resource_group_name": "pages"}));
    bench.create("azurerm_dns_zone", &zone).await.expect("a zone");
    let mut made = Vec::new();
    for i in 0..12 {
        let config = json!({"name": format!("r{i}"), "resource_group_name": "pages", "zone_name": "pages.example",
            "ttl": 60, "records": ["192.0.2.1"]});
        made.push(bench.create(kind, &bench.config(kind, &config)).await.expect("a record"));
    }
    let gone = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/pages/providers/Microsoft.Network/dnsZones/pages.example/A/r3?api-version=2018-05-01";
    Azure::shared().ask("DELETE", gone, &Json::Null);
    let before = bench.front.asked().len();
    let read = bench.read(kind, &made).await;
    let calls = bench.front.asked().len() - before;
    assert_eq!(calls, 3, "11 records in pages of 5");
    for (i, (outcome, object)) in read.iter().zip(&made).enumerate() {
        match outcome {
            ReadOutcome::Found(found) | ReadOutcome::Changed(found, _) => assert_eq!(found, object),
            ReadOutcome::Gone => assert_eq!(i, 3),
            ReadOutcome::Failed(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn every_type_conforms_when_each_call_fails_once() {
    let cases = all(&Bench::new(), "failing").await;
    conformance::check_through(Trouble::Fails, service, cases).await;
}

#[tokio::test]
async fn every_type_conforms_when_each_call_is_throttled_once() {
    let cases = all(&Bench::new(), "throttled").await;
    conformance::check_through(Trouble::Throttled, service, cases).await;
}

#[tokio::test]
async fn every_type_conforms_when_each_call_hangs_once() {
    let cases = all(&Bench::new(), "hanging").await;
    conformance::check_through(Trouble::Hangs, service, cases).await;
}

#[tokio::test]
async fn every_type_conforms_when_each_answer_is_lost_once() {
    let cases = all(&Bench::new(), "losing").await;
    conformance::check_through(Trouble::AnswerLost, service, cases).await;
}

#[tokio::test]
async fn every_type_conforms_when_processes_are_killed() {
    let cases = all(&Bench::new(), "killed").await;
    conformance::check_killed(service, cases).await;
}

#[tokio::test]
async fn every_type_is_simulated_by_its_schema() {
    let bench = Bench::new();
    let group = "/subscriptions/s/resourceGroups/sim/providers";
    let identity = json!({"id": format!("{group}/Microsoft.ManagedIdentity/userAssignedIdentities/there"),
        "principal_id": "10000000-0000-4000-8000-000000000001"});
    let vault = format!("{group}/Microsoft.KeyVault/vaults/kv-sim-t");
    let there = format!("{group}/Microsoft.ContainerService/managedClusters/there");
    let mut cases = plain(&bench, "sim");
    cases.extend(records(&bench, "sim", "sim.example"));
    cases.extend(trust(&bench, &Value::from_plain_json(&identity), &vault, "sim"));
    cases.extend(secrets(&bench, &vault));
    cases.extend(clusters(&bench, "sim", &there));
    common::simulated(bench.provider.clone(), bench.provider_config.clone(), cases).await;
    assert!(bench.front.asked().is_empty(), "a simulated provider calls nobody");
}
