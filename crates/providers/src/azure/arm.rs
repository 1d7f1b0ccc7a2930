//! Calls of Azure's resource manager: one request, one answer.
//!
//! Guarantees: a token goes to the manager's own address and nowhere else,
//! wherever an answer points; a call ends in time; no request is sent twice.
//! Must not: know any one type of object.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::{Secret, TokenCredential};
use azure_core::error::ErrorKind;
use azure_core::http::{HttpClient, Method, Request, Url};
use serde_json::Value as Json;
use tenantctl_core::provider::{ErrorClass, ProviderError};

use super::answer::{Answer, Failure};

/// Pages of one list; more than that is a list that does not end.
const PAGES: usize = 1000;

/// The state of the object that a request takes for granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Condition {
    /// Any.
    #[default]
    None,
    /// It is not there yet.
    New,
    /// It is as it was when it had this tag.
    Same(String),
}

/// A request, without address and token.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    /// What is being done, for errors: `Creating the cluster "c"`.
    pub(super) doing: &'a str,
    pub(super) method: Method,
    /// Path and query, or a whole address that an answer gave.
    pub(super) path: &'a str,
    /// The version of the interface; none for addresses that have it.
    pub(super) api: Option<&'a str>,
    pub(super) body: Option<&'a Json>,
    pub(super) condition: Condition,
}

impl<'a> Ask<'a> {
    /// A read.
    pub(super) fn get(doing: &'a str, path: &'a str, api: &'a str) -> Self {
        let condition = Condition::None;
        Ask { doing, method: Method::Get, path, api: Some(api), body: None, condition }
    }
}

/// The resource manager of a cloud.
pub(super) struct Arm {
    pub(super) http: Arc<dyn HttpClient>,
    pub(super) credential: Arc<dyn TokenCredential>,
    /// Its address, without a slash at the end.
    pub(super) endpoint: String,
    /// What its tokens are for.
    pub(super) scope: String,
    /// How long a call may take.
    pub(super) limit: Duration,
}

impl Arm {
    /// Sends a request; an answer that is a refusal is an error.
    pub(super) async fn ask(&self, ask: &Ask<'_>) -> Result<Answer, Failure> {
        self.raw(ask).await?.done(ask.doing)
    }

