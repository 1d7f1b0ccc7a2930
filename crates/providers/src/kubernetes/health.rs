//! Whether an object does what it is there for, by what its controller says.
//!
//! Pure. Guarantees: a status that speaks of an older generation counts for
//! nothing; what cannot end well says so. Kinds that are not known here follow
//! the conventions of status: `observedGeneration`, and the conditions `Ready`,
//! `Reconciling` and `Stalled`. One that says nothing is taken to be well.

use serde_json::Value as Json;

use super::wait::Progress;

/// The API group of CloudNativePG.
const CNPG: &str = "postgresql.cnpg.io/";
/// Groups of the server itself that have no dot in them.
const BUILT_IN: [&str; 4] = ["apps", "autoscaling", "batch", "policy"];

/// How far the object is.
pub(super) fn health(object: &Json) -> Progress {
    let generation = number(object, "/metadata/generation");
    if number(object, "/status/observedGeneration").is_some_and(|seen| seen < generation.unwrap_or(0)) {
        return waiting("not yet taken up by its controller");
    }
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    match object["kind"].as_str().unwrap_or_default() {
        "Deployment" | "StatefulSet" | "DaemonSet" if status(object, "observedGeneration") == 0 => {
            waiting("not yet taken up by its controller")
        }
        "Deployment" => deployment(object),
        "StatefulSet" => stateful_set(object),
        "DaemonSet" => daemon_set(object),
        "Job" => job(object),
        "Pod" => pod(object),
        kind if api_version.starts_with(CNPG) => database(object, kind),
        _ => by_convention(object),
    }
}

/// Whether a status may be older than the object it stands in: nothing in it
/// tells which generation it speaks of.
pub(super) fn is_silent(object: &Json) -> bool {
    let observed = object.pointer("/status/observedGeneration").is_some_and(Json::is_number);
    let conditions = object.pointer("/status/conditions").and_then(Json::as_array);
    !observed && !conditions.into_iter().flatten().any(|c| c["observedGeneration"].is_number())
}

/// Whether nobody has said anything of an object that somebody else's
/// controller looks after.
pub(super) fn is_untouched(object: &Json) -> bool {
    let group = object["apiVersion"].as_str().and_then(|v| v.split_once('/')).map_or("", |(group, _)| group);
    let custom = !group.is_empty() && !BUILT_IN.contains(&group) && !group.ends_with(".k8s.io");
    custom && object["status"].as_object().is_none_or(serde_json::Map::is_empty)
}

/// A condition that speaks of the object as it is now.
pub(super) fn condition<'a>(object: &'a Json, kind: &str) -> Option<&'a Json> {
    let generation = number(object, "/metadata/generation").unwrap_or(0);
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|c| {
        c["type"] == kind && c["observedGeneration"].as_i64().is_none_or(|observed| observed >= generation)
    })
}

/// Why a condition is as it is; empty when it does not say.
pub(super) fn reason(condition: &Json) -> String {
    let why = [&condition["message"], &condition["reason"]].into_iter().filter_map(Json::as_str);
    why.into_iter().find(|why| !why.is_empty()).map(|why| format!(": {why}")).unwrap_or_default()
}

fn number(object: &Json, path: &str) -> Option<i64> {
    object.pointer(path).and_then(Json::as_i64)
}

fn text<'a>(object: &'a Json, path: &str) -> &'a str {
    object.pointer(path).and_then(Json::as_str).unwrap_or_default()
}

fn status(object: &Json, name: &str) -> i64 {
    object["status"][name].as_i64().unwrap_or(0)
}

fn holds(object: &Json, kind: &str) -> bool {
    condition(object, kind).is_some_and(|c| c["status"] == "True")
}

fn waiting(message: impl Into<String>) -> Progress {
    Progress::Waiting(message.into())
}

fn count(done: i64, of: i64, what: &str) -> Progress {
    if done < of { waiting(format!("{done} of {of} {what}")) } else { Progress::Ready }
}

/// The first that is not ready.
fn all<const N: usize>(steps: [Progress; N]) -> Progress {
    steps.into_iter().find(|p| *p != Progress::Ready).unwrap_or(Progress::Ready)
}

fn deployment(object: &Json) -> Progress {
    if let Some(c) = condition(object, "Progressing").filter(|c| c["reason"] == "ProgressDeadlineExceeded") {
        return Progress::Failed(c["message"].as_str().unwrap_or("the rollout does not progress").to_owned());
    }
    let want = number(object, "/spec/replicas").unwrap_or(1);
    let old = match status(object, "replicas") - status(object, "updatedReplicas") {
        old @ 1.. => waiting(format!("{old} old replicas not yet gone")),
        _ => Progress::Ready,
    };
    all([
        count(status(object, "updatedReplicas"), want, "replicas updated"),
        count(status(object, "availableReplicas"), want, "replicas ready"),
        old,
    ])
}

