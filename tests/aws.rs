/// examples/saas-aws.
mod example;
/// A cluster and objects in it.
mod in_cluster;
/// What AWS refuses, and what is no AWS.
mod mistakes;

use std::process::Command;

use serde_json::{Value as Json, json};
use tenantctl_test_servers::{Aws, Front};

use crate::common::{Place, Said, said};

const KEY: &str = "AKIACANARYCANARY1234";
const SECRET: &str = "canary/secret+key/3f0c9f5e58a7";
const ROLE: &str = "arn:aws:iam::123456789012:role/nodes";

const PLATFORM: &str = r#"
platform "shop" {
  blueprint = "./blueprint"
  settings  = { endpoint = "ENDPOINT", zone_id = "ZONE", nodes = 1 }
}

tier "starter" {
  isolation = "namespace"
}

tier "business" {
  isolation = "node_pool"
  settings  = { nodes = 2 }
}

tenant "acme" {
  tier = "starter"
}

tenant "globex" {
  tier = "business"
}
"#;

const BLUEPRINT: &str = r#"
variable "tenant" { type = object({ name = string }) }
variable "tier" { type = object({ name = string, isolation = string }) }
variable "endpoint" { type = string }
variable "zone_id" { type = string }
variable "nodes" { type = number }

provider "aws" {
  region            = "eu-west-1"
  s3_use_path_style = true

  endpoints {
    eks     = var.endpoint
    route53 = var.endpoint
    s3      = var.endpoint
    sts     = var.endpoint
  }

  default_tags {
    tags = { tenant = var.tenant.name, tier = var.tier.name }
  }
}

data "aws_eks_cluster" "shared" {
  name = "whole"
}

resource "aws_s3_bucket" "data" {
  bucket        = "whole-${var.tenant.name}"
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "data" {
  bucket = aws_s3_bucket.data.bucket
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "data" {
  bucket                  = aws_s3_bucket.data.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_eks_node_group" "pool" {
  count           = var.tier.isolation == "node_pool" ? 1 : 0
  cluster_name    = data.aws_eks_cluster.shared.name
  node_group_name = var.tenant.name
  node_role_arn   = "ROLE"
  subnet_ids      = data.aws_eks_cluster.shared.vpc_config[0].subnet_ids
  labels          = { tenant = var.tenant.name }

  scaling_config {
    min_size     = 1
    desired_size = var.nodes
    max_size     = 5
  }

  taint {
    key    = "tenant"
    value  = var.tenant.name
    effect = "NO_SCHEDULE"
  }
}

resource "aws_route53_record" "web" {
  zone_id = var.zone_id
  name    = var.tenant.name
  type    = "CNAME"
  ttl     = 60
  records = ["ingress.example.com"]
}
"#;

fn ask(service: &str, method: &str, path: &str, body: &str) -> String {
    let (status, said) = Aws::shared().ask(service, method, path, body);
    assert!((200..300).contains(&status), "{method} {path}: {status} {said}");
    said
}

fn eks(method: &str, path: &str, body: &Json) -> Json {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    serde_json::from_str(&ask("eks", method, path, &body)).unwrap()
}

/// What all tenants share: a cluster and a zone, whose id it gives.
fn shared() -> String {
    let cluster = json!({
        "name": "whole", "version": "1.33", "roleArn": "arn:aws:iam::123456789012:role/eks",
        "resourcesVpcConfig": { "subnetIds": ["subnet-a", "subnet-b"] },
    });
    eks("POST", "/clusters", &cluster);
    while eks("GET", "/clusters/whole", &Json::Null)["cluster"]["status"] != "ACTIVE" {}
    let zone = "<CreateHostedZoneRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">\
        <Name>whole.example</Name><CallerReference>whole</CallerReference></CreateHostedZoneRequest>";
    let made = ask("route53", "POST", "/2013-04-01/hostedzone", zone);
    let id = made.split("<Id>/hostedzone/").nth(1).unwrap();
    id.split('<').next().unwrap().to_owned()
}

fn run(place: &Place, args: &[&str]) -> Said {
    let mut command: Command = place.command("aws", args);
    command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET);
    said(command.output().expect("the binary runs"))
}

fn ok(place: &Place, args: &[&str]) -> Said {
    let said = run(place, args);
    assert_eq!(said.code, 0, "{args:?}\n{}\n{}", said.stdout, said.stderr);
    said
}

fn write(place: &Place, front: &Front, zone: &str) {
    let platform = PLATFORM.replace("ENDPOINT", front.endpoint()).replace("ZONE", zone);
    place.write("aws", "main.hcl", &platform);
    place.write("aws", "blueprint/main.tf", &BLUEPRINT.replace("ROLE", ROLE));
}

/// No key shows anywhere, on disk or in what was said.
fn no_canary(place: &Place, all: &[Said]) {
    let told = all.iter().flat_map(|said| [said.stdout.as_bytes(), said.stderr.as_bytes()]);
    let files = place.files();
    for bytes in told.chain(files.iter().map(|(_, bytes)| bytes.as_slice())) {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains(KEY) && !text.contains(SECRET), "a key shows");
    }
}

