//! The operator's harness: that a database gets well on it, and that its
//! webhooks are asked.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use kube::{Client, Error};
use serde_json::{Value, json};
use tenantctl_test_servers::Cnpg;
use tokio::time::sleep;

/// Long, since the machine may be busy; nothing waits for its end in vain.
const DEADLINE: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_database_becomes_healthy_grows_and_changes_its_primary() {
    let client = namespace("healthy").await;
    let databases = databases(&client, "healthy");
    databases.create(&PostParams::default(), &database("main", json!({}))).await.expect("create");
    let main = until(&databases, "main", is_healthy).await;
    assert_eq!(main.data["status"]["readyInstances"], 2);
    assert_eq!(main.data["status"]["currentPrimary"], "main-1");
    let ready = conditions(&main, "Ready");
    assert_eq!(ready, ["True"]);

    let three = Patch::Merge(json!({"spec": {"instances": 3}}));
    databases.patch("main", &PatchParams::default(), &three).await.expect("patch");
    until(&databases, "main", |main| is_healthy(main) && main.data["status"]["readyInstances"] == 3).await;

    let other = Patch::Merge(json!({"status": {"targetPrimary": "main-2"}}));
    databases.patch_status("main", &PatchParams::default(), &other).await.expect("patch");
    until(&databases, "main", |main| is_healthy(main) && main.data["status"]["currentPrimary"] == "main-2")
        .await;
}

#[tokio::test]
async fn the_webhooks_refuse_what_cannot_be() {
    let client = namespace("refused").await;
    let databases = databases(&client, "refused");
    let cases = [
        (json!({"storage": {"size": "much"}}), "spec.storage.size"),
        (json!({"maxSyncReplicas": 5}), "spec.maxSyncReplicas"),
        (json!({"postgresql": {"parameters": {"port": "5433"}}}), "spec.postgresql.parameters.port"),
    ];
    for (spec, place) in cases {
        let refused = databases.create(&PostParams::default(), &database("bad", spec)).await;
        let Err(Error::Api(status)) = refused else { panic!("{place}: {refused:?}") };
        assert_eq!(status.code, 422, "{status:?}");
        assert!(status.message.contains(place), "{status:?}");
    }
}

async fn namespace(name: &str) -> Client {
    let client = Cnpg::shared().cluster().client().await;
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(name.to_owned());
    let namespaces = Api::<Namespace>::all(client.clone());
    namespaces.create(&PostParams::default(), &namespace).await.expect("create");
    client
}

fn databases(client: &Client, namespace: &str) -> Api<DynamicObject> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("postgresql.cnpg.io", "v1", "Cluster"));
    Api::namespaced_with(client.clone(), namespace, &kind)
}

fn database(name: &str, more: Value) -> DynamicObject {
    let mut object = json!({
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": {"name": name},
        "spec": {"instances": 2, "storage": {"size": "1Gi"}},
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        object["spec"][field] = value.clone();
    }
    serde_json::from_value(object).expect("an object")
}

fn is_healthy(object: &DynamicObject) -> bool {
    object.data["status"]["phase"] == "Cluster in healthy state"
}

fn conditions<'a>(object: &'a DynamicObject, kind: &str) -> Vec<&'a str> {
    let all = object.data["status"]["conditions"].as_array().into_iter().flatten();
    all.filter(|c| c["type"] == kind).filter_map(|c| c["status"].as_str()).collect()
}

async fn until(
    api: &Api<DynamicObject>,
    name: &str,
    holds: impl Fn(&DynamicObject) -> bool,
) -> DynamicObject {
    let start = Instant::now();
    loop {
        let object = api.get(name).await.expect("get");
        if holds(&object) {
            return object;
        }
        let status = &object.data["status"];
        assert!(start.elapsed() < DEADLINE, "waited in vain: {status:#}\n{}", Cnpg::shared().logs());
        sleep(Duration::from_millis(100)).await;
    }
}
