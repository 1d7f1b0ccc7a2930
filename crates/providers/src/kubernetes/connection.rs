//! Which cluster an object lives in.
//!
//! Pure. A resource's `cluster` wins over the provider block, and that over
//! the kubeconfig of whoever runs the program. Guarantees: a kubeconfig is kept
//! by reference, so that credentials in it never land in state; tokens and keys
//! given directly are marked sensitive, and nothing else is, so that two places
//! can always be told apart. The cluster of a cloud is kept by its name there:
//! who talks to it asks the cloud for credentials, each run anew.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tenantctl_core::provider::{AttributeError, Path, Type, Value};

/// The arguments by their first name, with the other names they go by: those of
/// Terraform's provider block, and those that clouds give to their results.
const ENDPOINT: &[&str] = &["endpoint", "host"];
const CA: &[&str] = &["ca", "cluster_ca_certificate", "certificate_authority"];
const TOKEN: &[&str] = &["token"];
const CLIENT_CERTIFICATE: &[&str] = &["client_certificate"];
const CLIENT_KEY: &[&str] = &["client_key"];
const CONFIG_PATH: &[&str] = &["config_path"];
const CONFIG_CONTEXT: &[&str] = &["config_context"];
const INSECURE: &[&str] = &["insecure"];
/// What gives credentials: a cloud's name, a colon, and what the cloud knows
/// the cluster by.
const ACCESS: &[&str] = &["access"];
const ID: &[&str] = &["id"];
const ALL: [&[&str]; 9] =
    [ENDPOINT, CA, TOKEN, CLIENT_CERTIFICATE, CLIENT_KEY, CONFIG_PATH, CONFIG_CONTEXT, INSECURE, ACCESS];

/// The connection of a resource; unknown while a part of it is.
pub(super) fn settle(provider: &Value, config: &Value) -> Result<Value, AttributeError> {
    let cluster = config.get("cluster").unwrap_or(Value::NULL);
    if !cluster.is_known() {
        return Ok(Value::unknown(Type::Dynamic));
    }
    if !cluster.is_null() {
        let path = Path::root().attribute("cluster");
        if cluster.as_entries().is_none() {
            return Err(problem(&path, "The cluster must be an object."));
        }
        return from_arguments(&cluster, &path)?.ok_or_else(|| {
            problem(&path, "The cluster has neither an endpoint nor a config_path or config_context.")
        });
    }
    if !provider.is_known() {
        return Ok(Value::unknown(Type::Dynamic));
    }
    Ok(from_arguments(provider, &Path::root())?.unwrap_or_else(|| kubeconfig(Value::NULL, Value::NULL)))
}

/// A `cluster` argument as it is planned and kept: what logs in is hidden,
/// however it was given.
pub(super) fn seal(cluster: &Value) -> Value {
    let Some(entries) = cluster.as_entries() else { return cluster.clone() };
    let is_secret = |name: &str| TOKEN.contains(&name) || CLIENT_KEY.contains(&name);
    let sealed = entries.iter().map(|(name, value)| {
        let hidden = is_secret(name) && !value.is_null();
        (name.clone(), if hidden { value.clone().sensitive() } else { value.clone() })
    });
    Value::object(sealed).with_marks(cluster.marks())
}

/// Whether two `cluster` arguments lead to one place, whatever else differs.
/// `None` while that is not known.
pub(super) fn same_place(a: &Value, b: &Value) -> Option<bool> {
    let place = |cluster: &Value| -> Option<Vec<Value>> {
        if !cluster.is_known() {
            return None;
        }
        let places = [ENDPOINT, ID].into_iter().find_map(|names| lookup(cluster, names));
        let parts = [places, lookup(cluster, CONFIG_CONTEXT)].map(|part| part.unwrap_or(Value::NULL));
        parts.iter().all(Value::is_known).then(|| parts.to_vec())
    };
    Some(place(a)? == place(b)?)
}

