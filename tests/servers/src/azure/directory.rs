//! The directory: who gets a token, and where the services of the cloud are.

use serde_json::json;

use super::world::{Answer, Asked, CLIENT, MACHINE, SECRET, TENANT, TOKEN, World, decoded};

/// What tokens of the manager are for.
pub(super) const MANAGER: &str = "https://management.test.invalid";
/// What tokens of vaults are for.
pub(super) const VAULTS: &str = "https://vault.test.invalid";

/// The addresses of the cloud.
pub(super) fn metadata(asked: &Asked<'_>) -> Answer {
    if !asked.query.contains_key("api-version") {
        return Answer::new(
            400,
            json!({ "error": { "code": "MissingApiVersionParameter", "message": "no version" } }),
        );
    }
    let host = asked.host;
    Answer::new(
        200,
        json!([{
            "name": "TestCloud", "portal": "https://portal.test.invalid",
            "authentication": {
                "loginEndpoint": format!("https://{host}"), "audiences": [MANAGER], "tenant": "common",
                "identityProvider": "AAD",
            },
            "resourceManager": format!("https://{host}"),
            "suffixes": { "keyVaultDns": "vault.test.invalid" },
        }]),
    )
}

/// A token for the machine that asks, if it shows its header.
fn of_machine(world: &mut World, asked: &Asked<'_>) -> Answer {
    let resource = asked.query.get("resource").cloned().unwrap_or_default();
    let is_fine = asked.method == "GET"
        && asked.header("metadata").as_deref() == Some("true")
        && asked.header("x-identity-header").as_deref() == Some(MACHINE)
        && asked.query.contains_key("api-version");
    if !is_fine || resource.is_empty() {
        return Answer::new(400, json!({ "error": "invalid_request", "error_description": "no identity" }));
    }
    let number = world.number();
    Answer::new(
        200,
        json!({
            "token_type": "Bearer", "expires_on": "4102444800", "resource": resource,
            "access_token": format!("{TOKEN}{number}~{}", resource.trim_end_matches('/')),
        }),
    )
}

/// A token for who knows a secret, or brings a token that is trusted.
pub(super) fn token(world: &mut World, asked: &Asked<'_>, body: &[u8]) -> Answer {
    if asked.path.first().map(String::as_str) == Some("msi") {
        return of_machine(world, asked);
    }
    let text = String::from_utf8_lossy(body);
    let given = |name: &str| {
        let found = text.split('&').filter_map(|pair| pair.split_once('=')).find(|(own, _)| *own == name);
        found.map(|(_, value)| decoded(value)).unwrap_or_default()
    };
    let refused = |code: &str, description: &str| {
        Answer::new(
            401,
            json!({ "error": code, "error_description": description, "error_codes": [7_000_215] }),
        )
    };
    if asked.method != "POST" || asked.path.first().map(String::as_str) != Some(TENANT) {
        return refused("invalid_request", "AADSTS90002: Tenant not found.");
    }
    let by_secret = given("client_secret") == SECRET;
    let by_token = given("client_assertion") == "trusted-token";
    if given("client_id") != CLIENT || !(by_secret || by_token) {
        return refused("invalid_client", "AADSTS7000215: Invalid client secret provided.");
    }
    if given("grant_type") != "client_credentials" {
        return refused("unsupported_grant_type", "AADSTS70003: The grant is not supported.");
    }
    let scope = given("scope");
    let audience = scope.trim_end_matches("/.default");
    let number = world.number();
    Answer::new(
        200,
        json!({
            "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
            "access_token": format!("{TOKEN}{number} {audience}").replace(' ', "~"),
        }),
    )
}

/// Whether a request brings a token for an audience.
pub(super) fn is_known(asked: &Asked<'_>, audience: &str) -> bool {
    let Some(header) = asked.header("authorization") else { return false };
    header.starts_with(&format!("Bearer {TOKEN}")) && header.ends_with(&format!("~{audience}"))
}
