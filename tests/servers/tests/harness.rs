//! The harness itself: that its cluster behaves as one, and that nothing of it
//! is left behind.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::future::join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ResourceQuota, Secret};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client, Error, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tenantctl_test_servers::{Cluster, Inflight, Options, PHASE_ANNOTATION};
use tokio::time::{sleep, timeout};

/// Long, since the machine may be busy; nothing waits for its end in vain.
const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_namespace_goes_away_with_what_is_in_it() {
    let client = Cluster::shared().client().await;
    namespace(&client, "smoke-namespace").await;
    let maps = Api::<ConfigMap>::namespaced(client.clone(), "smoke-namespace");
    create(&maps, json!({"metadata": {"name": "inside"}})).await;

    let namespaces = Api::<Namespace>::all(client);
    namespaces.delete("smoke-namespace", &DeleteParams::default()).await.expect("delete");

    until("the namespace is gone", async || {
        let found = namespaces.get_opt("smoke-namespace").await.expect("get");
        found.is_none()
    })
    .await;
}

#[tokio::test]
async fn a_deployment_becomes_available_and_its_pods_can_be_held_back() {
    let client = Cluster::shared().client().await;
    namespace(&client, "smoke-pods").await;
    let deployments = Api::<Deployment>::namespaced(client.clone(), "smoke-pods");
    create(&deployments, deployment("runs", json!({}))).await;
    create(&deployments, deployment("waits", json!({PHASE_ANNOTATION: "Pending"}))).await;

    until("all pods are available", async || {
        let found = deployments.get_status("runs").await.expect("get");
        found.status.and_then(|status| status.available_replicas) == Some(3)
    })
    .await;

    let pods = Api::<Pod>::namespaced(client, "smoke-pods");
    until("pods wait", async || phases(&pods, "waits").await == ["Pending"; 3]).await;

    deployments.delete("runs", &DeleteParams::default()).await.expect("delete");
    until("the pods are gone", async || phases(&pods, "runs").await.is_empty()).await;
}

#[tokio::test]
async fn a_quota_is_counted_and_enforced() {
    let client = Cluster::shared().client().await;
    namespace(&client, "smoke-quota").await;
    let quotas = Api::<ResourceQuota>::namespaced(client.clone(), "smoke-quota");
    // Secrets, since none comes by itself: what the cluster makes in a new
    // namespace may or may not be there before the quota is.
    let quota = json!({"metadata": {"name": "few"}, "spec": {"hard": {"count/secrets": "1"}}});
    create(&quotas, quota).await;
    until("the quota has counted", async || {
        let found = quotas.get_status("few").await.expect("get");
        let used = found.status.and_then(|status| status.used);
        used.is_some_and(|used| used["count/secrets"].0 == "0")
    })
    .await;

    let secrets = Api::<Secret>::namespaced(client, "smoke-quota");
    create(&secrets, json!({"metadata": {"name": "first"}})).await;
    let second = object(json!({"metadata": {"name": "second"}}));
    let refused = secrets.create(&PostParams::default(), &second).await;
    let text = refused.expect_err("the quota is used up").to_string();
    assert!(text.contains("exceeded quota: few"), "{text}");
}

