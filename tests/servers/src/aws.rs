//! A stand-in for AWS: moto, and in front of it what moto lacks.
//!
//! moto keeps buckets, DNS zones, roles and who is who, and checks requests
//! as it can; clusters are kept here (see `aws_eks`). A [front](Aws::front) is what clients talk to: it tells services
//! apart by what a request is signed for, does what moto cannot (tags given
//! with a new bucket), and does to chosen requests what AWS does too seldom.
//!
//! Must not: change a request or an answer that it passes on, unless said here.

use std::fmt;
use std::net::TcpListener as Port;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::aws_eks::Eks;
use crate::aws_route53;
use crate::binaries;
use crate::error::{Context, Failure, Result};
use crate::front::{Answered, Cloud, Front, FrontCall, FrontFate};
use crate::lifeline::Lifeline;
use crate::server::{Launch, Server};
use crate::worker::Worker;

/// The id of requests that are answered here.
const ID: &str = "test-request-1";
/// Python starts slowly on a machine that is building.
const DEADLINE: Duration = Duration::from_secs(90);
const PORT_TRIES: usize = 5;

/// A stand-in for AWS.
///
/// # Panics
///
/// Every method panics, with the reason, when moto does not do its part.
pub struct Aws {
    // Dropped in this order: what talks to moto, moto, the folder.
    worker: Worker,
    _moto: Server,
    _lifeline: Lifeline,
    moto: Moto,
}

impl Aws {
    /// The one of this test process, started by whoever asks first. Tests on it
    /// run at the same time, each under names of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Aws>> = OnceLock::new();
        SHARED.get_or_init(Self::begin).as_ref().unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// One for one test.
    pub fn start() -> Self {
        Self::begin().unwrap_or_else(|failure| panic!("{failure}"))
    }

    fn begin() -> Result<Self> {
        let python = binaries::moto()?;
        let folder = tempfile::Builder::new()
            .prefix("tenantctl-aws-")
            .tempdir()
            .context("cannot make a folder")?
            .keep();
        let lifeline = Lifeline::new(&folder)?;
        let (server, port) = start_moto(&python, &folder, lifeline.group())?;
        let worker = Worker::new()?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let moto = Moto { client, port, eks: Arc::default() };
        Ok(Aws { worker, _moto: server, _lifeline: lifeline, moto })
    }

