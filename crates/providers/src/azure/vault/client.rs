//! Calls of a vault itself, by the official client.
//!
//! The client answers the vault's challenge by itself. Guarantees: a token is
//! for vaults only; an error says what the vault says, with its request id; no
//! secret is in an error.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use azure_core::error::ErrorKind;
use azure_core::http::{ClientOptions, RetryOptions, Transport};
use azure_security_keyvault_secrets::{SecretClient, SecretClientOptions};
use serde_json::Value as Json;
use tenantctl_core::provider::{ErrorClass, ProviderError};

use super::super::answer::{Answer, Failure};
use super::super::arm::{late, unanswered};
use super::super::session::Session;
use super::API;
use crate::cloud::json::Fields as _;
use crate::cloud::resource::Called;

/// A vault that can be asked.
#[derive(Clone)]
pub(super) struct Vault {
    client: Arc<SecretClient>,
    limit: Duration,
}

impl Vault {
    /// Makes a call of the client, and waits for its answer no longer than for
    /// any other. The body of the answer, or what went wrong.
    pub(super) async fn ask<'v, T, F>(
        &'v self,
        doing: &str,
        call: impl FnOnce(&'v SecretClient) -> F,
    ) -> Result<Json, Failure>
    where
        F: Future<Output = azure_core::Result<azure_core::http::Response<T>>> + 'v,
    {
        match tokio::time::timeout(self.limit, call(&self.client)).await {
            Ok(Ok(answer)) => Ok(serde_json::from_slice(answer.body()).unwrap_or(Json::Null)),
            Ok(Err(error)) => Err(failed(doing, &error)),
            Err(_) => Err(late(doing, self.limit)),
        }
    }

    /// Likewise one whose answer has no body.
    pub(super) async fn purge(&self, doing: &str, name: &str) -> Result<(), Failure> {
        match tokio::time::timeout(self.limit, self.client.purge_deleted_secret(name, None)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failed(doing, &error)),
            Err(_) => Err(late(doing, self.limit)),
        }
    }
}

/// The vault of an id; `None` when there is no such vault.
pub(super) async fn vault(at: &Session, vault: &str) -> Called<Option<Vault>> {
    let key = vault.to_lowercase();
    let known = at.vaults.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    let address = match known {
        Some(address) => address,
        None => {
            let doing = "Looking for the vault of a secret";
            let Some(found) = at.arm.get(doing, vault, API).await? else { return Ok(None) };
            let Some(address) = found["properties"].given("vaultUri") else { return Ok(None) };
            at.vaults.lock().unwrap_or_else(PoisonError::into_inner).insert(key, address.clone());
            address
        }
    };
    let mut clients = at.clients.lock().unwrap_or_else(PoisonError::into_inner);
    let limit = at.arm.limit;
    if let Some(client) = clients.get(&address) {
        return Ok(Some(Vault { client: Arc::clone(client), limit }));
    }
    let options = SecretClientOptions {
        client_options: ClientOptions {
            transport: Some(Transport::new(Arc::clone(&at.arm.http))),
            retry: RetryOptions::none(),
            ..ClientOptions::default()
        },
        // Vaults of other clouds ask for tokens of other names.
        verify_challenge_resource: Some(at.is_public),
        ..SecretClientOptions::default()
    };
    let client =
        SecretClient::new(&address, Arc::clone(&at.arm.credential), Some(options)).map_err(|error| {
            let detail = format!("The address {address} of the vault cannot be used: {error}.");
            ProviderError::new(ErrorClass::Invalid, "Vault not usable", detail)
        })?;
    let client = Arc::new(client);
    clients.insert(address, Arc::clone(&client));
    Ok(Some(Vault { client, limit }))
}

/// What went wrong.
fn failed(doing: &str, error: &azure_core::Error) -> Failure {
    let ErrorKind::HttpResponse { status, raw_response, .. } = error.kind() else {
        return unanswered(doing, error);
    };
    let status = u16::from(*status);
    let answer = match raw_response {
        Some(raw) => {
            let headers = raw.headers();
            let header = |name: &str| {
                let found = headers.iter().find(|(own, _)| own.as_str().eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.as_str())
            };
            Answer::new(status, header, raw.body())
        }
        None => Answer { status, ..Answer::default() },
    };
    match answer.done(doing) {
        Err(failure) => failure,
        Ok(_) => unanswered(doing, error),
    }
}
