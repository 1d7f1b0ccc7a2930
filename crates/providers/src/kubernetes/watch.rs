//! Hearing of a change instead of asking for it again and again.
//!
//! While the engine waits between two looks at an object, one watch on that
//! object tells it when to look. Guarantees: nothing that happens after the
//! last look is missed; where a watch is not possible, time passes as if there
//! were none.
//! Must not: decide anything by what a watch says. The next look does.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use futures::TryStreamExt as _;
use kube::core::WatchEvent;
use serde_json::Value as Json;
use tenantctl_core::provider::{Operation, Target, Value};

use super::client::{Cluster, escape};
use super::discovery::Location;
use super::error::Failure;
use super::manifest::ObjectId;
use super::settings::Handle;
use super::{Kubernetes, clock};

/// So that an object that changes all the time is not looked at all the time.
const BREATH: Duration = Duration::from_millis(150);

/// Versions of objects as last looked at, by operation. They are worth nothing
/// to another process, so no operation carries them.
#[derive(Default)]
pub(super) struct Seen(Mutex<HashMap<String, String>>);

impl Seen {
    /// Notes what an operation has seen.
    pub(super) fn note(&self, operation: &str, live: &Json) {
        let version = live.pointer("/metadata/resourceVersion").and_then(Json::as_str);
        if let (Ok(mut seen), Some(version)) = (self.0.lock(), version) {
            seen.insert(operation.to_owned(), version.to_owned());
        }
    }

    /// Forgets an operation that is over.
    pub(super) fn forget(&self, operation: &str) {
        if let Ok(mut seen) = self.0.lock() {
            seen.remove(operation);
        }
    }

    fn version(&self, operation: &str) -> Option<String> {
        self.0.lock().ok()?.get(operation).cloned()
    }
}

/// `Operation` of an object that is not yet what it is to be.
pub(super) fn pending(handle: Json, message: String, limit: clock::Limit) -> Operation {
    Operation { handle, message, after: limit.watched() }
}

impl Kubernetes {
    /// Returns when the object of an operation has changed since its last look,
    /// or it is time for one.
    pub(super) async fn watched(&self, target: &Target<'_>, handle: Handle) {
        let (object, operation, limit, settling) = match handle {
            Handle::Rollout { object, key, limit, stale, .. } => {
                (object, key, limit, stale && !limit.is_settled())
            }
            Handle::Delete { object, uid, limit } => (object, uid, limit, false),
        };
        let change = async {
            if self.change(target.connection, object, &operation, limit).await.is_none() {
                tokio::time::sleep(limit.pause()).await;
            }
            tokio::time::sleep(BREATH).await;
        };
        if settling {
            // Silence tells something too: that nothing is going to happen.
            let _ = tokio::time::timeout(limit.pause(), change).await;
        } else {
            change.await;
        }
    }

    async fn change(
        &self,
        connection: &Value,
        id: ObjectId,
        operation: &str,
        limit: clock::Limit,
    ) -> Option<()> {
        let version = self.seen.version(operation)?;
        let subject = self.subject(connection, id, &Value::NULL, false).await.ok()?;
        subject.cluster.next_change(&subject.location, &subject.id.name, &version, limit).await.ok()
    }
}

impl Cluster {
    /// Returns at the first change of an object after a version of it, or when
    /// the server ends the watch.
    async fn next_change(
        &self,
        location: &Location,
        name: &str,
        version: &str,
        limit: clock::Limit,
    ) -> Result<(), Failure> {
        let uri = format!(
            "{}?watch=true&fieldSelector=metadata.name%3D{}&resourceVersion={}&timeoutSeconds={}",
            location.collection,
            escape(name),
            escape(version),
            limit.watched().as_secs(),
        );
        let mut events = self.events(&uri).await?;
        while let Some(event) = events.try_next().await.map_err(|e| Failure::Lost(e.to_string()))? {
            if !matches!(event, WatchEvent::Bookmark(_)) {
                break;
            }
        }
        Ok(())
    }
}
