use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, Value};
use tenantctl_test_servers::{Azure, FrontCall};

use crate::bench::Bench;
use crate::common::text;
use crate::types::{cluster, group};

const CLUSTER: &str = "azurerm_kubernetes_cluster";
const POOL: &str = "azurerm_kubernetes_cluster_node_pool";

fn pool(cluster: &Value, name: &str, count: i64) -> Json {
    json!({"name": name, "kubernetes_cluster_id": text(cluster, "id"), "vm_size": "Standard_D4s_v5",
        "node_count": count})
}

fn ask(method: &str, id: &str, body: &Json) -> Json {
    let (status, said) = Azure::shared().ask(method, &format!("{id}?api-version=2025-07-01"), body);
    assert!((200..300).contains(&status), "{method} {id}: {status} {said}");
    said
}

fn count(bench: &Bench, wanted: impl Fn(&FrontCall) -> bool) -> usize {
    bench.front.asked().iter().filter(|call| wanted(call)).count()
}

async fn made(bench: &Bench, name: &str) -> Value {
    group(bench, name).await;
    bench.create(CLUSTER, &bench.config(CLUSTER, &cluster(name, name, "1.30"))).await.expect("a cluster")
}

#[tokio::test]
async fn upgrades_go_one_minor_version_at_a_time_and_never_back() {
    let bench = Bench::new();
    let old = made(&bench, "upgrade").await;
    assert!(text(&old, "fqdn").contains("westeurope"));
    let config = bench.config(CLUSTER, &cluster("upgrade", "upgrade", "1.33"));
    let new = bench.update(CLUSTER, &old, &config).await.expect("upgraded");
    assert_eq!(
        (text(&new, "kubernetes_version"), text(&new, "current_kubernetes_version")),
        ("1.33".into(), "1.33.4".into())
    );
    let is_write = |call: &FrontCall| call.method == "PUT" && call.path.ends_with("/managedClusters/upgrade");
    assert_eq!(count(&bench, is_write), 1 + 3, "a creation and three versions");
    assert!(bench.front.asked().iter().all(|call| !call.query.contains("2023-01-02-preview")));
    assert_eq!(bench.plan(CLUSTER, Some(&new), &config).planned, new);
    let back =
        bench.try_plan(CLUSTER, Some(&new), &bench.config(CLUSTER, &cluster("upgrade", "upgrade", "1.32")));
    assert!(back.expect_err("no way back").contains("no way back to 1.32"));
}

#[tokio::test]
async fn a_creation_that_was_cut_short_is_taken_up() {
    let begun = Bench::new();
    group(&begun, "cut-short").await;
    let config = begun.config(CLUSTER, &cluster("cut-short", "cut-short", "1.33"));
    let planned = begun.plan(CLUSTER, None, &config).planned;
    let operation = begun.begin(CLUSTER, &config, &planned).await;
    // Another process: it knows the token from the journal, and nothing else.
    let next = Bench::new();
    let error = next.poll(CLUSTER, &config, &operation).await.expect_err("it is another's");
    assert_eq!(error.class, ErrorClass::NotFound, "then what there is, tells");
    let found = next.find(CLUSTER, &config).await.expect("ours").expect("it is being made");
    assert_eq!(text(&found, "provisioning_state"), "Creating");
    let plan = next.plan(CLUSTER, Some(&found), &config);
    assert!(plan.requires_replace.is_empty());
    assert!(!plan.planned.get("kube_config").expect("there").is_known());
    let whole = next.update(CLUSTER, &found, &config).await.expect("finished");
    assert_eq!(text(&whole, "provisioning_state"), "Succeeded");
    assert_eq!(next.plan(CLUSTER, Some(&whole), &config).planned, whole);
}

#[tokio::test]
async fn pools_of_a_cluster_are_changed_one_after_the_other_without_a_refusal() {
    let bench = Bench::new();
    let there = made(&bench, "turns").await;
    let configs: Vec<Value> =
        (0..4).map(|i| bench.config(POOL, &pool(&there, &format!("p{i}"), 1))).collect();
    let all = futures::future::join_all(configs.iter().map(|config| bench.create(POOL, config))).await;
    for pool in all {
        pool.expect("in its turn");
    }
    let is_write = |call: &FrontCall| call.method == "PUT" && call.path.contains("/turns/agentPools/");
    assert_eq!(count(&bench, is_write), 4, "nobody asked out of turn");
    let pools = ask("GET", &format!("{}/agentPools", text(&there, "id")), &Json::Null);
    assert_eq!(pools["value"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn changes_wait_for_changes_of_others() {
    let (bench, other) = (Bench::new(), Bench::new());
    let there = made(&bench, "busy").await;
    let theirs = other.config(POOL, &pool(&there, "theirs", 1));
    let planned = other.plan(POOL, None, &theirs).planned;
    other.begin(POOL, &theirs, &planned).await;
    let ours = bench.config(POOL, &pool(&there, "ours", 1));
    let planned = bench.plan(POOL, None, &ours).planned;
    let waits = bench.begin(POOL, &ours, &planned).await;
    assert_eq!(waits.message, "waits for another change");
    for _ in 0..4 {
        ask("GET", &format!("{}/agentPools/theirs", text(&there, "id")), &Json::Null);
    }
    let made = bench.create(POOL, &ours).await.expect("in its turn");
    assert_eq!(text(&made, "provisioning_state"), "Succeeded");
}

#[tokio::test]
async fn a_strangers_pool_is_refused_and_stays() {
    let bench = Bench::new();
    let there = made(&bench, "strangers").await;
    let theirs = Bench::new().token("another-creation");
    let config = bench.config(POOL, &pool(&there, "pool", 1));
    theirs.create(POOL, &config).await.expect("theirs");
    for error in [
        bench.create(POOL, &config).await.expect_err("taken"),
        bench.find(POOL, &config).await.expect_err("taken"),
    ] {
        assert_eq!(error.class, ErrorClass::Conflict, "{error}");
        assert!(error.detail.contains("\"pool\"") && error.detail.contains("\"strangers\""), "{error}");
    }
}

#[tokio::test]
async fn what_cannot_be_had_says_why() {
    let bench = Bench::new();
    let there = made(&bench, "failing").await;
    let mut none = pool(&there, "none", 1);
    none["vm_size"] = "Standard_None".into();
    let error = bench.create(POOL, &bench.config(POOL, &none)).await.expect_err("it cannot be");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Invalid, "Change failed"));
    assert!(error.detail.contains("No machines of this size can be had (SkuNotAvailable)"), "{error}");
    let found = bench.find(POOL, &bench.config(POOL, &none)).await.expect("ours").expect("it is there");
    assert_eq!(text(&found, "provisioning_state"), "Failed");
    assert!(bench.delete(POOL, &found).await.expect("removed").is_null());
    let mut quota = pool(&there, "quota", 1);
    quota["vm_size"] = "Standard_Quota".into();
    let error = bench.create(POOL, &bench.config(POOL, &quota)).await.expect_err("there is none");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Invalid, "Quota exceeded"));
    assert!(error.detail.contains("test-request-1") && error.hint.is_some(), "{error:?}");
}

