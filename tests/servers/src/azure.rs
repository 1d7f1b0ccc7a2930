//! A stand-in for Azure: its directory, its resource manager and its vaults,
//! over HTTPS.
//!
//! A [front](Azure::front) is what clients talk to; each has an address of its
//! own, and all show one world. What a request may hold, and what names look
//! like, is checked as the published interfaces say; what takes minutes takes a
//! number of looks. Some inputs fail as they would: machines of the size
//! `Standard_None` cannot be had, and for `Standard_Quota` there is no quota.
//!
//! Must not: keep time. Looking is what makes things go on.

mod checks;
mod clusters;
mod directory;
mod dns;
mod groups;
mod identities;
mod manager;
mod pools;
mod secrets;
mod tls;
mod vaults;
mod world;

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::certs::Authority;
use crate::error::{Context, Failure, Result};
use crate::worker::Worker;
use world::{Answer, Asked, World};

/// A stand-in for Azure.
///
/// # Panics
///
/// Every method panics, with the reason, when it cannot do its part.
pub struct Azure {
    worker: Worker,
    authority: String,
    acceptor: TlsAcceptor,
    world: Arc<Mutex<World>>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct AzureCall {
    /// Whom it was for: `login`, `manager`, `vault`, `metadata`.
    pub service: &'static str,
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// Its query, empty without one.
    pub query: String,
    /// What became of it.
    pub fate: AzureFate,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AzureFate {
    /// It is answered.
    Pass,
    /// It is refused and not done.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// The service's code.
        code: &'static str,
    },
    /// It is done, and the connection breaks before the answer.
    LoseAnswer,
    /// It is not done, and nothing is ever answered.
    Hang,
}

type Judge = Box<dyn FnMut(&AzureCall) -> AzureFate + Send>;

/// What clients talk to.
pub struct AzureFront {
    host: String,
    asked: Arc<Mutex<Vec<AzureCall>>>,
}

impl AzureFront {
    /// Its host and port, for all services: what `metadata_host` is set to.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// All requests so far, in the order of their coming.
    pub fn asked(&self) -> Vec<AzureCall> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Azure {
    /// The one of this test process. Tests on it run at the same time, each
    /// under names of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Azure>> = OnceLock::new();
        SHARED.get_or_init(Self::begin).as_ref().unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// One for one test.
    pub fn start() -> Self {
        Self::begin().unwrap_or_else(|failure| panic!("{failure}"))
    }

    fn begin() -> Result<Self> {
        let authority = Authority::new()?;
        let acceptor = tls::acceptor(&authority.server()?)?;
        let (worker, world) = (Worker::new()?, Arc::default());
        Ok(Azure { worker, authority: authority.pem().to_owned(), acceptor, world })
    }

    /// The authority that signed its certificate, as PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The subscription that there is.
    pub const SUBSCRIPTION: &'static str = world::SUBSCRIPTION;
    /// The directory that there is.
    pub const TENANT: &'static str = world::TENANT;
    /// Who may log in.
    pub const CLIENT: &'static str = world::CLIENT;
    /// With which secret.
    pub const SECRET: &'static str = world::SECRET;
    /// What all tokens begin with.
    pub const TOKEN: &'static str = world::TOKEN;

    /// The kubeconfig that clusters give to their users from now on.
    pub fn set_kubeconfig(&self, text: &str) {
        self.world().kubeconfig = Some(text.to_owned());
    }

    /// An address to talk to; `judge` decides what becomes of each request.
    pub fn front(&self, judge: impl FnMut(&AzureCall) -> AzureFate + Send + 'static) -> AzureFront {
        let asked = Arc::<Mutex<Vec<AzureCall>>>::default();
        let judge: Judge = Box::new(judge);
        let acceptor = self.acceptor.clone();
        let (world, seen) = (Arc::clone(&self.world), Arc::clone(&asked));
        let host = self.worker.run(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot open a port")?;
            let port = listener.local_addr().context("the port has no address")?.port();
            let host = format!("localhost:{port}");
            let front = Front { host: host.clone(), world, judge: Mutex::new(judge), asked: seen };
            tokio::spawn(serve(listener, acceptor, Arc::new(front)));
            Ok::<_, Failure>(host)
        });
        AzureFront { host: host.unwrap_or_else(|failure| panic!("{failure}")), asked }
    }

