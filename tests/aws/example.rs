//! examples/saas-aws, as it stands, on an account of its own.

use std::process::Command;

use serde_json::{Value as Json, json};
use tenantctl_test_servers::{Aws, Cluster, Fate, Front, Proxy};

use super::{KEY, SECRET, no_canary};
use crate::common::{Place, Said, said};

const EXAMPLE: &str = "saas-aws";
const TENANTS: [&str; 3] = ["acme", "globex", "hooli"];

/// An account in which nothing is but what the example makes.
struct Account {
    place: Place,
    aws: Aws,
    front: Front,
    _api: Proxy,
}

impl Account {
    fn new() -> Self {
        let (place, aws) = (Place::new(), Aws::start());
        let front = aws.plain_front();
        let api = Cluster::shared().proxy_by(|asked| match asked.token.starts_with("k8s-aws-v1.") {
            true => Fate::Pass,
            false => Fate::Refuse { code: 401, retry_after: None },
        });
        for cluster in ["shop-shared", "shop-hooli"] {
            aws.serve_cluster(cluster, api.endpoint(), Cluster::shared().ca_pem());
        }
        Account { place, aws, front, _api: api }
    }

    fn run(&self, args: &[&str]) -> Said {
        let mut command: Command = self.place.command(EXAMPLE, args);
        command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET);
        command.env("AWS_ENDPOINT_URL", self.front.endpoint());
        said(command.output().expect("the binary runs"))
    }

    fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{args:?}\n{}\n{}", said.stdout, said.stderr);
        said
    }

    fn ask(&self, service: &str, path: &str) -> String {
        let (status, said) = self.aws.ask(service, "GET", path, "");
        assert!((200..300).contains(&status), "{path}: {status} {said}");
        said
    }

    fn eks(&self, path: &str) -> Json {
        serde_json::from_str(&self.ask("eks", path)).expect("JSON")
    }

    /// What the account has: clusters with their node groups, buckets, zones.
    fn listing(&self) -> (Vec<String>, usize, usize) {
        let clusters = self.eks("/clusters")["clusters"].clone();
        let mut found = Vec::new();
        for cluster in clusters.as_array().into_iter().flatten().filter_map(Json::as_str) {
            let groups = self.eks(&format!("/clusters/{cluster}/node-groups"))["nodegroups"].clone();
            found.push(format!("{cluster} {groups}"));
        }
        let buckets = self.ask("s3", "/").matches("<Bucket>").count();
        let zones = self.ask("route53", "/2013-04-01/hostedzone").matches("<HostedZone>").count();
        (found, buckets, zones)
    }

    fn nodes(&self) -> Json {
        self.eks("/clusters/shop-shared/node-groups/globex")["nodegroup"]["scalingConfig"]["desiredSize"]
            .clone()
    }
}

fn config_map(tenant: &str) -> Option<Json> {
    let namespace = format!("shop-{tenant}");
    let output = Cluster::shared().kubectl(&["get", "configmap", "shop", "-n", &namespace, "-o", "json"]);
    serde_json::from_slice(&output.stdout).ok()
}

#[test]
fn three_tenants_come_from_nothing_change_and_leave_nothing() {
    let account = Account::new();
    let mut all = vec![account.ok(&["plan"])];
    all.push(account.ok(&["apply", "-auto-approve"]));
    let said = account.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "the second plan is not empty:\n{}\n{}", said.stdout, said.stderr);
    all.push(said);
    let clusters =
        vec![r#"shop-hooli ["hooli"]"#.to_owned(), r#"shop-shared ["globex","shared"]"#.to_owned()];
    assert_eq!(account.listing(), (clusters, 3, 1));
    for tenant in TENANTS {
        let data = config_map(tenant).expect("it is in the cluster")["data"].clone();
        let host = format!("{tenant}.shop.example.com");
        assert_eq!(data, json!({ "bucket": format!("shop-production-{tenant}"), "host": host }));
        let tags = account.ask("s3", &format!("/shop-production-{tenant}?tagging"));
        assert!(
            tags.contains("<Value>shop</Value>") && tags.contains(&format!("<Value>{tenant}</Value>")),
            "{tags}"
        );
    }

    // A larger pool for a whole tier.
    assert_eq!(account.nodes(), 2);
    account.place.edit(
        EXAMPLE,
        "main.hcl",
        "machine = \"m7g.large\", nodes = 2",
        "machine = \"m7g.large\", nodes = 3",
    );
    let said = account.run(&["plan", "-detailed-exitcode"]);
    assert!(said.code == 2 && said.stdout.contains("0 to add, 1 to change, 0 to destroy"), "{}", said.stdout);
    all.push(said);
    all.push(account.ok(&["apply", "-auto-approve"]));
    assert_eq!(account.nodes(), 3);
    assert_eq!(account.run(&["plan", "-detailed-exitcode"]).code, 0);

    all.push(account.ok(&["destroy", "-auto-approve", "-ignore-guard"]));
    assert_eq!(account.listing(), (vec![], 0, 0), "something is left");
    assert!(TENANTS.iter().all(|tenant| config_map(tenant).is_none()));
    no_canary(&account.place, &all);
}

#[test]
fn the_example_is_simulated_as_well() {
    let place = Place::new();
    place.edit(EXAMPLE, "main.hcl", "# simulate = ", "simulate = ");
    place.ok(EXAMPLE, &["apply", "-auto-approve"]);
    let said = place.run(EXAMPLE, &["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
    place.ok(EXAMPLE, &["destroy", "-auto-approve", "-ignore-guard"]);
}
