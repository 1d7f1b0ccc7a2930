//! Beyond the benchmark: nodes, host names, addresses, priorities and clusters
//! of others, on the live clusters of examples/saas-hybrid.

use serde_json::{Value as Json, json};

use super::person::{ACME, GLOBEX, INITECH, Person, pod};
use crate::hybrid::fleet::OWN;

const POOL: &str = "shop.example.com/pool";

fn toleration(value: &str) -> Json {
    json!([{"key": POOL, "operator": "Equal", "value": value, "effect": "NoSchedule"}])
}

#[tokio::test]
async fn nobody_gets_onto_the_pool_of_another() {
    let acme = Person::of("tenant:acme:developers").await;
    let reconciler = Person::account(ACME, "reconciler").await;
    let platform = Person::platform().await;
    let attempts = [
        ("/spec/tolerations", toleration(INITECH)),
        ("/spec/tolerations", json!([{"key": POOL, "operator": "Exists"}])),
        ("/spec/tolerations", json!([{"operator": "Exists"}])),
        ("/spec/tolerations", json!([{"operator": "Exists", "effect": "NoSchedule"}])),
        ("/spec/nodeSelector", json!({POOL: INITECH})),
    ];
    for (at, part) in attempts {
        for (who, person) in [("developer", &acme), ("reconciler", &reconciler), ("platform", &platform)] {
            let answer = person.try_pod(ACME, &pod(at, part.clone())).await;
            answer.refused(&format!("{who}: {at} = {part}"), "belongs to another customer").unwrap();
        }
    }
    let answer = acme.try_pod(ACME, &pod("/spec/nodeName", json!("node-1"))).await;
    answer.refused("nodeName", "Only the scheduler").unwrap();
    // Nor from a namespace that is no customer's.
    let answer = platform.try_pod("default", &pod("/spec/tolerations", toleration(INITECH))).await;
    answer.refused("default", "belongs to another customer").unwrap();

    let owner = Person::of("tenant:initech:developers").await;
    for (at, part) in
        [("/spec/tolerations", toleration(INITECH)), ("/spec/nodeSelector", json!({POOL: INITECH}))]
    {
        owner.try_pod(INITECH, &pod(at, part)).await.done("the owner's own pool").unwrap();
    }
    let ordinary =
        json!([{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}]);
    acme.try_pod(ACME, &pod("/spec/tolerations", ordinary)).await.done("an ordinary toleration").unwrap();
}

#[tokio::test]
async fn a_running_pod_cannot_be_moved_onto_anothers_pool() {
    let acme = Person::of("tenant:acme:developers").await;
    let web = acme
        .get(&format!("/api/v1/namespaces/{ACME}/pods?labelSelector=app.kubernetes.io%2Fname%3Dweb"))
        .await;
    let running = web.body["items"][0].clone();
    let path = format!(
        "/api/v1/namespaces/{ACME}/pods/{}?dryRun=All",
        running["metadata"]["name"].as_str().unwrap()
    );
    let with = |more: Json| {
        let mut all = running["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
        all.extend(more.as_array().cloned().unwrap());
        json!({"spec": {"tolerations": all}})
    };
    let moved = acme.ask("PATCH", &path, Some(&with(toleration(INITECH)))).await;
    moved.refused("a toleration more", "belongs to another customer").unwrap();
    let harmless = json!([{"key": "example.com/other", "operator": "Exists", "effect": "NoSchedule"}]);
    acme.ask("PATCH", &path, Some(&with(harmless))).await.done("a harmless toleration").unwrap();
}

#[tokio::test]
async fn nobody_claims_the_host_name_of_another() {
    let acme = Person::of("tenant:acme:developers").await;
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{ACME}/ingresses");
    let backend = json!({"service": {"name": "web", "port": {"name": "http"}}});
    let rule = |host: &str| json!({"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}});
    let ingress = |spec: Json, annotations: Json| {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "try", "annotations": annotations}, "spec": spec,
        })
    };
    let mine = "acme.eu.shop.example.com";
    for host in [mine, "shop.acme.example"] {
        let own = ingress(json!({"rules": [rule(host)], "tls": [{"hosts": [host]}]}), json!({}));
        acme.try_create(&path, &own).await.done(host).unwrap();
    }
    let mut nameless = rule(mine);
    nameless.as_object_mut().unwrap().remove("host");
    let refused = [
        json!({"rules": [rule("globex.eu.shop.example.com")]}),
        json!({"rules": [rule(mine), rule("globex.eu.shop.example.com")]}),
        json!({"rules": [rule("*.eu.shop.example.com")]}),
        json!({"rules": [rule(mine)], "tls": [{"hosts": ["globex.eu.shop.example.com"]}]}),
        json!({"rules": [nameless]}),
        json!({"defaultBackend": backend}),
    ];
    for spec in refused {
        let answer = acme.try_create(&path, &ingress(spec.clone(), json!({}))).await;
        answer.refused(&spec.to_string(), "not the customer's").unwrap();
    }
    for (key, value) in [
        ("nginx.ingress.kubernetes.io/configuration-snippet", "proxy_pass http://elsewhere;"),
        ("nginx.ingress.kubernetes.io/server-alias", "globex.eu.shop.example.com"),
        ("nginx.ingress.kubernetes.io/auth-secret", "shop-globex--production-eu/db-app"),
        ("external-dns.alpha.kubernetes.io/hostname", "globex.eu.shop.example.com"),
        ("cert-manager.io/common-name", "globex.eu.shop.example.com"),
    ] {
        let answer =
            acme.try_create(&path, &ingress(json!({"rules": [rule(mine)]}), json!({key: value}))).await;
        answer.refused(key, "annotation is not among those").unwrap();
    }
    let harmless = json!({"nginx.ingress.kubernetes.io/proxy-body-size": "8m"});
    let own = ingress(json!({"rules": [rule(mine)]}), harmless);
    acme.try_create(&path, &own).await.done("a harmless annotation").unwrap();
}