    /// An address at which nothing goes wrong.
    pub fn plain_front(&self) -> AzureFront {
        self.front(|_| AzureFate::Pass)
    }

    /// Asks the resource manager directly, as somebody else would, with the
    /// version of the interface in the path: status and body.
    pub fn ask(&self, method: &str, path_and_query: &str, body: &Json) -> (u16, Json) {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let asked = Asked::new(method, path, query, &body, "localhost", None);
        let answer = manager::answer(&mut self.world(), &asked);
        (answer.status, answer.body)
    }

    /// The value of a secret as its vault has it.
    pub fn secret(&self, vault: &str, name: &str) -> Option<String> {
        self.world().secret(vault, name)
    }

    /// The ids of all objects, deleted vaults among them.
    pub fn listing(&self) -> Vec<String> {
        self.world().listing()
    }

    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Azure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Azure").finish_non_exhaustive()
    }
}

impl fmt::Debug for AzureFront {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureFront").field("host", &self.host).finish_non_exhaustive()
    }
}

struct Front {
    host: String,
    world: Arc<Mutex<World>>,
    judge: Mutex<Judge>,
    asked: Arc<Mutex<Vec<AzureCall>>>,
}

type Answered = std::result::Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>>;

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, front: Arc<Front>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (front, acceptor) = (Arc::clone(&front), acceptor.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(|request| front.answer(request));
            // An answer that is an error is how a connection breaks.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Front {
    async fn answer(&self, request: Request<Incoming>) -> Answered {
        let call = self.decide(&request);
        match call.fate {
            AzureFate::Refuse { status, code } => {
                let body = json!({ "error": { "code": code, "message": "the test refuses" } });
                return response(Answer::new(status, body));
            }
            AzureFate::Hang => std::future::pending().await,
            AzureFate::Pass | AzureFate::LoseAnswer => {}
        }
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let header =
            |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
        let asked = Asked::new(head.method.as_str(), path, query, &body, &self.host, Some(&header));
        let answer = {
            let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
            match call.service {
                "metadata" => directory::metadata(&asked),
                "login" => directory::token(&mut world, &asked, &body),
                "vault" => secrets::answer(&mut world, &asked),
                _ => manager::answer(&mut world, &asked),
            }
        };
        if call.fate == AzureFate::LoseAnswer {
            return Err("the answer is lost".into());
        }
        response(answer)
    }

    /// One request after the other, so that what is counted is in order.
    fn decide(&self, request: &Request<Incoming>) -> AzureCall {
        let mut judge = self.judge.lock().unwrap_or_else(PoisonError::into_inner);
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let path = request.uri().path().to_owned();
        let service = match path.as_str() {
            path if path.starts_with("/metadata/") => "metadata",
            path if path.ends_with("/oauth2/v2.0/token") => "login",
            path if path.starts_with("/vault/") => "vault",
            _ => "manager",
        };
        let mut call = AzureCall {
            service,
            method: request.method().to_string(),
            path,
            query: request.uri().query().unwrap_or_default().to_owned(),
            fate: AzureFate::Pass,
        };
        call.fate = judge(&call);
        asked.push(call.clone());
        call
    }
}

fn response(answer: Answer) -> Answered {
    let mut response = Response::builder()
        .status(answer.status)
        .header("content-type", "application/json; charset=utf-8")
        .header("x-ms-request-id", "test-request-1");
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    let body = if answer.body.is_null() { String::new() } else { answer.body.to_string() };
    Ok(response.body(Full::new(body.into()))?)
}
