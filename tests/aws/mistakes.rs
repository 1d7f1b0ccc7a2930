//! What AWS, or nobody, answers well: said at the line that it is about, in
//! AWS's own words with the id of the request; the rest of the fleet goes on.

use tenantctl_test_servers::{Aws, Cluster, FrontCall, FrontFate};

use super::{KEY, SECRET, ask, no_canary};
use crate::common::{Place, Said, said};

/// The id that the stand-in gives to what it refuses.
const REQUEST: &str = "request test-request-1";

/// A fleet of two whose buckets begin with a name of the test's own.
fn fleet(name: &str, endpoint: &str, provider: &str, more: &str) -> Place {
    let place = Place::new();
    let platform = "platform \"shop\" {\n  blueprint = \"./blueprint\"\n}\n\ntier \"starter\" {\n  isolation = \
                    \"namespace\"\n}\n\ntenant \"acme\" {\n  tier = \"starter\"\n}\n\ntenant \"globex\" {\n  tier = \"starter\"\n}\n";
    let blueprint = format!(
        r#"variable "tenant" {{ type = object({{ name = string }}) }}

provider "aws" {{
  region            = "eu-west-1"
  s3_use_path_style = true
  {provider}
  endpoints {{
    eks = "{endpoint}"
    s3  = "{endpoint}"
    sts = "{endpoint}"
  }}
}}

resource "aws_s3_bucket" "data" {{
  bucket = "{name}-${{var.tenant.name}}"
  {more}
}}
"#
    );
    place.write("aws", "main.hcl", platform);
    place.write("aws", "blueprint/main.tf", &blueprint);
    place
}

fn run_as(place: &Place, keys: bool, args: &[&str]) -> Said {
    let mut command = place.command("aws", args);
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    if keys {
        command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET);
    }
    said(command.output().expect("the binary runs"))
}

/// What was said, however it was folded.
fn words(said: &Said) -> String {
    let frame = |word: &&str| !["|", "="].contains(word);
    said.stderr.split_whitespace().filter(frame).collect::<Vec<_>>().join(" ")
}

fn says(said: &Said, parts: &[&str]) {
    let words = words(said);
    assert_eq!(said.code, 1, "{}\n{}", said.stdout, said.stderr);
    for part in parts {
        assert!(words.contains(part), "it does not say {part:?}:\n{}\n{}", said.stdout, said.stderr);
    }
}

/// An apply in which the calls for acme's bucket are refused.
fn refused(name: &'static str, status: u16, code: &'static str) -> (Place, Said) {
    let front =
        Aws::shared().front(move |call: &FrontCall| match call.path.contains(&format!("{name}-acme")) {
            true => FrontFate::Refuse { status, code },
            false => FrontFate::Pass,
        });
    let place = fleet(name, front.endpoint(), "", "");
    let said = run_as(&place, true, &["apply", "-auto-approve"]);
    assert!(ask("s3", "GET", "/", "").contains(&format!("{name}-globex")), "the other tenant goes on");
    (place, said)
}

#[test]
fn what_aws_refuses_is_said_with_its_request() {
    let cases = [
        (
            "mistake-expired",
            403,
            "ExpiredToken",
            "Access denied by AWS",
            "The credentials have expired: log in again.",
        ),
        (
            "mistake-unknown",
            403,
            "InvalidAccessKeyId",
            "Access denied by AWS",
            "check access key, profile and account",
        ),
        ("mistake-region", 301, "PermanentRedirect", "Wrong region", "mistake-region-acme"),
        ("mistake-quota", 400, "TooManyBuckets", "Quota exceeded", "Ask for a higher quota"),
        ("mistake-taken", 409, "BucketAlreadyExists", "Object already exists", "mistake-taken-acme"),
    ];
    for (name, status, code, summary, more) in cases {
        let (place, said) = refused(name, status, code);
        says(&said, &[summary, more, code, REQUEST, "blueprint/main.tf:14", "acme:aws_s3_bucket.data"]);
        no_canary(&place, &[said]);
    }
}

