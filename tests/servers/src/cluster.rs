//! The public face: one running stack.

use std::fmt;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use kube::Client;
use rustix::process::{Pid, Signal, WaitOptions, waitpid};

use crate::access::{self, Access};
use crate::audit::{self, AuditEvent, AuditMark};
use crate::binaries::Binaries;
use crate::certs::Authority;
use crate::error::{Context, Failure, Result};
use crate::health;
use crate::lifeline::Lifeline;
use crate::options::{Options, Pods};
use crate::proxy::{Asked, Fate, Proxy};
use crate::server::Server;
use crate::stack::{self, Site};
use crate::tokens::Tokens;
use crate::worker::Worker;
use crate::{node, pods};

/// A Kubernetes control plane of its own: etcd, API server and controllers.
///
/// # End of life
///
/// A private cluster ends when it is dropped; drop returns when its processes
/// and its folder are gone. The shared one, and any that is not dropped, ends
/// within a second or so of the test process, even after `kill -9`.
///
/// # Panics
///
/// Every method panics, with the reason, when the servers do not do their part:
/// a test can do nothing about that.
pub struct Cluster {
    // Fields are dropped in this order: first what talks to the servers, then
    // the servers, and the folder last.
    worker: Worker,
    apiserver: Mutex<Server>,
    background: [Server; 2],
    lifeline: Lifeline,

    access: Access,
    folder: PathBuf,
    kubectl: Option<PathBuf>,
    shared: bool,
}

impl Cluster {
    /// The cluster of this test process, started by whoever asks first.
    ///
    /// Tests on it run at the same time: each uses namespaces of its own, and
    /// what has no namespace under names of its own. To read the audit log of
    /// one test, let that test log in as a user of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Cluster>> = OnceLock::new();
        SHARED
            .get_or_init(|| start(&Options::default(), true))
            .as_ref()
            .unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// A cluster for one test: to disturb it, or with other options. It takes
    /// some seconds and 0.4 GB of memory.
    pub fn start(options: Options) -> Self {
        start(&options, false).unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// `https://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.access.endpoint
    }

    /// The certificate of the authority that signs everything here.
    pub fn ca_pem(&self) -> &str {
        self.access.authority.pem()
    }

    /// The token of `admin` in `system:masters`.
    pub fn admin_token(&self) -> &str {
        self.access.tokens.admin()
    }

    /// The token of one of [`Options::users`], by its name and all its groups.
    pub fn token(&self, user: &str, groups: &[&str]) -> String {
        must(self.access.tokens.of(user, groups)).to_owned()
    }

    /// A client certificate and its key, both PEM, for any user in any groups.
    pub fn client_certificate(&self, user: &str, groups: &[&str]) -> (String, String) {
        let pair = must(self.access.certificate(user, groups));
        (pair.certificate, pair.key)
    }

    /// The administrator's kubeconfig: context `test`, a token.
    pub fn kubeconfig(&self) -> &Path {
        &self.access.kubeconfig
    }

    /// A kubeconfig for any user in any groups: context `test`, a certificate.
    pub fn kubeconfig_for(&self, user: &str, groups: &[&str]) -> PathBuf {
        must(self.access.kubeconfig_for(user, groups))
    }

    /// A client of the administrator, for the runtime it is made on.
    pub async fn client(&self) -> Client {
        must(access::client(self.kubeconfig()).await)
    }

    /// A client of any user in any groups, for the runtime it is made on.
    pub async fn client_for(&self, user: &str, groups: &[&str]) -> Client {
        must(access::client(&self.kubeconfig_for(user, groups)).await)
    }

    /// A proxy before this API server that lets `fate` decide, by method and
    /// path, what becomes of each request.
    pub fn proxy(&self, mut fate: impl FnMut(&str, &str) -> Fate + Send + 'static) -> Proxy {
        self.proxy_by(move |asked| fate(&asked.method, &asked.path))
    }

    /// The same by all that is known of a request: its token, too.
    pub fn proxy_by(&self, fate: impl FnMut(&Asked) -> Fate + Send + 'static) -> Proxy {
        let (admin, own) = (self.kubeconfig().to_owned(), self.access.new_kubeconfig());
        let ca_pem = self.ca_pem().to_owned();
        must(self.worker.run(async move {
            let upstream = access::client(&admin).await?;
            Proxy::start(upstream, own, &ca_pem, fate).await
        }))
    }

    /// Whether [`kubectl`](Self::kubectl) can be used. It always can with what
    /// `tests/servers/install` builds.
    pub fn has_kubectl(&self) -> bool {
        self.kubectl.is_some()
    }

    /// Runs kubectl as the administrator and waits for its end.
    pub fn kubectl(&self, args: &[&str]) -> Output {
        let program = self.kubectl.as_deref();
        let program = must(
            program.ok_or_else(|| Failure::new("kubectl is not installed; tests/servers/install builds it")),
        );
        let output = Command::new(program)
            .args(args)
            .env_clear()
            .env("HOME", &self.folder)
            .env("KUBECONFIG", self.kubeconfig())
            .stdin(Stdio::null())
            .output();
        must(output.context("cannot run kubectl"))
    }

