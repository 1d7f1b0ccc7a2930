use std::sync::Arc;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::Value;
use tenantctl_providers::conformance::{self, Case};
use tenantctl_providers::simulated::{Cloud, Sealer, Simulated};
use tenantctl_test_servers::Aws;

use crate::bench::{Bench, REGION, WORKSPACE};

fn value(json: &Json) -> Value {
    Value::from_plain_json(json)
}

fn case(bench: &Bench, kind: &str, config: &Json) -> Case {
    Case::new(kind, value(config)).provider_config(bench.provider_config.clone()).workspace(WORKSPACE)
}

fn changing(bench: &Bench, kind: &str, config: &Json, changed: &Json) -> Case {
    case(bench, kind, config).changed(value(changed))
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
        ),
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
        ),
    ]
}

/// Each type of Route 53, in a zone that is there.
fn zones(bench: &Bench, zone: &str) -> Vec<Case> {
    let own = |comment: &str, tags: Json| json!({"name": "own.example", "comment": comment, "tags": tags});
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
            &record("acme", "A", 60, json!(["192.0.2.2", "192.0.2.1"])),
            &record("acme", "A", 300, json!(["192.0.2.3"])),
        ),
        case(
            bench,
            "aws_route53_record",
            &record("*.acme.conform.example", "CNAME", 60, json!(["Target.example."])),
        ),
        case(bench, "aws_route53_record", &record("txt", "TXT", 60, json!(["v=spf1 -all", "a b"]))),
        case(bench, "aws_route53_record", &record("six", "AAAA", 60, json!(["2001:DB8::1"]))),
    ]
}

fn make_bucket(name: &str) {
    let (status, said) = Aws::shared().ask("s3", "PUT", &format!("/{name}"), "");
    assert_eq!(status, 200, "{said}");
}

#[tokio::test]
async fn types_of_s3_conform() {
    let bench = Bench::new();
    make_bucket("conform");
    conformance::check(bench.provider.clone(), buckets(&bench, "conform")).await;
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
async fn types_of_eks_conform() {
    let bench = Bench::new();
    make_cluster(&bench, "conform").await;
    conformance::check(bench.provider.clone(), clusters(&bench, "conform")).await;
}

#[tokio::test]
async fn types_of_route53_conform() {
    let bench = Bench::new();
    let config = bench.config("aws_route53_zone", &json!({"name": "conform.example"}));
    let zone = bench.create("aws_route53_zone", &config).await.expect("a zone");
    let id = zone.get("zone_id").and_then(|id| id.as_str().map(str::to_owned)).expect("an id");
    conformance::check(bench.provider.clone(), zones(&bench, &id)).await;
}

struct Open;

impl Sealer for Open {
    fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, String> {
        Ok(plain.to_vec())
    }

    fn unseal(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        Ok(sealed.to_vec())
    }
}

/// Every type there is: this also fails for a type without a case.
#[tokio::test]
async fn every_type_is_simulated_by_its_schema() {
    let bench = Bench::new();
    let dir = tempfile::tempdir().expect("a folder");
    let cloud = Arc::new(Cloud::open(dir.path(), Arc::new(Open)).expect("opens"));
    let mut cases = buckets(&bench, "simulated");
    cases.extend(clusters(&bench, "simulated"));
    cases.extend(zones(&bench, "Z0SIMULATED"));
    let covered: std::collections::BTreeSet<&str> = cases.iter().map(|case| case.kind.as_str()).collect();
    let provider = bench.provider.clone();
    let all = tenantctl_core::provider::Provider::schema(&*provider).resources.keys().copied();
    assert_eq!(all.collect::<Vec<_>>(), covered.iter().copied().collect::<Vec<_>>());
    conformance::check(Arc::new(Simulated::new(provider, cloud)), cases.clone()).await;
    assert!(bench.front.asked().is_empty(), "a simulated provider calls nobody");
}
