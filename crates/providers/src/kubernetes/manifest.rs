//! What a manifest says: which object it is about, what is secret in it, and
//! how it goes over the wire.
//!
//! Pure. Guarantees: contents of Secrets are marked sensitive; the ownership
//! annotation stands on the wire and never in a value.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use tenantctl_core::provider::Value;

use super::fields;
use super::schema::WORKSPACE_ANNOTATION;

/// Which object of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct ObjectId {
    /// `apps/v1`, or `v1` for the core group.
    pub(super) api_version: String,
    /// `Deployment`.
    pub(super) kind: String,
    /// As the manifest says; `default` is meant where a kind needs one.
    pub(super) namespace: Option<String>,
    /// `web`.
    pub(super) name: String,
}

impl ObjectId {
    /// The object of a manifest; `None` while its name is not known.
    pub(super) fn of(manifest: &Value) -> Option<Self> {
        Some(ObjectId {
            api_version: text(manifest, &["apiVersion"])?.to_owned(),
            kind: kind(manifest)?.to_owned(),
            namespace: namespace(manifest)?.map(str::to_owned),
            name: text(manifest, &["metadata", "name"])?.to_owned(),
        })
    }

    /// The API group; empty for the core group.
    pub(super) fn group(&self) -> &str {
        group(&self.api_version)
    }

    /// `apps/Deployment/shop/web`: the same for all spellings of one object.
    pub(super) fn identity(&self) -> String {
        joined(&self.api_version, &self.kind, self.namespace.as_deref(), &self.name)
    }
}

/// [`ObjectId::identity`] of a manifest's object; `None` while its name is not
/// known.
pub(super) fn identity(manifest: &Value) -> Option<String> {
    let (api_version, name) = (text(manifest, &["apiVersion"])?, text(manifest, &["metadata", "name"])?);
    Some(joined(api_version, kind(manifest)?, namespace(manifest)?, name))
}

fn joined(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> String {
    let group = match group(api_version) {
        "" => "core",
        group => group,
    };
    match namespace {
        None | Some("default") => [group, kind, name].join("/"),
        Some(namespace) => [group, kind, namespace, name].join("/"),
    }
}

/// The namespace, which may be none; `None` while it is not known.
fn namespace(manifest: &Value) -> Option<Option<&str>> {
    match at(manifest, &["metadata", "namespace"]) {
        Some(namespace) if !namespace.is_null() => namespace.as_str().map(Some),
        _ => Some(None),
    }
}

/// Host names that an object of the network has requests for: `host a.example.com`.
pub(super) fn hosts(manifest: &Value) -> Vec<String> {
    let items = |path| at(manifest, path).and_then(Value::as_items).unwrap_or_default().iter();
    let names: Vec<&str> = match (group(text(manifest, &["apiVersion"]).unwrap_or_default()), kind(manifest))
    {
        ("networking.k8s.io", Some("Ingress")) => {
            items(&["spec", "rules"]).filter_map(|rule| text(rule, &["host"])).collect()
        }
        ("gateway.networking.k8s.io", Some("HTTPRoute" | "GRPCRoute" | "TLSRoute")) => {
            items(&["spec", "hostnames"]).filter_map(Value::as_str).collect()
        }
        _ => return Vec::new(),
    };
    let plain = |name: &&str| format!("host {}", name.trim_end_matches('.').to_lowercase());
    let mut hosts: Vec<String> = names.iter().map(plain).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind, self.name)?;
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace:?}"),
            None => Ok(()),
        }
    }
}

/// The group of an `apiVersion`.
pub(super) fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// What kind of object a manifest is about.
fn kind(manifest: &Value) -> Option<&str> {
    text(manifest, &["kind"])
}

/// A known text at a path of names.
pub(super) fn text<'v>(value: &'v Value, path: &[&str]) -> Option<&'v str> {
    at(value, path)?.as_str()
}

/// What stands at a path of names, without the marks of what it stands in.
pub(super) fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.as_entries()?.get(*name))
}

/// The part at a path of names.
pub(super) fn part(value: &Value, path: &[&str]) -> Option<Value> {
    let Some((first, rest)) = path.split_first() else { return Some(value.clone()) };
    rest.iter().try_fold(value.get(first)?, |value, name| value.get(name))
}

/// The manifest with the contents of a Secret marked sensitive.
pub(super) fn seal(manifest: &Value) -> Value {
    if kind(manifest) != Some("Secret") {
        return manifest.clone();
    }
    ["data", "stringData"].iter().fold(manifest.clone(), |manifest, name| match manifest.get(name) {
        Some(data) if data.as_entries().is_some() => {
            fields::with_entry(&manifest, name, data.map_children(&|v| v.clone().sensitive()))
        }
        Some(data) if !data.is_null() => fields::with_entry(&manifest, name, data.sensitive()),
        _ => manifest,
    })
}

