//! What `benches/kubernetes.py` needs besides the binary that it measures.
//!
//! `bench hold` starts a cluster, prints where its kubeconfig and its audit log
//! are, and keeps it until its standard input ends.
//!
//! `bench apply KUBECONFIG PREFIX LEVEL TENANTS IN_FLIGHT` is what the binary is
//! compared with: a bare loop of server-side applies of the same objects.
//! `bench change …` applies only what depends on the level.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a program for one script")]

use std::io::Read as _;
use std::path::Path;

use futures::StreamExt as _;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tenantctl_test_servers::{Cluster, Options, Pods};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["hold"] => hold(),
        [verb @ ("apply" | "change"), kubeconfig, prefix, level, tenants, in_flight] => {
            let number = |text: &str| text.parse().expect("a number");
            let all = verb == "apply";
            let work = apply(Path::new(kubeconfig), prefix, level, number(tenants), number(in_flight), all);
            tokio::runtime::Runtime::new().expect("a runtime").block_on(work);
        }
        _ => panic!("bench hold | bench apply|change KUBECONFIG PREFIX LEVEL TENANTS IN_FLIGHT"),
    }
}

fn hold() {
    let cluster = Cluster::start(Options { pods: Pods::Off, ..Options::default() });
    let kubeconfig = cluster.kubeconfig_for("bench", &["system:masters"]);
    let audit = cluster.folder().join("audit.log");
    println!("{}", json!({"kubeconfig": kubeconfig, "audit": audit, "pids": cluster.pids()}));
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// A namespace before what is in it, as any order must have it; otherwise as
/// many at a time as there may be.
async fn apply(kubeconfig: &Path, prefix: &str, level: &str, tenants: usize, in_flight: usize, all: bool) {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let mut config = config.expect("a configuration");
    config.default_retry = false;
    let client = Client::try_from(config).expect("a client");
    let params = PatchParams::apply("bare");
    let send = async |object: Value| {
        let object: DynamicObject = serde_json::from_value(object).expect("an object");
        let types = object.types.clone().expect("types");
        let kind = ApiResource::from_gvk(&GroupVersionKind::try_from(&types).expect("a kind"));
        let api = match &object.metadata.namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &kind),
            None => Api::<DynamicObject>::all_with(client.clone(), &kind),
        };
        let name = object.metadata.name.clone().expect("a name");
        api.patch(&name, &params, &Patch::Apply(&object)).await.expect("applied");
    };
    let names = (0..tenants).map(|tenant| format!("{prefix}-t{tenant}"));
    if all {
        let namespaces = futures::stream::iter(names.clone().map(|name| send(namespace(&name))));
        namespaces.buffer_unordered(in_flight).collect::<Vec<()>>().await;
    }
    let rest = names.flat_map(|name| inside(&name, level).into_iter().take(if all { usize::MAX } else { 1 }));
    futures::stream::iter(rest.map(send)).buffer_unordered(in_flight).collect::<Vec<()>>().await;
}

/// Whose an object is, as the binary writes it down: what is sent is the same.
fn owner(namespace: &str) -> Value {
    json!({"tenantctl.dev/workspace": namespace.split_once('-').map_or(namespace, |(_, tenant)| tenant)})
}

fn namespace(name: &str) -> Value {
    let metadata = json!({"name": name, "labels": {"tier": "shared"}, "annotations": owner(name)});
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
}

/// Nineteen objects, the same as in the script's blueprint; what depends on the
/// level first.
fn inside(namespace: &str, level: &str) -> Vec<Value> {
    let owner = owner(namespace);
    let meta = |name: String| json!({"name": name, "namespace": namespace, "labels": {"tenant": namespace}, "annotations": owner});
    let text = "x".repeat(400);
    let map = |name: String, data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(name), "data": data});
    let mut objects = vec![map("settings".into(), json!({"level": level, "text": text}))];
    objects.extend((1..10).map(|n| map(format!("map{n}"), json!({"key": "value", "text": text}))));
    objects.extend((0..3).map(|n| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta(format!("secret{n}")),
            "data": {"key": "aGlkZGVu"}})
    }));
    objects.extend((0..2).map(
        |n| json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(format!("account{n}"))}),
    ));
    objects.extend((0..2).map(|n| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta(format!("role{n}")),
            "rules": [{"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list", "watch"]}]})
    }));
    objects.extend((0..2).map(|n| {
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta(format!("policy{n}")),
            "spec": {"podSelector": {"matchLabels": {"app": format!("a{n}")}}, "policyTypes": ["Ingress"],
                "ingress": [{"from": [{"podSelector": {}}]}]}})
    }));
    objects
}
