//! Clients: one for each connection, with what its cluster is known to serve.
//!
//! Guarantees: a connection is opened once and shared; credentials that were
//! refused are read anew for the next call; those that a cloud gives are asked
//! for again before they run out, and when they are refused, and then the
//! request is sent again, which was not done. Else a request is sent once, and
//! its failure says whether it can have had an effect.
//! Must not: retry, read the environment, or run whole discovery.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{Stream, StreamExt as _};
use hyper_util::client::legacy::Error as TransportError;
use kube::client::{AuthError, Body};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::core::{Status, WatchEvent};
use serde_json::{Value as Json, json};
use tenantctl_core::provider::Value;
use tokio::sync::{Mutex, OnceCell};

use super::error::Failure;
use super::silence::Silence;
use super::{Options, discovery::Kinds};
use crate::cluster_access::ClusterAccess;

/// What we call ourselves.
const AGENT: &str = concat!("tenantctl/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long credentials of a cloud are used: shorter than the quarter of an
/// hour that the shortest-lived ones hold.
const RENEWAL: Duration = Duration::from_secs(10 * 60);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(65);

/// All clients of a provider.
pub(super) struct Clients {
    options: Options,
    // Keyed by the whole connection rather than by a digest of it: a collision
    // would send one tenant's objects to another's cluster.
    open: Mutex<HashMap<String, Arc<OnceCell<Arc<Cluster>>>>>,
}

/// One cluster.
pub(super) struct Cluster {
    login: Mutex<Login>,
    cloud: Option<Cloud>,
    /// Its address, for messages.
    pub(super) place: String,
    /// What it serves, as far as was asked.
    pub(super) kinds: Kinds,
    silence: Silence,
}

/// A client with the credentials that it was opened with.
#[derive(Clone)]
struct Login {
    client: kube::Client,
    since: Instant,
}

/// What gives credentials anew.
struct Cloud {
    access: Arc<dyn ClusterAccess>,
    connection: Json,
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    /// GET, PATCH, DELETE.
    pub(super) method: &'static str,
    /// Path and query.
    pub(super) uri: &'a str,
    /// Type and content of what is sent.
    pub(super) body: Option<(&'static str, &'a Json)>,
}

impl Clients {
    pub(super) fn new(options: Options) -> Self {
        Clients { options, open: Mutex::default() }
    }

    /// The cluster of a connection.
    pub(super) async fn cluster(&self, connection: &Value) -> Result<Arc<Cluster>, Failure> {
        let json = connection
            .to_plain_json()
            .map_err(|_| Failure::Misconfigured("its connection is not known yet".into()))?;
        let key = json.to_string();
        let cell = self.open.lock().await.entry(key.clone()).or_default().clone();
        let cluster = cell
            .get_or_try_init(|| async {
                if json["kind"] == "cloud" {
                    return self.of_cloud(json).await;
                }
                let options = self.options.clone();
                // Reads files, and may run a program that gives credentials.
                let opened = tokio::task::spawn_blocking(move || open(&options, &json)).await;
                opened.unwrap_or_else(|_| Err(Failure::Misconfigured("the client did not start".into())))
            })
            .await?;
        if cluster.is_expired().await {
            self.forget(connection).await;
        }
        Ok(cluster.clone())
    }

    /// The cluster of a cloud, by its name there.
    async fn of_cloud(&self, connection: Json) -> Result<Arc<Cluster>, Failure> {
        let name = connection["cloud"].as_str().unwrap_or_default();
        let Some(access) = self.options.access.get(name).cloned() else {
            let why = format!("this build gets no credentials of clusters from {name:?}");
            return Err(Failure::Misconfigured(why));
        };
        let cloud = Cloud { access, connection };
        let (login, place) = cloud.login().await?;
        let (login, cloud) = (Mutex::new(login), Some(cloud));
        Ok(Arc::new(Cluster { login, cloud, place, kinds: Kinds::default(), silence: Silence::default() }))
    }

    /// Has the next call open the connection anew, for credentials that may
    /// have changed.
    pub(super) async fn forget(&self, connection: &Value) {
        if let Ok(json) = connection.to_plain_json() {
            self.open.lock().await.remove(&json.to_string());
        }
    }
}

impl Cloud {
    /// Asks the cloud for credentials; with the address of the cluster.
    async fn login(&self) -> Result<(Login, String), Failure> {
        let cluster = self.connection["cluster"].as_str().unwrap_or_default();
        let given = self.access.credentials(cluster).await.map_err(|e| Failure::Cloud(Box::new(e)))?;
        let or_given = |name: &str, given: Json| match &self.connection[name] {
            Json::Null => given,
            own => own.clone(),
        };
        let direct = json!({
            "endpoint": or_given("endpoint", given.endpoint.into()),
            "ca": or_given("ca", given.ca.into()),
            "token": given.token,
            "client_certificate": given.client_certificate,
            "client_key": given.client_key,
            "insecure": false,
        });
        client(direct_config(&direct)?)
    }
}

impl Cluster {
    async fn is_expired(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let until = self.login.lock().await.client.valid_until().as_ref().map(|t| t.as_second());
        until.is_some_and(|until| u64::try_from(until).unwrap_or(0) <= now + 60)
    }

    /// Whether a cloud runs it.
    pub(super) fn is_of_cloud(&self) -> bool {
        self.cloud.is_some()
    }

    /// A client whose credentials are good for some minutes.
    async fn login(&self) -> Result<Login, Failure> {
        let mut login = self.login.lock().await;
        if let Some(cloud) = self.cloud.as_ref().filter(|_| login.since.elapsed() >= RENEWAL) {
            *login = cloud.login().await?.0;
        }
        Ok(login.clone())
    }

    /// Another client in place of one that was refused; `None` where there is
    /// nobody to ask.
    async fn renewed(&self, refused: &Login) -> Option<Result<Login, Failure>> {
        let cloud = self.cloud.as_ref()?;
        let mut login = self.login.lock().await;
        // Somebody else may have asked meanwhile.
        if login.since == refused.since {
            match cloud.login().await {
                Ok((new, _)) => *login = new,
                Err(failure) => return Some(Err(failure)),
            }
        }
        Some(Ok(login.clone()))
    }

    /// Reads.
    pub(super) async fn get(&self, uri: &str) -> Result<Json, Failure> {
        self.call(Call { method: "GET", uri, body: None }).await
    }

    /// The events of a watch.
    pub(super) async fn events(
        &self,
        uri: &str,
    ) -> Result<Pin<Box<dyn Stream<Item = kube::Result<WatchEvent<Json>>> + Send>>, Failure> {
        let request =
            http::Request::get(uri).header("accept", "application/json").header("user-agent", AGENT);
        let request =
            request.body(Vec::new()).map_err(|e| Failure::Misconfigured(format!("bad request: {e}")))?;
        let client = self.login().await?.client;
        let events = client.request_events::<Json>(request).await.map_err(|e| transport(&e))?;
        Ok(events.boxed())
    }

    /// Sends one request and takes its answer.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Json, Failure> {
        let answer = self.answer(call).await?;
        serde_json::from_slice(answer.as_ref()).map_err(|_| Failure::Lost("the answer is not JSON".into()))
    }

    /// As [`Cluster::call`], with the answer as it came.
    pub(super) async fn answer(&self, call: Call<'_>) -> Result<impl AsRef<[u8]> + use<>, Failure> {
        let login = self.login().await?;
        self.silence.turn(Instant::now())?;
        let answer = match exchange(&login.client, &call).await {
            // It was not done, and can be sent by somebody else.
            Err(refused) if refused.code() == Some(401) => match self.renewed(&login).await {
                Some(login) => exchange(&login?.client, &call).await,
                None => Err(refused),
            },
            answer => answer,
        };
        self.silence.heard(&answer, Instant::now());
        answer
    }
}

