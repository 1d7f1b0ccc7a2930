//! A cluster of EKS and objects in it, in one apply: the cluster is the
//! stand-in's, its API server a real one behind a proxy that asks for tokens of
//! EKS.

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};
use tenantctl_test_servers::{Aws, Cluster, Fate, FrontFate, Proxy};

use super::{eks, no_canary, ok, run};
use crate::common::Place;

const NAME: &str = "one-apply";

fn root(endpoint: &str) -> String {
    format!(
        r#"
provider "aws" {{
  region = "eu-west-1"
  endpoints {{
    eks = "{endpoint}"
    sts = "{endpoint}"
  }}
}}

resource "aws_eks_cluster" "this" {{
  name     = "{NAME}"
  role_arn = "arn:aws:iam::123456789012:role/eks"
  version  = "1.33"
  vpc_config {{
    subnet_ids = ["subnet-a", "subnet-b"]
  }}
  timeouts {{
    create = "10m"
  }}
}}

resource "kubernetes_manifest" "namespace" {{
  cluster  = aws_eks_cluster.this
  manifest = {{
    apiVersion = "v1"
    kind       = "Namespace"
    metadata   = {{ name = "{NAME}" }}
  }}
}}

resource "kubernetes_manifest" "settings" {{
  cluster  = aws_eks_cluster.this
  manifest = {{
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = {{ name = "settings", namespace = kubernetes_manifest.namespace.object.metadata.name }}
    data       = {{ issuer = aws_eks_cluster.this.identity[0].oidc[0].issuer }}
  }}
}}
"#
    )
}

/// An address at which nobody listens until a flag is set, and for a while
/// after that; then all goes on to a proxy.
fn late_door(proxy: &Proxy, opens: Arc<AtomicBool>) -> String {
    let reserved = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = reserved.local_addr().expect("an address");
    drop(reserved);
    let to = proxy.endpoint().trim_start_matches("http://").to_owned();
    std::thread::spawn(move || {
        while !opens.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50));
        }
        std::thread::sleep(Duration::from_secs(3));
        let door = TcpListener::bind(address).expect("the port is still free");
        for mut outside in door.incoming().flatten() {
            let Ok(mut inside) = TcpStream::connect(&to) else { continue };
            let (mut back_from, mut back_to) = (inside.try_clone().unwrap(), outside.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut outside, &mut inside));
            std::thread::spawn(move || std::io::copy(&mut back_from, &mut back_to));
        }
    });
    format!("http://{address}")
}

/// Whether a token is one that EKS takes: a request to the token service, for
/// this cluster and no other, that the service answers.
fn is_good(token: &str) -> bool {
    let encoded = token.strip_prefix("k8s-aws-v1.").expect("a token of EKS");
    let url = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).expect("base64")).expect("text");
    let query = url.split_once("/?").expect("a query").1;
    assert!(query.contains("SignedHeaders=host%3Bx-k8s-aws-id"), "it is bound to a cluster: {query}");
    let (status, said) = Aws::shared().ask("sts", "GET", &format!("/?{query}"), "");
    status == 200 && said.contains("GetCallerIdentityResponse")
}

