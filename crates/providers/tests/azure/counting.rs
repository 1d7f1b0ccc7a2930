//! What a refresh of a fleet costs: 500 workspaces with one object each, read
//! as the engine reads them, each by itself and many at a time.
//!
//! Groups, zones, vaults, identities and clusters have a list for the whole
//! subscription, records one for each type in a zone, pools one for each
//! cluster, roles one for each scope: these cost pages. A secret's value is on
//! no list, and whom an identity trusts only on that of the identity: these
//! cost a call each.

use serde_json::{Value as Json, json};
use tenantctl_core::provider::Value;
use tenantctl_test_servers::{Azure, FrontFate};

use crate::bench::{Bench, REGION};

const TENANTS: usize = 500;
const GROUP: &str = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/counted";

fn pages(objects: usize) -> usize {
    objects.div_ceil(Azure::PAGE)
}

/// A subscription of its own: lists are of all that there is.
fn start() -> (Azure, Bench) {
    let azure = Azure::start();
    let bench = Bench::on(&azure, |_| FrontFate::Pass);
    put(&azure, GROUP, "2021-04-01", &json!({"location": REGION}));
    (azure, bench)
}

fn put(azure: &Azure, id: &str, api: &str, body: &Json) {
    let (status, said) = azure.ask("PUT", &format!("{id}?api-version={api}"), body);
    assert!((200..300).contains(&status), "{id}: {status} {said}");
}

fn objects(bench: &Bench, kind: &str, given: impl Fn(usize) -> Json) -> Vec<Value> {
    (0..TENANTS).map(|i| bench.config(kind, &given(i))).collect()
}

fn vault() -> Json {
    json!({"location": REGION, "properties": {"tenantId": Azure::TENANT, "accessPolicies": [],
        "sku": {"family": "A", "name": "standard"}}})
}

#[tokio::test]
async fn what_a_subscription_has_costs_pages() {
    let (azure, bench) = start();
    let named = |i: usize| json!({"name": format!("t{i:03}"), "resource_group_name": "counted"});
    for i in 0..TENANTS {
        let own = format!("{GROUP}-t{i:03}");
        put(&azure, &own, "2021-04-01", &json!({"location": REGION}));
        let zone = format!("{GROUP}/providers/Microsoft.Network/dnsZones/t{i:03}.example");
        put(&azure, &zone, "2018-05-01", &json!({"location": "global"}));
        let id = format!("{GROUP}/providers/Microsoft.KeyVault/vaults/t{i:03}");
        put(&azure, &id, "2023-07-01", &vault());
        let id = format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/t{i:03}");
        put(&azure, &id, "2023-01-31", &json!({"location": REGION}));
    }
    // With the one that all the others are in.
    let groups = objects(&bench, "azurerm_resource_group", |i| json!({"name": format!("counted-t{i:03}")}));
    assert_eq!(bench.refresh_of_many("azurerm_resource_group", &groups).await, 2 + pages(TENANTS + 1));
    let zone = |i: usize| json!({"name": format!("t{i:03}.example"), "resource_group_name": "counted"});
    for (kind, objects) in [
        ("azurerm_dns_zone", objects(&bench, "azurerm_dns_zone", zone)),
        ("azurerm_key_vault", objects(&bench, "azurerm_key_vault", named)),
        ("azurerm_user_assigned_identity", objects(&bench, "azurerm_user_assigned_identity", named)),
    ] {
        assert_eq!(bench.refresh_of_many(kind, &objects).await, pages(TENANTS), "{kind}");
    }
}

#[tokio::test]
async fn records_pools_and_roles_cost_pages_of_what_they_are_in() {
    let (azure, bench) = start();
    let zone = format!("{GROUP}/providers/Microsoft.Network/dnsZones/counted.example");
    put(&azure, &zone, "2018-05-01", &json!({"location": "global"}));
    let scope = format!("{GROUP}/providers/Microsoft.KeyVault/vaults/shared");
    put(&azure, &scope, "2023-07-01", &vault());
    let role = "/providers/Microsoft.Authorization/roleDefinitions/4633458b-17de-408a-b874-0445c86b69e6";
    let assignment = |i: usize| format!("00000000-0000-4000-8000-{i:012}");
    for i in 0..TENANTS {
        let record = json!({"properties": {"TTL": 60, "ARecords": [{"ipv4Address": "192.0.2.1"}]}});
        put(&azure, &format!("{zone}/A/t{i:03}"), "2018-05-01", &record);
        let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{}", assignment(i));
        let principal = format!("20000000-0000-4000-8000-{i:012}");
        let body = json!({"properties": {"principalId": principal, "roleDefinitionId": role}});
        put(&azure, &id, "2022-04-01", &body);
    }
    let records = objects(
        &bench,
        "azurerm_dns_a_record",
        |i| json!({"name": format!("t{i:03}"), "resource_group_name": "counted", "zone_name": "counted.example"}),
    );
    // Two more lead to the login.
    assert_eq!(bench.refresh_of_many("azurerm_dns_a_record", &records).await, 2 + pages(TENANTS));
    let roles = objects(
        &bench,
        "azurerm_role_assignment",
        |i| json!({"name": assignment(i), "scope": scope, "role_definition_name": "Key Vault Secrets User"}),
    );
    assert_eq!(bench.refresh_of_many("azurerm_role_assignment", &roles).await, pages(TENANTS));
    pools(&azure, &bench).await;
}