fn stateful_set(object: &Json) -> Progress {
    let want = number(object, "/spec/replicas").unwrap_or(1);
    let kept = number(object, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    let on_delete = text(object, "/spec/updateStrategy/type") == "OnDelete";
    let settled = object.pointer("/status/currentRevision") == object.pointer("/status/updateRevision");
    let updated = if settled || on_delete { want } else { status(object, "updatedReplicas") };
    all([
        count(updated, (want - kept).max(0), "replicas updated"),
        count(status(object, "readyReplicas"), want, "replicas ready"),
    ])
}

fn daemon_set(object: &Json) -> Progress {
    let want = status(object, "desiredNumberScheduled");
    all([
        count(status(object, "updatedNumberScheduled"), want, "pods updated"),
        count(status(object, "numberAvailable"), want, "pods ready"),
    ])
}

fn job(object: &Json) -> Progress {
    if let Some(c) = condition(object, "Failed").filter(|c| c["status"] == "True") {
        return Progress::Failed(c["message"].as_str().unwrap_or("the job failed").to_owned());
    }
    if holds(object, "Complete") {
        return Progress::Ready;
    }
    let want = number(object, "/spec/completions").unwrap_or(1);
    waiting(format!("{} of {want} pods succeeded", status(object, "succeeded")))
}

fn pod(object: &Json) -> Progress {
    match text(object, "/status/phase") {
        "Succeeded" => Progress::Ready,
        "Failed" => Progress::Failed("the pod failed".into()),
        _ if holds(object, "Ready") => Progress::Ready,
        "" => waiting("pod is Pending"),
        phase => waiting(format!("pod is {phase}")),
    }
}

/// Of CloudNativePG, which tells most by its phases.
fn database(object: &Json, kind: &str) -> Progress {
    let phase = text(object, "/status/phase");
    let because = |why: &str| if why.is_empty() { String::new() } else { format!(": {why}") };
    let explained = format!("{phase}{}", because(text(object, "/status/phaseReason")));
    match kind {
        "Cluster" if phase.is_empty() => waiting("not yet taken up by its operator"),
        "Cluster" if phase.starts_with("Cluster is unrecoverable") => Progress::Failed(explained),
        "Cluster" if holds(object, "cnpg.io/hibernation") => Progress::Ready,
        "Cluster" if phase != "Cluster in healthy state" => waiting(explained),
        "Cluster" => {
            let want = number(object, "/spec/instances").unwrap_or(1);
            all([count(status(object, "readyInstances"), want, "instances ready"), by_convention(object)])
        }
        "Pooler" if !matches!(phase, "" | "active" | "paused") => waiting(explained),
        "Pooler" => {
            let want = number(object, "/spec/instances").unwrap_or(1);
            count(status(object, "instances"), want, "instances scheduled")
        }
        "ScheduledBackup" if object["spec"]["suspend"] == true => Progress::Ready,
        "ScheduledBackup" if text(object, "/status/lastCheckTime").is_empty() => {
            waiting(format!("not yet taken up by its operator{}", because(text(object, "/status/error"))))
        }
        "Backup" => match phase {
            "completed" => Progress::Ready,
            "failed" => {
                Progress::Failed(format!("the backup failed{}", because(text(object, "/status/error"))))
            }
            _ => waiting(format!("the backup is {}", if phase.is_empty() { "not yet begun" } else { phase })),
        },
        "Database" | "DatabaseRole" | "Publication" | "Subscription" => {
            match object.pointer("/status/applied").and_then(Json::as_bool) {
                Some(true) => Progress::Ready,
                _ => waiting(format!("not applied{}", because(text(object, "/status/message")))),
            }
        }
        _ => by_convention(object),
    }
}

fn by_convention(object: &Json) -> Progress {
    if let Some(c) = condition(object, "Stalled").filter(|c| c["status"] == "True") {
        return Progress::Failed(format!("it is stalled{}", reason(c)));
    }
    if let Some(c) = condition(object, "Reconciling").filter(|c| c["status"] == "True") {
        return waiting(format!("its controller is at work{}", reason(c)));
    }
    match condition(object, "Ready") {
        Some(c) if c["status"] != "True" => waiting(format!("not ready{}", reason(c))),
        _ => Progress::Ready,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn workloads_are_judged_by_their_counts() {
        let deployment = |generation: i64, status: Json| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": generation}, "spec": {"replicas": 3}, "status": status});
        let cases = [
            (deployment(1, json!({})), waiting("not yet taken up by its controller")),
            (deployment(2, json!({"observedGeneration": 1})), waiting("not yet taken up by its controller")),
            (
                deployment(
                    1,
                    json!({"observedGeneration": 1, "updatedReplicas": 3, "availableReplicas": 1, "replicas": 3}),
                ),
                waiting("1 of 3 replicas ready"),
            ),
            (
                deployment(
                    1,
                    json!({"observedGeneration": 1, "updatedReplicas": 3, "availableReplicas": 3, "replicas": 4}),
                ),
                waiting("1 old replicas not yet gone"),
            ),
            (
                deployment(
                    1,
                    json!({"observedGeneration": 1, "updatedReplicas": 3, "availableReplicas": 3, "replicas": 3}),
                ),
                Progress::Ready,
            ),
            (
                deployment(
                    1,
                    json!({"observedGeneration": 1, "conditions": [
                    {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "stuck"}]}),
                ),
                Progress::Failed("stuck".into()),
            ),
            (
                json!({"kind": "Job", "status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}}),
                Progress::Ready,
            ),
            (json!({"apiVersion": "v1", "kind": "ConfigMap"}), Progress::Ready),
        ];
        for (object, expected) in cases {
            assert_eq!(health(&object), expected, "{object}");
        }
    }

    #[test]
    fn databases_are_judged_by_their_phases() {
        let of = |kind: &str, spec: Json, status: Json| json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": kind, "metadata": {"generation": 1}, "spec": spec, "status": status});
        let two = json!({"instances": 2});
        let healthy = |ready: i64, condition: &str| {
            json!({"phase": "Cluster in healthy state", "readyInstances": ready,
                "conditions": [{"type": "Ready", "status": condition, "message": "Cluster Is Not Ready"}]})
        };
        let cases = [
            (of("Cluster", two.clone(), Json::Null), waiting("not yet taken up by its operator")),
            (
                of("Cluster", two.clone(), json!({"phase": "Setting up primary", "phaseReason": "Creating"})),
                waiting("Setting up primary: Creating"),
            ),
            (of("Cluster", two.clone(), healthy(1, "True")), waiting("1 of 2 instances ready")),
            (of("Cluster", two.clone(), healthy(2, "False")), waiting("not ready: Cluster Is Not Ready")),
            (of("Cluster", two.clone(), healthy(2, "True")), Progress::Ready),
            (
                of(
                    "Cluster",
                    two.clone(),
                    json!({"phase": "Cluster is unrecoverable and needs manual intervention"}),
                ),
                Progress::Failed("Cluster is unrecoverable and needs manual intervention".into()),
            ),
            (
                of("Pooler", two.clone(), json!({"phase": "failed", "phaseReason": "no cluster"})),
                waiting("failed: no cluster"),
            ),
            (
                of("Pooler", two.clone(), json!({"phase": "active", "instances": 1})),
                waiting("1 of 2 instances scheduled"),
            ),
            (of("Pooler", two, json!({"phase": "active", "instances": 2})), Progress::Ready),
            (of("ScheduledBackup", json!({}), json!({})), waiting("not yet taken up by its operator")),
            (
                of("ScheduledBackup", json!({}), json!({"lastCheckTime": "2026-01-01T00:00:00Z"})),
                Progress::Ready,
            ),
            (
                of("Database", json!({}), json!({"applied": false, "message": "no role"})),
                waiting("not applied: no role"),
            ),
        ];
        for (object, expected) in cases {
            assert_eq!(health(&object), expected, "{object}");
        }
    }

    #[test]
    fn others_are_judged_by_convention() {
        let of = |status: Json| json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"generation": 2}, "status": status});
        let condition = |kind: &str, status: &str| json!({"conditions": [{"type": kind, "status": status, "reason": "Because"}]});
        let cases = [
            (of(json!({"observedGeneration": 1})), waiting("not yet taken up by its controller")),
            (of(condition("Stalled", "True")), Progress::Failed("it is stalled: Because".into())),
            (of(condition("Reconciling", "True")), waiting("its controller is at work: Because")),
            (of(condition("Ready", "Unknown")), waiting("not ready: Because")),
            (of(condition("Ready", "True")), Progress::Ready),
            (of(Json::Null), Progress::Ready),
        ];
        for (object, expected) in cases {
            assert_eq!(health(&object), expected, "{object}");
        }
        assert!(is_untouched(&of(Json::Null)) && !is_untouched(&of(condition("Ready", "True"))));
        assert!(!is_untouched(&json!({"apiVersion": "v1", "kind": "ConfigMap"})));
        assert!(
            is_silent(&of(condition("Ready", "True"))) && !is_silent(&of(json!({"observedGeneration": 2})))
        );
    }
}
