//! Planning, which needs no cluster.

use serde_json::{Value as Json, json};

use super::*;
use crate::cluster_access::Credentials;

fn config(json: &Json) -> Value {
    let empty = schema::schema().resources[schema::MANIFEST].block.empty();
    let given = Value::from_plain_json(json);
    given
        .as_entries()
        .expect("an object")
        .iter()
        .fold(empty, |v, (k, part)| fields::with_entry(&v, k, part.clone()))
}

fn plan(prior: Option<&Value>, config: &Value) -> PlanResponse {
    let object = prior.and_then(|p| p.get("object")).unwrap_or_else(|| Value::unknown(Type::Dynamic));
    let proposed = fields::with_entry(config, "object", object);
    let request =
        PlanRequest { kind: schema::MANIFEST, prior, config, connection: &Value::NULL, proposed: &proposed };
    Kubernetes::new(Options::default()).plan(request).expect("a plan")
}

fn quota(name: &str, cpu: &str) -> Json {
    json!({"manifest": {
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name, "namespace": "acme", "labels": null},
        "spec": {"hard": {"cpu": cpu}},
    }})
}

#[test]
fn the_second_plan_is_empty() {
    let config = config(&quota("q", "1000m"));
    let created = plan(None, &config);
    assert!(created.requires_replace.is_empty());
    assert!(created.planned.is_wholly_known());
    let again = plan(Some(&created.planned), &config);
    assert_eq!(again.planned, created.planned);
    assert!(again.requires_replace.is_empty());
}

#[test]
fn names_need_a_new_object_and_fields_do_not() {
    let prior = plan(None, &config(&quota("q", "1"))).planned;
    assert!(plan(Some(&prior), &config(&quota("q", "2"))).requires_replace.is_empty());
    let renamed = plan(Some(&prior), &config(&quota("r", "1")));
    let paths: Vec<String> = renamed.requires_replace.iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["manifest.metadata.name"]);
    let open = fields::with_entry(&config(&quota("q", "1")), "manifest", Value::unknown(Type::Dynamic));
    let open = plan(Some(&prior), &open);
    assert!(open.requires_replace.is_empty());
    assert!(!open.planned.get("object").expect("there").is_known());
}

#[test]
fn clusters_are_told_apart_by_place() {
    let with = |cluster: Json| {
        let mut json = quota("q", "1");
        json["cluster"] = cluster;
        config(&json)
    };
    let prior = plan(None, &with(json!({"endpoint": "https://a", "token": "1"}))).planned;
    let rotated = plan(Some(&prior), &with(json!({"endpoint": "https://a", "token": "2"})));
    assert_eq!(rotated.planned, prior);
    let moved = plan(Some(&prior), &with(json!({"endpoint": "https://b", "token": "1"})));
    assert_eq!(moved.requires_replace, [Path::root().attribute("cluster")]);
}

#[test]
fn secrets_are_sensitive_in_plans() {
    let secret = config(&json!({"manifest": {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"p": "hunter2"},
    }}));
    let planned = plan(None, &secret).planned;
    assert!(!format!("{planned:?}").contains("hunter2"));
}

#[test]
fn settings_are_validated() {
    let provider = Kubernetes::new(Options::default());
    let mut json = quota("q", "1");
    json["timeouts"] = json!({"create": "ten minutes"});
    json["computed_fields"] = json!(["spec..x"]);
    json["wait"] =
        json!({"fields": {"status.phase": "Running", "status.any": "*", "status..x": "*", "status.y": "("}});
    let paths: Vec<String> =
        provider.validate(schema::MANIFEST, &config(&json)).iter().map(|e| e.path.to_string()).collect();
    let waits = [r#"wait.fields["status..x"]"#, r#"wait.fields["status.y"]"#];
    assert_eq!(paths, ["timeouts.create", waits[0], waits[1], "computed_fields[0]"]);
}

/// A cloud that gives a token, and counts.
#[derive(Default)]
struct Tokens(std::sync::atomic::AtomicUsize);

#[async_trait]
impl ClusterAccess for Tokens {
    async fn credentials(&self, cluster: &str) -> Result<Credentials, ProviderError> {
        assert_eq!(cluster, "c", "what the cloud knows the cluster by");
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Credentials { token: Some("t".into()), ..Credentials::default() })
    }
}

#[tokio::test]
async fn a_cluster_that_was_only_just_made_is_waited_for() {
    let tokens = Arc::new(Tokens::default());
    let access: Arc<dyn ClusterAccess> = Arc::clone(&tokens) as _;
    let provider =
        Kubernetes::new(Options { access: [("cloud".to_owned(), access)].into(), ..Options::default() });
    // Nobody listens there.
    let cluster = json!({"id": null, "access": "cloud:c", "endpoint": "http://127.0.0.1:1"});
    let manifest = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}});
    let config = config(&json!({"manifest": manifest, "cluster": cluster}));
    let connection = provider.connection(&Value::NULL, &config).expect("a connection");
    assert!(!format!("{connection:?}").contains("token"), "it is kept by name: {connection:?}");
    let target = Target { kind: schema::MANIFEST, connection: &connection, token: "1", workspace: "w" };
    let error = provider.create(target.clone(), &config, &config).await.expect_err("not there yet");
    assert_eq!(error.class, ErrorClass::Busy(None), "{error}");
    // What is only looked for is not waited for so long.
    let error = provider.find(target, &config).await.expect_err("not there yet");
    assert_eq!(error.class, ErrorClass::Transient, "{error}");
    assert_eq!(tokens.0.load(std::sync::atomic::Ordering::Relaxed), 1, "credentials are asked for once");

    let nobody = Kubernetes::new(Options::default());
    let target = Target { kind: schema::MANIFEST, connection: &connection, token: "1", workspace: "w" };
    let error = nobody.create(target, &config, &config).await.expect_err("no such cloud");
    assert!(error.class == ErrorClass::Invalid && error.detail.contains("cloud"), "{error}");
}