#[test]
fn tenants_come_change_and_go() {
    let place = Place::new();
    let (front, zone) = (Aws::shared().plain_front(), shared());
    write(&place, &front, &zone);
    let mut all = Vec::new();

    all.push(ok(&place, &["plan"]));
    let said = ok(&place, &["apply", "-auto-approve"]);
    assert!(said.stdout.contains("9 added, 0 changed, 0 destroyed"), "{}", said.stdout);
    all.push(said);
    let said = run(&place, &["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "the second plan is not empty:\n{}\n{}", said.stdout, said.stderr);
    all.push(said);

    let records = format!("/2013-04-01/hostedzone/{zone}/rrset");
    assert!(ask("route53", "GET", &records, "").contains("acme.whole.example"));
    assert!(ask("s3", "GET", "/whole-acme?tagging", "").contains("starter"));
    let pool = eks("GET", "/clusters/whole/node-groups/globex", &Json::Null);
    assert_eq!(pool["nodegroup"]["scalingConfig"]["desiredSize"], 2);
    assert_eq!(pool["nodegroup"]["tags"]["tenant"], "globex");

    // A larger pool, and a tag of one that somebody changed.
    place.edit("aws", "main.hcl", "nodes = 2", "nodes = 3");
    ask("s3", "PUT", "/whole-acme?tagging", "<Tagging><TagSet></TagSet></Tagging>");
    let said = run(&place, &["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 2, "{}\n{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("0 to add, 2 to change, 0 to destroy"), "{}", said.stdout);
    all.push(said);
    all.push(ok(&place, &["apply", "-auto-approve"]));
    let pool = eks("GET", "/clusters/whole/node-groups/globex", &Json::Null);
    assert_eq!(pool["nodegroup"]["scalingConfig"]["desiredSize"], 3);
    let tags = ask("s3", "GET", "/whole-acme?tagging", "");
    assert!(tags.contains("starter") && tags.contains("tenantctl:workspace"), "{tags}");
    assert_eq!(run(&place, &["plan", "-detailed-exitcode"]).code, 0);

    // What is in a bucket goes with it, since that was said.
    ask("s3", "PUT", "/whole-acme/ledger.csv", "1,2,3");
    let said = ok(&place, &["destroy", "-auto-approve"]);
    assert!(said.stdout.contains("9 destroyed"), "{}", said.stdout);
    all.push(said);
    assert!(!ask("s3", "GET", "/", "").contains("whole-"), "buckets are left");
    assert_eq!(eks("GET", "/clusters/whole/node-groups", &Json::Null)["nodegroups"], json!([]));
    assert!(!ask("route53", "GET", &records, "").contains("CNAME"), "records are left");
    no_canary(&place, &all);
}

#[test]
fn keys_in_the_provider_block_are_sealed() {
    let place = Place::new();
    let front = Aws::shared().plain_front();
    let root = format!(
        r#"
variable "secret" {{
  type      = string
  sensitive = true
}}

provider "aws" {{
  region            = "eu-west-1"
  access_key        = "{KEY}"
  secret_key        = var.secret
  s3_use_path_style = true
  endpoints {{
    s3 = "{}"
  }}
}}

resource "aws_s3_bucket" "sealed" {{
  bucket = "sealed-keys"
}}
"#,
        front.endpoint()
    );
    place.write("aws", "main.tf", &root);
    let run = |args: &[&str]| {
        let mut command = place.command("aws", args);
        command.env("TF_VAR_secret", SECRET);
        said(command.output().expect("the binary runs"))
    };
    let mut all = vec![run(&["apply", "-auto-approve"])];
    assert_eq!(all[0].code, 0, "{}", all[0].stderr);
    all.push(run(&["state", "pull"]));
    all.push(run(&["show", "-json"]));
    // The configuration itself has the one; nothing else may.
    place.write("aws", "main.tf", "");
    all.push(run(&["destroy", "-auto-approve"]));
    assert_eq!(all[3].code, 0, "it is removed with the connection that was kept: {}", all[3].stderr);
    assert!(!ask("s3", "GET", "/", "").contains("sealed-keys"));
    no_canary(&place, &all);
}
