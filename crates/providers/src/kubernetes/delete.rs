//! Removing objects, and telling what keeps one from going away.
//!
//! Guarantees: only the object that was looked at is removed, never a
//! successor of the same name, nor one that another workspace has taken over;
//! a removal is done when the object is gone.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, Operation, Outcome, ProviderError, Target, Value};

use super::apply::{Subject, owner, recorded, uid};
use super::client::Call;
use super::error::Effect;
use super::manifest::ObjectId;
use super::settings::{Handle, plain};
use super::watch::pending;
use super::{Kubernetes, clock};

impl Kubernetes {
    pub(super) async fn delete_object(
        &self,
        target: &Target<'_>,
        prior: &Value,
    ) -> Result<Outcome, ProviderError> {
        let id = recorded(prior)?;
        let Some(subject) = self.served_subject(target.connection, id, prior).await? else {
            return Ok(Outcome::Done(Value::NULL));
        };
        let Some(live) = subject.get().await? else { return Ok(Outcome::Done(Value::NULL)) };
        if let Some(workspace) = owner(&live).filter(|w| *w != target.workspace) {
            return Err(ProviderError::new(
                ErrorClass::Conflict,
                "Object belongs to another workspace",
                format!("{} now belongs to workspace {workspace:?}; it is not deleted.", subject.id),
            )
            .hint("Remove it from this state without deleting it, or apply it here again to take it over."));
        }
        let uid = uid(&live).unwrap_or_default().to_owned();
        let options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        });
        let body = Some(("application/json", &options));
        match subject.cluster.call(Call { method: "DELETE", uri: &subject.location.object, body }).await {
            Ok(_) => {}
            Err(failure) if failure.is_not_found() => return Ok(Outcome::Done(Value::NULL)),
            // Another object has the name by now: ours is gone.
            Err(failure) if failure.code() == Some(409) && is_successor(&subject, &uid).await? => {
                return Ok(Outcome::Done(Value::NULL));
            }
            Err(failure) => return Err(subject.fail(&failure, Effect::Write).await),
        }
        let limit = clock::Limit::of(prior, "delete");
        let handle = Handle::Delete { object: subject.id.clone(), uid: uid.clone(), limit };
        self.look(&subject, &uid, limit, plain(&handle)).await
    }

    /// Looks once whether a removed object is gone.
    pub(super) async fn poll_delete(
        &self,
        target: &Target<'_>,
        operation: &Operation,
        handle: Handle,
    ) -> Result<Outcome, ProviderError> {
        let Handle::Delete { object, uid, limit } = handle else {
            return Err(ProviderError::new(
                ErrorClass::Invalid,
                "Unknown operation",
                "It waits for no removal.",
            ));
        };
        match self.served_subject(target.connection, object, &Value::NULL).await? {
            Some(subject) => self.look(&subject, &uid, limit, operation.handle.clone()).await,
            None => Ok(Outcome::Done(Value::NULL)),
        }
    }

    /// Whether the object is gone; if not, what keeps it.
    async fn look(
        &self,
        subject: &Subject<'_>,
        uid_then: &str,
        limit: clock::Limit,
        handle: Json,
    ) -> Result<Outcome, ProviderError> {
        let live = match subject.get().await? {
            Some(live) if uid(&live) == Some(uid_then) => live,
            _ => {
                self.seen.forget(uid_then);
                return Ok(Outcome::Done(Value::NULL));
            }
        };
        if !limit.is_over() {
            self.seen.note(uid_then, &live);
            return Ok(Outcome::Pending(pending(handle, holding(&live), limit)));
        }
        self.seen.forget(uid_then);
        let mut message = holding(&live);
        if live["kind"] == "Namespace" {
            for held in subject.held(&live).await {
                let _ = write!(message, "\n  {held}");
            }
        }
        Err(ProviderError::new(
            ErrorClass::Invalid,
            "Deletion timed out",
            format!("{} is not gone after {}: {message}.", subject.id, limit.text()),
        )
        .hint("Remove what holds it and apply again, or allow more time with timeouts { delete = ... }."))
    }

    /// The way to a recorded object, by whichever version serves it now;
    /// `None` when its kind is gone from the cluster.
    async fn served_subject<'a>(
        &'a self,
        connection: &'a Value,
        id: ObjectId,
        sensitive: &Value,
    ) -> Result<Option<Subject<'a>>, ProviderError> {
        let error = match self.subject(connection, id.clone(), sensitive, false).await {
            Ok(subject) => return Ok(Some(subject)),
            Err(error) if error.class == ErrorClass::NotFound => error,
            Err(error) => return Err(error),
        };
        let Ok(cluster) = self.clients.cluster(connection).await else { return Err(error) };
        match cluster.other_version(&id).await {
            Ok(Some(api_version)) => {
                let id = ObjectId { api_version, ..id };
                self.subject(connection, id, sensitive, false).await.map(Some)
            }
            Ok(None) => Ok(None),
            Err(_) => Err(ProviderError { class: ErrorClass::Transient, ..error }),
        }
    }
}

async fn is_successor(subject: &Subject<'_>, uid_then: &str) -> Result<bool, ProviderError> {
    Ok(subject.get().await?.is_none_or(|live| uid(&live) != Some(uid_then)))
}

/// What keeps an object from going away.
fn holding(live: &Json) -> String {
    let conditions = live.pointer("/status/conditions").and_then(Json::as_array);
    let reasons: Vec<&str> = conditions
        .into_iter()
        .flatten()
        .filter(|c| c["status"] == "True" && c["type"].as_str().is_some_and(|t| t.starts_with("Namespace")))
        .filter_map(|c| c["message"].as_str().map(|m| m.trim_end_matches('.')))
        .collect();
    if live["kind"] == "Namespace" && !reasons.is_empty() {
        return reasons.join("; ");
    }
    finalizers(live).unwrap_or_else(|| "being deleted".to_owned())
}

/// What an object waits for before it goes; `None` when it has nothing to.
pub(super) fn finalizers(live: &Json) -> Option<String> {
    let finalizers = live.pointer("/metadata/finalizers").and_then(Json::as_array);
    let finalizers: Vec<&str> = finalizers.into_iter().flatten().filter_map(Json::as_str).collect();
    match finalizers[..] {
        [] => None,
        [one] => Some(format!("waits for finalizer {one}")),
        _ => Some(format!("waits for finalizers {}", finalizers.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_an_object_is_named() {
        let condition = |kind: &str, status: &str, message: &str| json!({"type": kind, "status": status, "message": message});
        let cases = [
            (
                json!({"kind": "Namespace", "status": {"conditions": [
                    condition("NamespaceDeletionDiscoveryFailure", "False", "All resources successfully discovered"),
                    condition("NamespaceContentRemaining", "True", "Some resources are remaining: configmaps. has 1 resource instances"),
                    condition("NamespaceFinalizersRemaining", "True", "Some content has finalizers remaining: a.example/hold in 1 resource instances"),
                ]}}),
                "Some resources are remaining: configmaps. has 1 resource instances; Some content has finalizers remaining: a.example/hold in 1 resource instances",
            ),
            (json!({"kind": "ConfigMap", "metadata": {"finalizers": ["a/b"]}}), "waits for finalizer a/b"),
            (
                json!({"kind": "ConfigMap", "metadata": {"finalizers": ["a/b", "c/d"]}}),
                "waits for finalizers a/b, c/d",
            ),
            (json!({"kind": "Pod"}), "being deleted"),
        ];
        for (live, expected) in cases {
            assert_eq!(holding(&live), expected, "{live}");
        }
    }
}
