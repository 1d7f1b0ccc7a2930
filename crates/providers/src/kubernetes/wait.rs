//! Whether an object has become what it is to be.
//!
//! Pure. Guarantees: a status that speaks of an older generation counts for
//! nothing; a wait that cannot end well says so.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tenantctl_core::provider::Value;

/// What to wait for after a write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wait {
    /// The workload has rolled out.
    pub(super) rollout: bool,
    /// Conditions, each with the status it must have.
    pub(super) conditions: Vec<(String, String)>,
}

/// How far an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There.
    Ready,
    /// On the way.
    Waiting(String),
    /// It will not get there by itself.
    Failed(String),
}

impl Wait {
    /// What a resource's `wait` block asks for, and what its kind needs in any
    /// case: a definition is of no use until the server has taken it up.
    pub(super) fn of(config: &Value, kind: &str) -> Self {
        let block = config.get("wait").unwrap_or(Value::NULL);
        let rollout = block.get("rollout").and_then(|v| v.as_bool()) == Some(true);
        let conditions = block.get("condition").unwrap_or(Value::NULL);
        let mut conditions: Vec<(String, String)> = conditions
            .as_items()
            .unwrap_or_default()
            .iter()
            .filter_map(|c| {
                let text = |name: &str| c.get(name).and_then(|v| v.as_str().map(str::to_owned));
                Some((text("type")?, text("status").unwrap_or_else(|| "True".into())))
            })
            .collect();
        if kind == "CustomResourceDefinition" {
            conditions.push(("Established".into(), "True".into()));
        }
        Wait { rollout, conditions }
    }

    /// Whether there is anything to wait for.
    pub(super) fn is_nothing(&self) -> bool {
        !self.rollout && self.conditions.is_empty()
    }

    /// How far the object is.
    pub(super) fn progress(&self, object: &Json) -> Progress {
        if self.rollout {
            let rollout = rollout(object);
            if rollout != Progress::Ready {
                return rollout;
            }
        }
        for (kind, status) in &self.conditions {
            match condition(object, kind) {
                Some(c) if c["status"] == status.as_str() => {}
                Some(c) => {
                    let is = c["status"].as_str().unwrap_or("unknown");
                    let why = c["message"].as_str().or(c["reason"].as_str()).unwrap_or_default();
                    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
                    return Progress::Waiting(format!("condition {kind} is {is}{why}"));
                }
                None => return Progress::Waiting(format!("no condition {kind} yet")),
            }
        }
        Progress::Ready
    }
}

/// A condition that speaks of the object as it is now.
fn condition<'a>(object: &'a Json, kind: &str) -> Option<&'a Json> {
    let generation = object.pointer("/metadata/generation").and_then(Json::as_i64).unwrap_or(0);
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|c| {
        c["type"] == kind && c["observedGeneration"].as_i64().is_none_or(|observed| observed >= generation)
    })
}

fn rollout(object: &Json) -> Progress {
    let number = |path: &str| object.pointer(path).and_then(Json::as_i64);
    let status = |name: &str| number(&format!("/status/{name}")).unwrap_or(0);
    let is = |kind: &str| object["kind"] == kind;
    let workload = is("Deployment") || is("StatefulSet") || is("DaemonSet");
    if workload && status("observedGeneration") < number("/metadata/generation").unwrap_or(0) {
        return Progress::Waiting("not yet taken up by its controller".into());
    }
    let count = |done: i64, of: i64, what: &str| {
        if done < of { Progress::Waiting(format!("{done} of {of} {what}")) } else { Progress::Ready }
    };
    let first =
        |steps: Vec<Progress>| steps.into_iter().find(|p| *p != Progress::Ready).unwrap_or(Progress::Ready);
    if is("Deployment") {
        if let Some(c) =
            condition(object, "Progressing").filter(|c| c["reason"] == "ProgressDeadlineExceeded")
        {
            return Progress::Failed(
                c["message"].as_str().unwrap_or("the rollout does not progress").to_owned(),
            );
        }
        let want = number("/spec/replicas").unwrap_or(1);
        let old = status("replicas") - status("updatedReplicas");
        let old = match old {
            1.. => Progress::Waiting(format!("{old} old replicas not yet gone")),
            _ => Progress::Ready,
        };
        return first(vec![
            count(status("updatedReplicas"), want, "replicas updated"),
            count(status("availableReplicas"), want, "replicas ready"),
            old,
        ]);
    }
    if is("StatefulSet") {
        let want = number("/spec/replicas").unwrap_or(1);
        let kept = number("/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
        let on_delete = object.pointer("/spec/updateStrategy/type").is_some_and(|t| t == "OnDelete");
        let settled = object.pointer("/status/currentRevision") == object.pointer("/status/updateRevision");
        let updated = if settled || on_delete { want } else { status("updatedReplicas") };
        return first(vec![
            count(updated, (want - kept).max(0), "replicas updated"),
            count(status("readyReplicas"), want, "replicas ready"),
        ]);
    }
    if is("DaemonSet") {
        let want = status("desiredNumberScheduled");
        return first(vec![
            count(status("updatedNumberScheduled"), want, "pods updated"),
            count(status("numberAvailable"), want, "pods ready"),
        ]);
    }
    if is("Job") {
        let set = |kind| condition(object, kind).filter(|c| c["status"] == "True");
        if let Some(c) = set("Failed") {
            return Progress::Failed(c["message"].as_str().unwrap_or("the job failed").to_owned());
        }
        let want = number("/spec/completions").unwrap_or(1);
        return match set("Complete") {
            Some(_) => Progress::Ready,
            None => Progress::Waiting(format!("{} of {want} pods succeeded", status("succeeded"))),
        };
    }
    if is("Pod") {
        let phase = object.pointer("/status/phase").and_then(Json::as_str).unwrap_or("Pending");
        let ready = condition(object, "Ready").is_some_and(|c| c["status"] == "True");
        return match phase {
            "Succeeded" => Progress::Ready,
            "Failed" => Progress::Failed("the pod failed".into()),
            _ if ready => Progress::Ready,
            _ => Progress::Waiting(format!("pod is {phase}")),
        };
    }
    Progress::Ready
}

/// A duration such as `90s`, `10m` or `1h30m`, in seconds.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..end].parse().ok()?;
        let unit = match rest.as_bytes()[end] {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[end + 1..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rollouts_are_judged_by_status() {
        let deployment = |generation: i64, status: Json| json!({"kind": "Deployment", "metadata": {"generation": generation}, "spec": {"replicas": 3}, "status": status});
        let waiting = |m: &str| Progress::Waiting(m.into());
        let cases = [
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
            (json!({"kind": "ConfigMap"}), Progress::Ready),
        ];
        let wait = Wait { rollout: true, conditions: vec![] };
        for (object, expected) in cases {
            assert_eq!(wait.progress(&object), expected, "{object}");
        }
    }

    #[test]
    fn conditions_of_an_older_generation_do_not_count() {
        let wait = Wait { rollout: false, conditions: vec![("Ready".into(), "True".into())] };
        let object = |observed: i64| {
            json!({"metadata": {"generation": 2}, "status": {"conditions": [
                {"type": "Ready", "status": "True", "observedGeneration": observed}]}})
        };
        assert_eq!(wait.progress(&object(1)), Progress::Waiting("no condition Ready yet".into()));
        assert_eq!(wait.progress(&object(2)), Progress::Ready);
    }

    #[test]
    fn durations() {
        let cases =
            [("90s", Some(90)), ("1h30m", Some(5400)), ("10", None), ("", None), ("1d", None), ("m", None)];
        for (text, expected) in cases {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
