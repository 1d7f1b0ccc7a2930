//! examples/saas-hybrid on real clusters: API servers with the CloudNativePG
//! operator, one for each cluster of the example, found by the simulated
//! clusters through a kubeconfig.
//!
//! Must not: change what an example says, but for what makes it real.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Value as Json, json};
use tenantctl_test_servers::{Cluster, Cnpg, Options, gateway_definitions};

use crate::common::{Place, Said, said};

pub const EXAMPLE: &str = "saas-hybrid";
/// The clusters of the example: those shared by region, and hooli's own.
pub const EU: &str = "shop-production-eu";
pub const US: &str = "shop-production-us";
pub const OWN: &str = "shop-hooli--production-eu";

/// The applied example and where it was applied to.
pub struct Fleet {
    /// Held by whoever changes the configuration.
    place: Mutex<Place>,
    kubeconfig: PathBuf,
    clusters: [(&'static str, Cnpg); 3],
    /// What the apply from nothing said.
    pub first: Said,
}

impl Fleet {
    /// The fleet of this test process, applied by whoever asks first.
    pub fn shared() -> &'static Fleet {
        static SHARED: OnceLock<Option<Fleet>> = OnceLock::new();
        // What failed once would fail, slowly, for every test again.
        let applied = SHARED.get_or_init(|| std::panic::catch_unwind(Fleet::apply).ok());
        applied.as_ref().expect("applied: the test that asked first says why not")
    }

    fn apply() -> Fleet {
        let start = |name| (name, Cnpg::start(Options::default()));
        let clusters = std::thread::scope(|scope| {
            [EU, US, OWN].map(|name| scope.spawn(move || start(name))).map(|one| one.join().expect("started"))
        });
        let place = Place::new();
        make_real(&place);
        let kubeconfig = place.example(EXAMPLE).join("clusters.kubeconfig");
        std::fs::write(&kubeconfig, kubeconfig_of(&clusters)).expect("written");
        let first = run(&place, &kubeconfig, &["apply", "-auto-approve"]);
        let fleet = Fleet { place: Mutex::new(place), kubeconfig, clusters, first };
        let Said { code, stdout, stderr } = &fleet.first;
        assert_eq!(*code, 0, "{}\n{stderr}\n{}", tail(stdout), fleet.logs());
        fleet
    }

    /// One of its clusters.
    pub fn cluster(&self, name: &str) -> &Cluster {
        let found = self.clusters.iter().find(|(known, _)| *known == name);
        found.expect("a cluster of the example").1.cluster()
    }

    /// Its configuration, while nobody else changes it.
    pub fn change(&self) -> Change<'_> {
        Change { place: self.place.lock().unwrap_or_else(PoisonError::into_inner), fleet: self }
    }

    fn logs(&self) -> String {
        self.clusters.iter().map(|(name, cluster)| format!("=== {name}\n{}", cluster.logs())).collect()
    }
}

/// A turn at the configuration.
pub struct Change<'f> {
    pub place: MutexGuard<'f, Place>,
    fleet: &'f Fleet,
}

impl Change<'_> {
    pub fn run(&self, args: &[&str]) -> Said {
        run(&self.place, &self.fleet.kubeconfig, args)
    }

    pub fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{args:?}\n{}\n{}", tail(&said.stdout), said.stderr);
        said
    }
}

fn run(place: &Place, kubeconfig: &Path, args: &[&str]) -> Said {
    let mut command: Command = place.command(EXAMPLE, args);
    said(command.env("TENANTCTL_SIMULATED_KUBECONFIG", kubeconfig).output().expect("the binary runs"))
}

/// The last lines of a long output.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// As the example's README has it: no simulation, and the operators' manifests
/// among the add-ons. CloudNativePG is on the clusters already.
fn make_real(place: &Place) {
    place.edit(EXAMPLE, "main.hcl", "  simulate = [\"kubernetes\"]\n", "");
    let addons: Vec<String> = definitions().iter().map(Json::to_string).collect();
    place.write(EXAMPLE, "modules/cluster/addons/definitions.yaml", &addons.join("\n---\n"));
    let gateway = std::fs::read_to_string(gateway_definitions()).expect("there");
    place.write(EXAMPLE, "modules/cluster/addons/gateway.yaml", &gateway);
}

/// Definitions of the kinds that the example uses of operators that are not
/// there: they take anything.
fn definitions() -> Vec<Json> {
    let monitoring = "monitoring.coreos.com";
    let secrets = "external-secrets.io";
    let kinds = [
        (monitoring, "v1", "ServiceMonitor"),
        (monitoring, "v1", "PodMonitor"),
        (monitoring, "v1", "PrometheusRule"),
        (monitoring, "v1alpha1", "AlertmanagerConfig"),
        (secrets, "v1", "SecretStore"),
        (secrets, "v1", "ExternalSecret"),
    ];
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let definition = |(group, version, kind): (&str, &str, &str)| {
        let singular = kind.to_lowercase();
        let plural = format!("{singular}s");
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{group}")},
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": singular},
                "versions": [{"name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema": anything}}],
            },
        })
    };
    kinds.into_iter().map(definition).collect()
}

fn kubeconfig_of(clusters: &[(&'static str, Cnpg)]) -> String {
    let (mut servers, mut users, mut contexts) = (String::new(), String::new(), String::new());
    for (name, cluster) in clusters {
        let cluster = cluster.cluster();
        let ca = cluster.folder().join("ca.crt");
        let (endpoint, token) = (cluster.endpoint(), cluster.admin_token());
        let server = format!("{{server: '{endpoint}', certificate-authority: '{}'}}", ca.display());
        writeln!(servers, "- {{name: {name}, cluster: {server}}}").expect("writes");
        writeln!(users, "- {{name: {name}, user: {{token: {token}}}}}").expect("writes");
        writeln!(contexts, "- {{name: {name}, context: {{cluster: {name}, user: {name}}}}}").expect("writes");
    }
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {EU}\nclusters:\n{servers}users:\n{users}contexts:\n{contexts}"
    )
}