/// Whether nothing that a connection depends on is unknown.
pub(super) fn is_settled(cluster: &Value) -> bool {
    let known = |names: &&[&str]| lookup(cluster, names).is_none_or(|v| v.is_known());
    // A name is all that some clouds tell of their clusters.
    let is_named_only =
        || [ENDPOINT, CONFIG_PATH, CONFIG_CONTEXT].iter().all(|n| lookup(cluster, n).is_none());
    cluster.is_known() && ALL.iter().all(known) && (known(&ID) || !is_named_only())
}

fn problem(path: &Path, detail: &str) -> AttributeError {
    AttributeError {
        path: path.clone(),
        summary: "Invalid cluster",
        detail: detail.to_owned(),
        hint: Some("Give endpoint, ca and token, or config_path and config_context.".into()),
    }
}

fn lookup(source: &Value, names: &[&str]) -> Option<Value> {
    let value = names.iter().filter_map(|name| source.get(name)).find(|v| !v.is_null())?;
    // A cloud's result: a list with one object that holds the certificate.
    match value.as_items() {
        Some(_) => value.at(0).and_then(|first| first.get("data")),
        None if value.as_entries().is_some() => value.get("data"),
        None => Some(value),
    }
}

fn kubeconfig(path: Value, context: Value) -> Value {
    Value::object([("kind", "kubeconfig".into()), ("path", path), ("context", context)])
}

fn from_arguments(source: &Value, path: &Path) -> Result<Option<Value>, AttributeError> {
    if source.is_null() {
        return Ok(None);
    }
    if !is_settled(source) {
        return Ok(Some(Value::unknown(Type::Dynamic)));
    }
    let get = |names: &[&str]| lookup(source, names).unwrap_or(Value::NULL);
    let text = |names: &[&str]| text(source, names, path);
    let endpoint = text(ENDPOINT)?;
    let (config_path, config_context) = (text(CONFIG_PATH)?, text(CONFIG_CONTEXT)?);
    let by_file = !config_path.is_null() || !config_context.is_null();
    let credentials = [CA, TOKEN, CLIENT_CERTIFICATE, CLIENT_KEY].iter().any(|names| !get(names).is_null());
    if let (Some((cloud, cluster)), false, false) = (cloud(source), by_file, is_authenticated(source)) {
        let ca = if get(CA).is_null() { Value::NULL } else { pem(source, CA, path)? };
        let endpoint = if endpoint.is_null() { endpoint } else { address(&endpoint, path)? };
        return Ok(Some(Value::object([
            ("kind", "cloud".into()),
            ("cloud", cloud.into()),
            ("cluster", cluster),
            ("endpoint", endpoint),
            ("ca", ca),
        ])));
    }
    match (endpoint.is_null(), by_file) {
        (false, true) => {
            return Err(problem(path, "The cluster is given both directly and by a kubeconfig."));
        }
        (true, true) if credentials => {
            return Err(problem(path, "Credentials are given both directly and by a kubeconfig."));
        }
        (true, true) => return Ok(Some(kubeconfig(config_path.unmark(), config_context.unmark()))),
        (true, false) if credentials => {
            return Err(problem(path, "Credentials are given without an endpoint."));
        }
        (true, false) => return Ok(None),
        (false, false) => {}
    }
    let pem = |names: &[&str]| pem(source, names, path);
    let insecure = get(INSECURE)
        .convert(&Type::Bool)
        .map_err(|_| problem(&path.attribute("insecure"), "insecure must be true or false."))?;
    Ok(Some(Value::object([
        ("kind", "direct".into()),
        ("endpoint", address(&endpoint, path)?),
        ("ca", pem(CA)?),
        ("token", secret(text(TOKEN)?)),
        ("client_certificate", pem(CLIENT_CERTIFICATE)?),
        ("client_key", secret(pem(CLIENT_KEY)?)),
        ("insecure", (insecure.as_bool() == Some(true)).into()),
    ])))
}

fn text(source: &Value, names: &[&str], path: &Path) -> Result<Value, AttributeError> {
    lookup(source, names)
        .unwrap_or(Value::NULL)
        .convert(&Type::String)
        .map(|v| if v.is_null() { Value::NULL } else { v })
        .map_err(|_| problem(&path.attribute(names[0]), &format!("{} must be text.", names[0])))
}

