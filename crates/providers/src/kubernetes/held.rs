//! What is left in a namespace that does not go away, object by object.
//!
//! The server names only kinds and finalizers. Must not: change anything, or
//! fail: it adds to a message that is useful without it.

use serde_json::Value as Json;

use super::apply::Subject;
use super::client::{Cluster, escape};
use super::delete::finalizers;

/// Objects named at most.
const SHOWN: usize = 5;

impl Subject<'_> {
    /// A sentence for each object that is left in this namespace, `live`.
    pub(super) async fn held(&self, live: &Json) -> Vec<String> {
        let mut held = Vec::new();
        for resource in remaining(live) {
            if let Some(list) = self.cluster.list_some(&self.id.name, &resource).await {
                held.extend(sentences(&list));
            }
        }
        if held.len() > SHOWN {
            let more = held.len() - SHOWN;
            held.truncate(SHOWN);
            held.push(format!("and {more} more"));
        }
        held
    }
}

impl Cluster {
    /// Some objects of a `resource.group` in a namespace.
    async fn list_some(&self, namespace: &str, resource: &str) -> Option<Json> {
        const SOME: usize = 20;
        let (plural, group) = resource.split_once('.')?;
        let root = match group {
            "" => "/api/v1".to_owned(),
            group => {
                let versions = self.get(&format!("/apis/{}", escape(group))).await.ok()?;
                format!("/apis/{}", versions.pointer("/preferredVersion/groupVersion")?.as_str()?)
            }
        };
        let uri = format!("{root}/namespaces/{}/{}?limit={SOME}", escape(namespace), escape(plural));
        self.get(&uri).await.ok()
    }
}

/// The kinds that a namespace's conditions say are left, as `resource.group`.
fn remaining(namespace: &Json) -> Vec<String> {
    let conditions = namespace.pointer("/status/conditions").and_then(Json::as_array);
    let left = conditions.into_iter().flatten().filter(|c| c["type"] == "NamespaceContentRemaining");
    let words =
        left.filter_map(|c| c["message"].as_str()?.split_once(": ")).flat_map(|(_, all)| all.split(", "));
    words.filter_map(|part| Some(part.split_once(" has ")?.0.trim().to_owned())).collect()
}

fn sentences(list: &Json) -> Vec<String> {
    let kind = list["kind"].as_str().unwrap_or_default().trim_end_matches("List");
    let items = list["items"].as_array().into_iter().flatten();
    items
        .filter_map(|item| {
            let name = item.pointer("/metadata/name")?.as_str()?;
            Some(format!("{kind} {name:?} {}", finalizers(item)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_are_read_from_conditions() {
        let namespace = json!({"status": {"conditions": [
            {"type": "NamespaceContentRemaining", "message": "Some resources are remaining: configmaps. has 1 resource instances, clusters.postgresql.cnpg.io has 2 resource instances"},
            {"type": "NamespaceFinalizersRemaining", "message": "Some content has finalizers remaining: a.example/hold in 1 resource instances"},
        ]}});
        assert_eq!(remaining(&namespace), ["configmaps.", "clusters.postgresql.cnpg.io"]);
        assert!(remaining(&json!({})).is_empty());
    }

    #[test]
    fn objects_are_named_with_what_they_wait_for() {
        let list = json!({"kind": "ConfigMapList", "items": [
            {"metadata": {"name": "held", "finalizers": ["a.example/hold"]}},
            {"metadata": {"name": "free"}},
        ]});
        assert_eq!(sentences(&list), [r#"ConfigMap "held" waits for finalizer a.example/hold"#]);
    }
}
