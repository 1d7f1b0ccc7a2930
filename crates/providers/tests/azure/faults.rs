use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, Provider as _};
use tenantctl_test_servers::{Azure, FrontCall, FrontFate};

use crate::bench::{Bench, REGION, provider_block};
use crate::common::text;
use crate::types::{cluster, group};

const GROUP: &str = "azurerm_resource_group";

fn config(bench: &Bench, name: &str) -> tenantctl_core::provider::Value {
    bench.config(GROUP, &json!({"name": name, "location": REGION}))
}

#[tokio::test]
async fn refused_calls_have_a_class_and_name_the_request() {
    for (status, code, class) in [
        (429, "TooManyRequests", ErrorClass::Throttled(None)),
        (500, "InternalServerError", ErrorClass::Transient),
        (403, "AuthorizationFailed", ErrorClass::Denied),
        (409, "SomeQuota", ErrorClass::Conflict),
        (400, "QuotaExceeded", ErrorClass::Invalid),
    ] {
        let bench = Bench::with(move |call: &FrontCall| match call.method == "PUT" {
            true => FrontFate::Refuse { status, code },
            false => FrontFate::Pass,
        });
        let error = bench.create(GROUP, &config(&bench, "refused")).await.expect_err("refused");
        assert_eq!(error.class, class, "{code}: {error}");
        assert!(error.detail.contains("test-request-1") && error.detail.contains(code), "{error}");
    }
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_object() {
    let mut lost = false;
    let bench = Bench::with(move |call: &FrontCall| {
        let loses = call.method == "PUT" && !lost;
        lost |= loses;
        if loses { FrontFate::LoseAnswer } else { FrontFate::Pass }
    });
    let error = bench.create(GROUP, &config(&bench, "lost")).await.expect_err("the answer is lost");
    assert_eq!(error.class, ErrorClass::Transient, "its mark makes it safe to repeat: {error}");
    bench.create(GROUP, &config(&bench, "lost")).await.expect("the same");
    let writes = bench.front.asked().iter().filter(|call| call.method == "PUT").count();
    assert_eq!(writes, 1, "it found its own");
}

#[tokio::test]
async fn who_cannot_log_in_hears_what_was_tried_and_no_secret() {
    let wrong = |host: &str| {
        let mut block = provider_block(host);
        block["client_secret"] = "canary-wrong-secret".into();
        block
    };
    let bench = Bench::at(Azure::shared().plain_front(), wrong);
    let error = bench.create(GROUP, &config(&bench, "denied")).await.expect_err("refused");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Denied, "Azure credentials not found"));
    assert!(error.detail.contains("client secret:") && error.detail.contains("AADSTS7000215"), "{error}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    bench.create(GROUP, &config(&bench, "denied")).await.expect_err("still");
    let logins = bench.front.asked().iter().filter(|call| call.service == "login").count();
    assert_eq!(logins, 1, "it is not tried again at once");
    let nothing =
        |host: &str| json!({"subscription_id": Azure::SUBSCRIPTION, "metadata_host": host, "use_cli": false});
    let bench = Bench::at(Azure::shared().plain_front(), nothing);
    let error = bench.create(GROUP, &config(&bench, "denied")).await.expect_err("nobody");
    assert!(error.detail.contains("Nothing to log in with"), "{error}");
}

#[tokio::test]
async fn a_token_of_a_workload_logs_in() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "trusted-token").expect("written");
    let path = file.path().display().to_string();
    let block = move |host: &str| {
        let mut block = provider_block(host);
        block["client_secret"] = Json::Null;
        block["oidc_token_file_path"] = path.clone().into();
        block
    };
    let bench = Bench::at(Azure::shared().plain_front(), block);
    bench.create(GROUP, &config(&bench, "by-workload")).await.expect("it is trusted");
}

/// The directory tells of a new identity a while later: the assignment waits.
#[tokio::test]
async fn a_role_for_an_identity_that_is_not_known_everywhere_yet_is_given_later() {
    let bench = Bench::new();
    group(&bench, "young").await;
    let kind = "azurerm_user_assigned_identity";
    let config = json!({"name": "young", "resource_group_name": "young", "location": REGION});
    let identity = bench.create(kind, &bench.config(kind, &config)).await.expect("an identity");
    let scope = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/young";
    let kind = "azurerm_role_assignment";
    let config = json!({"scope": scope, "role_definition_name": "Reader",
        "principal_id": text(&identity, "principal_id")});
    let config = bench.config(kind, &config);
    let mut refused = 0;
    while let Err(error) = bench.create(kind, &config).await {
        refused += 1;
        assert_eq!(
            (error.class, error.summary.as_str()),
            (ErrorClass::Busy(None), "Not known everywhere yet")
        );
        assert!(error.detail.contains("PrincipalNotFound"), "{error}");
    }
    assert_eq!(refused, 2);
}

