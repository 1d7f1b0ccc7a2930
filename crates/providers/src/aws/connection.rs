//! Which account and region an object is in, and how they are reached.
//!
//! Pure. What a resource says goes before the provider block, and that before
//! the surroundings. Guarantees: keys are in a connection only when the
//! provider block gives them, and then marked sensitive; everything else is
//! kept by name (profile, role), so that no credentials land in state.

use serde::Deserialize;
use tenantctl_core::provider::{AttributeError, Path, Type, Value};

/// Services whose endpoints can be set.
pub(super) const SERVICES: [&str; 5] = ["eks", "iam", "route53", "s3", "sts"];

/// A connection as plain data.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Place {
    /// The region; the profile's when not set.
    pub(super) region: Option<String>,
    /// A profile of the shared configuration.
    pub(super) profile: Option<String>,
    /// Keys that the provider block gives.
    access_key: Option<String>,
    secret_key: Option<String>,
    token: Option<String>,
    /// A role to take on.
    pub(super) assume_role: Option<Role>,
    /// Addresses by service.
    #[serde(default)]
    endpoints: Option<std::collections::BTreeMap<String, Option<String>>>,
    /// Buckets in the path instead of the host name.
    #[serde(default)]
    pub(super) path_style: Option<bool>,
    /// Accounts that calls may be made to.
    #[serde(default)]
    pub(super) accounts: Option<Vec<String>>,
}

/// A role to take on.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Role {
    /// Its ARN.
    pub(super) role_arn: String,
    /// How sessions are called.
    pub(super) session_name: Option<String>,
    /// What the role's owner asks for.
    pub(super) external_id: Option<String>,
}

impl Place {
    /// Keys that the provider block gives: id, secret, session token.
    pub(super) fn keys(&self) -> Option<(&str, &str, Option<&str>)> {
        Some((self.access_key.as_deref()?, self.secret_key.as_deref()?, self.token.as_deref()))
    }

    /// The address of a service, when it is not the usual one.
    pub(super) fn endpoint(&self, service: &str) -> Option<&str> {
        self.endpoints.as_ref()?.get(service)?.as_deref()
    }
}

/// The connection of a resource; unknown while a part of it is.
pub(super) fn settle(
    region: Option<&str>,
    provider: &Value,
    config: &Value,
) -> Result<Value, AttributeError> {
    let get = |name: &str| provider.get(name).unwrap_or(Value::NULL);
    let account = config.get("account").unwrap_or(Value::NULL);
    let own_region = config.get("region").unwrap_or(Value::NULL);
    if !provider.is_known() || !account.is_wholly_known() || !own_region.is_known() {
        return Ok(Value::unknown(Type::Dynamic));
    }
    let endpoints = first(&get("endpoints"));
    let default_tags = first(&get("default_tags")).get("tags").unwrap_or(Value::NULL);
    let role = first(&get("assume_role"));
    let parts = [
        "region",
        "profile",
        "access_key",
        "secret_key",
        "token",
        "s3_use_path_style",
        "allowed_account_ids",
    ];
    let known = parts.iter().all(|name| get(name).is_wholly_known());
    if !known || ![&endpoints, &default_tags, &role].iter().all(|part| part.is_wholly_known()) {
        return Ok(Value::unknown(Type::Dynamic));
    }
    if get("access_key").is_null() != get("secret_key").is_null() {
        return Err(AttributeError {
            path: Path::root().attribute("access_key"),
            summary: "Incomplete credentials",
            detail: "access_key and secret_key must be given together.".into(),
            hint: Some(
                "Better give neither: a profile or a role keeps keys out of configuration and state.".into(),
            ),
        });
    }
    let or = |a: Value, b: Value| if a.is_null() { b } else { a };
    let of_account = |name: &str| account.get(name).unwrap_or(Value::NULL);
    let surroundings = region.map_or(Value::NULL, Value::from);
    let role = match of_account("assume_role") {
        arn if arn.is_null() => role,
        arn => Value::object([("role_arn", arn), ("external_id", of_account("external_id"))]),
    };
    let accounts: Vec<Value> = get("allowed_account_ids").as_items().unwrap_or_default().to_vec();
    Ok(Value::object([
        ("region", or(own_region, or(get("region"), surroundings))),
        ("profile", or(of_account("profile"), get("profile"))),
        ("access_key", secret(get("access_key"))),
        ("secret_key", secret(get("secret_key"))),
        ("token", secret(get("token"))),
        ("assume_role", plain_object(&role)),
        ("endpoints", plain_object(&endpoints)),
        ("path_style", get("s3_use_path_style")),
        ("accounts", if accounts.is_empty() { Value::NULL } else { Value::tuple(accounts) }),
        ("default_tags", plain_object(&default_tags)),
    ]))
}