#[tokio::test]
async fn drift_of_a_pool_is_seen_and_repaired_and_others_are_not_touched() {
    let bench = Bench::new();
    let there = made(&bench, "drifting").await;
    let config = bench.config(POOL, &pool(&there, "pool", 2));
    let made = bench.create(POOL, &config).await.expect("a pool");
    let id = text(&made, "id");
    let tags = ask("GET", &id, &Json::Null)["properties"]["tags"].clone();
    ask("PUT", &id, &json!({"properties": {"vmSize": "Standard_D4s_v5", "count": 9, "tags": tags}}));
    for _ in 0..4 {
        bench.refreshed(POOL, &made).await;
    }
    let found = bench.refreshed(POOL, &made).await;
    assert_eq!(found.get("node_count"), Some(9_i64.into()));
    assert_eq!(bench.update(POOL, &found, &config).await.expect("repaired"), made);
    // A change of the cluster leaves its pools alone.
    let cluster_now = bench.refreshed(CLUSTER, &there).await;
    let mut other = cluster("drifting", "drifting", "1.30");
    other["sku_tier"] = "Standard".into();
    bench.update(CLUSTER, &cluster_now, &bench.config(CLUSTER, &other)).await.expect("changed");
    assert_eq!(bench.refreshed(POOL, &made).await, made);
}

#[tokio::test]
async fn clusters_and_pools_are_imported() {
    let bench = Bench::new();
    let whole = made(&bench, "import").await;
    let imported = bench.import(CLUSTER, &text(&whole, "id")).await.expect("there");
    assert_eq!(imported.get("fqdn"), whole.get("fqdn"));
    assert_eq!(imported.get("kube_config"), whole.get("kube_config"));
    let config = bench.config(POOL, &pool(&whole, "pool", 1));
    let pool = bench.create(POOL, &config).await.expect("a pool");
    let imported = bench.import(POOL, &text(&pool, "id")).await.expect("there");
    assert_eq!(bench.plan(POOL, Some(&imported), &config).planned, imported);
    assert_eq!(bench.import(POOL, "pool").await.expect_err("no id").class, ErrorClass::Invalid);
}

#[tokio::test]
async fn clusters_give_their_credentials_to_who_asks() {
    let bench = Bench::new();
    let whole = made(&bench, "access").await;
    let credentials = bench.provider.cluster_access().credentials(&text(&whole, "id")).await.expect("given");
    assert!(credentials.endpoint.contains("access"));
    assert_eq!(credentials.token.as_deref(), Some("canary-token-of-access"));
    assert!(!format!("{credentials:?}").contains("canary"));
    let nobody = bench.provider.cluster_access().credentials("/subscriptions/other/x").await;
    assert!(nobody.is_err());
}

/// Such a cluster knows the users of the directory alone: who may call it does so
/// by a token that is for all such clusters, and that is kept nowhere.
#[tokio::test]
async fn clusters_without_accounts_of_their_own_take_those_of_the_directory() {
    let bench = Bench::new();
    group(&bench, "directory").await;
    let mut config = cluster("directory", "directory", "1.33");
    config["local_account_disabled"] = true.into();
    config["azure_active_directory_role_based_access_control"] = json!([{"azure_rbac_enabled": true}]);
    let config = bench.config(CLUSTER, &config);
    let whole = bench.create(CLUSTER, &config).await.expect("a cluster");
    assert_eq!(bench.plan(CLUSTER, Some(&whole), &config).planned, whole);
    let credentials = bench.provider.cluster_access().credentials(&text(&whole, "id")).await.expect("given");
    let token = credentials.token.expect("a token");
    assert!(token.starts_with(Azure::TOKEN) && token.ends_with("~6dae42f8-4368-4678-94ff-3960e28e3630"));
    assert!(credentials.client_certificate.is_none() && credentials.client_key.is_none());
    let kept = whole.to_plain_json().expect("known").to_string();
    assert!(!kept.contains(Azure::TOKEN), "{kept}");
}