fn pem(source: &Value, names: &[&str], path: &Path) -> Result<Value, AttributeError> {
    let value = text(source, names, path)?;
    let Some(content) = value.as_str() else { return Ok(Value::NULL) };
    if content.contains("-----BEGIN") {
        return Ok(value.unmark());
    }
    let compact: String = content.split_whitespace().collect();
    let decoded = STANDARD.decode(compact).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.filter(|text| text.contains("-----BEGIN")) {
        Some(text) => Ok(text.into()),
        None => {
            Err(problem(&path.attribute(names[0]), &format!("{} must be PEM, or PEM in base64.", names[0])))
        }
    }
}

fn is_authenticated(source: &Value) -> bool {
    [TOKEN, CLIENT_CERTIFICATE, CLIENT_KEY].iter().any(|names| lookup(source, names).is_some())
}

/// The cloud that runs a cluster, and what it knows the cluster by.
fn cloud(source: &Value) -> Option<(String, Value)> {
    let of = |names: &[&str]| {
        let value = lookup(source, names)?;
        Some((value.as_str()?.to_owned(), value.marks()))
    };
    if let Some((access, marks)) = of(ACCESS) {
        let (cloud, cluster) = access.split_once(':')?;
        return Some((cloud.to_owned(), Value::from(cluster).with_marks(marks)));
    }
    let (id, marks) = of(ID)?;
    let is_azures =
        id.starts_with("/subscriptions/") && id.to_ascii_lowercase().contains("/managedclusters/");
    is_azures.then(|| ("azurerm".to_owned(), Value::from(id).with_marks(marks)))
}

fn secret(value: Value) -> Value {
    if value.is_null() { value } else { value.sensitive() }
}

