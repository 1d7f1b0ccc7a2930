//! Which kinds a cluster serves, and under which paths.
//!
//! Guarantees: one request for each API version asked for, shared by all; a
//! kind that is missing is asked for again, since its definition may be new.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::Mutex;

use super::client::{Cluster, escape};
use super::error::Failure;
use super::manifest::ObjectId;
use super::validate::{is_api_version, is_label, is_name};

/// What is known of a cluster's kinds, by API version.
#[derive(Default)]
pub(super) struct Kinds(Mutex<HashMap<String, Arc<HashMap<String, Served>>>>);

/// How one kind is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Served {
    plural: String,
    namespaced: bool,
}

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    /// Path of all objects of its kind in its namespace.
    pub(super) collection: String,
    /// Its own path.
    pub(super) object: String,
    /// Path of all objects of its kind in all namespaces.
    pub(super) everywhere: String,
    /// The namespace it is in, if its kind has one.
    pub(super) namespace: Option<String>,
}

impl Served {
    /// Where an object of this kind is; `Err` names what cannot be.
    pub(super) fn locate(&self, id: &ObjectId) -> Result<Location, Failure> {
        let sound = is_api_version(&id.api_version)
            && is_name(&id.api_version, &id.name)
            && id.namespace.as_deref().is_none_or(is_label);
        if !sound {
            return Err(Failure::Misconfigured(format!("{id} is not a name that an object can have")));
        }
        let everywhere = format!("{}/{}", root(&id.api_version), self.plural);
        let (collection, namespace) = match (self.namespaced, &id.namespace) {
            (false, None) => (everywhere.clone(), None),
            (false, Some(_)) => {
                return Err(Failure::Misconfigured(format!(
                    "objects of kind {} belong to no namespace, yet the manifest names one",
                    id.kind
                )));
            }
            (true, namespace) => {
                let namespace = namespace.as_deref().unwrap_or("default");
                let root = root(&id.api_version);
                (format!("{root}/namespaces/{namespace}/{}", self.plural), Some(namespace.to_owned()))
            }
        };
        let object = format!("{collection}/{}", escape(&id.name));
        Ok(Location { collection, object, everywhere, namespace })
    }
}

fn root(api_version: &str) -> String {
    if api_version.contains('/') { format!("/apis/{api_version}") } else { format!("/api/{api_version}") }
}

impl Cluster {
    /// How a kind is served; `None` when it is not.
    pub(super) async fn served(&self, id: &ObjectId) -> Result<Option<Served>, Failure> {
        if !is_api_version(&id.api_version) {
            return Ok(None);
        }
        // Held while asking, so that many objects of a new kind ask once.
        let mut known = self.kinds.0.lock().await;
        if let Some(served) = known.get(&id.api_version).and_then(|kinds| kinds.get(&id.kind)) {
            return Ok(Some(served.clone()));
        }
        match self.get(&root(&id.api_version)).await {
            Ok(list) => {
                let kinds = Arc::new(parse(&list));
                let found = kinds.get(&id.kind).cloned();
                known.insert(id.api_version.clone(), kinds);
                Ok(found)
            }
            Err(failure) if failure.is_not_found() => {
                known.remove(&id.api_version);
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// As [`Cluster::served`], with some seconds for a definition that has
    /// only just been made.
    pub(super) async fn served_soon(&self, id: &ObjectId) -> Result<Option<Served>, Failure> {
        for milliseconds in [250, 500, 1000, 2000, 4000] {
            if let Some(served) = self.served(id).await? {
                return Ok(Some(served));
            }
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
        self.served(id).await
    }

    /// Forgets what an API version serves.
    pub(super) async fn forget_kinds(&self, api_version: &str) {
        self.kinds.0.lock().await.remove(api_version);
    }

    /// Another version of the same group that still serves the kind.
    pub(super) async fn other_version(&self, id: &ObjectId) -> Result<Option<String>, Failure> {
        let group = id.group();
        if group.is_empty() || !is_api_version(group) {
            return Ok(None);
        }
        let versions = match self.get(&format!("/apis/{group}")).await {
            Ok(answer) => answer,
            Err(failure) if failure.is_not_found() => return Ok(None),
            Err(failure) => return Err(failure),
        };
        for version in versions["versions"].as_array().into_iter().flatten() {
            let Some(api_version) = version["groupVersion"].as_str() else { continue };
            let other = ObjectId { api_version: api_version.to_owned(), ..id.clone() };
            if api_version != id.api_version && self.served(&other).await?.is_some() {
                return Ok(Some(api_version.to_owned()));
            }
        }
        Ok(None)
    }
}

/// Kinds of an `APIResourceList`, without subresources.
fn parse(list: &Json) -> HashMap<String, Served> {
    let resources = list["resources"].as_array().into_iter().flatten();
    resources
        .filter_map(|r| {
            let plural = r["name"].as_str().filter(|n| !n.contains('/'))?;
            let served =
                Served { plural: plural.to_owned(), namespaced: r["namespaced"].as_bool().unwrap_or(false) };
            Some((r["kind"].as_str()?.to_owned(), served))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_follow_group_and_scope() {
        let kinds = parse(&json!({"resources": [
            {"name": "deployments", "kind": "Deployment", "namespaced": true},
            {"name": "deployments/status", "kind": "Deployment", "namespaced": true},
            {"name": "namespaces", "kind": "Namespace", "namespaced": false},
        ]}));
        let id = |api_version: &str, kind: &str, namespace: Option<&str>| ObjectId {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: namespace.map(str::to_owned),
            name: "a".into(),
        };
        let path = |id: &ObjectId| kinds[&id.kind].locate(id).map(|l| l.object).map_err(|_| ());
        let cases = [
            (id("apps/v1", "Deployment", Some("x")), Ok("/apis/apps/v1/namespaces/x/deployments/a")),
            (id("apps/v1", "Deployment", None), Ok("/apis/apps/v1/namespaces/default/deployments/a")),
            (id("v1", "Namespace", None), Ok("/api/v1/namespaces/a")),
            (id("v1", "Namespace", Some("x")), Err(())),
            (id("apps/v1", "Deployment", Some("../x")), Err(())),
        ];
        for (id, expected) in cases {
            assert_eq!(path(&id), expected.map(str::to_owned), "{id}");
        }
    }
}
