//! The crate azure_mgmt_containerservice on today's Azure.
//!
//! Its operations know the addresses of clusters and node pools, its models
//! their fields. Its version of the interface is one that real Azure no longer
//! answers, its models are older than the service, and it hides half of each
//! answer. So a request goes through a transport of ours, which names today's
//! version, brings the token, and keeps the answer as it came.
//!
//! Guarantees: what is sent is what was to be sent: a body that the models
//! would not give back whole is sent as it is.
//! Must not: read an answer by the crate's models.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use azure_core::http::Method;
use azure_core_legacy::auth::{AccessToken, TokenCredential, TokenResponse};
use azure_core_legacy::error::{Error, ErrorKind};
use azure_core_legacy::headers::Headers;
use azure_core_legacy::{HttpClient, Request, Response, RetryOptions, StatusCode, TransportOptions};
use azure_mgmt_containerservice::Client;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, ProviderError};

use super::answer::{Answer, Failure};
use super::arm::{Arm, Ask, Condition};
use super::session::Session;

/// The version of the interface that is spoken.
pub(super) const API: &str = "2025-07-01";

/// What goes out by one operation of the crate.
#[derive(Clone, Debug, Default)]
pub(super) struct Sending {
    /// What is being done, for errors.
    pub(super) doing: String,
    /// The body, when the models have no room for all of it.
    pub(super) body: Option<Json>,
    /// What is taken for granted.
    pub(super) condition: Condition,
}

/// A body as the crate's model, and what has to be sent in its place when the
/// model drops something.
///
/// # Errors
/// When there is no model of that kind.
pub(super) fn model<T: DeserializeOwned + Serialize>(body: &Json) -> Result<(T, Option<Json>), Failure> {
    let odd = |error: serde_json::Error| {
        let detail = format!("What is to be sent is of no known shape: {error}.");
        Failure::of(ProviderError::new(ErrorClass::Invalid, "Request not possible", detail))
    };
    let Ok(model) = serde_json::from_value::<T>(body.clone()) else {
        // A value that it does not know: its least will do, as it is not sent.
        let least = serde_json::from_value(json!({ "location": "" })).map_err(odd)?;
        return Ok((least, Some(body.clone())));
    };
    let back = serde_json::to_value(&model).map_err(odd)?;
    let whole = (back != *body).then(|| body.clone());
    Ok((model, whole))
}

/// Sends one operation of the crate, which `operation` picks.
pub(super) async fn send<F, R>(
    at: &Session,
    sending: Sending,
    operation: impl FnOnce(Client) -> F,
) -> Result<Answer, Failure>
where
    F: Future<Output = R> + Send,
{
    let wire = Arc::new(Wire { arm: at.arm.clone(), sending, answer: Mutex::default() });
    let client = Client::builder(Arc::new(NoToken))
        .endpoint(at.arm.endpoint.clone())
        .scopes(&[])
        .retry(RetryOptions::none())
        .transport(TransportOptions::new(Arc::clone(&wire) as Arc<dyn HttpClient>))
        .build();
    let _ = operation(client).await;
    let answer = wire.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    let unsent = || {
        let detail = format!("{} failed: nothing was sent.", wire.sending.doing);
        Err(Failure::of(ProviderError::new(ErrorClass::Invalid, "Request not possible", detail)))
    };
    answer.unwrap_or_else(unsent)?.done(&wire.sending.doing)
}

/// The real token is brought by the transport.
struct NoToken;

#[async_trait]
impl TokenCredential for NoToken {
    async fn get_token(&self, _resource: &str) -> azure_core_legacy::Result<TokenResponse> {
        Ok(TokenResponse::new(AccessToken::new(""), azure_core::time::OffsetDateTime::now_utc()))
    }
}

struct Wire {
    arm: Arc<Arm>,
    sending: Sending,
    answer: Mutex<Option<Result<Answer, Failure>>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("doing", &self.sending.doing).finish_non_exhaustive()
    }
}

impl Wire {
    async fn pass_on(&self, request: &Request) -> Result<Answer, Failure> {
        let method = match request.method().to_string().as_str() {
            "PUT" => Method::Put,
            "POST" => Method::Post,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            _ => Method::Get,
        };
        let own = match request.body() {
            azure_core_legacy::Body::Bytes(bytes) if !bytes.is_empty() => serde_json::from_slice(bytes).ok(),
            _ => None,
        };
        let body = self.sending.body.clone().or(own);
        let ask = Ask {
            doing: &self.sending.doing,
            method,
            path: request.url().path(),
            api: Some(API),
            body: body.as_ref(),
            condition: self.sending.condition.clone(),
        };
        self.arm.raw(&ask).await
    }
}

#[async_trait]
impl HttpClient for Wire {
    async fn execute_request(&self, request: &Request) -> azure_core_legacy::Result<Response> {
        let answer = self.pass_on(request).await;
        let shown = match &answer {
            Ok(answer) => {
                let status = StatusCode::try_from(answer.status).unwrap_or(StatusCode::InternalServerError);
                let body = answer.body.to_string().into_bytes();
                let body = futures::stream::iter([Ok(body.into())]);
                Ok(Response::new(status, Headers::new(), Box::pin(body)))
            }
            Err(failure) => Err(Error::message(ErrorKind::Io, failure.error.summary.clone())),
        };
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        shown
    }
}

#[cfg(test)]
mod tests {
    use azure_mgmt_containerservice::models::ManagedCluster;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_models_drop_is_sent_all_the_same() {
        let old = json!({"location": "westeurope", "tags": {"a": "1"}, "properties": {"dnsPrefix": "x", "enableRBAC": true}});
        let (_, whole) = model::<ManagedCluster>(&old).expect("a cluster");
        assert_eq!(whole, None, "the model holds all of it");
        let new = json!({"location": "westeurope", "properties": {"bootstrapProfile": {"artifactSource": "Direct"}}});
        let (_, whole) = model::<ManagedCluster>(&new).expect("a cluster");
        assert_eq!(whole, Some(new), "the model is older than this field");
        let odd = json!({"location": "westeurope", "properties": {"agentPoolProfiles": [{"name": 7}]}});
        assert_eq!(model::<ManagedCluster>(&odd).expect("a cluster").1, Some(odd));
    }
}
