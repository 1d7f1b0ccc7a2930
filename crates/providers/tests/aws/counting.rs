//! What a refresh of a fleet costs: 500 workspaces with one object each, read
//! as the engine reads them, each by itself and many at a time.

use serde_json::json;
use tenantctl_core::provider::{Provider as _, Value};
use tenantctl_test_servers::Aws;

use crate::bench::Bench;

const TENANTS: usize = 500;
/// Records of a page.
const PAGE: usize = 300;

fn ask(service: &str, method: &str, path: &str, body: &str) -> String {
    let (status, said) = Aws::shared().ask(service, method, path, body);
    assert!((200..300).contains(&status), "{method} {path}: {status} {said}");
    said
}

#[tokio::test]
async fn records_cost_pages_of_their_zone() {
    let bench = Bench::new();
    let config = bench.config("aws_route53_zone", &json!({"name": "counted.example"}));
    let zone = bench.create("aws_route53_zone", &config).await.expect("a zone");
    let id = zone.get("zone_id").and_then(|id| id.as_str().map(str::to_owned)).expect("an id");
    let change = |i: usize| {
        format!(
            "<Change><Action>CREATE</Action><ResourceRecordSet><Name>t{i:03}.counted.example</Name><Type>CNAME</Type>\
             <TTL>60</TTL><ResourceRecords><ResourceRecord><Value>ingress.example.</Value></ResourceRecord>\
             </ResourceRecords></ResourceRecordSet></Change>"
        )
    };
    let body = format!(
        "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch>\
         <Changes>{}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
        (0..TENANTS).map(change).collect::<String>()
    );
    ask("route53", "POST", &format!("/2013-04-01/hostedzone/{id}/rrset/"), &body);
    let block = &bench.provider.schema().resources["aws_route53_record"].block;
    let record = |i: usize| {
        let name = format!("t{i:03}.counted.example");
        let given = json!({"zone_id": id, "name": name, "fqdn": name, "type": "CNAME", "ttl": 60,
            "records": ["ingress.example"], "id": format!("{id}_{name}_CNAME"), "region": "eu-west-1"});
        crate::common::complete(block, &given)
    };
    let records: Vec<Value> = (0..TENANTS).map(record).collect();
    let calls = bench.refresh_of_many("aws_route53_record", &records).await;
    // Those of the zone itself are on the pages as well.
    assert_eq!(calls, (TENANTS + 2).div_ceil(PAGE));
}

/// S3 lists buckets without their tags, and EKS node groups by name alone: each
/// costs a call.
#[tokio::test]
async fn buckets_and_node_groups_cost_a_call_each() {
    let bench = Bench::new();
    for i in 0..TENANTS {
        ask("s3", "PUT", &format!("/counted-{i:03}"), "");
    }
    let bucket = |i: usize| bench.config("aws_s3_bucket", &json!({"bucket": format!("counted-{i:03}")}));
    let buckets: Vec<Value> = (0..TENANTS).map(bucket).collect();
    let calls = bench.refresh_of_many("aws_s3_bucket", &buckets).await;
    assert_eq!(calls, TENANTS);

    let cluster = json!({"name": "counted", "roleArn": "arn:aws:iam::123456789012:role/eks",
        "resourcesVpcConfig": {"subnetIds": ["subnet-a"]}});
    ask("eks", "POST", "/clusters", &cluster.to_string());
    while !ask("eks", "GET", "/clusters/counted", "").contains("\"ACTIVE\"") {}
    for i in 0..TENANTS {
        let group = json!({"nodegroupName": format!("t{i:03}"), "nodeRole": "arn:aws:iam::123456789012:role/n",
            "subnets": ["subnet-a"], "scalingConfig": {"minSize": 0, "maxSize": 1, "desiredSize": 0}});
        ask("eks", "POST", "/clusters/counted/node-groups", &group.to_string());
    }
    let group = |i: usize| {
        let given = json!({"cluster_name": "counted", "node_group_name": format!("t{i:03}"),
            "node_role_arn": "arn:aws:iam::123456789012:role/n", "subnet_ids": ["subnet-a"]});
        bench.config("aws_eks_node_group", &given)
    };
    let groups: Vec<Value> = (0..TENANTS).map(group).collect();
    let calls = bench.refresh_of_many("aws_eks_node_group", &groups).await;
    assert_eq!(calls, TENANTS);
}
