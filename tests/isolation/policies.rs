//! Each admission policy of examples/saas-hybrid refuses what it is there for,
//! and nothing else does: without it just that is let through.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::person::{Person, pod};
use crate::hybrid::fleet::{Fleet, US};

/// Two customers of the cluster: one tries, the other has nodes of its own.
const UMBRELLA: &str = "shop-umbrella--production-us";
const STARK: &str = "shop-stark--production-us";

/// Long, since the machine may be busy; nothing waits for its end in vain.
const PATIENCE: Duration = Duration::from_secs(60);

/// What somebody tries, and the policy that refuses it.
struct Attempt {
    policy: &'static str,
    group: &'static str,
    method: &'static str,
    path: String,
    object: Json,
}

fn attempts() -> Vec<Attempt> {
    let core = format!("/api/v1/namespaces/{UMBRELLA}");
    let network = format!("/apis/networking.k8s.io/v1/namespaces/{UMBRELLA}");
    let access = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{UMBRELLA}");
    let create =
        |policy, group, path: String, object| Attempt { policy, group, method: "POST", path, object };
    let object = |version: &str, kind: &str, more: Json| {
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "try"}});
        for (field, value) in more.as_object().into_iter().flatten() {
            object[field] = value.clone();
        }
        object
    };
    let taint = json!([{"key": "shop.example.com/pool", "value": STARK, "effect": "NoSchedule"}]);
    let rule = json!({
        "host": "stark.us.shop.example.com",
        "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]},
    });
    let taken = json!({"ports": [{"port": 80}], "externalIPs": ["10.0.0.1"]});
    let all = json!({"podSelector": {}, "ingress": [{}]});
    let guest = json!({
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "viewer"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "tenant:stark:viewers"}],
    });
    let mut named = object("v1", "Service", json!({"spec": {"ports": [{"port": 80}]}}));
    named["metadata"]["annotations"] =
        json!({"external-dns.alpha.kubernetes.io/hostname": "stark.us.shop.example.com"});
    vec![
        create(
            "customer-pods",
            "developers",
            format!("{core}/pods"),
            pod("/spec/containers/0/imagePullPolicy", json!("Never")),
        ),
        create("pool-owners", "developers", format!("{core}/pods"), pod("/spec/tolerations", taint)),
        create(
            "customer-services",
            "developers",
            format!("{core}/services"),
            object("v1", "Service", json!({"spec": taken})),
        ),
        create("customer-annotations", "developers", format!("{core}/services"), named),
        create(
            "customer-hosts",
            "developers",
            format!("{network}/ingresses"),
            object("networking.k8s.io/v1", "Ingress", json!({"spec": {"rules": [rule]}})),
        ),
        Attempt {
            policy: "platform-objects",
            group: "admins",
            method: "DELETE",
            path: format!("{network}/networkpolicies/default-deny"),
            // With a body, the query counts for nothing.
            object: json!({"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]}),
        },
        create(
            "customer-network-policies",
            "admins",
            format!("{network}/networkpolicies"),
            object("networking.k8s.io/v1", "NetworkPolicy", json!({"spec": all})),
        ),
        create(
            "customer-role-bindings",
            "admins",
            format!("{access}/rolebindings"),
            object("rbac.authorization.k8s.io/v1", "RoleBinding", guest),
        ),
    ]
}

/// The policies whose attempt is let through.
async fn let_through(attempts: &[Attempt]) -> Vec<&'static str> {
    let mut through = Vec::new();
    for Attempt { policy, group, method, path, object } in attempts {
        let person = Person::at(US, &format!("tenant:umbrella:{group}")).await;
        let answer = person.ask(method, &format!("{path}?dryRun=All"), Some(object)).await;
        match answer {
            answer if answer.is_good() => through.push(*policy),
            answer => assert!(answer.message().contains(policy), "{policy}: {answer:?}"),
        }
    }
    through
}

/// Waits until just these are let through: the API server takes a policy up, or
/// drops it, a little after it was written.
async fn until(attempts: &[Attempt], expected: &[&str]) {
    let start = Instant::now();
    loop {
        let through = let_through(attempts).await;
        if through == expected {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "let through: {through:?}, expected: {expected:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What somebody took away by hand comes back with the next apply.
#[tokio::test]
async fn each_policy_refuses_its_own_and_nothing_else_does() {
    let fleet = Fleet::shared();
    let change = fleet.change();
    let attempts = attempts();
    let policies: Vec<&str> = attempts.iter().map(|attempt| attempt.policy).collect();
    let there = fleet.cluster(US).kubectl(&["get", "validatingadmissionpolicies", "-o", "name"]);
    let there = String::from_utf8_lossy(&there.stdout).into_owned();
    assert_eq!(there.lines().count(), policies.len(), "every policy has an attempt: {there}");
    until(&attempts, &[]).await;
    for policy in policies {
        let binding = format!("validatingadmissionpolicybinding/{policy}.shop.example.com");
        let deleted = fleet.cluster(US).kubectl(&["delete", &binding]);
        assert!(deleted.status.success(), "{deleted:?}");
        until(&attempts, &[policy]).await;
        change.ok(&["apply", "-auto-approve", "-platform"]);
        until(&attempts, &[]).await;
    }
}
