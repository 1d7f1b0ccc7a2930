use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::Value;
use tenantctl_providers::conformance::{self, Case, Trouble};
use tenantctl_test_servers::Aws;

use crate::bench::{Bench, REGION, service};
use crate::common;

fn case(bench: &Bench, kind: &str, config: &Json) -> Case {
    bench.case(kind, config)
}

fn changing(bench: &Bench, kind: &str, config: &Json, changed: &Json) -> Case {
    bench.changing(kind, config, changed)
}

/// Each type of S3; `bucket` is there for those that need one.
fn buckets(bench: &Bench, bucket: &str) -> Vec<Case> {
    let own = format!("{bucket}-own");
    let with = |extra: Json| {
        let mut config = extra;
        config["bucket"] = bucket.into();
        config
    };
    let policy = |action: &str| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": [action], "Resource": format!("arn:aws:s3:::{bucket}/*")}]})
        .to_string()
    };
    let encryption = |algorithm: &str, key: Json| {
        with(json!({"rule": [{"bucket_key_enabled": true,
            "apply_server_side_encryption_by_default": [{"sse_algorithm": algorithm, "kms_master_key_id": key}]}]}))
    };
    let lifecycle = |days: i64| {
        with(json!({"rule": [
            {"id": "logs", "status": "Enabled", "filter": [{"prefix": "logs/"}],
                "expiration": [{"days": days}], "transition": [{"days": 30, "storage_class": "STANDARD_IA"}]},
            {"id": "all", "status": "Enabled", "filter": [{}],
                "noncurrent_version_expiration": [{"noncurrent_days": 7}],
                "abort_incomplete_multipart_upload": [{"days_after_initiation": 3}]},
            {"id": "tagged", "status": "Disabled", "filter": [{"and": [{"prefix": "x/", "tags": {"a": "b", "c": "d"}}]}],
                "expiration": [{"date": "2030-01-01T00:00:00Z"}]},
        ]}))
    };
    vec![
        changing(
            bench,
            "aws_s3_bucket",
            &json!({"bucket": own, "tags": {"tenant": "acme"}}),
            &json!({"bucket": own, "tags": {"tenant": "acme", "tier": "business"}, "force_destroy": true}),
        ),
        case(bench, "aws_s3_bucket", &json!({"bucket_prefix": "acme-data-"})),
        case(bench, "aws_s3_bucket", &json!({"bucket": format!("{own}-2"), "region": "us-east-1"})),
        case(
            bench,
            "aws_s3_bucket_versioning",
            &with(json!({"versioning_configuration": [{"status": "Enabled"}]})),
        ),
        changing(
            bench,
            "aws_s3_bucket_server_side_encryption_configuration",
            &encryption("AES256", Json::Null),
            &encryption("aws:kms", format!("arn:aws:kms:{REGION}:123456789012:key/x").into()),
        ),
        changing(
            bench,
            "aws_s3_bucket_public_access_block",
            &with(json!({"block_public_acls": true})),
            &with(
                json!({"block_public_acls": true, "block_public_policy": true, "ignore_public_acls": true}),
            ),
        ),
        changing(bench, "aws_s3_bucket_lifecycle_configuration", &lifecycle(90), &lifecycle(60)),
        changing(
            bench,
            "aws_s3_bucket_policy",
            &with(json!({"policy": policy("s3:GetObject")})),
            &with(json!({"policy": policy("s3:PutObject")})),
        ),
        changing(
            bench,
            "aws_s3_bucket_ownership_controls",
            &with(json!({"rule": [{"object_ownership": "BucketOwnerPreferred"}]})),
            &with(json!({"rule": [{"object_ownership": "BucketOwnerEnforced"}]})),
        ),
    ]
}

const ROLE: &str = "arn:aws:iam::123456789012:role/eks";

/// Each type of EKS, in a cluster that is there.
fn clusters(bench: &Bench, cluster: &str) -> Vec<Case> {
    let own = format!("{cluster}-own");
    let full = |version: &str, public: bool, logs: Json| {
        json!({"name": own, "role_arn": ROLE, "version": version, "enabled_cluster_log_types": logs,
            "tags": {"tenant": "acme"}, "access_config": [{"authentication_mode": "API"}],
            "vpc_config": [{"subnet_ids": ["subnet-b", "subnet-a"], "endpoint_public_access": public,
                "endpoint_private_access": true}]})
    };
    let group = |desired: i64, labels: Json, taints: Json| {
        json!({"cluster_name": cluster, "node_group_name": "pool", "node_role_arn": ROLE,
            "subnet_ids": ["subnet-a"], "instance_types": ["m7g.large"], "labels": labels, "taint": taints,
            "scaling_config": [{"min_size": 1, "max_size": 5, "desired_size": desired}], "tags": {"tenant": "acme"}})
    };
    let taint = |key: &str, effect: &str| json!({"key": key, "value": "acme", "effect": effect});
    let addon = |version: &str, values: Json| {
        json!({"cluster_name": cluster, "addon_name": "coredns", "addon_version": version,
            "configuration_values": values.to_string(), "resolve_conflicts_on_update": "PRESERVE"})
    };
    let entry = |groups: Json| json!({"cluster_name": cluster, "principal_arn": ROLE, "kubernetes_groups": groups, "tags": {"tenant": "acme"}});
    let pod = |role: &str| json!({"cluster_name": cluster, "namespace": "acme", "service_account": "web", "role_arn": role});
    let viewer = "arn:aws:iam::123456789012:role/viewer";
    let policy = json!({"cluster_name": cluster, "principal_arn": viewer,
        "policy_arn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
        "access_scope": [{"type": "namespace", "namespaces": ["b", "a"]}]});
    vec![
        changing(
            bench,
            "aws_eks_cluster",
            &full("1.31", true, json!(["api"])),
            &full("1.33", false, json!(["api", "audit"])),
        )
        // A version has no way back.
        .drifted(Value::from_plain_json(&full("1.31", false, json!(["audit"])))),
        changing(
            bench,
            "aws_eks_node_group",
            &group(
                1,
                json!({"tenant": "acme", "old": "1"}),
                json!([taint("b", "NO_SCHEDULE"), taint("a", "NO_EXECUTE")]),
            ),
            &group(
                2,
                json!({"tenant": "acme"}),
                json!([taint("a", "NO_EXECUTE"), taint("c", "NO_SCHEDULE")]),
            ),
        ),
        changing(
            bench,
            "aws_eks_addon",
            &addon("v1.11.1-eksbuild.1", json!({"replicaCount": 2})),
            &addon("v1.11.3-eksbuild.1", json!({"replicaCount": 3})),
        ),
        changing(
            bench,
            "aws_eks_access_entry",
            &entry(json!(["tenants"])),
            &entry(json!(["tenants", "viewers"])),
        ),
        case(bench, "aws_eks_access_policy_association", &policy),
        changing(
            bench,
            "aws_eks_pod_identity_association",
            &pod("arn:aws:iam::123456789012:role/a"),
            &pod("arn:aws:iam::123456789012:role/b"),
        )
        .imported_by(|object| {
            let part = |name: &str| object.get(name).and_then(|v| v.as_str().map(str::to_owned));
            Some(format!("{},{}", part("cluster_name")?, part("association_id")?))
        }),
    ]
}

/// Each type of Route 53, in a zone that is there.
fn zones(bench: &Bench, zone: &str, name: &str) -> Vec<Case> {
    let own = |comment: &str, tags: Json| json!({"name": format!("own.{name}.example"), "comment": comment, "tags": tags});
    let record = |name: &str, kind: &str, ttl: i64, records: Json| json!({"zone_id": zone, "name": name, "type": kind, "ttl": ttl, "records": records});
    vec![
        changing(
            bench,
            "aws_route53_zone",
            &own("", json!({"a": "1"})),
            &own("ours", json!({"a": "2", "b": "3"})),
        ),
        changing(
            bench,
            "aws_route53_record",
            &record(&format!("acme.{name}.example"), "A", 60, json!(["192.0.2.2", "192.0.2.1"])),
            &record(&format!("acme.{name}.example"), "A", 300, json!(["192.0.2.3"])),
        ),
        case(
            bench,
            "aws_route53_record",
            &record(&format!("*.acme.{name}.example"), "CNAME", 60, json!(["Target.example."])),
        ),
        case(bench, "aws_route53_record", &record("txt", "TXT", 60, json!(["v=spf1 -all", "a b"]))),
        case(bench, "aws_route53_record", &record("six", "AAAA", 60, json!(["2001:DB8::1"]))),
        case(bench, "aws_route53_record", &record("", "A", 60, json!(["192.0.2.7"]))),
    ]
}

/// Who may take a role on.
#[cfg(feature = "aws-iam")]
fn trust(service: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": format!("{service}.amazonaws.com")}}]})
    .to_string()
}

#[cfg(feature = "aws-iam")]
fn allow(action: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": [action], "Resource": "*"}})
        .to_string()
}

/// A role and a policy that are there.
#[cfg(feature = "aws-iam")]
async fn make_role(bench: &Bench, name: &str) {
    let there = format!("{name}-there");
    let role = json!({"name": there, "assume_role_policy": trust("eks")});
    bench.create("aws_iam_role", &bench.config("aws_iam_role", &role)).await.expect("a role");
    let policy = json!({"name": there, "policy": allow("s3:GetObject")});
    bench.create("aws_iam_policy", &bench.config("aws_iam_policy", &policy)).await.expect("a policy");
}

/// Each type of IAM.
#[cfg(feature = "aws-iam")]
fn roles(bench: &Bench, name: &str) -> Vec<Case> {
    let role = |service: &str, seconds: i64, tags: Json| {
        json!({"name": format!("{name}-role"), "assume_role_policy": trust(service), "description": "of a test",
            "max_session_duration": seconds, "tags": tags})
    };
    let policy =
        |action: &str| json!({"name": format!("{name}-policy"), "policy": allow(action), "tags": {"a": "1"}});
    let there = format!("{name}-there");
    let inline = |action: &str| json!({"role": there, "name": "own", "policy": allow(action)});
    vec![
        changing(
            bench,
            "aws_iam_role",
            &role("eks", 3600, json!({"a": "1", "b": "2"})),
            &role("ec2", 7200, json!({"a": "3"})),
        ),
        case(
            bench,
            "aws_iam_role",
            &json!({"name_prefix": "acme-", "assume_role_policy": trust("pods.eks")}),
        ),
        changing(bench, "aws_iam_policy", &policy("s3:GetObject"), &policy("s3:PutObject")),
        case(
            bench,
            "aws_iam_role_policy_attachment",
            &json!({"role": there, "policy_arn": format!("arn:aws:iam::123456789012:policy/{there}")}),
        ),
        changing(bench, "aws_iam_role_policy", &inline("s3:GetObject"), &inline("s3:ListBucket")),
    ]
}

fn make_bucket(name: &str) {
    let (status, said) = Aws::shared().ask("s3", "PUT", &format!("/{name}"), "");
    assert_eq!(status, 200, "{said}");
}

/// What lives beside the objects of cases: a bucket, a cluster, a zone.
async fn all(bench: &Bench, name: &str) -> Vec<Case> {
    make_bucket(name);
    make_cluster(bench, name).await;
    #[cfg(feature = "aws-iam")]
    make_role(bench, name).await;
    let config = bench.config("aws_route53_zone", &json!({"name": format!("{name}.example")}));
    let zone = bench.create("aws_route53_zone", &config).await.expect("a zone");
    let id = zone.get("zone_id").and_then(|id| id.as_str().map(str::to_owned)).expect("an id");
    cases(bench, name, &id)
}

fn cases(bench: &Bench, name: &str, zone: &str) -> Vec<Case> {
    let mut cases = buckets(bench, name);
    cases.extend(clusters(bench, name));
    cases.extend(zones(bench, zone, name));
    #[cfg(feature = "aws-iam")]
    cases.extend(roles(bench, name));
    cases
}

/// A viewer for the policy to be of, and a cluster for all.
async fn make_cluster(bench: &Bench, name: &str) {
    let cluster = json!({"name": name, "role_arn": ROLE, "version": "1.33", "vpc_config": [{"subnet_ids": ["subnet-a"]}]});
    let config = bench.config("aws_eks_cluster", &cluster);
    bench.create("aws_eks_cluster", &config).await.expect("a cluster");
    let entry = json!({"cluster_name": name, "principal_arn": "arn:aws:iam::123456789012:role/viewer"});
    let config = bench.config("aws_eks_access_entry", &entry);
    bench.create("aws_eks_access_entry", &config).await.expect("an entry");
}

#[tokio::test]
async fn every_type_conforms() {
    let bench = Bench::new();
    let cases = all(&bench, "conform").await;
    conformance::check(bench.provider.clone(), cases).await;
}

#[tokio::test]
async fn every_type_conforms_when_each_call_fails_once() {
    let cases = all(&Bench::new(), "failing-once").await;
    conformance::check_through(Trouble::Fails, service, cases).await;
}

#[tokio::test]
async fn every_type_conforms_when_each_call_is_throttled_once() {
    let cases = all(&Bench::new(), "throttled-once").await;
    conformance::check_through(Trouble::Throttled, service, cases).await;
}

#[tokio::test]
async fn every_type_conforms_when_each_call_hangs_once() {
    let cases = all(&Bench::new(), "hanging-once").await;
    conformance::check_through(Trouble::Hangs, service, cases).await;
}

#[tokio::test]
async fn every_type_conforms_when_each_answer_is_lost_once() {
    let cases = all(&Bench::new(), "losing-once").await;
    conformance::check_through(Trouble::AnswerLost, service, cases).await;
}

#[tokio::test]
async fn every_type_conforms_when_processes_are_killed() {
    let cases = all(&Bench::new(), "killed").await;
    conformance::check_killed(service, cases).await;
}

/// Every type there is: this also fails for a type without a case.
#[tokio::test]
async fn every_type_is_simulated_by_its_schema() {
    let bench = Bench::new();
    let cases = cases(&bench, "simulated", "Z0SIMULATED");
    let covered: BTreeSet<&str> = cases.iter().map(|case| case.kind.as_str()).collect();
    let provider = bench.provider.clone();
    let all = tenantctl_core::provider::Provider::schema(&*provider).resources.keys().copied();
    assert_eq!(all.collect::<Vec<_>>(), covered.iter().copied().collect::<Vec<_>>());
    common::simulated(provider, bench.provider_config.clone(), cases.clone()).await;
    assert!(bench.front.asked().is_empty(), "a simulated provider calls nobody");
}
