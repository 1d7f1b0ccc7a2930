//! Calls of a vault itself, by the official client.
//!
//! The client answers the vault's challenge by itself. Guarantees: a token is
//! for vaults only; an error says what the vault says, with its request id; no
//! secret is in an error.

use std::sync::{Arc, PoisonError};

use azure_core::error::ErrorKind;
use azure_core::http::{ClientOptions, RetryOptions, Transport};
use azure_security_keyvault_secrets::{SecretClient, SecretClientOptions};
use serde_json::Value as Json;
use tenantctl_core::provider::{ErrorClass, ProviderError};

use super::super::answer::{Answer, Failure};
use super::super::arm::unanswered;
use super::super::session::Session;
use super::API;
use crate::cloud::json::Fields as _;
use crate::cloud::resource::Called;

/// The client of a vault by its id; `None` when there is no such vault.
pub(super) async fn client(at: &Session, vault: &str) -> Called<Option<Arc<SecretClient>>> {
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
    if let Some(client) = clients.get(&address) {
        return Ok(Some(Arc::clone(client)));
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
    Ok(Some(client))
}

/// The body of an answer, or what went wrong.
pub(super) fn answered<T>(
    doing: &str,
    answer: azure_core::Result<azure_core::http::Response<T>>,
) -> Result<Json, Failure> {
    match answer {
        Ok(answer) => Ok(serde_json::from_slice(answer.body()).unwrap_or(Json::Null)),
        Err(error) => Err(failed(doing, &error)),
    }
}

/// What went wrong.
pub(super) fn failed(doing: &str, error: &azure_core::Error) -> Failure {
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
