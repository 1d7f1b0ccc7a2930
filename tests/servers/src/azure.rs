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
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::{Value as Json, json};
use tokio_rustls::TlsAcceptor;

use crate::certs::Authority;
use crate::error::Result;
use crate::front::{Answered, Cloud, Front, FrontCall, FrontFate};
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
    /// What a machine shows at `/msi/token` to be given a token.
    pub const MACHINE: &'static str = world::MACHINE;
    /// What tokens for the manager end with.
    pub const MANAGER: &'static str = directory::MANAGER;
    /// How many objects a page of a list has.
    pub const PAGE: usize = world::PAGE;
    /// What all tokens begin with.
    pub const TOKEN: &'static str = world::TOKEN;

    /// The kubeconfig that clusters give to their users from now on.
    pub fn set_kubeconfig(&self, text: &str) {
        self.world().kubeconfig = Some(text.to_owned());
    }

    /// An address to talk to; `judge` decides what becomes of each request.
    pub fn front(&self, judge: impl FnMut(&FrontCall) -> FrontFate + Send + 'static) -> Front {
        let behind = Behind(Arc::clone(&self.world));
        let front = Front::open(&self.worker, Some(self.acceptor.clone()), behind, Box::new(judge));
        front.unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// An address at which nothing goes wrong.
    pub fn plain_front(&self) -> Front {
        self.front(|_| FrontFate::Pass)
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

/// The world behind a front.
struct Behind(Arc<Mutex<World>>);

impl Cloud for Behind {
    fn service(&self, request: &Request<Bytes>) -> String {
        let service = match request.uri().path() {
            path if path.starts_with("/metadata/") => "metadata",
            path if path.ends_with("/oauth2/v2.0/token") || path == "/msi/token" => "login",
            path if path.starts_with("/vault/") => "vault",
            _ => "manager",
        };
        service.to_owned()
    }

    fn refusal(&self, _service: &str, status: u16, code: &str) -> Answered {
        let body = json!({ "error": { "code": code, "message": "the test refuses" } });
        response(Answer::new(status, body))
    }

    async fn answer(&self, host: &str, service: &str, request: Request<Bytes>) -> Answered {
        let (head, body) = request.into_parts();
        let header =
            |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
        let asked = Asked::new(head.method.as_str(), path, query, &body, host, Some(&header));
        let mut world = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        response(match service {
            "metadata" => directory::metadata(&asked),
            "login" => directory::token(&mut world, &asked, &body),
            "vault" => secrets::answer(&mut world, &asked),
            _ => manager::answer(&mut world, &asked),
        })
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