#[tokio::test]
async fn another_subscription_is_said_so() {
    let block = |host: &str| {
        let mut block = provider_block(host);
        block["subscription_id"] = "00000000-0000-4000-8000-00000000ffff".into();
        block
    };
    let bench = Bench::at(Azure::shared().plain_front(), block);
    let error = bench.create(GROUP, &config(&bench, "elsewhere")).await.expect_err("not there");
    assert!(error.detail.contains("SubscriptionNotFound") && error.hint.is_some(), "{error:?}");
}

#[tokio::test]
async fn a_group_with_something_in_it_stays_and_names_it() {
    let bench = Bench::new();
    let made = group(&bench, "in-use").await;
    let zone =
        bench.config("azurerm_dns_zone", &json!({"name": "in-use.example", "resource_group_name": "in-use"}));
    let zone = bench.create("azurerm_dns_zone", &zone).await.expect("a zone");
    let error = bench.delete(GROUP, &made).await.expect_err("in use");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Invalid, "Object in use"));
    assert!(error.detail.contains("in-use.example"), "{error}");
    bench.delete("azurerm_dns_zone", &zone).await.expect("removed");
    assert!(bench.delete(GROUP, &made).await.expect("removed").is_null());
}

#[tokio::test]
async fn objects_of_others_are_neither_taken_nor_removed() {
    let bench = Bench::new();
    let theirs =
        "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/theirs?api-version=2021-04-01";
    let body = |owner: &str| json!({"location": REGION, "tags": {"tenantctl:workspace": owner}});
    assert_eq!(Azure::shared().ask("PUT", theirs, &body("other/dev")).0, 201);
    let error = bench.create(GROUP, &config(&bench, "theirs")).await.expect_err("taken");
    assert_eq!(error.class, ErrorClass::Conflict, "{error}");
    let seen = bench.import(GROUP, theirs.split('?').next().expect("an id")).await.expect("read");
    let error = bench.delete(GROUP, &seen).await.expect_err("not ours");
    assert!(error.detail.contains("other/dev"), "{error}");
    assert_eq!(Azure::shared().ask("GET", theirs, &Json::Null).0, 200);
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_not_talked_to() {
    let other = Azure::start();
    let front = other.plain_front();
    let bench = Bench::at(front, provider_block);
    let error = bench.create(GROUP, &config(&bench, "untrusted")).await.expect_err("not trusted");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Denied, "Azure not trusted"), "{error}");
    assert!(bench.front.asked().is_empty());
}

#[test]
fn what_azure_would_refuse_is_refused_at_plan() {
    let bench = Bench::new();
    let with = |base: Json, name: &str, value: Json| {
        let mut config = base;
        config[name] = value;
        config
    };
    let aks = || cluster("g", "c", "1.33");
    let pool = || {
        json!({"name": "pool", "vm_size": "Standard_D2s_v5", "kubernetes_cluster_id":
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"})
    };
    let secret = || {
        json!({"name": "s", "value": "v",
            "key_vault_id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v"})
    };
    let record = || json!({"name": "www", "resource_group_name": "g", "zone_name": "a.example", "ttl": 60});
    let mut scaling = aks();
    scaling["default_node_pool"][0]["min_count"] = 1.into();
    let cases = [
        (GROUP, json!({"name": "bad.", "location": REGION}), "name"),
        (
            "azurerm_kubernetes_cluster",
            with(aks(), "kubernetes_version", "latest".into()),
            "kubernetes_version",
        ),
        ("azurerm_kubernetes_cluster", with(aks(), "sku_tier", "Paid".into()), "sku_tier"),
        ("azurerm_kubernetes_cluster", scaling, "default_node_pool[0].min_count"),
        ("azurerm_kubernetes_cluster_node_pool", with(pool(), "name", "Too-Long-Name".into()), "name"),
        (
            "azurerm_kubernetes_cluster_node_pool",
            with(pool(), "node_taints", json!(["a:Never"])),
            "node_taints[0]",
        ),
        (
            "azurerm_kubernetes_cluster_node_pool",
            with(pool(), "kubernetes_cluster_id", "c".into()),
            "kubernetes_cluster_id",
        ),
        ("azurerm_key_vault_secret", with(secret(), "value", Json::Null), "value"),
        ("azurerm_key_vault_secret", with(secret(), "name", "under_score".into()), "name"),
        ("azurerm_key_vault_secret", with(secret(), "expiration_date", "soon".into()), "expiration_date"),
        ("azurerm_dns_a_record", with(record(), "records", json!(["not-an-ip"])), "records"),
        ("azurerm_dns_cname_record", record(), "record"),
        (
            "azurerm_dns_txt_record",
            with(with(record(), "ttl", 0.into()), "record", json!([{"value": "x"}])),
            "ttl",
        ),
    ];
    for (kind, given, at) in cases {
        let problems = bench.provider.validate(kind, &bench.config(kind, &given));
        let paths: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(paths, [at], "{kind} {given}: {problems:?}");
    }
    assert_eq!(text(&config(&bench, "x"), "name"), "x");
}
