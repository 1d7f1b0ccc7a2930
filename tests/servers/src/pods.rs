//! Scheduler and kubelet, as far as the API can see them.
//!
//! A watch on all pods leads each one from created to bound to its final phase,
//! and takes terminating ones away. Each event is handled by its pod's present
//! state alone, so an event that is lost, repeated or late does no harm: after a
//! restart of the API server the watch begins with all pods anew.
//!
//! Nothing is executed and no request or limit is counted.

use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, Error, ResourceExt as _};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cnpg::loopback_address;
use crate::node::NODE;
use crate::options::Pods;

/// An annotation on a pod (or a pod template) that names the phase it shall
/// reach: `Pending`, `Running`, `Succeeded` or `Failed`. It overrides
/// [`Pods`](crate::Pods) for that pod, and may change while the pod lives.
pub const PHASE_ANNOTATION: &str = "test.tenantctl.example/pod-phase";

const AT_ONCE: usize = 16;
const RETRIES: u32 = 5;

/// Runs until the runtime it is spawned on ends.
pub(crate) async fn run(client: Client, default: Pods) {
    let events = watcher(Api::<Pod>::all(client.clone()), watcher::Config::default())
        .default_backoff()
        .applied_objects();
    events
        .for_each_concurrent(AT_ONCE, |event| async {
            // A failed watch starts again by itself.
            if let Ok(pod) = event {
                handle(&client, &pod, default).await;
            }
        })
        .await;
}

/// One step for one pod. The step's result arrives as the next event.
async fn handle(client: &Client, pod: &Pod, default: Pods) {
    for attempt in 1..=RETRIES {
        match step(client, pod, default).await {
            Ok(()) => return,
            // Gone or changed meanwhile: there is or was a newer event for it.
            Err(Error::Api(status)) if matches!(status.code, 404 | 409) => return,
            Err(_) => sleep(Duration::from_millis(100) * attempt).await,
        }
    }
}

async fn step(client: &Client, pod: &Pod, default: Pods) -> kube::Result<()> {
    if pod.metadata.deletion_timestamp.is_some() {
        return finish(client, pod).await;
    }
    let Some(wanted) = wanted(pod, default) else {
        return Ok(());
    };
    if pod.spec.as_ref().is_none_or(|spec| spec.node_name.is_none()) {
        return bind(client, pod).await;
    }
    let phase = phase(pod);
    let over = matches!(phase, "Succeeded" | "Failed");
    if over || phase == wanted.name() {
        return Ok(());
    }
    mark(client, pod, wanted).await
}

#[derive(Clone, Copy)]
enum Phase {
    Running,
    Succeeded,
    Failed,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }
}

/// What to make of the pod; nothing when it is to be left alone.
fn wanted(pod: &Pod, default: Pods) -> Option<Phase> {
    match pod.annotations().get(PHASE_ANNOTATION).map(String::as_str) {
        Some("Running") => Some(Phase::Running),
        Some("Succeeded") => Some(Phase::Succeeded),
        Some("Failed") => Some(Phase::Failed),
        Some(_) => None,
        None if default == Pods::Run && runs_for_ever(pod) => Some(Phase::Running),
        None if default == Pods::Run => Some(Phase::Succeeded),
        None => None,
    }
}

fn runs_for_ever(pod: &Pod) -> bool {
    let policy = pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref());
    policy.is_none_or(|policy| policy == "Always")
}

fn phase(pod: &Pod) -> &str {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    phase.unwrap_or("Pending")
}

async fn bind(client: &Client, pod: &Pod) -> kube::Result<()> {
    let binding = json!({
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": pod.name_any()},
        "target": {"apiVersion": "v1", "kind": "Node", "name": NODE},
    });
    pods(client, pod)
        .create_subresource::<_, Value>("binding", &pod.name_any(), &PostParams::default(), &binding)
        .await
        .map(drop)
}

async fn mark(client: &Client, pod: &Pod, phase: Phase) -> kube::Result<()> {
    let patch = Patch::Merge(json!({ "status": status(pod, phase) }));
    pods(client, pod).patch_status(&pod.name_any(), &PatchParams::default(), &patch).await.map(drop)
}

/// What a kubelet does when the last container has stopped.
async fn finish(client: &Client, pod: &Pod) -> kube::Result<()> {
    let params = DeleteParams {
        grace_period_seconds: Some(0),
        // Not a later pod of the same name, as a StatefulSet makes.
        preconditions: Some(Preconditions { uid: pod.uid(), resource_version: None }),
        ..DeleteParams::default()
    };
    pods(client, pod).delete(&pod.name_any(), &params).await.map(drop)
}

fn pods(client: &Client, pod: &Pod) -> Api<Pod> {
    Api::namespaced(client.clone(), &pod.namespace().unwrap_or_default())
}

fn status(pod: &Pod, phase: Phase) -> Value {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let ready = matches!(phase, Phase::Running);
    let condition = |kind, holds| {
        let status = if holds { "True" } else { "False" };
        json!({"type": kind, "status": status, "lastTransitionTime": now})
    };
    let ip = pod_ip(pod);
    json!({
        "phase": phase.name(),
        "startTime": now,
        "hostIP": "127.0.0.1",
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "conditions": [
            condition("PodScheduled", true),
            condition("Initialized", true),
            condition("ContainersReady", ready),
            condition("Ready", ready),
        ],
        "initContainerStatuses": init_statuses(pod, phase, &now),
        "containerStatuses": container_statuses(pod, phase, &now),
    })
}

fn container_statuses(pod: &Pod, phase: Phase, now: &str) -> Value {
    let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice());
    containers.unwrap_or_default().iter().map(|container| container_status(container, phase, now)).collect()
}

/// Init containers have succeeded, but for sidecars, which go on.
fn init_statuses(pod: &Pod, phase: Phase, now: &str) -> Value {
    let containers = pod.spec.as_ref().and_then(|spec| spec.init_containers.as_deref());
    containers
        .unwrap_or_default()
        .iter()
        .map(|container| match container.restart_policy.as_deref() {
            Some("Always") => container_status(container, phase, now),
            _ => container_status(container, Phase::Succeeded, now),
        })
        .collect()
}

fn container_status(container: &Container, phase: Phase, now: &str) -> Value {
    let ended = |code: u8, reason| {
        json!({"terminated": {
            "exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now,
        }})
    };
    let (state, running) = match phase {
        Phase::Running => (json!({"running": {"startedAt": now}}), true),
        Phase::Succeeded => (ended(0, "Completed"), false),
        Phase::Failed => (ended(1, "Error"), false),
    };
    json!({
        "name": container.name,
        "image": container.image,
        "imageID": "",
        "restartCount": 0,
        "ready": running || matches!(phase, Phase::Succeeded),
        "started": running,
        "state": state,
    })
}

/// Different for each pod, as far as 65,536 of them are. Nobody answers there,
/// but for the pods whose instance manager is played on loopback.
fn pod_ip(pod: &Pod) -> String {
    if let Some(address) = loopback_address(pod) {
        return address.to_string();
    }
    static NEXT: AtomicU16 = AtomicU16::new(1);
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    format!("10.244.{high}.{low}")
}
