//! What clients of a stand-in for a cloud talk to, and what becomes of their
//! requests.
//!
//! Each front has an address of its own, and a judge who may have a request
//! refused, lost or left without an answer. Must not: know any one cloud.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::error::{Context, Failure, Result};
use crate::worker::Worker;

/// A request that came.
#[derive(Clone, Debug)]
pub struct FrontCall {
    /// Whom it was for: `s3` and `eks` of AWS, `login`, `manager`, `vault` and
    /// `metadata` of Azure.
    pub service: String,
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// Its query, empty without one.
    pub query: String,
    /// What is asked for, where the path does not say it; else empty.
    pub action: String,
    /// What became of it.
    pub fate: FrontFate,
}

impl FrontCall {
    /// Whether it may change something.
    pub fn is_write(&self) -> bool {
        let reads = ["Get", "List"].iter().any(|verb| self.action.starts_with(verb));
        !matches!(self.method.as_str(), "GET" | "HEAD") && !reads
    }

    /// What tells it from others.
    pub fn name(&self) -> String {
        format!("{} {} {}?{} {}", self.service, self.method, self.path, self.query, self.action)
    }
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrontFate {
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

/// Decides what becomes of requests.
pub(crate) type Judge = Box<dyn FnMut(&FrontCall) -> FrontFate + Send>;

/// An answer; one that is an error is how a connection breaks.
pub(crate) type Answered =
    std::result::Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>>;

/// What stands behind a front.
pub(crate) trait Cloud: Send + Sync + 'static {
    /// Whom a request is for.
    fn service(&self, request: &Request<Bytes>) -> String;

    /// What it asks for, where the path does not say it.
    fn action(&self, request: &Request<Bytes>) -> String {
        let _ = request;
        String::new()
    }

    /// A refusal as the service would say it.
    fn refusal(&self, service: &str, status: u16, code: &str) -> Answered;

    /// Does what is asked.
    fn answer(
        &self,
        host: &str,
        service: &str,
        request: Request<Bytes>,
    ) -> impl Future<Output = Answered> + Send;
}

/// What clients talk to.
pub struct Front {
    endpoint: String,
    asked: Arc<Mutex<Vec<FrontCall>>>,
}

impl Front {
    /// Its address, for all services.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Its host and port.
    pub fn host(&self) -> &str {
        self.endpoint.split_once("://").map_or("", |(_, host)| host)
    }

    /// All requests so far, in the order of their coming.
    pub fn asked(&self) -> Vec<FrontCall> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens one before a cloud, with TLS when there is something to show.
    pub(crate) fn open(
        worker: &Worker,
        tls: Option<TlsAcceptor>,
        cloud: impl Cloud,
        judge: Judge,
    ) -> Result<Self> {
        let asked = Arc::<Mutex<Vec<FrontCall>>>::default();
        let seen = Arc::clone(&asked);
        // A certificate is for a name.
        let (scheme, name) = if tls.is_some() { ("https", "localhost") } else { ("http", "127.0.0.1") };
        let host = worker.run(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot open a port")?;
            let port = listener.local_addr().context("the port has no address")?.port();
            let host = format!("{name}:{port}");
            let gate = Gate { cloud, host: host.clone(), judge: Mutex::new(judge), asked: seen };
            tokio::spawn(serve(listener, tls, Arc::new(gate)));
            Ok::<_, Failure>(host)
        })?;
        Ok(Front { endpoint: format!("{scheme}://{host}"), asked })
    }
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

async fn serve<C: Cloud>(listener: TcpListener, tls: Option<TlsAcceptor>, gate: Arc<Gate<C>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (gate, tls) = (Arc::clone(&gate), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => gate.serve(stream).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        gate.serve(stream).await;
                    }
                }
            }
        });
    }
}

struct Gate<C> {
    cloud: C,
    host: String,
    judge: Mutex<Judge>,
    asked: Arc<Mutex<Vec<FrontCall>>>,
}

impl<C: Cloud> Gate<C> {
    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(|request| self.answer(request));
        // An answer that is an error is how a connection breaks.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Answered {
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, body.collect().await?.to_bytes());
        let call = self.decide(&request);
        match call.fate {
            FrontFate::Refuse { status, code } => return self.cloud.refusal(&call.service, status, code),
            FrontFate::Hang => std::future::pending().await,
            FrontFate::Pass | FrontFate::LoseAnswer => {}
        }
        let answer = self.cloud.answer(&self.host, &call.service, request).await;
        if call.fate == FrontFate::LoseAnswer {
            return Err("the answer is lost".into());
        }
        answer
    }

    /// One request after the other, so that what is counted is in order.
    fn decide(&self, request: &Request<Bytes>) -> FrontCall {
        let mut judge = self.judge.lock().unwrap_or_else(PoisonError::into_inner);
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut call = FrontCall {
            service: self.cloud.service(request),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            action: self.cloud.action(request),
            fate: FrontFate::Pass,
        };
        call.fate = judge(&call);
        asked.push(call.clone());
        call
    }
}