/// An endpoint with its scheme.
fn address(endpoint: &Value, path: &Path) -> Result<Value, AttributeError> {
    let text = endpoint.as_str().unwrap_or_default();
    let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let valid = full.parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("https" | "http")) && uri.host().is_some_and(|h| !h.is_empty())
    });
    // What stands before an @ could be a password.
    if !valid || full.contains('@') {
        return Err(problem(&path.attribute("endpoint"), "The endpoint is not the address of a server."));
    }
    Ok(full.trim_end_matches('/').into())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

    fn settled(provider: Json, cluster: Json) -> Result<Json, String> {
        let config = Value::object([("cluster", Value::from_plain_json(&cluster))]);
        settle(&Value::from_plain_json(&provider), &config)
            .map(|v| v.to_plain_json().expect("known"))
            .map_err(|e| format!("{}: {}", e.path, e.detail))
    }

    #[test]
    fn the_nearest_settings_win() {
        let file =
            |path: Json, context: Json| json!({"kind": "kubeconfig", "path": path, "context": context});
        let direct = |endpoint: &str, ca: Json, token: Json| {
            json!({"kind": "direct", "endpoint": endpoint, "ca": ca, "token": token,
                "client_certificate": null, "client_key": null, "insecure": false})
        };
        let eks = json!({"name": "c", "endpoint": "https://a.example", "version": "1.33",
            "certificate_authority": [{"data": STANDARD.encode(PEM)}]});
        let cases = [
            (Json::Null, Json::Null, file(Json::Null, Json::Null)),
            (json!({"config_path": "k", "host": null}), Json::Null, file("k".into(), Json::Null)),
            (json!({"config_path": "k"}), json!({"config_context": "c"}), file(Json::Null, "c".into())),
            (json!({"config_path": "k"}), eks, direct("https://a.example", PEM.into(), Json::Null)),
            (
                json!({"host": "10.0.0.1:6443/", "token": "t"}),
                Json::Null,
                direct("https://10.0.0.1:6443", Json::Null, "t".into()),
            ),
        ];
        for (provider, cluster, expected) in cases {
            assert_eq!(settled(provider.clone(), cluster.clone()), Ok(expected), "{provider} {cluster}");
        }
    }

    #[test]
    fn clusters_of_clouds_are_kept_by_name() {
        let aks = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c";
        let eks = json!({"name": "c", "endpoint": "https://a.example", "access": "aws:{\"name\":\"c\"}",
            "certificate_authority": [{"data": STANDARD.encode(PEM)}]});
        let kept = |cloud: &str, cluster: &str, endpoint: Json, ca: Json| json!({"kind": "cloud", "cloud": cloud, "cluster": cluster, "endpoint": endpoint, "ca": ca});
        let own = "{\"name\":\"c\"}";
        assert_eq!(
            settled(Json::Null, eks.clone()),
            Ok(kept("aws", own, "https://a.example".into(), PEM.into()))
        );
        assert_eq!(settled(Json::Null, json!({"id": aks})), Ok(kept("azurerm", aks, Json::Null, Json::Null)));
        // Credentials that are given go before those that a cloud would give.
        let mut direct = eks;
        direct["token"] = "t".into();
        assert_eq!(settled(Json::Null, direct).expect("fine")["kind"], "direct");
        let named = Value::object([("id", Value::unknown(Type::String))]);
        assert!(!settle(&Value::NULL, &Value::object([("cluster", named)])).expect("fine").is_known());
        let a = Value::from_plain_json(&json!({"id": aks}));
        assert_eq!(same_place(&a, &Value::from_plain_json(&json!({"id": "/subscriptions/x"}))), Some(false));
    }

    #[test]
    fn contradictions_are_refused() {
        let cases = [
            (json!("x"), "cluster: "),
            (json!({"name": "x"}), "cluster: "),
            (json!({"endpoint": "https://a", "config_path": "k"}), "cluster: "),
            (json!({"token": "t"}), "cluster: "),
            (json!({"endpoint": "https://a", "ca": "no"}), "cluster.ca: "),
            (json!({"endpoint": "https://u:p@a"}), "cluster.endpoint: "),
            (json!({"endpoint": ["x"]}), "cluster: "),
        ];
        for (cluster, at) in cases {
            let error = settled(Json::Null, cluster.clone()).expect_err("contradiction");
            assert!(error.starts_with(at), "{cluster}: {error}");
        }
    }

    #[test]
    fn unknown_parts_make_it_unknown_and_secrets_are_marked() {
        let cluster = |token: Value, extra: Value| {
            Value::object([(
                "cluster",
                Value::object([("endpoint", "https://a".into()), ("token", token), ("x", extra)]),
            )])
        };
        let open = settle(&Value::NULL, &cluster(Value::unknown(Type::String), Value::NULL)).expect("fine");
        assert!(!open.is_known());
        let known =
            settle(&Value::NULL, &cluster("hunter2".into(), Value::unknown(Type::String))).expect("fine");
        assert!(known.is_wholly_known());
        assert!(!format!("{known:?}").contains("hunter2"));
    }

    #[test]
    fn places_stay_visible_when_a_whole_cluster_is_sensitive() {
        let json = json!({"host": "https://a", "cluster_ca_certificate": PEM, "client_certificate": PEM, "client_key": PEM});
        let config = Value::object([("cluster", Value::from_plain_json(&json).sensitive())]);
        let connection = settle(&Value::NULL, &config).expect("fine");
        let sensitive: Vec<&str> = ["endpoint", "ca", "token", "client_certificate", "client_key"]
            .into_iter()
            .filter(|name| connection.get(name).is_some_and(|v| v.is_sensitive()))
            .collect();
        assert_eq!(sensitive, ["client_key"]);
    }

    #[test]
    fn places_are_compared_without_credentials() {
        let place = |json| Value::from_plain_json(&json);
        let a = place(json!({"endpoint": "https://a", "token": "1"}));
        assert_eq!(same_place(&a, &place(json!({"host": "https://a", "token": "2"}))), Some(true));
        assert_eq!(same_place(&a, &place(json!({"endpoint": "https://b"}))), Some(false));
        assert_eq!(same_place(&a, &Value::unknown(Type::Dynamic)), None);
    }
}
