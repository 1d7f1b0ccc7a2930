//! A proxy before the API server, for what a real server does too seldom: it
//! refuses chosen requests, or does them and lets nobody know.
//!
//! It speaks plain HTTP on loopback and logs in as the administrator, whoever
//! asks. Must not: change a request or an answer that it passes on.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use serde_json::json;
use tokio::net::TcpListener;

use crate::error::{Context, Result};
use crate::kubeconfig::{self, Login};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The API server answers it.
    Pass,
    /// It is refused, and the API server never hears of it.
    Refuse {
        /// The HTTP status.
        code: u16,
        /// The header `Retry-After`, in seconds.
        retry_after: Option<u32>,
    },
    /// The API server does it, and the connection breaks before the answer.
    LoseAnswer,
    /// The API server does it, and the connection breaks in the middle of the answer.
    CutAnswer,
    /// The API server never hears of it, and nothing is ever answered.
    Hang,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// When.
    pub at: Instant,
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// The bearer token that it came with; empty without one.
    pub token: String,
    /// What became of it.
    pub fate: Fate,
}

/// A proxy; lives as long as its cluster.
#[derive(Debug)]
pub struct Proxy {
    endpoint: String,
    kubeconfig: PathBuf,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Proxy {
    /// Its address.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A kubeconfig that leads to it: context `test`.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// All requests so far, in the order of their coming.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts one. Must be called on the runtime that is to serve it.
    pub(crate) async fn start<F>(upstream: Client, kubeconfig: PathBuf, ca_pem: &str, fate: F) -> Result<Self>
    where
        F: FnMut(&Asked) -> Fate + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot open a port")?;
        let address = listener.local_addr().context("the port has no address")?;
        let endpoint = format!("http://{address}");
        kubeconfig::write(&kubeconfig, &endpoint, ca_pem, &Login::Token("any"))?;
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let front = Front { upstream, fate: Arc::new(Mutex::new(fate)), asked: Arc::clone(&asked) };
        tokio::spawn(serve(listener, front));
        Ok(Self { endpoint, kubeconfig, asked })
    }
}

struct Front<F> {
    upstream: Client,
    fate: Arc<Mutex<F>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

type Broken = Box<dyn std::error::Error + Send + Sync>;
type Answered = std::result::Result<Response<BoxBody<Bytes, Broken>>, Broken>;

async fn serve<F>(listener: TcpListener, front: Front<F>)
where
    F: FnMut(&Asked) -> Fate + Send + 'static,
{
    let front = Arc::new(front);
    while let Ok((stream, _)) = listener.accept().await {
        let front = Arc::clone(&front);
        tokio::spawn(async move {
            let service = service_fn(|request| front.answer(request));
            // An answer that is an error is how a connection breaks.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl<F: FnMut(&Asked) -> Fate> Front<F> {
    async fn answer(&self, request: Request<Incoming>) -> Answered {
        let fate = self.decide(&request);
        if let Fate::Refuse { code, retry_after } = fate {
            return refusal(code, retry_after);
        }
        if fate == Fate::Hang {
            std::future::pending::<()>().await;
        }
        let (mut head, body) = request.into_parts();
        without(&mut head.headers, [HOST, AUTHORIZATION, CONTENT_LENGTH, CONNECTION]);
        let body = Body::from(body.collect().await?.to_bytes());
        let (mut head, body) = self.upstream.send(Request::from_parts(head, body)).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        if fate == Fate::LoseAnswer {
            return Err("the answer is lost".into());
        }
        without(&mut head.headers, [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION]);
        let body = if fate == Fate::CutAnswer { first_half(&body) } else { whole(body) };
        Ok(Response::from_parts(head, body))
    }

    /// One request after the other, so that what is counted is in order.
    fn decide(&self, request: &Request<Incoming>) -> Fate {
        let mut decide = self.fate.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let login = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = login.and_then(|login| login.strip_prefix("Bearer ")).unwrap_or_default();
        let mut asked = Asked {
            at: Instant::now(),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            token: token.to_owned(),
            fate: Fate::Pass,
        };
        asked.fate = decide(&asked);
        let fate = asked.fate;
        all.push(asked);
        fate
    }
}

fn whole(body: impl Into<Bytes>) -> BoxBody<Bytes, Broken> {
    Full::new(body.into()).map_err(|never| match never {}).boxed()
}

/// A part of a body, and the end of its connection.
fn first_half(body: &Bytes) -> BoxBody<Bytes, Broken> {
    let frames = [Ok(Frame::data(body.slice(..body.len() / 2))), Err("the answer is cut".into())];
    StreamBody::new(futures::stream::iter(frames)).boxed()
}

fn without<const N: usize>(headers: &mut HeaderMap, names: [http::HeaderName; N]) {
    for name in names {
        headers.remove(name);
    }
}

fn refusal(code: u16, retry_after: Option<u32>) -> Answered {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("the test's proxy refuses with {code}"), "code": code,
    });
    let mut response = Response::builder().status(code).header("content-type", "application/json");
    if let Some(seconds) = retry_after {
        response = response.header(RETRY_AFTER, seconds);
    }
    Ok(response.body(whole(status.to_string()))?)
}
