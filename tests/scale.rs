use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use tenantctl_test_servers::{AuditEvent, Cluster, Options};

use crate::common::{Place, Said, said};

const TENANTS: usize = 50;
/// Of the changes that one block makes, so many are tried out by a plan.
const REHEARSED: usize = 4;
/// Kinds of the blueprint, and its objects of each.
const KINDS: [(&str, usize); 4] = [("namespaces", 1), ("configmaps", 10), ("secrets", 4), ("services", 5)];

/// Fifty tenants with twenty objects each, on a cluster of their own.
struct Fleet {
    place: Place,
    cluster: Cluster,
    kubeconfig: PathBuf,
}

impl Fleet {
    fn new() -> Self {
        let place = Place::new();
        let mut root = String::from(
            "platform \"p\" {\n  blueprint = \"./blueprint\"\n  settings  = { level = \"info\" }\n}\n\ntier \"t\" {\n  isolation = \"namespace\"\n}\n",
        );
        for tenant in 0..TENANTS {
            let _ = write!(root, "\ntenant \"t{tenant}\" {{\n  tier = \"t\"\n}}\n");
        }
        place.write("fleet", "main.hcl", &root);
        place.write("fleet", "blueprint/main.tf", &blueprint());
        let cluster = Cluster::start(Options::default());
        let kubeconfig = cluster.kubeconfig_for("fleet", &["system:masters"]);
        Fleet { place, cluster, kubeconfig }
    }

    fn run(&self, args: &[&str]) -> Said {
        let mut command = self.place.command("fleet", args);
        said(command.env("KUBECONFIG", &self.kubeconfig).output().expect("the binary runs"))
    }

    /// What a command asks of the API server, which must end with `code`.
    fn asks(&self, code: i32, args: &[&str]) -> Vec<AuditEvent> {
        let mark = self.cluster.audit_mark();
        let said = self.run(args);
        assert_eq!(said.code, code, "{args:?}\n{}\n{}", said.stdout, said.stderr);
        self.cluster.audit_since(mark).into_iter().filter(|event| event.user == "fleet").collect()
    }
}

/// Twenty objects; a setting in one of them.
fn blueprint() -> String {
    let mut text = String::from(
        r#"variable "tenant" {
  type = object({ name = string })
}

variable "level" {
  type = string
}

resource "kubernetes_manifest" "namespace" {
  manifest = { apiVersion = "v1", kind = "Namespace", metadata = { name = "tenant-${var.tenant.name}" } }
}

locals {
  namespace = kubernetes_manifest.namespace.object.metadata.name
}
"#,
    );
    let mut object = |name: String, kind: &str, rest: &str| {
        let _ = write!(
            text,
            r#"
resource "kubernetes_manifest" "{name}" {{
  manifest = {{
    apiVersion = "v1"
    kind       = "{kind}"
    metadata   = {{ name = "{name}", namespace = local.namespace }}
    {rest}
  }}
}}
"#
        );
    };
    object("settings".into(), "ConfigMap", "data = { level = var.level }");
    for n in 1..10 {
        object(format!("map{n}"), "ConfigMap", "data = { key = \"value\" }");
    }
    for n in 0..4 {
        object(format!("secret{n}"), "Secret", "stringData = { key = \"hidden\" }");
    }
    for n in 0..5 {
        object(format!("service{n}"), "Service", "spec = { clusterIP = \"None\", ports = [{ port = 80 }] }");
    }
    text
}

/// Calls by verb and kind; those of discovery are `get discovery`.
fn counted(asked: &[AuditEvent]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in asked {
        let parts: Vec<&str> = event.path().trim_start_matches("/api/v1").split('/').collect();
        let kind = match parts[..] {
            [""] => "discovery",
            ["", "namespaces", _] => "namespaces",
            ["", "namespaces", _, kind, ..] | ["", kind] => kind,
            _ => "else",
        };
        *counts.entry(format!("{} {kind}", event.verb)).or_default() += 1;
    }
    counts
}

fn expected(calls: &[(&str, usize)]) -> BTreeMap<String, usize> {
    calls.iter().map(|(call, count)| ((*call).to_owned(), *count)).collect()
}

/// Objects of all tenants come in pages of 500.
fn pages(objects: usize) -> usize {
    objects.div_ceil(500)
}

#[test]
fn calls_grow_with_kinds_and_changes_and_not_with_tenants() {
    let fleet = Fleet::new();
    let each = |kind: &str| KINDS.iter().find(|(name, _)| *name == kind).expect("a kind").1 * TENANTS;

    // One call an object, and one to learn what the cluster serves.
    let asked = fleet.asks(0, &["apply", "-auto-approve"]);
    let mut calls: Vec<(String, usize)> =
        KINDS.iter().map(|(kind, _)| (format!("patch {kind}"), each(kind))).collect();
    calls.push(("get discovery".into(), 1));
    assert_eq!(counted(&asked), calls.into_iter().collect());
    assert!(asked.iter().filter(|e| e.is_write()).all(|e| e.code == 201), "all were created");

    // A refresh: a list of each kind, whatever the number of tenants. Other
    // objects of these kinds are in the lists too: a map for each namespace.
    let asked = fleet.asks(0, &["plan", "-detailed-exitcode"]);
    let refresh = [
        ("get discovery", 1),
        ("list configmaps", pages(each("configmaps") + TENANTS + 10)),
        ("list namespaces", 1),
        ("list secrets", 1),
        ("list services", 1),
    ];
    assert_eq!(counted(&asked), expected(&refresh));

    // A change of one setting for all: one call a tenant besides, and the
    // plan tries a few out.
    fleet.place.edit("fleet", "main.hcl", "level = \"info\"", "level = \"debug\"");
    let asked = fleet.asks(0, &["apply", "-auto-approve"]);
    let mut calls = refresh.to_vec();
    calls.push(("patch configmaps", TENANTS + REHEARSED));
    assert_eq!(counted(&asked), expected(&calls));

    // What is not as recorded is looked at once more, and what is to be put
    // right is tried out: again with force, as kubectl owns it now.
    let drifted = fleet.cluster.kubectl(&[
        "patch",
        "configmap",
        "settings",
        "-n",
        "tenant-t7",
        "--type=merge",
        "-p",
        r#"{"data":{"level":"loud"}}"#,
    ]);
    assert!(drifted.status.success());
    let gone = fleet.cluster.kubectl(&["delete", "service", "service3", "-n", "tenant-t9"]);
    assert!(gone.status.success());
    let asked = fleet.asks(2, &["plan", "-detailed-exitcode"]);
    let mut calls = refresh.to_vec();
    calls.extend([("get configmaps", 1), ("get services", 1), ("patch configmaps", 2)]);
    assert_eq!(counted(&asked), expected(&calls));

    // One tenant alone is read by itself.
    let asked = fleet.asks(0, &["plan", "-detailed-exitcode", "-tenant=t3"]);
    assert!(
        asked.iter().all(|e| e.verb != "list" || e.path().contains("/namespaces/tenant-t3/")),
        "{asked:?}"
    );
}
