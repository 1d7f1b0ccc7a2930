use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, ReadOutcome, Value};

use crate::bench::{Bench, config_map};

/// What a server does with a request: an answer, or nothing.
type Answer = Option<(u16, &'static str, Json)>;

/// A server for what a real one does too seldom: each request, by its first
/// line and how many came before, gets its answer.
fn scripted(answer: impl Fn(&str, usize) -> Answer + Send + 'static) -> Bench {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for (count, stream) in listener.incoming().enumerate() {
            let mut stream = BufReader::new(stream.expect("a connection"));
            let (mut first, mut length) = (String::new(), 0);
            stream.read_line(&mut first).expect("a request");
            loop {
                let mut header = String::new();
                stream.read_line(&mut header).expect("a header");
                if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a length");
                }
                if header.trim().is_empty() {
                    break;
                }
            }
            stream.read_exact(&mut vec![0; length]).expect("a body");
            if let Some((code, headers, body)) = answer(first.trim(), count) {
                let body = body.to_string();
                let length = body.len();
                write!(
                    stream.get_mut(),
                    "HTTP/1.1 {code} x\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
                )
                .expect("an answer");
            }
        }
    });
    Bench::with(Value::object([("endpoint", format!("http://{address}").into())]))
}

fn discovery() -> Json {
    json!({"kind": "APIResourceList", "groupVersion": "v1", "resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": true}]})
}

fn status(code: u16, reason: &str) -> Json {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": reason})
}

#[tokio::test]
async fn interrupted_writes_are_indeterminate_and_refused_ones_are_not() {
    let cases: [(Answer, ErrorClass); 4] = [
        (None, ErrorClass::Indeterminate),
        (Some((504, "", status(504, "Timeout"))), ErrorClass::Indeterminate),
        (
            Some((429, "retry-after: 7\r\n", status(429, "TooManyRequests"))),
            ErrorClass::Throttled(Some(Duration::from_secs(7))),
        ),
        (Some((503, "", status(503, "ServiceUnavailable"))), ErrorClass::Transient),
    ];
    for (answer, class) in cases {
        let patches = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = patches.clone();
        let bench = scripted(move |request, _| {
            if request.starts_with("GET /api/v1 ") {
                Some((200, "", discovery()))
            } else if request.starts_with("GET ") {
                Some((404, "", status(404, "NotFound")))
            } else {
                counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                answer.clone()
            }
        });
        let error =
            bench.create(&bench.manifest(config_map("x", "cm", json!({})))).await.expect_err("it fails");
        assert_eq!(error.class, class, "{error}");
        assert_eq!(patches.load(std::sync::atomic::Ordering::SeqCst), 1, "sent once");
    }
}

#[tokio::test]
async fn a_list_whose_pages_expire_starts_anew() {
    let item = |name: &str| json!({"metadata": {"name": name, "namespace": "x"}, "data": {"a": "1"}});
    let bench = scripted(move |request, count| {
        let page = |next: &str, items: Json| {
            Some((200, "", json!({"metadata": {"continue": next}, "items": items})))
        };
        match (count, request) {
            (0, _) => Some((200, "", discovery())),
            (1, r) if !r.contains("continue=") => page("a b&c", json!([item("one")])),
            (2, r) if r.contains("continue=a%20b%26c") => Some((410, "", status(410, "Expired"))),
            (3, r) if !r.contains("continue=") => page("d", json!([item("one")])),
            (4, r) if r.contains("continue=d") => page("", json!([item("two")])),
            _ => Some((400, "", status(400, "not as expected"))),
        }
    });
    let prior =
        |name: &str| bench.plan(None, &bench.manifest(config_map("x", name, json!({"a": "1"})))).planned;
    let read = bench.read(&[prior("one"), prior("two"), prior("three")]).await;
    let shown: Vec<&str> = read
        .iter()
        .map(|outcome| match outcome {
            ReadOutcome::Found(_) | ReadOutcome::Changed(..) => "found",
            ReadOutcome::Gone => "gone",
            ReadOutcome::Failed(_) => "failed",
        })
        .collect();
    assert_eq!(shown, ["found", "found", "gone"]);
}

#[tokio::test]
async fn a_read_that_fails_half_way_says_so() {
    let bench = scripted(|request, _| {
        if request.starts_with("GET /api/v1 ") {
            Some((200, "", discovery()))
        } else {
            Some((500, "", status(500, "InternalError")))
        }
    });
    let prior = |name: &str| bench.plan(None, &bench.manifest(config_map("x", name, json!({})))).planned;
    for outcome in bench.read(&[prior("one"), prior("two")]).await {
        assert!(matches!(outcome, ReadOutcome::Failed(e) if e.class == ErrorClass::Transient));
    }
}