#[tokio::test]
async fn services_lead_nowhere_else() {
    let acme = Person::of("tenant:acme:developers").await;
    let path = format!("/api/v1/namespaces/{ACME}/services");
    let service = |spec: Json| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "try"}, "spec": spec});
    let plain = service(json!({"ports": [{"port": 80}]}));
    acme.try_create(&path, &plain).await.done("a plain service").unwrap();
    let name = format!("web.{GLOBEX}.svc.cluster.local");
    let alias = service(json!({"type": "ExternalName", "externalName": name}));
    acme.try_create(&path, &alias).await.refused("an alias", "no aliases").unwrap();
    let taken = service(json!({"ports": [{"port": 443}], "externalIPs": ["10.0.0.1"]}));
    acme.try_create(&path, &taken).await.refused("an address", "no external addresses").unwrap();
    let mut named = plain;
    named["metadata"]["annotations"] =
        json!({"external-dns.alpha.kubernetes.io/hostname": "globex.eu.shop.example.com"});
    acme.try_create(&path, &named).await.refused("a name", "annotation is not among those").unwrap();
}

#[tokio::test]
async fn nobody_jumps_the_queue() {
    let acme = Person::of("tenant:acme:developers").await;
    let own = pod("/spec/priorityClassName", json!(ACME));
    acme.try_pod(ACME, &own).await.done("the own class").unwrap();
    for class in [INITECH, "system-node-critical"] {
        let answer = acme.try_pod(ACME, &pod("/spec/priorityClassName", json!(class))).await;
        answer.refused(class, "priority class of its own namespace").unwrap();
    }
}

#[tokio::test]
async fn viewers_look_and_touch_nothing() {
    let viewer = Person::of("tenant:acme:viewers").await;
    for resource in ["pods", "services", "configmaps", "events", "resourcequotas"] {
        let path = format!("/api/v1/namespaces/{ACME}/{resource}");
        viewer.get(&path).await.done(&path).unwrap();
    }
    let secrets = format!("/api/v1/namespaces/{ACME}/secrets");
    viewer.get(&secrets).await.refused("secrets", "forbidden").unwrap();
    viewer.try_pod(ACME, &pod("", Json::Null)).await.refused("a pod", "cannot create").unwrap();
}

#[tokio::test]
async fn the_groups_of_customers_with_like_names_are_others() {
    for group in ["tenant:acme-2:admins", "tenant:acme", "tenant:acm:admins", "tenant:acme:admins:x"] {
        let stranger = Person::of(group).await;
        let path = format!("/api/v1/namespaces/{ACME}/pods");
        stranger.get(&path).await.refused(group, "forbidden").unwrap();
    }
}

#[tokio::test]
async fn nobody_changes_a_namespace() {
    let admin = Person::of("tenant:acme:admins").await;
    let path = format!("/api/v1/namespaces/{ACME}?dryRun=All");
    let free = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}});
    admin.ask("PATCH", &path, Some(&free)).await.refused("pod security", "forbidden").unwrap();
    let hosts =
        json!({"metadata": {"annotations": {"shop.example.com/hosts": "globex.eu.shop.example.com"}}});
    admin.ask("PATCH", &path, Some(&hosts)).await.refused("hosts", "forbidden").unwrap();
    admin.ask("DELETE", &path, None).await.refused("removal", "forbidden").unwrap();
}

#[tokio::test]
async fn who_is_somebody_in_one_cluster_is_nobody_in_another() {
    let here = Person::account(ACME, "reconciler").await;
    here.get(&format!("/api/v1/namespaces/{ACME}/pods")).await.done("at home").unwrap();
    let there = Person::account_elsewhere(ACME, "reconciler", OWN).await;
    let answer = there.get("/api/v1/namespaces/shop-hooli--production-eu/pods").await;
    assert_eq!(answer.code, 401, "{answer:?}");
}