#[test]
fn missing_credentials_and_another_account_are_said_once() {
    let front = Aws::shared().plain_front();
    let place = fleet("mistake-nobody", front.endpoint(), "", "");
    let said = run_as(&place, false, &["apply", "-auto-approve"]);
    let tried = "environment, the shared profile, web identity, container and instance metadata";
    says(&said, &["AWS credentials not found", tried, "AWS_PROFILE"]);
    assert_eq!(words(&said).matches("AWS credentials not found").count(), 1, "{}", said.stderr);
    let wrong = "allowed_account_ids = [\"111111111111\"]";
    let place = fleet("mistake-account", front.endpoint(), wrong, "");
    let said = run_as(&place, true, &["apply", "-auto-approve"]);
    says(&said, &["Wrong AWS account", "123456789012", "allows 111111111111"]);
    assert!(!ask("s3", "GET", "/", "").contains("mistake-account"));
}

#[test]
fn what_the_services_rules_refuse_is_refused_at_plan() {
    let front = Aws::shared().plain_front();
    let cluster = |body: &str| {
        format!(
            "}}\n\nresource \"aws_eks_cluster\" \"c\" {{\n  role_arn = \"arn:aws:iam::123456789012:role/eks\"\n  \
             vpc_config {{\n    subnet_ids = [\"subnet-a\"]\n  }}\n{body}"
        )
    };
    let cases = [
        ("acl = \"private\"".to_owned(), vec!["Unsupported argument", "acl", "blueprint/main.tf:16"]),
        ("tags = { \"aws:x\" = \"1\" }".to_owned(), vec!["Invalid tag", "aws:x", "blueprint/main.tf:16"]),
        (cluster("  name = \"bad name!\"\n"), vec!["Invalid name", "bad name!", "blueprint/main.tf:23"]),
        (
            cluster("  name = \"good\"\n  version = \"latest\"\n"),
            vec!["Invalid version", "latest", "blueprint/main.tf:24"],
        ),
    ];
    for (more, parts) in cases {
        let place = fleet("mistake-plan", front.endpoint(), "", &more);
        says(&run_as(&place, true, &["plan"]), &parts);
    }
    assert!(front.asked().is_empty(), "nobody was asked");
}

#[test]
fn a_version_back_and_an_object_that_vanished_are_said_at_their_line() {
    let front = Aws::shared().front(|call| match call.path.as_str() {
        // Gone between the plan and the change.
        "/clusters/mistakes/update-config" => {
            FrontFate::Refuse { status: 404, code: "ResourceNotFoundException" }
        }
        _ => FrontFate::Pass,
    });
    let root = |version: &str, more: &str| {
        format!(
            "provider \"aws\" {{\n  region = \"eu-west-1\"\n  endpoints {{\n    eks = \"{}\"\n  }}\n}}\n\n\
             resource \"aws_eks_cluster\" \"c\" {{\n  name     = \"mistakes\"\n  role_arn = \"arn:aws:iam::123456789012:role/eks\"\n  \
             version  = \"{version}\"\n  {more}\n  vpc_config {{\n    subnet_ids = [\"subnet-a\"]\n  }}\n}}\n",
            front.endpoint()
        )
    };
    let place = Place::new();
    place.write("aws", "main.tf", &root("1.33", ""));
    let said = run_as(&place, true, &["apply", "-auto-approve"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    place.write("aws", "main.tf", &root("1.32", ""));
    says(&run_as(&place, true, &["plan"]), &["Version downgrade", "no way back to 1.32", "main.tf:11"]);
    place.write("aws", "main.tf", &root("1.33", "enabled_cluster_log_types = [\"api\"]"));
    let said = run_as(&place, true, &["apply", "-auto-approve"]);
    says(&said, &["Not found in AWS", "ResourceNotFoundException", REQUEST, "main.tf:8"]);
    place.write("aws", "main.tf", &root("1.33", ""));
    assert_eq!(run_as(&place, true, &["destroy", "-auto-approve"]).code, 0);
}

#[test]
fn an_endpoint_with_a_wrong_certificate_is_not_talked_to() {
    // A real server, whose certificate no public authority has signed.
    let place = fleet("mistake-certificate", Cluster::shared().endpoint(), "", "");
    let said = run_as(&place, true, &["apply", "-auto-approve"]);
    says(
        &said,
        &[
            "Certificate of AWS not trusted",
            "certificate",
            "Check the endpoint's address",
            "blueprint/main.tf:14",
        ],
    );
    no_canary(&place, &[said]);
}
