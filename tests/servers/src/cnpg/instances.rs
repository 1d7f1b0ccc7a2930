//! The instance manager of each database pod, as far as the operator asks it.
//!
//! Each pod of an instance has an address of its own on loopback, where an HTTPS
//! server says that PostgreSQL is well. Which instance is the primary is what
//! the operator wishes: the wish is taken over as soon as that pod runs, as a
//! real instance does when it has promoted itself.
//!
//! Every reply is made of what the API server has at that moment; nothing is
//! remembered. Linux only: elsewhere loopback is a single address.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::{Pod, Secret};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::{Context, Failure, Result};

const CLUSTER_LABEL: &str = "cnpg.io/cluster";
const INSTANCE: &str = "cnpg.io/podRole=instance";
/// Where the operator asks.
const PORT: u16 = 8000;
/// How long until a failure is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// The address of a pod that is a database instance; none for any other pod.
pub(crate) fn loopback_address(pod: &Pod) -> Option<Ipv4Addr> {
    let (label, role) = INSTANCE.split_once('=')?;
    if pod.labels().get(label)? != role {
        return None;
    }
    // Of a pod's identity, so that there is nothing to agree on.
    let [a, b, c, ..] = digest(&pod.uid()?).to_be_bytes();
    // Neither the first, which is the machine's own, nor a broadcast address.
    Some(Ipv4Addr::new(127, 1 + a % 254, b, 1 + c % 254))
}

/// What the operator compares instance managers by.
pub(super) fn hash(manager: &Path) -> Result<String> {
    let bytes = std::fs::read(manager).context(format!("cannot read {}", manager.display()))?;
    Ok(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Runs until the runtime it is spawned on ends.
pub(super) async fn run(client: Client, hash: String) {
    let hash = Arc::new(hash);
    futures::future::join(run_pods(client.clone(), hash).boxed(), run_clusters(client).boxed()).await;
}

async fn run_pods(client: Client, hash: Arc<String>) {
    let pods = Api::<Pod>::all(client.clone());
    let mut events = watcher(pods, watcher::Config::default().labels(INSTANCE)).default_backoff().boxed();
    let mut serving: HashMap<String, JoinHandle<()>> = HashMap::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(pod) | Event::InitApply(pod)) if is_running(&pod) => {
                let Some(instance) = Instance::of(&client, &pod, &hash) else { continue };
                instance.promote_if_wished().await;
                let serve = || tokio::spawn(serve_for_ever(instance));
                serving.entry(pod.uid().unwrap_or_default()).or_insert_with(serve);
            }
            Ok(Event::Delete(pod)) => {
                if let Some(task) = serving.remove(&pod.uid().unwrap_or_default()) {
                    task.abort();
                }
            }
            // A failed watch starts again by itself.
            _ => {}
        }
    }
}

/// A wish may come when its pod has long been running.
async fn run_clusters(client: Client) {
    let events = watcher(clusters(&client, None), watcher::Config::default()).default_backoff();
    events
        .applied_objects()
        .for_each(|event| async {
            let Ok(cluster) = event else { return };
            let Some(wish) = cluster.data.pointer("/status/targetPrimary").and_then(Value::as_str) else {
                return;
            };
            let pods = Api::<Pod>::namespaced(client.clone(), &cluster.namespace().unwrap_or_default());
            if let Ok(Some(pod)) = pods.get_opt(wish).await
                && is_running(&pod)
            {
                promote(&client, &cluster, wish).await;
            }
        })
        .await;
}

fn is_running(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    pod.metadata.deletion_timestamp.is_none()
        && status.is_some_and(|s| s.phase.as_deref() == Some("Running") && s.pod_ip.is_some())
}

fn clusters(client: &Client, namespace: Option<&str>) -> Api<DynamicObject> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("postgresql.cnpg.io", "v1", "Cluster"));
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &kind),
        None => Api::all_with(client.clone(), &kind),
    }
}