#[tokio::test]
async fn users_may_do_what_roles_allow_and_the_audit_log_knows() {
    let cluster = Cluster::shared();
    let mark = cluster.audit_mark();
    namespace(&cluster.client().await, "smoke-users").await;
    let bindings = Api::<RoleBinding>::namespaced(cluster.client().await, "smoke-users");
    let editors = json!({
        "metadata": {"name": "editors"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "second"}],
    });
    create(&bindings, editors).await;
    // The server's authorizer hears of a binding a moment later.
    let reviews = Api::<SubjectAccessReview>::all(cluster.client().await);
    let asked = json!({
        "spec": {
            "user": "eve",
            "groups": ["second"],
            "resourceAttributes": {"verb": "create", "resource": "configmaps", "namespace": "smoke-users"},
        },
    });
    until("the binding counts", async || {
        let review: SubjectAccessReview = object(asked.clone());
        let answer = reviews.create(&PostParams::default(), &review).await.expect("a review");
        answer.status.is_some_and(|status| status.allowed)
    })
    .await;

    let member = cluster.client_for("eve", &["first", "second"]).await;
    let map = json!({"metadata": {"name": "by-eve"}, "data": {"key": "value"}});
    create(&Api::<ConfigMap>::namespaced(member, "smoke-users"), map).await;

    // A token, by the hand of kubectl: bob is in no group that has a role.
    let (server, token) = (cluster.endpoint(), cluster.token("bob", &["tenant-b"]));
    let ca = cluster.folder().join("ca.crt");
    let refused = cluster.kubectl(&[
        "--kubeconfig=/dev/null",
        &format!("--server={server}"),
        &format!("--certificate-authority={}", ca.display()),
        &format!("--token={token}"),
        "--namespace=smoke-users",
        "get",
        "configmaps",
    ]);
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(text.contains(r#"User "bob" cannot list"#), "{text}");

    let events = cluster.audit_since(mark);
    let of = |user: &str| events.iter().filter(|event| event.user == user).collect::<Vec<_>>();
    let eve = of("eve");
    assert_eq!(eve.len(), 1, "{eve:?}");
    assert_eq!((eve[0].verb.as_str(), eve[0].code), ("create", 201));
    assert_eq!(eve[0].path(), "/api/v1/namespaces/smoke-users/configmaps");
    let body = eve[0].body.as_ref().expect("the policy logs bodies");
    assert_eq!(body["data"], json!({"key": "value"}));
    assert!(of("bob").iter().any(|event| event.verb == "list" && event.code == 403));
}

#[tokio::test]
async fn a_private_cluster_can_be_disturbed_and_leaves_nothing() {
    let cluster = Cluster::start(Options {
        max_inflight: Some(Inflight { reading: 4, mutating: 1 }),
        ..Options::default()
    });
    let admin = cluster.client().await;
    let all = ListParams::default();
    let maps = Api::<ConfigMap>::namespaced(admin.clone(), "default");

    // Refused: more than one write at a time by someone who is no administrator.
    let user = Api::<ConfigMap>::namespaced(cluster.client_for("eve", &[]).await, "default");
    let writes = (0..60).map(|n| {
        let (user, name) = (user.clone(), format!("map-{n}"));
        async move {
            let map = object(json!({"metadata": {"name": name}}));
            user.create(&PostParams::default(), &map).await
        }
    });
    let answers = join_all(writes).await;
    let codes: Vec<_> = answers.iter().map(code).collect();
    assert!(codes.contains(&429), "{codes:?}");
    assert!(cluster.audit().iter().any(|event| event.code == 429));

    cluster.pause_api();
    let answer = timeout(Duration::from_secs(1), maps.list(&all)).await;
    assert!(answer.is_err(), "a paused server has answered");
    cluster.resume_api();
    timeout(DEADLINE, maps.list(&all)).await.expect("an answer").expect("a list");

    create(&maps, json!({"metadata": {"name": "kept"}})).await;
    let before = cluster.pids();
    cluster.restart_api();
    assert_ne!(before, cluster.pids());
    let kept = Api::<ConfigMap>::namespaced(cluster.client().await, "default");
    kept.get("kept").await.expect("the map survives");

    let (pids, folder) = (cluster.pids(), cluster.folder().to_owned());
    drop(cluster);
    assert!(!pids.iter().any(|pid| is_alive(*pid)), "{pids:?}");
    assert!(!folder.exists());
}

/// The child stays behind in two ways that must not matter: it is killed
/// without a chance to clean up, and a process that it started lives on.
#[test]
fn servers_die_with_the_test_process() {
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new(program)
        .args(["--exact", "holds_a_cluster", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("start this program again");
    let (mut pids, folder) = announced(&mut child);
    let bystander = pids.pop().expect("the child's own child");
    assert_eq!(pids.len(), 3);
    assert!(pids.iter().all(|pid| is_alive(*pid)));

    child.kill().expect("kill -9");
    child.wait().expect("the end of the child");
    let start = Instant::now();
    while pids.iter().any(|pid| is_alive(*pid)) || Path::new(&folder).exists() {
        assert!(start.elapsed() < Duration::from_secs(10), "{pids:?} {folder}");
        std::thread::sleep(Duration::from_millis(20));
    }

    assert!(is_alive(bystander), "the case to prove did not happen");
    let pid = rustix::process::Pid::from_raw(bystander.cast_signed()).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("kill");
}

#[test]
#[ignore = "not a test: the process that servers_die_with_the_test_process kills"]
#[expect(clippy::zombie_processes, reason = "this process is killed")]
#[expect(clippy::print_stdout, reason = "the other process reads it")]
fn holds_a_cluster() {
    let cluster = Cluster::shared();
    let sleeper = Command::new("sleep")
        .arg("120")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("start sleep");
    let pids: Vec<_> = cluster.pids().iter().map(u32::to_string).collect();
    let (pids, folder) = (pids.join(" "), cluster.folder().display());
    println!("\nHOLDING {folder} {pids} {}", sleeper.id());
    std::thread::sleep(Duration::from_secs(120));
}

/// Process numbers and folder, from the output of [`holds_a_cluster`].
fn announced(child: &mut Child) -> (Vec<u32>, String) {
    let output = child.stdout.take().expect("a pipe");
    let line = BufReader::new(output)
        .lines()
        .map(|line| line.expect("output of the child"))
        .find_map(|line| line.strip_prefix("HOLDING ").map(str::to_owned))
        .expect("the child holds a cluster");
    let mut words = line.split(' ').map(str::to_owned);
    let folder = words.next().expect("a folder");
    let pids = words.map(|word| word.parse().expect("a number")).collect();
    (pids, folder)
}

/// A process that has ended but was not waited for by its parent is not alive.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().unwrap_or_default();
    !state.is_empty() && !state.starts_with('Z')
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < DEADLINE, "waited in vain until {what}\n{}", Cluster::shared().logs());
        sleep(Duration::from_millis(50)).await;
    }
}

async fn namespace(client: &Client, name: &str) {
    let namespaces = Api::<Namespace>::all(client.clone());
    create(&namespaces, json!({"metadata": {"name": name}})).await;
}

async fn create<K>(api: &Api<K>, value: Value)
where
    K: Resource + Clone + std::fmt::Debug + DeserializeOwned + Serialize,
{
    let created = api.create(&PostParams::default(), &object(value)).await;
    created.expect("create");
}

fn object<K: DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).expect("an object of its type")
}

fn deployment(name: &str, annotations: Value) -> Value {
    let labels = json!({"app": name});
    json!({
        "metadata": {"name": name},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {"containers": [{"name": "app", "image": "app:1"}]},
            },
        },
    })
}

async fn phases(pods: &Api<Pod>, app: &str) -> Vec<String> {
    let of_app = ListParams::default().labels(&format!("app={app}"));
    let list = pods.list(&of_app).await.expect("list");
    let phase = |pod: Pod| pod.status.and_then(|status| status.phase);
    list.into_iter().filter_map(phase).collect()
}

fn code<T>(answer: &Result<T, Error>) -> u16 {
    match answer {
        Ok(_) => 200,
        Err(Error::Api(status)) => status.code,
        Err(error) => panic!("no answer: {error}"),
    }
}
