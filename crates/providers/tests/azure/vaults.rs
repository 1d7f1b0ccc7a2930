use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, Value};
use tenantctl_test_servers::Azure;

use crate::bench::{Bench, REGION, provider_block};
use crate::common::text;
use crate::types::group;

const VAULT: &str = "azurerm_key_vault";
const SECRET: &str = "azurerm_key_vault_secret";

fn vault(group: &str, name: &str) -> Json {
    json!({"name": name, "resource_group_name": group, "location": REGION, "sku_name": "standard",
        "tenant_id": Azure::TENANT})
}

fn keeping(host: &str) -> Json {
    let mut block = provider_block(host);
    block["features"] = json!([{"key_vault": [{"purge_soft_delete_on_destroy": false,
        "purge_soft_deleted_secrets_on_destroy": false}], "resource_group": []}]);
    block
}

fn is_deleted(name: &str) -> bool {
    Azure::shared().listing().contains(&format!("deleted vault {name}"))
}

#[tokio::test]
async fn a_deleted_vault_of_ours_comes_back_and_one_of_others_is_named() {
    let keeps = Bench::at(Azure::shared().plain_front(), keeping);
    group(&keeps, "soft").await;
    let config = keeps.config(VAULT, &vault("soft", "kv-soft"));
    let first = keeps.create(VAULT, &config).await.expect("a vault");
    keeps.delete(VAULT, &first).await.expect("deleted");
    assert!(is_deleted("kv-soft"), "its name is kept");
    // Another creation, of the same workspace.
    let again = Bench::at(Azure::shared().plain_front(), keeping).token("another-creation");
    let mut tagged = vault("soft", "kv-soft");
    tagged["tags"] = json!({"second": "life"});
    let config = again.config(VAULT, &tagged);
    let back = again.create(VAULT, &config).await.expect("recovered");
    assert_eq!(again.refreshed(VAULT, &back).await, back);
    assert!(!is_deleted("kv-soft"));
    // Without a mark, it is somebody else's.
    let id = text(&back, "id");
    let whole = Azure::shared().ask("GET", &format!("{id}?api-version=2023-07-01"), &Json::Null).1;
    let mut bare = json!({"location": REGION, "tags": {}, "properties": whole["properties"]});
    for own in ["vaultUri", "provisioningState"] {
        bare["properties"].as_object_mut().expect("an object").remove(own);
    }
    assert_eq!(Azure::shared().ask("PUT", &format!("{id}?api-version=2023-07-01"), &bare).0, 200);
    assert_eq!(Azure::shared().ask("DELETE", &format!("{id}?api-version=2023-07-01"), &Json::Null).0, 200);
    let error = again.create(VAULT, &config).await.expect_err("taken");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Conflict, "Name of a deleted vault"));
    assert!(
        error.detail.contains("kv-soft") && error.hint.as_deref().is_some_and(|h| h.contains("purge")),
        "{error:?}"
    );
}

#[tokio::test]
async fn vaults_and_secrets_are_removed_for_good() {
    let bench = Bench::new();
    group(&bench, "purge").await;
    let made = bench.create(VAULT, &bench.config(VAULT, &vault("purge", "kv-purge"))).await.expect("a vault");
    let secret = json!({"name": "s", "key_vault_id": text(&made, "id"), "value": "the-value"});
    let secret = bench.create(SECRET, &bench.config(SECRET, &secret)).await.expect("a secret");
    assert_eq!(Azure::shared().secret("kv-purge", "s").as_deref(), Some("the-value"));
    bench.delete(SECRET, &secret).await.expect("removed");
    bench.delete(VAULT, &made).await.expect("removed");
    let left = Azure::shared().listing();
    assert!(left.iter().all(|id| !id.contains("kv-purge")), "{left:?}");
}

#[tokio::test]
async fn a_write_only_value_is_in_the_vault_and_nowhere_else() {
    let bench = Bench::new();
    group(&bench, "hidden").await;
    let made =
        bench.create(VAULT, &bench.config(VAULT, &vault("hidden", "kv-hidden"))).await.expect("a vault");
    let of = |value: &str, version: i64| {
        let config = json!({"name": "s", "key_vault_id": text(&made, "id"), "value_wo": value, "value_wo_version": version});
        bench.config(SECRET, &config)
    };
    let first = bench.create(SECRET, &of("canary-one", 1)).await.expect("a secret");
    assert_eq!(Azure::shared().secret("kv-hidden", "s").as_deref(), Some("canary-one"));
    let second = bench.update(SECRET, &first, &of("canary-two", 2)).await.expect("changed");
    assert_eq!(Azure::shared().secret("kv-hidden", "s").as_deref(), Some("canary-two"));
    assert_ne!(text(&first, "version"), text(&second, "version"));
    for object in [&first, &second, &bench.refreshed(SECRET, &second).await] {
        let shown = object.to_plain_json().expect("known").to_string();
        assert!(object.get("value").is_some_and(|value| value.is_null()), "{shown}");
    }
}

#[tokio::test]
async fn a_strangers_secret_is_refused_and_a_deleted_one_of_ours_comes_back() {
    let bench = Bench::at(Azure::shared().plain_front(), keeping);
    group(&bench, "secrets").await;
    let made =
        bench.create(VAULT, &bench.config(VAULT, &vault("secrets", "kv-secrets"))).await.expect("a vault");
    let config =
        bench.config(SECRET, &json!({"name": "s", "key_vault_id": text(&made, "id"), "value": "the-value"}));
    let theirs = Bench::new().token("another-creation");
    let object = theirs.create(SECRET, &config).await.expect("theirs");
    let error = bench.create(SECRET, &config).await.expect_err("taken");
    assert_eq!(error.class, ErrorClass::Conflict, "{error}");
    assert!(!error.detail.contains("the-value"), "{error}");
    bench.delete(SECRET, &object).await.expect("deleted, not purged");
    let back: Value = bench.create(SECRET, &config).await.expect("recovered");
    assert_eq!(bench.refreshed(SECRET, &back).await, back);
}

#[tokio::test]
async fn a_protected_vault_stays_protected() {
    let bench = Bench::new();
    group(&bench, "protected").await;
    let mut config = vault("protected", "kv-protected");
    config["purge_protection_enabled"] = true.into();
    let made = bench.create(VAULT, &bench.config(VAULT, &config)).await.expect("a vault");
    let back = bench.try_plan(VAULT, Some(&made), &bench.config(VAULT, &json!({
        "name": "kv-protected", "resource_group_name": "protected", "location": REGION, "sku_name": "standard",
        "tenant_id": Azure::TENANT, "purge_protection_enabled": false,
    })));
    assert!(back.expect_err("no way back").contains("no way back"));
    bench.delete(VAULT, &made).await.expect("deleted, and not purged");
    assert!(is_deleted("kv-protected"));
}