    /// Everything the tests have asked of this API server so far, in the order
    /// of the answers: each request that was answered before the call is in it.
    pub fn audit(&self) -> Vec<AuditEvent> {
        self.audit_since(AuditMark::default())
    }

    /// Now, for a later [`audit_since`](Self::audit_since).
    pub fn audit_mark(&self) -> AuditMark {
        must(audit::end(&stack::audit_log(&self.folder)))
    }

    /// As [`audit`](Self::audit), without what was answered before the mark.
    /// On the shared cluster other tests' requests are between; tell them apart
    /// by [`AuditEvent::user`].
    pub fn audit_since(&self, mark: AuditMark) -> Vec<AuditEvent> {
        must(audit::events(&stack::audit_log(&self.folder), mark))
    }

    /// Stops the API server where it stands: connections are accepted, and
    /// nothing is answered until [`resume_api`](Self::resume_api). It has stopped
    /// when this returns. Not for the shared cluster.
    pub fn pause_api(&self) {
        let server = self.disturb("pause_api");
        must(server.signal(Signal::STOP));
        let pid = Pid::from_raw(server.pid().cast_signed());
        must(waitpid(pid, WaitOptions::UNTRACED).context("cannot wait for the pause"));
    }

    /// Ends a pause; the API server answers what has come in meanwhile.
    pub fn resume_api(&self) {
        let server = self.disturb("resume_api");
        must(server.signal(Signal::CONT));
    }

    /// Kills the API server as a crash would, starts it on the same port and
    /// returns when it is ready. Objects are kept. Not for the shared cluster.
    pub fn restart_api(&self) {
        let mut server = self.disturb("restart_api");
        let kubeconfig = stack::harness_kubeconfig(&self.folder);
        must(stack::restart_apiserver(&mut server, || health::api_is_ready(&self.worker, &kubeconfig)));
    }

    /// The end of the log of each server, for the message of a failed test.
    pub fn logs(&self) -> String {
        let apiserver = self.apiserver();
        let servers = self.background.iter().chain([&*apiserver]);
        servers.map(|server| format!("--- {}\n{}\n", server.name(), server.log_tail())).collect()
    }

    /// The process of each server.
    pub fn pids(&self) -> Vec<u32> {
        let apiserver = self.apiserver();
        let servers = self.background.iter().chain([&*apiserver]);
        servers.map(Server::pid).collect()
    }

    /// Where the servers keep their files; gone with the cluster.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn worker(&self) -> &Worker {
        &self.worker
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.access.authority
    }

    /// The process group of whatever is to end with this cluster.
    pub(crate) fn group(&self) -> i32 {
        self.lifeline.group()
    }

    fn disturb(&self, what: &str) -> MutexGuard<'_, Server> {
        assert!(!self.shared, "{what} would break other tests on the shared cluster: use Cluster::start");
        self.apiserver()
    }

    /// A test that panicked while holding the lock leaves nothing half done.
    fn apiserver(&self) -> MutexGuard<'_, Server> {
        self.apiserver.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without tokens and keys, which a failed assertion would print.
        f.debug_struct("Cluster")
            .field("endpoint", &self.access.endpoint)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

fn start(options: &Options, shared: bool) -> Result<Cluster> {
    let binaries = Binaries::find()?;
    let folder = tempfile::Builder::new()
        .prefix("tenantctl-test-")
        // Keys and tokens are in it.
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .context("cannot make a folder")?
        // The lifeline removes it, since a destructor may not run.
        .keep();
    let lifeline = Lifeline::new(&folder)?;
    let worker = Worker::new()?;
    let authority = Authority::new()?;
    let tokens = Tokens::new(&options.users)?;
    let site = Site {
        binaries: &binaries,
        folder: &folder,
        group: lifeline.group(),
        authority: &authority,
        tokens: &tokens,
    };
    stack::write_files(&site)?;
    let etcd = stack::start_etcd(&site)?;
    let kubeconfig = stack::harness_kubeconfig(&folder);
    let (apiserver, endpoint) =
        stack::start_apiserver(&site, options, || health::api_is_ready(&worker, &kubeconfig))?;
    let mut controllers = stack::start_controllers(&site, &endpoint)?;
    let pods = options.pods;
    let harness = worker.run(async move { kubelet(&kubeconfig, pods).await })?;
    stack::wait_for_controllers(&mut controllers, || health::controllers_are_ready(&worker, &harness))?;
    Ok(Cluster {
        worker,
        apiserver: Mutex::new(apiserver),
        background: [etcd, controllers],
        lifeline,
        access: Access::new(&folder, endpoint, authority, tokens)?,
        folder,
        kubectl: binaries.kubectl,
        shared,
    })
}

/// Starts what stands in for scheduler and kubelet, and returns its client. The
/// node is there when this returns.
async fn kubelet(kubeconfig: &Path, mode: Pods) -> Result<Client> {
    let client = access::client(kubeconfig).await?;
    if mode != Pods::Off {
        node::ensure(&client).await.context("cannot make the node")?;
        tokio::spawn(node::keep(client.clone()));
        tokio::spawn(pods::run(client.clone(), mode));
    }
    Ok(client)
}

fn must<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|failure| panic!("{failure}"))
}