    /// An object; `None` when it is not there.
    pub(super) async fn get(&self, doing: &str, path: &str, api: &str) -> Result<Option<Json>, Failure> {
        match self.ask(&Ask::get(doing, path, api)).await {
            Ok(answer) => Ok(Some(answer.body)),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// All that a list call gives, page by page; `None` when what is listed is
    /// itself not there.
    pub(super) async fn list(
        &self,
        doing: &str,
        path: &str,
        api: &str,
    ) -> Result<Option<Vec<Json>>, Failure> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        let mut api = Some(api);
        for _ in 0..PAGES {
            let Some(path) = next.take() else { return Ok(Some(items)) };
            let ask = Ask { api, ..Ask::get(doing, &path, "") };
            let mut page = match self.ask(&ask).await {
                Ok(answer) => answer.body,
                Err(failure) if failure.is_missing() => return Ok(None),
                Err(failure) => return Err(failure),
            };
            if let Some(Json::Array(found)) = page.get_mut("value").map(Json::take) {
                items.extend(found);
            }
            let link = page.get("nextLink").and_then(Json::as_str);
            next = link.filter(|link| !link.is_empty()).map(str::to_owned);
            api = None;
        }
        let detail = format!("{doing} failed: the list does not end.");
        Err(Failure::of(ProviderError::new(ErrorClass::Invalid, "Answer of Azure not understood", detail)))
    }

    /// Sends a request and takes its answer, whatever it says.
    pub(super) async fn raw(&self, ask: &Ask<'_>) -> Result<Answer, Failure> {
        let doing = ask.doing;
        let token = token(&*self.credential, &self.scope, doing, self.limit).await?;
        let mut request = Request::new(self.address(ask)?, ask.method);
        request.insert_header("authorization", format!("Bearer {}", token.secret()));
        request.insert_header("accept", "application/json");
        request.insert_header("user-agent", concat!("tenantctl/", env!("CARGO_PKG_VERSION")));
        match &ask.condition {
            Condition::None => {}
            Condition::New => request.insert_header("if-none-match", "*"),
            Condition::Same(tag) => request.insert_header("if-match", tag.clone()),
        }
        match ask.body {
            Some(body) => {
                request.insert_header("content-type", "application/json");
                request.set_body(body.to_string());
            }
            None if ask.method != Method::Get => request.insert_header("content-length", "0"),
            None => {}
        }
        send(&*self.http, &request, doing, self.limit).await
    }

    fn address(&self, ask: &Ask<'_>) -> Result<Url, Failure> {
        let bad = |why: &str| {
            let detail = format!("{} failed: {why}.", ask.doing);
            Failure::of(ProviderError::new(ErrorClass::Invalid, "Address not usable", detail))
        };
        let text = match ask.path.starts_with('/') {
            true => format!("{}{}", self.endpoint, ask.path),
            false => ask.path.to_owned(),
        };
        let mut url = Url::parse(&text).map_err(|_| bad("the address cannot be read"))?;
        let own = Url::parse(&self.endpoint).map_err(|_| bad("the address of Azure cannot be read"))?;
        if url.origin() != own.origin() {
            return Err(bad("the answer points to another server"));
        }
        if let Some(api) = ask.api {
            url.query_pairs_mut().append_pair("api-version", api);
        }
        Ok(url)
    }
}

/// Sends a request as it is and takes the whole answer.
pub(super) async fn send(
    http: &dyn HttpClient,
    request: &Request,
    doing: &str,
    limit: Duration,
) -> Result<Answer, Failure> {
    let exchange = async {
        let answer = http.execute_request(request).await?;
        answer.try_into_raw_response().await
    };
    let answer = match tokio::time::timeout(limit, exchange).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(unanswered(doing, &error)),
        Err(_) => return Err(late(doing, limit)),
    };
    let headers = answer.headers();
    let header = |name: &str| {
        let found = headers.iter().find(|(own, _)| own.as_str().eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    };
    Ok(Answer::new(u16::from(answer.status()), header, answer.body()))
}

/// A token for what this scope is of.
///
/// # Errors
/// When none is given, or not in time.
pub(super) async fn token(
    credential: &dyn TokenCredential,
    scope: &str,
    doing: &str,
    limit: Duration,
) -> Result<Secret, Failure> {
    match tokio::time::timeout(limit, credential.get_token(&[scope], None)).await {
        Ok(Ok(token)) => Ok(token.token),
        Ok(Err(error)) => {
            let detail = format!("{doing} failed: no token was given: {}.", innermost(&error));
            Err(Failure::of(ProviderError::new(ErrorClass::Denied, "Azure credentials refused", detail)))
        }
        Err(_) => Err(late(doing, limit)),
    }
}

/// The error of a call that was not waited for any longer.
pub(super) fn late(doing: &str, limit: Duration) -> Failure {
    let detail = format!("{doing} failed: no answer within {} s.", limit.as_secs());
    Failure::of(ProviderError::new(ErrorClass::Transient, "Azure did not answer in time", detail))
}

/// The error of a call that nobody answered.
pub(super) fn unanswered(doing: &str, error: &azure_core::Error) -> Failure {
    let why = innermost(error);
    let (class, summary) = match error.kind() {
        _ if is_untrusted(error) => (ErrorClass::Denied, "Azure not trusted"),
        ErrorKind::Connection => (ErrorClass::Transient, "Azure not reached"),
        ErrorKind::Credential => (ErrorClass::Denied, "Azure credentials refused"),
        _ => (ErrorClass::Transient, "Connection to Azure lost"),
    };
    Failure::of(ProviderError::new(class, summary, format!("{doing} failed: {why}.")))
}

/// Whether the server showed a certificate that is not to be trusted.
pub(super) fn is_untrusted(error: &(dyn StdError + 'static)) -> bool {
    innermost(error).contains("certificate")
}

pub(super) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string().trim_end_matches('.').to_owned()
}