    /// An address to talk to; `judge` decides what becomes of each request.
    pub fn front(&self, judge: impl FnMut(&FrontCall) -> FrontFate + Send + 'static) -> Front {
        let front = Front::open(&self.worker, None, self.moto.clone(), Box::new(judge));
        front.unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// An address at which nothing goes wrong.
    pub fn plain_front(&self) -> Front {
        self.front(|_| FrontFate::Pass)
    }

    /// Has the cluster of a name, once it is made, lead to this API server.
    pub fn serve_cluster(&self, name: &str, endpoint: &str, ca_pem: &str) {
        let mut eks = self.moto.eks.lock().unwrap_or_else(PoisonError::into_inner);
        eks.serve(name, endpoint, &STANDARD.encode(ca_pem));
    }

    /// Asks a service directly, as somebody else would: status and body.
    pub fn ask(&self, service: &str, method: &str, path_and_query: &str, body: &str) -> (u16, String) {
        let moto = self.moto.clone();
        let request = Request::builder()
            .method(method)
            .uri(path_and_query)
            .header(AUTHORIZATION, scope(service))
            .body(Bytes::copy_from_slice(body.as_bytes()));
        let answer = self.worker.run(async move {
            let answer = moto.send(request.context("a malformed request")?).await?;
            let (head, body) = answer.into_parts();
            Ok::<_, Failure>((head.status.as_u16(), String::from_utf8_lossy(&body).into_owned()))
        });
        answer.unwrap_or_else(|failure| panic!("{failure}"))
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("port", &self.moto.port).finish_non_exhaustive()
    }
}

/// Enough of a signature for moto, which looks at nothing else of it.
fn scope(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20200101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn start_moto(python: &std::path::Path, folder: &std::path::Path, group: i32) -> Result<(Server, u16)> {
    let mut lost = Failure::new("no port was tried");
    for _ in 0..PORT_TRIES {
        let port =
            Port::bind("127.0.0.1:0").and_then(|port| port.local_addr()).context("no free port")?.port();
        let args =
            ["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()].map(String::from).to_vec();
        let folder = folder.to_owned();
        let program = python.to_owned();
        let launch = Launch { name: "moto", program, args, env: Vec::new(), folder, group };
        let mut server = Server::start(launch)?;
        match server.wait_until(DEADLINE, || answers(port).unwrap_or(false)) {
            Ok(()) => return Ok((server, port)),
            Err(failure) => lost = failure,
        }
    }
    Err(lost)
}

fn answers(port: u16) -> std::io::Result<bool> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET /moto-api/data.json HTTP/1.0\r\nHost: moto\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.contains(" 200 "))
}

#[derive(Clone)]
struct Moto {
    client: Client<HttpConnector, Full<Bytes>>,
    port: u16,
    eks: Arc<Mutex<Eks>>,
}

impl Moto {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        if service_of(request.headers()) == "eks" {
            return self.eks(&request);
        }
        let (mut head, mut body) = request.into_parts();
        let tags = if is_bucket_creation(&head.method, &head.uri) { take_tags(&mut body) } else { None };
        let names_its_answer =
            head.method == Method::GET && head.uri.query().is_some_and(|q| q.contains("versioning"));
        let (path, signed) = (head.uri.path().to_owned(), head.headers.get(AUTHORIZATION).cloned());
        if tags.is_some() {
            head.headers.retain_not(|name| name.starts_with("x-amz-checksum"));
        }
        if let Some((name, kind)) = aws_route53::created(&head, &body) {
            let list = Request::get(aws_route53::listing(&head, &name, &kind));
            let list = signed.iter().fold(list, |list, signed| list.header(AUTHORIZATION, signed));
            let (list, ()) = list.body(()).context("a malformed request")?.into_parts();
            let list = self.pass_on(list, Bytes::new()).await?;
            if aws_route53::is_first(list.body(), &name, &kind) {
                return aws_route53::refusal(&name, &kind, ID);
            }
            body = aws_route53::setting(&body);
        }
        let mut answer = self.pass_on(head, body).await?;
        if names_its_answer {
            // moto calls it by the operation, S3 by what it is.
            let body = String::from_utf8_lossy(answer.body());
            let body = body.replace("GetBucketVersioningResponse", "VersioningConfiguration").into();
            *answer.body_mut() = body;
        }
        if let (Some(tags), true) = (tags, answer.status().is_success()) {
            let body = format!("<Tagging><TagSet>{tags}</TagSet></Tagging>");
            let mut request = Request::put(format!("{path}?tagging"));
            if let Some(signed) = signed {
                request = request.header(AUTHORIZATION, signed);
            }
            let (head, ()) = request.body(()).context("a malformed request")?.into_parts();
            self.pass_on(head, body.into()).await?;
        }
        Ok(answer)
    }

    fn eks(&self, request: &Request<Bytes>) -> Result<Response<Bytes>> {
        let mut eks = self.eks.lock().unwrap_or_else(PoisonError::into_inner);
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let answer = eks.answer(request.method().as_str(), path, query, request.body());
        let response =
            Response::builder().header("content-type", "application/json").header("x-amzn-requestid", ID);
        let (response, body) = match answer {
            Ok(body) => (response, body),
            Err(refusal) => {
                let body = serde_json::json!({ "message": refusal.message });
                (response.status(refusal.status).header("x-amzn-errortype", refusal.code), body)
            }
        };
        response.body(body.to_string().into()).context("a malformed answer")
    }

    async fn pass_on(&self, mut head: http::request::Parts, body: Bytes) -> Result<Response<Bytes>> {
        for name in [HOST, CONTENT_LENGTH, CONNECTION, TRANSFER_ENCODING] {
            head.headers.remove(name);
        }
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = format!("http://127.0.0.1:{}{path}", self.port).parse().context("a malformed path")?;
        let answer = self.client.request(Request::from_parts(head, Full::new(body))).await;
        let (mut head, body) = answer.context("moto does not answer")?.into_parts();
        let body = body.collect().await.context("moto breaks off")?.to_bytes();
        for name in [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION] {
            head.headers.remove(name);
        }
        Ok(Response::from_parts(head, body))
    }
}