/// Sends one request, once.
async fn exchange(client: &kube::Client, call: &Call<'_>) -> Result<impl AsRef<[u8]> + use<>, Failure> {
    let mut request = http::Request::builder()
        .method(call.method)
        .uri(call.uri)
        .header("accept", "application/json")
        .header("user-agent", AGENT);
    let body = match call.body {
        Some((content_type, json)) => {
            request = request.header("content-type", content_type);
            json.to_string().into_bytes()
        }
        None => Vec::new(),
    };
    let request =
        request.body(Body::from(body)).map_err(|e| Failure::Misconfigured(format!("bad request: {e}")))?;
    let exchange = async {
        let response = client.send(request).await.map_err(|e| transport(&e))?;
        let code = response.status();
        let retry_after = response
            .headers()
            .get("retry-after")
            .and_then(|v| v.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let bytes = response.into_body().collect_bytes().await.map_err(|e| Failure::Lost(root(&e)))?;
        if code.is_success() {
            return Ok(bytes);
        }
        let status = serde_json::from_slice::<Status>(&bytes).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&bytes);
            Status::failure(text.trim().get(..200).unwrap_or(text.trim()), "")
        });
        Err(Failure::Refused { status: status.with_code(code.as_u16()).boxed(), retry_after })
    };
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, exchange).await;
    answer.unwrap_or_else(|_| Err(Failure::Unanswered(ANSWER_TIMEOUT)))
}

