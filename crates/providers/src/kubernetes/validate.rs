//! What no cluster would take, said before one is asked.
//!
//! Pure. Guarantees: what passes here as a name can stand in a request's path.

use tenantctl_core::provider::{AttributeError, Path, Value};

use super::manifest::{group, part};
use super::schema::WORKSPACE_ANNOTATION;

/// Problems of a manifest, as far as it is known.
pub(super) fn validate(manifest: &Value) -> Vec<AttributeError> {
    let mut errors = Vec::new();
    let root = Path::root().attribute("manifest");
    let mut error = |path: Path, summary, detail: String, hint: Option<&str>| {
        errors.push(AttributeError { path, summary, detail, hint: hint.map(str::to_owned) });
    };
    if !manifest.is_known() {
        return errors;
    }
    if manifest.as_entries().is_none() {
        error(root, "Invalid manifest", "The manifest must be an object.".into(), None);
        return errors;
    }
    for path in [&["apiVersion"][..], &["kind"], &["metadata", "name"]] {
        let at = path.iter().fold(root.clone(), |p, name| p.attribute(*name));
        let dotted = path.join(".");
        match part(manifest, path) {
            Some(value) if !value.is_known() => {}
            Some(value) if value.as_str().is_some_and(|text| !text.is_empty()) => {
                if let Some(why) = bad_text(&dotted, value.as_str().unwrap_or_default(), manifest) {
                    error(at, "Invalid manifest", why, None);
                }
            }
            Some(value) if !value.is_null() => {
                error(at, "Invalid manifest", format!("{dotted} must be text."), None);
            }
            _ => error(
                at,
                "Invalid manifest",
                format!("The manifest has no {dotted}, which names the object."),
                Some("metadata.generateName is not supported: the name must be known."),
            ),
        }
    }
    if let Some(namespace) = part(manifest, &["metadata", "namespace"]) {
        let at = root.attribute("metadata").attribute("namespace");
        match namespace.as_str() {
            Some(text) if !is_label(text) => {
                error(
                    at,
                    "Invalid manifest",
                    format!("{text:?} is not a name that a namespace can have."),
                    None,
                );
            }
            None if namespace.is_known() && !namespace.is_null() => {
                error(at, "Invalid manifest", "metadata.namespace must be text.".into(), None);
            }
            _ => {}
        }
    }
    for path in [
        &["status"][..],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
        &["metadata", "uid"],
        &["metadata", "creationTimestamp"],
        &["metadata", "annotations", WORKSPACE_ANNOTATION],
    ] {
        if part(manifest, path).is_some_and(|v| v.is_known() && !v.is_null()) {
            let at = path.iter().fold(root.clone(), |p, name| p.attribute(*name));
            let detail = format!("{} is set by the server or by tenantctl.", path.join("."));
            error(at, "Field cannot be set", detail, Some("Remove it from the manifest."));
        }
    }
    errors
}

fn bad_text(path: &str, text: &str, manifest: &Value) -> Option<String> {
    match path {
        "apiVersion" => (!is_api_version(text)).then(|| format!("{text:?} is not an API version.")),
        "kind" => {
            (!text.bytes().all(|b| b.is_ascii_alphanumeric())).then(|| format!("{text:?} is not a kind."))
        }
        _ => {
            let api_version = part(manifest, &["apiVersion"]);
            let api_version = api_version.as_ref().and_then(Value::as_str).unwrap_or_default();
            (!is_name(api_version, text)).then(|| {
                format!("{text:?} is not a name that the object can have: it may hold lowercase letters, digits, \"-\" and \".\", and must start and end with a letter or digit.")
            })
        }
    }
}

/// Whether text can stand as `apiVersion`, and so in a request's path.
pub(super) fn is_api_version(text: &str) -> bool {
    let mut parts = text.split('/');
    parts.clone().count() <= 2 && parts.all(is_subdomain)
}

/// Whether text can name an object of a group, and so stand in a request's
/// path. Access rules take nearly any name, other groups lowercase ones.
pub(super) fn is_name(api_version: &str, name: &str) -> bool {
    match group(api_version) {
        "rbac.authorization.k8s.io" => {
            !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '%'])
        }
        _ => is_subdomain(name),
    }
}

fn is_subdomain(text: &str) -> bool {
    let middle = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(middle)
        })
}

/// Whether text can name a namespace.
pub(super) fn is_label(text: &str) -> bool {
    text.len() <= 63 && !text.contains('.') && is_subdomain(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn value(json: Json) -> Value {
        Value::from_plain_json(&json)
    }

    #[test]
    fn problems_are_named_by_path() {
        let good =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a.b-c", "namespace": "x"}});
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "system:A"}});
        let cases: [(Json, &[&str]); 9] = [
            (good, &[]),
            (role, &[]),
            (json!([1]), &["manifest"]),
            (json!({}), &["manifest.apiVersion", "manifest.kind", "manifest.metadata.name"]),
            (
                json!({"apiVersion": "v1/../x", "kind": "A", "metadata": {"name": "a"}}),
                &["manifest.apiVersion"],
            ),
            (json!({"apiVersion": "v1", "kind": "A/b", "metadata": {"name": "a"}}), &["manifest.kind"]),
            (
                json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "A_b"}}),
                &["manifest.metadata.name"],
            ),
            (
                json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "namespace": "a.b"}}),
                &["manifest.metadata.namespace"],
            ),
            (
                json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "uid": "u"}, "status": {}}),
                &["manifest.status", "manifest.metadata.uid"],
            ),
        ];
        for (manifest, expected) in cases {
            let paths: Vec<String> =
                validate(&value(manifest.clone())).iter().map(|e| e.path.to_string()).collect();
            assert_eq!(paths, expected, "{manifest}");
        }
        let unknown = Value::object([
            ("apiVersion", "v1".into()),
            ("kind", "ConfigMap".into()),
            ("metadata", Value::object([("name", Value::NULL)])),
        ]);
        assert_eq!(validate(&unknown).len(), 1, "a null name is none");
    }
}
