//! A cluster that goes away while a fleet is applied, and comes back.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tenantctl_test_servers::Cluster;

use crate::common::Place;

/// A way to the cluster that breaks off after so many bytes were sent to it.
struct Way {
    address: SocketAddr,
    left: Arc<AtomicI64>,
}

impl Way {
    fn to(endpoint: &str, bytes: i64) -> Self {
        let to: SocketAddr = endpoint.trim_start_matches("https://").parse().expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let left = Arc::new(AtomicI64::new(bytes));
        let way = Way { address, left: left.clone() };
        std::thread::spawn(move || {
            let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(to) else { return };
                let both = [&client, &server].map(|stream| stream.try_clone().expect("a stream"));
                open.lock().unwrap_or_else(PoisonError::into_inner).extend(both);
                let (mut back_from, mut back_to) =
                    (server.try_clone().expect("a stream"), client.try_clone().expect("a stream"));
                std::thread::spawn(move || std::io::copy(&mut back_from, &mut back_to));
                let (left, open) = (left.clone(), open.clone());
                std::thread::spawn(move || pass(client, server, &left, &open));
            }
        });
        way
    }

    fn comes_back(&self) {
        self.left.store(i64::MAX, Ordering::SeqCst);
    }
}

fn pass(mut client: TcpStream, mut server: TcpStream, left: &AtomicI64, open: &Mutex<Vec<TcpStream>>) {
    let mut bytes = [0; 1024];
    while let Ok(number @ 1..) = client.read(&mut bytes) {
        if left.fetch_sub(i64::try_from(number).expect("small"), Ordering::SeqCst) < 0 {
            // Nobody gets through any more, nor an answer to what was sent.
            for stream in open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
            return;
        }
        if server.write_all(&bytes[..number]).is_err() {
            return;
        }
    }
}

/// Tenants of the cluster that is there are done, each of the others says why
/// not, and a run with both there does the rest.
#[test]
fn a_cluster_that_goes_away_keeps_no_other_waiting() {
    let place = Place::new();
    let kubeconfig = std::fs::read_to_string(Cluster::shared().kubeconfig()).expect("readable");
    let endpoint = Cluster::shared().endpoint();
    // Less than any one tenant needs.
    let way = Way::to(endpoint, 12_000);
    assert!(kubeconfig.contains(endpoint), "{endpoint}");
    place.write("away", "eu.kubeconfig", &kubeconfig);
    let through = format!("https://{}", way.address);
    place.write("away", "us.kubeconfig", &kubeconfig.replace(endpoint, &through));
    let files = ["eu", "us"].map(|name| place.example("away").join(format!("{name}.kubeconfig")));
    let environment = |name, file: &std::path::Path| {
        format!("environment \"{name}\" {{\n  cluster = {{ config_path = {file:?} }}\n}}\n")
    };
    let tenants: String = (0..8)
        .map(|i| {
            let at = if i % 2 == 0 { "eu" } else { "us" };
            format!("tenant \"away{i}\" {{\n  tier = \"t\"\n  environments = [\"{at}\"]\n}}\n")
        })
        .collect();
    let platform = "platform \"p\" {\n  blueprint = \"./b\"\n}\ntier \"t\" {}\n";
    let main = format!("{platform}{}{}{tenants}", environment("eu", &files[0]), environment("us", &files[1]));
    place.write("away", "main.hcl", &main);
    place.write(
        "away",
        "b/main.tf",
        r#"
variable "tenant" {}
variable "environment" {}
resource "kubernetes_manifest" "namespace" {
  cluster  = var.environment.cluster
  manifest = { apiVersion = "v1", kind = "Namespace", metadata = { name = var.tenant.name } }
}
resource "kubernetes_manifest" "map" {
  count    = 20
  cluster  = var.environment.cluster
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "map-${count.index}", namespace = kubernetes_manifest.namespace.manifest.metadata.name }
    data       = { fill = join("", [for i in range(100) : "0123456789"]) }
  }
}
"#,
    );
    let said = place.run("away", &["apply", "-auto-approve", "-report=run.json"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(
        said.stderr.contains(&through) && !said.stderr.contains(&format!("{endpoint} ")),
        "{}",
        said.stderr
    );
    let report = std::fs::read_to_string(place.example("away").join("run.json")).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    for row in report["workspaces"].as_array().expect("a list") {
        let expected = if row["environment"] == "eu" { "succeeded" } else { "failed" };
        assert_eq!(row["result"], expected, "{row}");
        assert_eq!(row["reason"].is_null(), expected == "succeeded", "{row}");
    }
    way.comes_back();
    place.ok("away", &["apply", "-auto-approve"]);
    assert_eq!(place.run("away", &["plan", "-detailed-exitcode"]).code, 0);
    place.ok("away", &["destroy", "-auto-approve"]);
}