fn secret(value: Value) -> Value {
    if value.is_null() { Value::NULL } else { value.sensitive() }
}

/// The block of a type that stands once at most.
fn first(blocks: &Value) -> Value {
    match blocks.as_items() {
        Some(_) => blocks.at(0).unwrap_or(Value::NULL),
        None => blocks.clone(),
    }
}

/// Without nulls, so that what a later version adds does not make a
/// difference to what is stored.
fn plain_object(value: &Value) -> Value {
    let Some(entries) = value.as_entries() else { return Value::NULL };
    let given = entries.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), v.clone()));
    Value::object(given).with_marks(value.marks())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(json: serde_json::Value) -> Value {
        Value::from_plain_json(&json)
    }

    #[test]
    fn the_nearest_settings_win() {
        let provider = value(json!({
            "region": "eu-west-1", "profile": "prod",
            "assume_role": [{"role_arn": "arn:a", "session_name": null, "external_id": "e"}],
            "endpoints": [{"s3": "http://x", "eks": null}],
            "default_tags": [{"tags": {"team": "t"}}],
        }));
        let plain = |c: &Value| c.to_plain_json().expect("known");
        let settled = settle(Some("us-east-1"), &provider, &value(json!({"region": null}))).expect("fine");
        assert_eq!(plain(&settled)["region"], "eu-west-1");
        assert_eq!(plain(&settled)["assume_role"], json!({"role_arn": "arn:a", "external_id": "e"}));
        assert_eq!(plain(&settled)["default_tags"], json!({"team": "t"}));
        let place: Place = serde_json::from_value(plain(&settled)).expect("a place");
        assert_eq!(place.endpoint("s3"), Some("http://x"));
        assert_eq!(place.endpoint("eks"), None);
        let other = value(
            json!({"region": "eu-north-1", "account": {"assume_role": "arn:b", "profile": null, "external_id": null}}),
        );
        let settled = settle(None, &provider, &other).expect("fine");
        assert_eq!(plain(&settled)["region"], "eu-north-1");
        assert_eq!(plain(&settled)["assume_role"]["role_arn"], "arn:b");
        let nothing = settle(Some("us-east-1"), &Value::NULL, &Value::NULL).expect("fine");
        assert_eq!(plain(&nothing)["region"], "us-east-1");
    }

    #[test]
    fn keys_are_hidden_and_given_in_pairs() {
        let provider = value(json!({"access_key": "AKIDCANARY", "secret_key": "canary"}));
        let settled = settle(None, &provider, &Value::NULL).expect("fine");
        assert!(!format!("{settled:?}").to_lowercase().contains("canary"));
        let half = settle(None, &value(json!({"access_key": "A"})), &Value::NULL);
        assert_eq!(half.expect_err("half").summary, "Incomplete credentials");
    }

    #[test]
    fn what_is_unknown_stays_so() {
        let provider = Value::object([("region", Value::unknown(Type::String))]);
        assert!(!settle(None, &provider, &Value::NULL).expect("fine").is_known());
    }
}
