//! The real CloudNativePG operator beside an API server.
//!
//! Its definitions, roles and webhooks come from the manifest of its release,
//! and it logs in as its own service account, so that what it may do is what it
//! may do in production. Only its Deployment is left out: the operator is a
//! process here, whose webhooks listen on loopback.
//!
//! A database needs more than pods that count as running. Played here are the
//! instance manager, which the operator asks how each instance does (see
//! [`instances`]), and the disks (see [`volumes`]).
//!
//! # What is not here
//!
//! PostgreSQL: no SQL is answered, no backup is ever done, a `Database` stays as
//! it is. Poolers run as far as their pods count as running.

mod instances;
mod manifest;
mod volumes;

use std::fmt;
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::access;
use crate::audit::OPERATOR;
use crate::binaries::{self, Operator};
use crate::cluster::Cluster;
use crate::error::{Context, Failure, Result};
use crate::options::Options;
use crate::server::{Launch, Server};
use crate::stack::{DEADLINE, PORT_TRIES, free_port, harness_kubeconfig};

pub(crate) use instances::loopback_address;

const NAMESPACE: &str = "cnpg-system";
/// What the operator takes for the binary of an instance manager, by Go's name
/// of the architecture.
const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

/// A cluster on which CloudNativePG is installed.
///
/// It ends as a [`Cluster`] does, and panics as that does.
pub struct Cnpg {
    // Dropped before the cluster that it talks to.
    operator: Server,
    cluster: Cluster,
}

impl Cnpg {
    /// The one of this test process, started by whoever asks first; it has a
    /// cluster of its own besides [`Cluster::shared`], since its definitions
    /// and webhooks are seen by all of a cluster.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Cnpg>> = OnceLock::new();
        SHARED
            .get_or_init(|| start(Options::default()))
            .as_ref()
            .unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// One for a single test.
    pub fn start(options: Options) -> Self {
        start(options).unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// Where it is installed.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The end of the log of each server, for the message of a failed test.
    pub fn logs(&self) -> String {
        format!("{}--- {}\n{}\n", self.cluster.logs(), self.operator.name(), self.operator.log_tail())
    }
}

impl fmt::Debug for Cnpg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cnpg").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

fn start(options: Options) -> Result<Cnpg> {
    let found = binaries::cnpg()?;
    let documents = manifest::read(&found.manifest)?;
    let cluster = Cluster::start(options);
    let folder = furnish(&cluster, &found)?;
    let hash = instances::hash(&found.manager)?;

    let worker = cluster.worker();
    let harness = harness_kubeconfig(cluster.folder());
    let client = worker.run(async move { access::client(&harness).await })?;
    let (webhooks, rest): (Vec<_>, Vec<_>) = documents.into_iter().partition(manifest::is_webhook);
    let to = client.clone();
    worker.run(async move { manifest::install(&to, rest).await })?;
    let (operator, port) = start_operator(&cluster, &found.manager, &folder)?;
    let (to, ca_pem) = (client.clone(), cluster.ca_pem().to_owned());
    let webhooks = webhooks.into_iter().map(|webhook| manifest::redirected(webhook, port, &ca_pem));
    let webhooks: Vec<_> = webhooks.collect();
    worker.run(async move { manifest::install(&to, webhooks).await })?;

    worker.spawn(volumes::run(client.clone()));
    worker.spawn(instances::run(client, hash));
    Ok(Cnpg { operator, cluster })
}

/// The folder that the operator works in: certificates, a kubeconfig, and the
/// program that it would hand to instances.
fn furnish(cluster: &Cluster, found: &Operator) -> Result<PathBuf> {
    let folder = cluster.folder().join("cnpg");
    let doing = "cannot prepare the operator's folder";
    fs::create_dir_all(folder.join("operator")).context(doing)?;
    symlink(&found.manager, folder.join(format!("operator/manager_{ARCHITECTURE}"))).context(doing)?;
    let pair = cluster.authority().server()?;
    fs::write(folder.join("apiserver.crt"), &pair.certificate).context(doing)?;
    fs::write(folder.join("apiserver.key"), &pair.key).context(doing)?;
    let own = cluster.kubeconfig_for(OPERATOR, &["system:serviceaccounts", "system:authenticated"]);
    fs::rename(own, folder.join("kubeconfig")).context(doing)?;
    Ok(folder)
}

fn start_operator(cluster: &Cluster, manager: &Path, folder: &Path) -> Result<(Server, u16)> {
    let mut lost = Failure::new("no port was tried");
    for _ in 0..PORT_TRIES {
        let port = free_port()?;
        let launch = Launch {
            name: "cnpg",
            program: manager.to_owned(),
            args: ["controller", &format!("--webhook-port={port}"), "--metrics-bind-address=127.0.0.1:0"]
                .map(str::to_owned)
                .to_vec(),
            env: vec![
                ("KUBECONFIG", folder.join("kubeconfig").display().to_string()),
                ("OPERATOR_NAMESPACE", NAMESPACE.to_owned()),
                ("OPERATOR_IMAGE_NAME", "cloudnative-pg:test".to_owned()),
                // With it the operator makes no certificates of its own.
                ("WEBHOOK_CERT_DIR", folder.display().to_string()),
            ],
            folder: folder.to_owned(),
            group: cluster.group(),
        };
        let mut server = Server::start(launch)?;
        // It listens when it has read its configuration and begun its work.
        match server.wait_until(DEADLINE, || TcpStream::connect(("127.0.0.1", port)).is_ok()) {
            Ok(()) => return Ok((server, port)),
            Err(failure @ Failure::PortTaken(_)) => lost = failure,
            Err(failure) => return Err(failure),
        }
    }
    Err(lost)
}
