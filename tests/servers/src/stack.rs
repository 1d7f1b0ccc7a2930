//! etcd, kube-apiserver and kube-controller-manager: their command lines, the
//! order in which they start, and when each counts as ready.
//!
//! etcd is reached by a socket file in the stack's folder and the controllers
//! serve nothing, so a stack takes a single port.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::audit::{self, CONTROLLERS, HARNESS};
use crate::binaries::Binaries;
use crate::certs::{Authority, Pair, new_key};
use crate::error::{Context, Failure, Result};
use crate::kubeconfig::{self, Login};
use crate::options::Options;
use crate::server::{Launch, Server};
use crate::tokens::{ADMINS, Tokens};

/// Far above what a start takes, since the machine may be building meanwhile.
pub(crate) const DEADLINE: Duration = Duration::from_secs(90);
pub(crate) const PORT_TRIES: usize = 5;

/// The controllers that need what is not here: a cloud, disks and kubelets.
/// The node lifecycle controller would evict pods from a node that sends no
/// heartbeat.
const CONTROLLER_LIST: &str = "*,-node-ipam-controller,-node-route-controller,\
-cloud-node-lifecycle-controller,-node-lifecycle-controller,-service-lb-controller,\
-persistentvolume-attach-detach-controller,-persistentvolume-expander-controller,\
-ephemeral-volume-controller";

const ADMISSION: &str = "NamespaceLifecycle,LimitRanger,ServiceAccount,ResourceQuota,PodSecurity,\
MutatingAdmissionWebhook,ValidatingAdmissionPolicy,ValidatingAdmissionWebhook";

/// Where a stack lives and what it is made with.
pub(crate) struct Site<'a> {
    pub(crate) binaries: &'a Binaries,
    pub(crate) folder: &'a Path,
    /// The process group of the stack's lifeline.
    pub(crate) group: i32,
    pub(crate) authority: &'a Authority,
    pub(crate) tokens: &'a Tokens,
}

impl Site<'_> {
    fn launch(&self, name: &'static str, program: &Path, args: Vec<String>) -> Launch {
        Launch {
            name,
            program: program.to_owned(),
            args,
            env: Vec::new(),
            folder: self.folder.to_owned(),
            group: self.group,
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn write(&self, name: &str, text: impl AsRef<str>) -> Result<()> {
        fs::write(self.folder.join(name), text.as_ref()).context(format!("cannot write {name}"))
    }

    fn write_pair(&self, name: &str, pair: &Pair) -> Result<()> {
        self.write(&format!("{name}.crt"), &pair.certificate)?;
        self.write(&format!("{name}.key"), &pair.key)
    }

    /// For the harness and the controllers. Limits on requests in flight do not
    /// apply to the administrators' group: a test which makes the API server
    /// refuse its own requests still wants its namespaces deleted.
    fn write_kubeconfig(&self, file: &Path, endpoint: &str, user: &str) -> Result<()> {
        let pair = self.authority.client(user, &[ADMINS])?;
        kubeconfig::write(file, endpoint, self.authority.pem(), &Login::Certificate(&pair))
    }
}

/// How the harness itself logs in; written when the port is known.
pub(crate) fn harness_kubeconfig(folder: &Path) -> PathBuf {
    folder.join("harness.kubeconfig")
}

pub(crate) fn audit_log(folder: &Path) -> PathBuf {
    folder.join("audit.log")
}

/// Writes what the servers read at their start.
pub(crate) fn write_files(site: &Site<'_>) -> Result<()> {
    site.write("ca.crt", site.authority.pem())?;
    site.write_pair("server", &site.authority.server()?)?;
    let tokens_key = new_key()?;
    site.write("sa.key", tokens_key.serialize_pem())?;
    site.write("sa.pub", tokens_key.public_key_pem())?;
    site.write("tokens.csv", site.tokens.csv())?;
    site.write("audit-policy.json", audit::policy().to_string())
}

pub(crate) fn start_etcd(site: &Site<'_>) -> Result<Server> {
    // A member of a cluster of one never dials what it advertises, but must
    // advertise a port.
    const NOWHERE: &str = "http://127.0.0.1:1";
    let args = vec![
        "--name=default".to_owned(),
        format!("--data-dir={}", site.path("etcd")),
        format!("--listen-client-urls={}", etcd_url(site)),
        format!("--advertise-client-urls={NOWHERE}"),
        // Relative to the folder: a peer's socket must be a host in its URL.
        "--listen-peer-urls=unix://etcd-peer.sock".to_owned(),
        format!("--initial-advertise-peer-urls={NOWHERE}"),
        format!("--initial-cluster=default={NOWHERE}"),
        "--unsafe-no-fsync".to_owned(),
        // Elects itself at once instead of after a second.
        "--heartbeat-interval=10".to_owned(),
        "--election-timeout=100".to_owned(),
    ];
    let mut server = Server::start(site.launch("etcd", &site.binaries.etcd, args))?;
    let socket = site.folder.join("etcd.sock");
    server.wait_until(DEADLINE, || etcd_is_healthy(&socket).unwrap_or(false))?;
    Ok(server)
}

fn etcd_url(site: &Site<'_>) -> String {
    format!("unix://{}", site.path("etcd.sock"))
}

fn etcd_is_healthy(socket: &Path) -> std::io::Result<bool> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"GET /health HTTP/1.0\r\nHost: etcd\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.contains(r#""health":"true""#))
}

