//! examples/saas-azure, from nothing to nothing on the stand-in, with a real
//! API server behind its clusters.

/// Logging in without a secret.
mod login;

use std::process::Command;

use serde_json::Value as Json;
use tenantctl_test_servers::{Azure, Cluster, Front};

use crate::common::{Place, Said, said};

const EXAMPLE: &str = "saas-azure";
const LICENSE: &str = "canary-license-4f1c";
const GROUPS: &str = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups";

/// A subscription of its own, and how it is reached.
struct Bench {
    azure: Azure,
    front: Front,
    place: Place,
}

impl Bench {
    fn new() -> Self {
        let azure = Azure::start();
        let text = std::fs::read_to_string(Cluster::shared().kubeconfig()).expect("a kubeconfig");
        azure.set_kubeconfig(&text);
        let (front, place) = (azure.plain_front(), Place::new());
        std::fs::write(place.example(EXAMPLE).join("../ca.pem"), azure.authority()).expect("written");
        Bench { azure, front, place }
    }

    fn run(&self, args: &[&str]) -> Said {
        let mut command: Command = self.place.command(EXAMPLE, args);
        command
            .env("ARM_SUBSCRIPTION_ID", Azure::SUBSCRIPTION)
            .env("ARM_TENANT_ID", Azure::TENANT)
            .env("ARM_CLIENT_ID", Azure::CLIENT)
            .env("ARM_CLIENT_SECRET", Azure::SECRET)
            .env("ARM_METADATA_HOSTNAME", self.front.host())
            .env("ARM_USE_CLI", "false")
            .env("SSL_CERT_FILE", self.place.example(EXAMPLE).join("../ca.pem"))
            .env("TF_VAR_directory", Azure::TENANT)
            .env("TF_VAR_license", LICENSE);
        said(command.output().expect("the binary runs"))
    }

    fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{args:?}\n{}\n{}", said.stdout, said.stderr);
        said
    }

    fn ask(&self, path: &str, api: &str) -> Json {
        let (status, body) =
            self.azure.ask("GET", &format!("{GROUPS}/{path}?api-version={api}"), &Json::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// No secret shows anywhere, on disk or in what was said.
    fn no_canary(&self, all: &[Said]) {
        let kubeconfig = std::fs::read_to_string(Cluster::shared().kubeconfig()).expect("a kubeconfig");
        let config: Json = serde_json::from_str(&kubeconfig).expect("JSON");
        let user = &config["users"][0]["user"];
        let key = user["client-key-data"].as_str().or_else(|| user["token"].as_str()).expect("credentials");
        let secrets = [Azure::SECRET, Azure::TOKEN, LICENSE, key];
        let told = all.iter().flat_map(|said| [said.stdout.as_bytes(), said.stderr.as_bytes()]);
        let files = self.place.files();
        let told = told.map(|bytes| ("what was said".to_owned(), bytes));
        let files = files.iter().map(|(path, bytes)| (path.display().to_string(), bytes.as_slice()));
        for (place, bytes) in told.chain(files) {
            let text = String::from_utf8_lossy(bytes);
            for secret in secrets {
                assert!(!text.contains(secret), "{} shows in {place}", &secret[..12]);
            }
        }
    }
}

fn namespace(name: &str) -> Option<String> {
    let output = Cluster::shared().kubectl(&["get", "namespace", name, "-o", "name"]);
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

const CLUSTERS: &str = "providers/Microsoft.ContainerService/managedClusters";

#[test]
fn three_tiers_come_change_and_go() {
    let bench = Bench::new();
    let mut all = vec![bench.ok(&["apply", "-auto-approve"])];
    let said = bench.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "the second plan is not empty:\n{}\n{}", said.stdout, said.stderr);
    all.push(said);

    let pool = bench.ask(&format!("shop-shared/{CLUSTERS}/shop-shared/agentPools/globex"), "2025-07-01");
    assert_eq!(pool["properties"]["count"], 2);
    assert_eq!(pool["properties"]["tags"]["tier"], "business");
    let own = bench.ask(&format!("shop-hooli/{CLUSTERS}/shop-hooli"), "2025-07-01");
    assert_eq!(own["properties"]["agentPoolProfiles"][0]["count"], 3);
    for tenant in ["acme", "globex", "hooli"] {
        let name = format!("shop-{tenant}");
        assert!(namespace(&name).is_some(), "{name} has no namespace");
        let record = bench.ask(
            &format!("shop-shared/providers/Microsoft.Network/dnsZones/shop.example.com/A/{tenant}"),
            "2018-05-01",
        );
        assert_eq!(record["properties"]["fqdn"], format!("{tenant}.shop.example.com."));
    }
    let secrets = bench.azure.listing().iter().filter(|id| id.starts_with("secret ")).count();
    assert_eq!(secrets, 3);

    // More nodes for the tier, and a pool that somebody changed.
    bench.place.edit(EXAMPLE, "main.hcl", "nodes = 2", "nodes = 4");
    let said = bench.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 2, "{}\n{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("0 to add, 1 to change, 0 to destroy"), "{}", said.stdout);
    all.push(said);
    all.push(bench.ok(&["apply", "-auto-approve"]));
    let pool = bench.ask(&format!("shop-shared/{CLUSTERS}/shop-shared/agentPools/globex"), "2025-07-01");
    assert_eq!(pool["properties"]["count"], 4);
    assert_eq!(bench.run(&["plan", "-detailed-exitcode"]).code, 0);

    all.push(bench.ok(&["destroy", "-auto-approve"]));
    assert_eq!(bench.azure.listing(), Vec::<String>::new(), "something is left");
    for tenant in ["acme", "globex", "hooli"] {
        assert_eq!(namespace(&format!("shop-{tenant}")), None);
    }
    bench.no_canary(&all);
}

/// Without Azure, and without a word to it.
#[test]
fn the_example_is_simulated_as_well() {
    let place = Place::new();
    place.edit(EXAMPLE, "main.hcl", "# simulate = ", "simulate = ");
    let run = |args: &[&str]| {
        let mut command = place.command(EXAMPLE, args);
        command.env("ARM_SUBSCRIPTION_ID", "00000000-0000-4000-8000-000000000009");
        command.env("TF_VAR_directory", "00000000-0000-4000-8000-000000000001");
        said(command.env("TF_VAR_license", "licence-4711").output().expect("the binary runs"))
    };
    for args in [&["apply", "-auto-approve"][..], &["plan", "-detailed-exitcode"]] {
        let said = run(args);
        assert_eq!(said.code, 0, "{args:?}\n{}\n{}", said.stdout, said.stderr);
    }
    let gone = run(&["destroy", "-auto-approve", "-ignore-guard"]);
    assert_eq!(gone.code, 0, "{}\n{}", gone.stdout, gone.stderr);
}