trait RetainNot {
    fn retain_not(&mut self, drop: impl Fn(&str) -> bool);
}

impl RetainNot for HeaderMap {
    fn retain_not(&mut self, drop: impl Fn(&str) -> bool) {
        let dropped: Vec<_> = self.keys().filter(|name| drop(name.as_str())).cloned().collect();
        for name in dropped {
            self.remove(name);
        }
    }
}

fn is_bucket_creation(method: &Method, uri: &Uri) -> bool {
    let path = uri.path().trim_matches('/');
    method == Method::PUT && uri.query().is_none_or(str::is_empty) && !path.is_empty() && !path.contains('/')
}

/// Takes the tags out of a bucket's creation: moto does not know them there.
fn take_tags(body: &mut Bytes) -> Option<String> {
    let text = String::from_utf8(body.to_vec()).ok()?;
    let (before, rest) = text.split_once("<Tags>")?;
    let (tags, after) = rest.split_once("</Tags>")?;
    let left = format!("{before}{after}");
    *body = if left.contains("LocationConstraint") { left.into() } else { Bytes::new() };
    Some(tags.to_owned())
}

impl Cloud for Moto {
    fn service(&self, request: &Request<Bytes>) -> String {
        service_of(request.headers())
    }

    /// Of services that have one path for all, the body says it.
    fn action(&self, request: &Request<Bytes>) -> String {
        let body = std::str::from_utf8(request.body()).unwrap_or_default();
        let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
        action.filter(|_| request.uri().path() == "/").unwrap_or_default().to_owned()
    }

    fn refusal(&self, service: &str, status: u16, code: &str) -> Answered {
        refusal(service, status, code)
    }

    async fn answer(&self, _host: &str, _service: &str, request: Request<Bytes>) -> Answered {
        Ok(self.send(request).await.map_err(|e| e.to_string())?.map(Full::new))
    }
}

/// The service that a request is signed for.
fn service_of(headers: &HeaderMap) -> String {
    let signed = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let credential = signed.split_once("Credential=").map_or("", |(_, rest)| rest);
    let scope = credential.split(',').next().unwrap_or_default();
    scope.split('/').nth(3).unwrap_or_default().to_owned()
}

/// A refusal as the service would say it.
fn refusal(service: &str, status: u16, code: &str) -> Answered {
    const SAID: &str = "the test refuses";
    let status = StatusCode::from_u16(status)?;
    let response = Response::builder().status(status).header("x-amzn-requestid", ID);
    let (kind, body) = match service {
        "eks" => ("application/json", format!(r#"{{"__type":"{code}","message":"{SAID}"}}"#)),
        "s3" => (
            "application/xml",
            format!("<Error><Code>{code}</Code><Message>{SAID}</Message><RequestId>{ID}</RequestId></Error>"),
        ),
        _ => (
            "text/xml",
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{SAID}</Message></Error>\
                 <RequestId>{ID}</RequestId></ErrorResponse>"
            ),
        ),
    };
    let response = response.header("content-type", kind).header("x-amzn-errortype", code);
    Ok(response.body(Full::new(body.into()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_a_new_bucket_are_told_apart() {
        let mut body =
            Bytes::from("<C xmlns=\"x\"><LocationConstraint>eu</LocationConstraint><Tags><Tag/></Tags></C>");
        assert_eq!(take_tags(&mut body).as_deref(), Some("<Tag/>"));
        assert_eq!(body, "<C xmlns=\"x\"><LocationConstraint>eu</LocationConstraint></C>");
        let mut body = Bytes::from("<C><Tags><Tag/></Tags></C>");
        assert_eq!(take_tags(&mut body).as_deref(), Some("<Tag/>"));
        assert!(body.is_empty());
    }

    #[test]
    fn services_are_told_by_the_signature() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, scope("route53").parse().expect("a header"));
        assert_eq!(service_of(&headers), "route53");
    }
}