/// Sorts a failed exchange: not sent, lost, or not trusted.
fn transport(error: &(dyn StdError + 'static)) -> Failure {
    let mut sent = true;
    let mut current = Some(error);
    while let Some(e) = current {
        if let Some(auth) = e.downcast_ref::<AuthError>() {
            return Failure::Untrusted(credentials(auth));
        }
        if e.downcast_ref::<TransportError>().is_some_and(TransportError::is_connect) {
            sent = false;
        }
        current = e.source();
    }
    let why = root(error);
    match sent {
        false if why.contains("certificate") => Failure::Untrusted(why),
        false => Failure::Unreachable(why),
        true => Failure::Lost(why),
    }
}

/// The innermost cause in words.
fn root(error: &(dyn StdError + 'static)) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current.to_string()
}

/// Why there are no credentials. The output of a program that was to give some
/// is not shown: it may hold them.
fn credentials(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { cmd, out } => {
            let said = String::from_utf8_lossy(&out.stderr);
            format!("the program {cmd:?} that gives credentials failed ({}): {}", out.status, said.trim())
        }
        AuthError::AuthExecParse(_) | AuthError::ParseTokenKey(_) => {
            "the program that gives credentials wrote something else".into()
        }
        AuthError::InvalidBearerToken(_) | AuthError::InvalidBasicAuth(_) => {
            "the token or password holds characters that cannot be sent".into()
        }
        other => other.to_string(),
    }
}

fn open(options: &Options, connection: &Json) -> Result<Arc<Cluster>, Failure> {
    let config = match connection["kind"].as_str() {
        Some("direct") => direct_config(connection)?,
        Some("kubeconfig") => from_files(options, connection)?,
        _ => return Err(Failure::Misconfigured("its connection is of no known kind".into())),
    };
    let (login, place) = client(config)?;
    let (login, kinds, silence) = (Mutex::new(login), Kinds::default(), Silence::default());
    Ok(Arc::new(Cluster { login, cloud: None, place, kinds, silence }))
}

/// A client, and the address that it talks to.
fn client(mut config: Config) -> Result<(Login, String), Failure> {
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.default_retry = false;
    let place = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    let client = kube::Client::try_from(config).map_err(|e| match &e {
        kube::Error::Auth(auth) => Failure::Untrusted(credentials(auth)),
        other => Failure::Misconfigured(root(other)),
    })?;
    Ok((Login { client, since: Instant::now() }, place))
}

fn direct_config(connection: &Json) -> Result<Config, Failure> {
    let encoded = |name: &str| connection[name].as_str().map(|pem| STANDARD.encode(pem));
    let kubeconfig = json!({
        "current-context": "direct",
        "contexts": [{"name": "direct", "context": {"cluster": "direct", "user": "direct"}}],
        "clusters": [{"name": "direct", "cluster": {
            "server": connection["endpoint"],
            "certificate-authority-data": encoded("ca"),
            "insecure-skip-tls-verify": connection["insecure"],
        }}],
        "users": [{"name": "direct", "user": {
            "token": connection["token"],
            "client-certificate-data": encoded("client_certificate"),
            "client-key-data": encoded("client_key"),
        }}],
    });
    let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig)
        .map_err(|_| Failure::Misconfigured("its connection has a part of a wrong type".into()))?;
    load(kubeconfig, None)
}

fn from_files(options: &Options, connection: &Json) -> Result<Config, Failure> {
    let home = |path: &str| match (path.strip_prefix("~/"), &options.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    };
    let files = match connection["path"].as_str() {
        Some(path) => vec![home(path)],
        None => options.kubeconfig.iter().filter(|p| p.exists()).cloned().collect(),
    };
    let context = connection["context"].as_str().map(str::to_owned);
    if files.is_empty() {
        if options.in_cluster && context.is_none() {
            return Config::incluster().map_err(|e| Failure::Misconfigured(root(&e)));
        }
        let mut tried = String::new();
        for path in &options.kubeconfig {
            let _ = write!(tried, " {}", path.display());
        }
        let tried = if tried.is_empty() { " none named".to_owned() } else { tried };
        return Err(Failure::Misconfigured(format!(
            "there is no kubeconfig (tried:{tried}), and neither the resource nor the provider names a cluster"
        )));
    }
    let mut merged: Option<Kubeconfig> = None;
    for file in files {
        let next =
            Kubeconfig::read_from(&file).map_err(|e| Failure::Misconfigured(kubeconfig_error(&e, &file)))?;
        merged = Some(match merged {
            Some(first) => first.merge(next).map_err(|e| Failure::Misconfigured(e.to_string()))?,
            None => next,
        });
    }
    load(merged.unwrap_or_default(), context)
}

/// A parser's message would quote the file, and so perhaps a token.
fn kubeconfig_error(error: &kube::config::KubeconfigError, file: &std::path::Path) -> String {
    match error {
        kube::config::KubeconfigError::Parse(_) => format!("kubeconfig {} is not valid YAML", file.display()),
        other => other.to_string(),
    }
}

fn load(kubeconfig: Kubeconfig, context: Option<String>) -> Result<Config, Failure> {
    let chosen = context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    let cluster = kubeconfig.contexts.iter().find(|c| c.name == chosen).and_then(|c| c.context.as_ref());
    let cluster = cluster.and_then(|c| kubeconfig.clusters.iter().find(|n| n.name == c.cluster));
    let proxy = cluster.and_then(|c| c.cluster.as_ref()?.proxy_url.clone()).filter(|p| !p.is_empty());
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    // The loader does not wait for anything; it is async by history.
    let config = futures::executor::block_on(Config::from_custom_kubeconfig(kubeconfig, &options));
    let mut config = config.map_err(|e| Failure::Misconfigured(e.to_string()))?;
    // The loader takes a proxy from the environment when the file names none.
    config.proxy_url = match proxy {
        Some(proxy) => {
            Some(proxy.parse().map_err(|_| Failure::Misconfigured("its proxy-url is no address".into()))?)
        }
        None => None,
    };
    Ok(config)
}

/// A name as it can stand in a path or query.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}