/// Starts the API server on a free port and returns it with its URL. `ready`
/// asks it with the harness's kubeconfig.
pub(crate) fn start_apiserver(
    site: &Site<'_>,
    options: &Options,
    mut ready: impl FnMut() -> bool,
) -> Result<(Server, String)> {
    let mut lost = Failure::new("no port was tried");
    for _ in 0..PORT_TRIES {
        let port = free_port()?;
        let endpoint = format!("https://127.0.0.1:{port}");
        site.write_kubeconfig(&harness_kubeconfig(site.folder), &endpoint, HARNESS)?;
        let args = apiserver_args(site, options, port);
        let launch = site.launch("kube-apiserver", &site.binaries.apiserver, args);
        let mut server = Server::start(launch)?;
        match server.wait_until(DEADLINE, &mut ready) {
            Ok(()) => return Ok((server, endpoint)),
            Err(failure @ Failure::PortTaken(_)) => lost = failure,
            Err(failure) => return Err(failure),
        }
    }
    Err(lost)
}

/// Kills the API server and waits until its successor on the same port is ready.
pub(crate) fn restart_apiserver(server: &mut Server, mut ready: impl FnMut() -> bool) -> Result<()> {
    let mut lost = Failure::new("no start was tried");
    for _ in 0..PORT_TRIES {
        server.restart()?;
        match server.wait_until(DEADLINE, &mut ready) {
            Err(failure @ Failure::PortTaken(_)) => lost = failure,
            result => return result,
        }
    }
    Err(lost)
}

fn apiserver_args(site: &Site<'_>, options: &Options, port: u16) -> Vec<String> {
    let file = |flag, name| format!("--{flag}={}", site.path(name));
    let mut args = vec![
        format!("--etcd-servers={}", etcd_url(site)),
        format!("--secure-port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
        file("tls-cert-file", "server.crt"),
        file("tls-private-key-file", "server.key"),
        file("client-ca-file", "ca.crt"),
        file("token-auth-file", "tokens.csv"),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        // As a public key: of private keys only RSA ones are read here.
        file("service-account-key-file", "sa.pub"),
        file("service-account-signing-key-file", "sa.key"),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--authorization-mode=RBAC".to_owned(),
        "--allow-privileged=true".to_owned(),
        format!("--enable-admission-plugins={ADMISSION}"),
        file("audit-policy-file", "audit-policy.json"),
        file("audit-log-path", "audit.log"),
        // In megabytes: beyond it the log is rotated, and a mark in it is lost.
        "--audit-log-maxsize=100000".to_owned(),
        "--profiling=false".to_owned(),
    ];
    if let Some(limit) = options.max_inflight {
        args.push("--enable-priority-and-fairness=false".to_owned());
        args.push(format!("--max-requests-inflight={}", limit.reading));
        args.push(format!("--max-mutating-requests-inflight={}", limit.mutating));
    }
    args.extend(options.apiserver_args.iter().cloned());
    args
}

pub(crate) fn start_controllers(site: &Site<'_>, endpoint: &str) -> Result<Server> {
    let config = site.folder.join("controllers.kubeconfig");
    site.write_kubeconfig(&config, endpoint, CONTROLLERS)?;
    let args = vec![
        format!("--kubeconfig={}", config.display()),
        "--leader-elect=false".to_owned(),
        "--secure-port=0".to_owned(),
        // The defaults throttle the start to several seconds.
        "--kube-api-qps=500".to_owned(),
        "--kube-api-burst=1000".to_owned(),
        format!("--service-account-private-key-file={}", site.path("sa.key")),
        format!("--root-ca-file={}", site.path("ca.crt")),
        format!("--controllers={CONTROLLER_LIST}"),
        // A quota that counts a kind younger than half a minute is counted
        // only when all are again, by default every five minutes.
        "--resource-quota-sync-period=15s".to_owned(),
    ];
    Server::start(site.launch("kube-controller-manager", &site.binaries.controller_manager, args))
}

/// Waits for the controllers' first visible deed, told by `ready`.
pub(crate) fn wait_for_controllers(server: &mut Server, ready: impl FnMut() -> bool) -> Result<()> {
    server.wait_until(DEADLINE, ready)
}

/// A port nobody listens on, below the range from which the kernel picks ports
/// for outgoing connections: a restart finds it free again.
pub(crate) fn free_port() -> Result<u16> {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    const TRIES: u16 = 500;
    // Different in each process and at each call, unlike a fixed start, which
    // would make concurrent stacks race for the same ports.
    let start = RandomState::new().hash_one(std::process::id()) % u64::from(COUNT);
    (0..TRIES)
        .map(|n| FIRST + ((start + u64::from(n)) % u64::from(COUNT)) as u16)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .ok_or_else(|| Failure::new("no free port on 127.0.0.1"))
}