#[test]
fn a_cluster_and_what_is_in_it_come_and_go_in_one_apply() {
    let place = Place::new();
    // One request in the middle is refused, as if the token had run out.
    let number = AtomicUsize::new(0);
    let proxy = Cluster::shared().proxy_by(move |asked| {
        let refuse = |code| Fate::Refuse { code, retry_after: None };
        match number.fetch_add(1, Ordering::Relaxed) {
            2 => refuse(401),
            _ if asked.token.starts_with("k8s-aws-v1.") => Fate::Pass,
            _ => refuse(401),
        }
    });
    let proxy = Arc::new(proxy);
    let (opens, left) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
    let front = {
        let (proxy, opens, left) = (Arc::clone(&proxy), Arc::clone(&opens), Arc::clone(&left));
        Aws::shared().front(move |call| {
            opens.store(true, Ordering::Relaxed);
            if call.method == "DELETE" && call.path == format!("/clusters/{NAME}") {
                let asked = proxy.asked().into_iter();
                let removed = asked.filter(|asked| asked.method == "DELETE").map(|asked| asked.path);
                left.lock().unwrap().get_or_insert_with(|| removed.collect::<Vec<_>>());
            }
            FrontFate::Pass
        })
    };
    let door = late_door(&proxy, opens);
    Aws::shared().serve_cluster(NAME, &door, Cluster::shared().ca_pem());
    place.write("aws", "main.tf", &root(front.endpoint()));

    let mut all = vec![ok(&place, &["plan"])];
    assert!(all[0].stdout.contains("3 to add"), "{}", all[0].stdout);
    all.push(ok(&place, &["apply", "-auto-approve"]));
    assert!(
        proxy.asked().iter().any(|asked| asked.fate != Fate::Pass),
        "a request was refused and made again"
    );
    all.push(run(&place, &["plan", "-detailed-exitcode"]));
    assert_eq!(all[2].code, 0, "the second plan is empty\n{}\n{}", all[2].stdout, all[2].stderr);
    let made = Cluster::shared().kubectl(&["get", "configmap", "settings", "-n", NAME, "-o", "json"]);
    let made: Json = serde_json::from_slice(&made.stdout).expect("it is there");
    assert_eq!(made["data"]["issuer"], format!("https://oidc.test.invalid/{NAME}"));
    assert_eq!(made["metadata"]["name"], "settings");

    // The configuration is gone: what was recorded is enough.
    place.write("aws", "main.tf", "");
    all.push(ok(&place, &["destroy", "-auto-approve"]));
    assert!(all[3].stdout.contains("3 destroyed"), "{}", all[3].stdout);
    assert_eq!(
        eks("GET", "/clusters", &Json::Null)["clusters"].as_array().map(|all| all.contains(&json!(NAME))),
        Some(false)
    );
    assert!(!Cluster::shared().kubectl(&["get", "namespace", NAME]).status.success());
    let removed = left.lock().unwrap().clone().expect("the cluster was removed");
    let is_removed = |end: &str| removed.iter().any(|path| path.ends_with(end));
    assert!(is_removed("/configmaps/settings") && is_removed(&format!("/namespaces/{NAME}")), "{removed:?}");

    // Every token was good, and none of them was written anywhere.
    let mut tokens: Vec<String> = proxy.asked().into_iter().map(|asked| asked.token).collect();
    tokens.sort();
    tokens.dedup();
    assert!(tokens.iter().all(|token| is_good(token)), "{tokens:?}");
    let said = all.iter().flat_map(|said| [said.stdout.as_bytes(), said.stderr.as_bytes()]);
    let files = place.files();
    for bytes in said.chain(files.iter().map(|(_, bytes)| bytes.as_slice())) {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains("k8s-aws-v1.aHR0"), "a token shows");
    }
    no_canary(&place, &all);
}

/// Tokens for those who write them out themselves.
#[test]
fn a_token_can_be_had_as_an_ephemeral_value() {
    let place = Place::new();
    let front = Aws::shared().plain_front();
    let root = format!(
        r#"
provider "aws" {{
  region = "eu-west-1"
  endpoints {{
    sts = "{}"
  }}
}}

ephemeral "aws_eks_cluster_auth" "this" {{
  name = "{NAME}"
}}

resource "terraform_data" "length" {{
  input = "of cluster ${{ephemeral.aws_eks_cluster_auth.this.token}}"
}}
"#,
        front.endpoint()
    );
    place.write("aws", "main.tf", &root);
    let said = run(&place, &["plan"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    let words = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("takes no ephemeral values"), "{words}");
    // Where it is used and not kept, it is fine.
    let used = root.replace(
        "resource \"terraform_data\" \"length\" {\n  input = \"of cluster ${ephemeral.aws_eks_cluster_auth.this.token}\"\n}",
        "resource \"terraform_data\" \"length\" {\n  input = \"x\"\n  lifecycle {\n    precondition {\n      \
         condition     = startswith(ephemeral.aws_eks_cluster_auth.this.token, \"k8s-aws-v1.\")\n      \
         error_message = \"That is no token.\"\n    }\n  }\n}",
    );
    assert_ne!(used, root);
    place.write("aws", "main.tf", &used);
    let all = [ok(&place, &["plan", "-out=saved"]), ok(&place, &["apply", "saved"])];
    no_canary(&place, &all);
    for (path, bytes) in place.files() {
        assert!(!String::from_utf8_lossy(&bytes).contains("k8s-aws-v1.aHR0"), "{}", path.display());
    }
}