/// The fields that we want to own: the manifest, sealed and without nulls.
pub(super) fn desired(manifest: &Value) -> Value {
    fn has_null(value: &Value) -> bool {
        let mut found = false;
        value.for_each_child(&mut |child| found = found || child.is_null() || has_null(child));
        found
    }
    fn strip(value: &Value) -> Value {
        // Mostly there is none, and then the two are one value in memory.
        if !has_null(value) {
            return value.clone();
        }
        fields::retain(value, &|_, v| !v.is_null()).map_children(&strip)
    }
    strip(&seal(manifest))
}

/// What is sent: without nulls, `stringData` folded into `data` so that each
/// key has one owner, and with the ownership annotation.
///
/// # Errors
/// When something is unknown.
pub(super) fn wire(manifest: &Value, workspace: &str) -> Option<Json> {
    let mut json = desired(manifest).to_plain_json().ok()?;
    let object = json.as_object_mut()?;
    if object.get("kind").is_some_and(|k| k == "Secret")
        && let Some(Json::Object(strings)) = object.remove("stringData")
    {
        let data = object.entry("data").or_insert_with(|| json!({})).as_object_mut()?;
        for (key, text) in strings {
            let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
            data.insert(key, STANDARD.encode(text).into());
        }
    }
    let metadata = object.entry("metadata").or_insert_with(|| json!({})).as_object_mut()?;
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({})).as_object_mut()?;
    annotations.insert(WORKSPACE_ANNOTATION.to_owned(), workspace.into());
    Some(json)
}

/// A live object as somebody could have written it.
pub(super) fn from_live(live: &Json) -> Value {
    const SERVER_SET: [&str; 8] = [
        "managedFields",
        "resourceVersion",
        "uid",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
    ];
    let mut live = live.clone();
    if let Some(object) = live.as_object_mut() {
        object.remove("status");
        if let Some(Json::Object(metadata)) = object.get_mut("metadata") {
            metadata.retain(|key, _| !SERVER_SET.contains(&key.as_str()));
            strip_annotations(metadata);
        }
    }
    seal(&Value::from_plain_json(&live))
}

/// Takes out of `metadata` the annotations that tools put there for their own
/// use.
pub(super) fn strip_annotations(metadata: &mut Map<String, Json>) {
    const TOOLS: [&str; 3] = [
        WORKSPACE_ANNOTATION,
        "kubectl.kubernetes.io/last-applied-configuration",
        "deployment.kubernetes.io/revision",
    ];
    if let Some(Json::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.retain(|key, _| !TOOLS.contains(&key.as_str()));
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: Json) -> Value {
        Value::from_plain_json(&json)
    }

    #[test]
    fn secrets_are_sealed_and_folded_into_data() {
        let secret = value(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "labels": null},
            "stringData": {"password": "hunter2"},
        }));
        let sealed = desired(&secret);
        assert!(!format!("{sealed:?}").contains("hunter2"));
        assert!(part(&sealed, &["metadata", "labels"]).is_none());
        let wire = wire(&secret, "acme/dev").expect("known");
        assert_eq!(
            wire,
            json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": {"name": "s", "annotations": {"tenantctl.dev/workspace": "acme/dev"}},
                "data": {"password": STANDARD.encode("hunter2")},
            })
        );
    }

    #[test]
    fn live_objects_lose_what_the_server_set() {
        let live = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "status": {"x": 1}, "data": {"a": "b"},
            "metadata": {"name": "c", "uid": "u", "managedFields": [], "annotations": {WORKSPACE_ANNOTATION: "w"}},
        });
        let expected =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}, "metadata": {"name": "c"}});
        assert_eq!(from_live(&live), value(expected));
    }

    #[test]
    fn hosts_are_claimed_by_ingresses_and_routes() {
        let ingress = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"},
            "spec": {"rules": [{"host": "B.example.com."}, {"host": "a.example.com"}, {"http": {}}, {"host": "a.example.com"}]},
        });
        assert_eq!(hosts(&value(ingress)), ["host a.example.com", "host b.example.com"]);
        let route = json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "web"},
            "spec": {"hostnames": ["c.example.com"]},
        });
        assert_eq!(hosts(&value(route)), ["host c.example.com"]);
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {}});
        assert!(hosts(&value(service)).is_empty());
    }

    #[test]
    fn identities_do_not_depend_on_spelling() {
        let id = |json| identity(&value(json)).expect("known");
        let of = |ns: Json| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": ns}});
        assert_eq!(id(of("shop".into())), "apps/Deployment/shop/web");
        assert_eq!(id(of("default".into())), id(of(Json::Null)));
        let old = json!({"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "web"}});
        assert_eq!(id(old), "apps/Deployment/web");
    }
}