/// Makes the wished primary the primary.
async fn promote(client: &Client, cluster: &DynamicObject, wish: &str) {
    let status = &cluster.data["status"];
    if status["targetPrimary"] != wish || status["currentPrimary"] == wish {
        return;
    }
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string();
    let patch = json!({"status": {"currentPrimary": wish, "currentPrimaryTimestamp": now}});
    let api = clusters(client, cluster.namespace().as_deref());
    // The next event is the next try.
    let _ = api.patch_status(&cluster.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await;
}

/// One instance manager.
struct Instance {
    client: Client,
    namespace: String,
    cluster: String,
    pod: String,
    session: String,
    address: SocketAddr,
    hash: Arc<String>,
}

impl Instance {
    fn of(client: &Client, pod: &Pod, hash: &Arc<String>) -> Option<Self> {
        Some(Self {
            client: client.clone(),
            namespace: pod.namespace()?,
            cluster: pod.labels().get(CLUSTER_LABEL)?.clone(),
            pod: pod.name_any(),
            session: pod.uid()?,
            address: SocketAddr::from((loopback_address(pod)?, PORT)),
            hash: Arc::clone(hash),
        })
    }

    async fn cluster(&self) -> kube::Result<DynamicObject> {
        clusters(&self.client, Some(&self.namespace)).get(&self.cluster).await
    }

    async fn promote_if_wished(&self) {
        if let Ok(cluster) = self.cluster().await {
            promote(&self.client, &cluster, &self.pod).await;
        }
    }

    /// With the certificate that the operator has made for the database.
    async fn acceptor(&self) -> Result<TlsAcceptor> {
        let doing = format!("cannot serve {}", self.pod);
        let cluster = self.cluster().await.context(&doing)?;
        let name = cluster.data.pointer("/status/certificates/serverTLSSecret").and_then(Value::as_str);
        let name = name.ok_or_else(|| Failure::new("the database has no certificate yet"))?;
        let secret = Api::<Secret>::namespaced(self.client.clone(), &self.namespace).get(name).await;
        let data = secret.context(&doing)?.data.unwrap_or_default();
        let part = |key: &str| {
            data.get(key)
                .map(|part| part.0.as_slice())
                .ok_or_else(|| Failure::new(format!("no {key} in {name}")))
        };
        let chain = CertificateDer::pem_slice_iter(part("tls.crt")?)
            .collect::<std::result::Result<Vec<_>, _>>()
            .context(&doing)?;
        let key = PrivateKeyDer::from_pem_slice(part("tls.key")?).context(&doing)?;
        let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .context(&doing)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .context(&doing)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
        let (status, body) = match request.uri().path() {
            "/pg/status" => (StatusCode::OK, self.status().await?),
            path => {
                (StatusCode::NOT_FOUND, json!({"error": format!("no instance manager is here for {path}")}))
            }
        };
        let response = Response::builder().status(status).header("content-type", "application/json");
        response.body(Full::new(body.to_string().into())).context("cannot answer")
    }

    async fn status(&self) -> Result<Value> {
        const LSN: &str = "0/5000060";
        let cluster = self.cluster().await.context("cannot read the database")?;
        let is_primary = cluster.data.pointer("/status/currentPrimary").is_some_and(|name| name == &self.pod);
        let mut status = json!({
            // A number in decimal, the same for all instances of a database.
            "systemID": digest(&cluster.uid().unwrap_or_default()).to_string(),
            "isPrimary": is_primary,
            "timeLineID": 1,
            "isWalReceiverActive": !is_primary,
            "instanceArch": super::ARCHITECTURE,
            "executableHash": *self.hash,
            "sessionID": self.session,
        });
        let position: &[&str] = if is_primary { &["currentLsn"] } else { &["receivedLsn", "replayLsn"] };
        for field in position {
            status[*field] = LSN.into();
        }
        Ok(status)
    }
}

async fn serve_for_ever(instance: Instance) {
    let instance = Arc::new(instance);
    loop {
        // Fails until the certificate is there, or if the address is in use.
        if let Ok(acceptor) = instance.acceptor().await
            && let Ok(listener) = TcpListener::bind(instance.address).await
        {
            serve(&instance, &acceptor, &listener).await;
        }
        sleep(PAUSE).await;
    }
}

async fn serve(instance: &Arc<Instance>, acceptor: &TlsAcceptor, listener: &TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let (instance, acceptor) = (Arc::clone(instance), acceptor.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(|request| {
                let instance = Arc::clone(&instance);
                async move { instance.answer(request).await.map_err(|failure| failure.to_string()) }
            });
            // The operator asks again over another connection.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    // Positive as a signed number too, as PostgreSQL's are.
    hasher.finish() >> 1
}