/// 125 pools in each of four clusters, besides the one that a cluster begins
/// with.
async fn pools(azure: &Azure, bench: &Bench) {
    const CLUSTERS: usize = 4;
    let id = |i: usize| format!("{GROUP}/providers/Microsoft.ContainerService/managedClusters/c{i}");
    let wait = |id: &str| {
        let state = || azure.ask("GET", &format!("{id}?api-version=2025-07-01"), &Json::Null).1;
        while state()["properties"]["provisioningState"] != "Succeeded" {}
    };
    for i in 0..CLUSTERS {
        let body = json!({"location": REGION, "identity": {"type": "SystemAssigned"}, "properties": {"dnsPrefix": "c",
            "agentPoolProfiles": [{"name": "system", "mode": "System", "vmSize": "Standard_D2s_v5"}]}});
        put(azure, &id(i), "2025-07-01", &body);
        wait(&id(i));
    }
    for i in 0..TENANTS {
        let pool = format!("{}/agentPools/t{i:03}", id(i % CLUSTERS));
        let body = json!({"properties": {"vmSize": "Standard_D2s_v5", "mode": "User"}});
        put(azure, &pool, "2025-07-01", &body);
        wait(&pool);
    }
    let pools = objects(
        bench,
        "azurerm_kubernetes_cluster_node_pool",
        |i| json!({"name": format!("t{i:03}"), "kubernetes_cluster_id": id(i % CLUSTERS), "vm_size": "Standard_D2s_v5"}),
    );
    let calls = bench.refresh_of_many("azurerm_kubernetes_cluster_node_pool", &pools).await;
    assert_eq!(calls, CLUSTERS * pages(TENANTS / CLUSTERS + 1));
    // Their credentials are recorded, and not asked for again.
    let clusters = objects(bench, "azurerm_kubernetes_cluster", |i| {
        json!({"name": format!("c{}", i % CLUSTERS), "resource_group_name": "counted",
            "kube_config": [{"host": "https://c", "username": "", "password": "", "client_certificate": "",
                "client_key": "", "cluster_ca_certificate": ""}]})
    });
    let calls = bench.refresh_of_many("azurerm_kubernetes_cluster", &clusters).await;
    assert_eq!(calls, pages(CLUSTERS));
}

#[tokio::test]
async fn secrets_and_trust_cost_a_call_each() {
    let (azure, bench) = start();
    let id = |i: usize| format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/t{i:03}");
    for i in 0..TENANTS {
        put(&azure, &id(i), "2023-01-31", &json!({"location": REGION}));
        let trust =
            json!({"properties": {"issuer": "https://a.example", "subject": "s", "audiences": ["a"]}});
        put(&azure, &format!("{}/federatedIdentityCredentials/web", id(i)), "2023-01-31", &trust);
    }
    let kind = "azurerm_federated_identity_credential";
    let trusted = objects(
        &bench,
        kind,
        |i| json!({"name": "web", "resource_group_name": "counted", "parent_id": id(i)}),
    );
    assert_eq!(bench.refresh_of_many(kind, &trusted).await, 2 + TENANTS);
    let vault_id = format!("{GROUP}/providers/Microsoft.KeyVault/vaults/shared");
    put(&azure, &vault_id, "2023-07-01", &vault());
    let kind = "azurerm_key_vault_secret";
    let secret = bench.config(kind, &json!({"name": "s", "key_vault_id": vault_id, "value": "v"}));
    let secret = bench.create(kind, &secret).await.expect("a secret");
    let secrets = vec![secret; TENANTS];
    assert_eq!(bench.refresh_of_many(kind, &secrets).await, TENANTS);
}
