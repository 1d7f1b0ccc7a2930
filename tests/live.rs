use std::process::Command;

use tenantctl_test_servers::Cluster;

use crate::common::{Place, Said, said};

mod away;

/// Runs the binary on examples/shared-cluster with the real cluster's
/// kubeconfig.
fn run(place: &Place, args: &[&str]) -> Said {
    let mut command: Command = place.command("shared-cluster", args);
    said(command.env("KUBECONFIG", Cluster::shared().kubeconfig()).output().expect("the binary runs"))
}

fn ok(place: &Place, args: &[&str]) -> Said {
    let said = run(place, args);
    assert_eq!(said.code, 0, "{args:?}\n{}\n{}", said.stdout, said.stderr);
    said
}

fn kubectl(args: &[&str]) -> String {
    let output = Cluster::shared().kubectl(args);
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What `tenants` tells of the last look for drift; null when something was
/// applied since.
fn drift(place: &Place) -> Vec<String> {
    let said = ok(place, &["tenants", "-json"]);
    let json: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let tenants = json["tenants"].as_array().expect("a list");
    let told = |tenant: &serde_json::Value| {
        assert!(tenant["last_apply"].is_string(), "{tenant}");
        format!("{} {}", tenant["name"].as_str().expect("a name"), tenant["drift"]["objects"])
    };
    tenants.iter().map(told).collect()
}

#[test]
fn three_tenants_live_drift_and_leave() {
    let place = Place::new();
    ok(&place, &["apply", "-auto-approve"]);
    for tenant in ["acme", "globex", "initech"] {
        let namespace = format!("tenant-{tenant}");
        let listed = kubectl(&[
            "get",
            "deploy,svc,quota,limits,netpol,pdb,hpa,role,rolebinding,sa",
            "-n",
            &namespace,
            "-o",
            "name",
        ]);
        for name in [
            "deployment.apps/web",
            "service/web",
            "resourcequota/tenant",
            "networkpolicy.networking.k8s.io/default-deny",
        ] {
            assert!(listed.contains(name), "{namespace} has no {name}:\n{listed}");
        }
    }

    let said = run(&place, &["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "the second plan is not empty:\n{}\n{}", said.stdout, said.stderr);

    // Somebody changes a quota by hand.
    kubectl(&[
        "patch",
        "quota",
        "tenant",
        "-n",
        "tenant-acme",
        "--type=merge",
        "-p",
        r#"{"spec":{"hard":{"pods":"99"}}}"#,
    ]);
    let said = run(&place, &["drift", "-detailed-exitcode"]);
    assert_eq!(said.code, 2, "{}\n{}", said.stdout, said.stderr);
    assert!(
        said.stdout.contains("# kubernetes_manifest.quota has changed\n  # (by kubectl"),
        "{}",
        said.stdout
    );
    let said = run(&place, &["drift", "-json"]);
    let told = said.stdout.lines().find(|line| line.contains("resource_drift")).expect("told");
    let told: serde_json::Value = serde_json::from_str(told).expect("JSON");
    let by = &told["change"]["changed_by"][0];
    assert!(by["name"].as_str().is_some_and(|name| name.starts_with("kubectl")), "{told}");
    assert!(by["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{told}");
    assert_eq!(drift(&place), ["acme 1", "globex 0", "initech 0"]);
    let said = run(&place, &["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 2, "{}\n{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("kubernetes_manifest.quota"), "{}", said.stdout);
    assert!(said.stdout.contains("0 to add, 1 to change, 0 to destroy"), "{}", said.stdout);
    ok(&place, &["apply", "-auto-approve"]);
    assert!(
        kubectl(&["get", "quota", "tenant", "-n", "tenant-acme", "-o", "jsonpath={.spec.hard.pods}"])
            .ends_with("10")
    );
    assert_eq!(drift(&place), ["acme null", "globex 0", "initech 0"], "acme's was put right");
    assert_eq!(run(&place, &["plan", "-detailed-exitcode"]).code, 0);

    // A customer's own person sees the own namespace and no other.
    let config = Cluster::shared().kubeconfig_for("ann", &["tenant:acme"]);
    let can = |namespace: &str| {
        kubectl(&["--kubeconfig", config.to_str().unwrap(), "get", "deployments", "-n", namespace])
    };
    assert!(can("tenant-acme").contains("web"), "{}", can("tenant-acme"));
    assert!(can("tenant-globex").contains("Forbidden"), "{}", can("tenant-globex"));

    // One leaves; the others do not notice.
    ok(&place, &["destroy", "-auto-approve", "-tenant=globex"]);
    assert!(kubectl(&["get", "namespace", "tenant-globex"]).contains("NotFound"));
    let said = run(&place, &["plan", "-detailed-exitcode", "-tenant=acme", "-tenant=initech"]);
    assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
}

#[test]
fn a_first_plan_needs_no_cluster_and_shows_no_token() {
    let place = Place::new();
    let config = place.example("shared-cluster").join("nowhere.yaml");
    std::fs::write(
        &config,
        "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: a, user: {token: hunter2secret}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n",
    )
    .unwrap();
    let mut command = place.command("shared-cluster", &["plan"]);
    let said = said(command.env("KUBECONFIG", &config).output().unwrap());
    assert_eq!(said.code, 0, "planning needs no cluster: {}", said.stderr);
    assert!(!format!("{}{}", said.stdout, said.stderr).contains("hunter2secret"));
}

/// What the server refuses shows in the plan, not only in the apply: an
/// immutable field, and a limit that admission keeps. Nothing is stored by it,
/// and what is alike is asked a few times only.
#[test]
fn a_plan_tells_what_the_server_will_refuse() {
    let place = Place::new();
    let object = |more: &str| {
        format!(
            r#"resource "kubernetes_manifest" "space" {{
  manifest = {{ apiVersion = "v1", kind = "Namespace", metadata = {{ name = "rehearsal" }} }}
}}

resource "kubernetes_manifest" "account" {{
  count = 9

  manifest = {{
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = {{ name = "settings-${{count.index}}", namespace = kubernetes_manifest.space.object.metadata.name }}
    immutable  = true
    data       = {{ level = "{more}" }}
  }}
}}
"#
        )
    };
    place.write("rehearsal", "main.tf", &object("info"));
    let run = |args: &[&str]| {
        let mut command: Command = place.command("rehearsal", args);
        said(command.env("KUBECONFIG", Cluster::shared().kubeconfig()).output().expect("the binary runs"))
    };
    assert_eq!(run(&["apply", "-auto-approve"]).code, 0);
    place.write("rehearsal", "main.tf", &object("debug"));
    let plan = run(&["plan"]);
    assert_eq!(plan.code, 0, "{}", plan.stderr);
    assert!(plan.stdout.contains("0 to add, 9 to change, 0 to destroy"), "{}", plan.stdout);
    let told = plan.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("if applied now") && told.contains("field is immutable"), "{}", plan.stderr);
    assert!(told.contains("kubernetes_manifest.account[0]"), "{}", plan.stderr);
    assert!(!told.contains("kubernetes_manifest.account[4]"), "{}", plan.stderr);
    let unasked = run(&["plan", "-refresh=false"]);
    assert!(unasked.code == 0 && !unasked.stderr.contains("immutable"), "{}", unasked.stderr);
    let levels = kubectl(&["get", "configmaps", "-n", "rehearsal", "-o", "jsonpath={.items[*].data.level}"]);
    assert!(levels.contains("info") && !levels.contains("debug"), "{levels}");
    assert_eq!(run(&["destroy", "-auto-approve"]).code, 0);
}
