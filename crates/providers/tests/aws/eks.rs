use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, Path, Value};
use tenantctl_test_servers::{Aws, FrontCall, FrontFate};

use crate::bench::Bench;

const CLUSTER: &str = "aws_eks_cluster";
const GROUP: &str = "aws_eks_node_group";
const ROLE: &str = "arn:aws:iam::123456789012:role/eks";

fn cluster(name: &str, version: &str) -> Json {
    json!({"name": name, "role_arn": ROLE, "version": version, "vpc_config": [{"subnet_ids": ["subnet-a"]}]})
}

fn group(cluster: &str, name: &str) -> Json {
    json!({"cluster_name": cluster, "node_group_name": name, "node_role_arn": ROLE, "subnet_ids": ["subnet-a"],
        "scaling_config": [{"min_size": 0, "max_size": 3, "desired_size": 1}], "labels": {"tenant": "acme"}})
}

fn ask(method: &str, path: &str, body: &Json) -> Json {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (status, said) = Aws::shared().ask("eks", method, path, &body);
    assert!((200..300).contains(&status), "{method} {path}: {status} {said}");
    serde_json::from_str(&said).expect("JSON")
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn count(bench: &Bench, wanted: impl Fn(&FrontCall) -> bool) -> usize {
    bench.front.asked().iter().filter(|call| wanted(call)).count()
}

async fn made(bench: &Bench, name: &str) -> Value {
    bench.create(CLUSTER, &bench.config(CLUSTER, &cluster(name, "1.30"))).await.expect("a cluster")
}

#[tokio::test]
async fn upgrades_go_one_minor_version_at_a_time_and_never_back() {
    let bench = Bench::new();
    let old = made(&bench, "upgrade").await;
    assert_eq!((text(&old, "status"), text(&old, "version")), ("ACTIVE".into(), "1.30".into()));
    assert!(text(&old, "endpoint").starts_with("https://"));
    let config = bench.config(CLUSTER, &cluster("upgrade", "1.33"));
    let new = bench.update(CLUSTER, &old, &config).await.expect("upgraded");
    assert_eq!(text(&new, "version"), "1.33");
    let is_upgrade = |call: &FrontCall| call.method == "POST" && call.path == "/clusters/upgrade/updates";
    assert_eq!(count(&bench, is_upgrade), 3);
    assert_eq!(bench.plan(CLUSTER, Some(&new), &config).planned, new);
    let back = bench.try_plan(CLUSTER, Some(&new), &bench.config(CLUSTER, &cluster("upgrade", "1.32")));
    assert!(back.expect_err("no way back").contains("no way back to 1.32"));
}

#[tokio::test]
async fn a_creation_that_was_cut_short_is_taken_up() {
    let begun = Bench::new();
    let config = begun.config(CLUSTER, &cluster("cut-short", "1.33"));
    let planned = begun.plan(CLUSTER, None, &config).planned;
    let operation = begun.begin(CLUSTER, &config, &planned).await;
    // Another process: it knows the token from the journal, and nothing else.
    let next = Bench::new();
    let error = next.poll(CLUSTER, &config, &operation).await.expect_err("it is another's");
    assert_eq!(error.class, ErrorClass::NotFound, "then what there is, tells");
    let found = next.find(CLUSTER, &config).await.expect("ours").expect("it is being made");
    assert_eq!(text(&found, "status"), "CREATING");
    let plan = next.plan(CLUSTER, Some(&found), &config);
    assert!(plan.requires_replace.is_empty());
    assert!(!plan.planned.get("endpoint").expect("there").is_known());
    let whole = next.update(CLUSTER, &found, &config).await.expect("finished");
    assert_eq!(text(&whole, "status"), "ACTIVE");
    assert!(text(&whole, "endpoint").starts_with("https://"));
    assert_eq!(next.plan(CLUSTER, Some(&whole), &config).planned, whole);
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_node_group() {
    let mut lost = false;
    let bench = Bench::with(move |call| {
        let is_creation = call.method == "POST" && call.path == "/clusters/lost/node-groups";
        match is_creation && !lost {
            true => {
                lost = true;
                FrontFate::LoseAnswer
            }
            false => FrontFate::Pass,
        }
    });
    made(&bench, "lost").await;
    let config = bench.config(GROUP, &group("lost", "pool"));
    let error = bench.create(GROUP, &config).await.expect_err("the answer is lost");
    assert_eq!(error.class, ErrorClass::Transient, "its token makes it safe to repeat: {error}");
    let group = bench.create(GROUP, &config).await.expect("the same");
    assert_eq!(ask("GET", "/clusters/lost/node-groups", &Json::Null)["nodegroups"], json!(["pool"]));
    assert_eq!(bench.refreshed(GROUP, &group).await, group);
}

#[tokio::test]
async fn a_strangers_node_group_is_refused() {
    let bench = Bench::new();
    made(&bench, "strangers").await;
    let theirs = Bench::new().token("another-creation");
    let config = bench.config(GROUP, &group("strangers", "pool"));
    theirs.create(GROUP, &config).await.expect("theirs");
    for error in [
        bench.create(GROUP, &config).await.expect_err("taken"),
        bench.find(GROUP, &config).await.expect_err("taken"),
    ] {
        assert_eq!(error.class, ErrorClass::Conflict, "{error}");
        assert!(error.detail.contains("\"pool\"") && error.detail.contains("\"strangers\""), "{error}");
    }
}

#[tokio::test]
async fn what_cannot_be_made_says_why_and_is_made_anew() {
    let bench = Bench::new();
    made(&bench, "failing").await;
    let mut bad = group("failing", "pool");
    bad["instance_types"] = json!(["none.large"]);
    let config = bench.config(GROUP, &bad);
    let error = bench.create(GROUP, &config).await.expect_err("it cannot be");
    assert_eq!(error.class, ErrorClass::Invalid);
    assert!(error.detail.contains("CREATE_FAILED") && error.detail.contains("none.large"), "{error}");
    let found = bench.find(GROUP, &config).await.expect("ours").expect("it is there");
    let replaced = bench.plan(GROUP, Some(&found), &config).requires_replace;
    assert_eq!(replaced.iter().map(ToString::to_string).collect::<Vec<_>>(), ["status"]);
    bench.delete(GROUP, &found).await.expect("removed");
}

#[tokio::test]
async fn a_change_that_fails_says_why() {
    let bench = Bench::new();
    let old = made(&bench, "no-room").await;
    let mut config = cluster("no-room", "1.30");
    config["vpc_config"] = json!([{"subnet_ids": ["subnet-a", "subnet-full"]}]);
    let error = bench.update(CLUSTER, &old, &bench.config(CLUSTER, &config)).await.expect_err("it fails");
    assert_eq!(error.class, ErrorClass::Invalid);
    assert!(error.detail.contains("no free addresses (IpNotAvailable)"), "{error}");
    assert_eq!(bench.refreshed(CLUSTER, &old).await, old, "nothing has changed");
}

#[tokio::test]
async fn a_cluster_with_node_groups_stays_and_names_them() {
    let bench = Bench::new();
    let whole = made(&bench, "in-use").await;
    let config = bench.config(GROUP, &group("in-use", "pool"));
    let pool = bench.create(GROUP, &config).await.expect("a node group");
    let error = bench.delete(CLUSTER, &whole).await.expect_err("in use");
    assert_eq!((error.class, error.summary.as_str()), (ErrorClass::Invalid, "Object in use"));
    assert!(error.detail.contains("the node group \"pool\""), "{error}");
    assert!(bench.delete(GROUP, &pool).await.expect("removed").is_null());
    assert!(bench.delete(CLUSTER, &whole).await.expect("removed").is_null());
    assert!(
        bench
            .find(CLUSTER, &bench.config(CLUSTER, &cluster("in-use", "1.30")))
            .await
            .expect("no error")
            .is_none()
    );
}

#[tokio::test]
async fn changes_wait_for_changes_of_others() {
    let bench = Bench::new();
    let old = made(&bench, "busy").await;
    ask("POST", "/clusters/busy/update-config", &json!({"deletionProtection": false}));
    let config = bench.config(CLUSTER, &cluster("busy", "1.31"));
    let new = bench.update(CLUSTER, &old, &config).await.expect("in its turn");
    assert_eq!(text(&new, "version"), "1.31");
    // A node group waits for its cluster, too.
    ask("POST", "/clusters/busy/update-config", &json!({"deletionProtection": false}));
    let config = bench.config(GROUP, &group("busy", "pool"));
    let begun = bench.plan(GROUP, None, &config).planned;
    bench.begin(GROUP, &config, &begun).await;
    for _ in 0..4 {
        bench.refreshed(CLUSTER, &new).await;
    }
    bench.create(GROUP, &config).await.expect("in its turn");
}

#[tokio::test]
async fn drift_of_labels_is_repaired() {
    let bench = Bench::new();
    made(&bench, "drifting").await;
    let config = bench.config(GROUP, &group("drifting", "pool"));
    let pool = bench.create(GROUP, &config).await.expect("a node group");
    let change = json!({"labels": {"addOrUpdateLabels": {"tenant": "mallory", "more": "1"}}});
    ask("POST", "/clusters/drifting/node-groups/pool/update-config", &change);
    for _ in 0..4 {
        bench.refreshed(GROUP, &pool).await;
    }
    let found = bench.refreshed(GROUP, &pool).await;
    let labels = found.get("labels").expect("there").to_plain_json().expect("known");
    assert_eq!(labels, json!({"tenant": "mallory", "more": "1"}));
    assert_eq!(bench.update(GROUP, &found, &config).await.expect("repaired"), pool);
    let labels = &ask("GET", "/clusters/drifting/node-groups/pool", &Json::Null)["nodegroup"]["labels"];
    assert_eq!(labels, &json!({"tenant": "acme"}));
}

#[tokio::test]
async fn throttled_and_failing_calls_have_a_class() {
    for (status, code, class) in [
        (429, "TooManyRequestsException", ErrorClass::Throttled(None)),
        (500, "ServerException", ErrorClass::Transient),
        (400, "ResourceLimitExceededException", ErrorClass::Invalid),
    ] {
        let bench = Bench::with(move |call| match call.method == "POST" {
            true => FrontFate::Refuse { status, code },
            false => FrontFate::Pass,
        });
        let config = bench.config(CLUSTER, &cluster("refused", "1.33"));
        let error = bench.create(CLUSTER, &config).await.expect_err("refused");
        assert_eq!(error.class, class, "{code}: {error}");
        assert!(error.detail.contains("test-request-1") && error.detail.contains(code), "{error}");
    }
}

#[test]
fn what_eks_would_refuse_is_refused_at_plan() {
    use tenantctl_core::provider::Provider as _;
    let bench = Bench::new();
    let mut sizes = group("c", "pool");
    sizes["scaling_config"][0]["desired_size"] = 9.into();
    let mut taint = group("c", "pool");
    taint["taint"] = json!([{"key": "a", "effect": "NoSchedule"}]);
    let cases = [
        (CLUSTER, cluster("bad name!", "1.33"), "name"),
        (CLUSTER, cluster("good", "latest"), "version"),
        (GROUP, sizes, "scaling_config[0].desired_size"),
        (GROUP, taint, "taint[0].effect"),
    ];
    for (kind, given, at) in cases {
        let problems = bench.provider.validate(kind, &bench.config(kind, &given));
        let paths: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(paths, [at], "{kind} {given}: {problems:?}");
    }
}

#[tokio::test]
async fn data_sources_tell_of_clusters_and_callers() {
    let bench = Bench::new();
    made(&bench, "asked").await;
    let found = bench.data("aws_eks_cluster", &json!({"name": "asked"})).await.expect("found");
    assert_eq!(text(&found, "endpoint"), "https://asked.eks.test.invalid");
    let ca = Path::root().attribute("certificate_authority").index(0).attribute("data");
    assert_eq!(found.at_path(&ca), Some("dGVzdA==".into()));
    let missing = bench.data("aws_eks_cluster", &json!({"name": "nowhere"})).await.expect_err("not there");
    assert_eq!(missing.class, ErrorClass::NotFound);

    let auth = bench.data("aws_eks_cluster_auth", &json!({"name": "asked"})).await.expect("signed");
    let token = auth.get("token").expect("there");
    assert!(token.is_sensitive());
    let encoded = token.as_str().and_then(|token| token.strip_prefix("k8s-aws-v1.")).expect("a token");
    let url = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).expect("base64")).expect("text");
    for part in ["Action=GetCallerIdentity", "X-Amz-Signature=", "x-k8s-aws-id", "X-Amz-Expires=60"] {
        assert!(url.contains(part), "{part} is not in the token");
    }

    let caller = bench.data("aws_caller_identity", &json!({})).await.expect("known");
    assert_eq!(text(&caller, "account_id"), "123456789012");
    assert_eq!(text(&bench.data("aws_region", &json!({})).await.expect("known"), "name"), "eu-west-1");
}

#[tokio::test]
async fn clusters_and_node_groups_are_imported() {
    let bench = Bench::new();
    let whole = made(&bench, "import").await;
    assert_eq!(bench.import(CLUSTER, "import").await.expect("there").get("arn"), whole.get("arn"));
    let config = bench.config(GROUP, &group("import", "pool"));
    bench.create(GROUP, &config).await.expect("a node group");
    let imported = bench.import(GROUP, "import:pool").await.expect("there");
    assert_eq!(bench.plan(GROUP, Some(&imported), &config).planned, imported);
    assert_eq!(bench.import(GROUP, "import").await.expect_err("no id").class, ErrorClass::Invalid);
}
