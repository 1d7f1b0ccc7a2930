//! Which subscription an object is in, and how it is reached.
//!
//! Pure. What a resource says goes before the provider block, and that before
//! the surroundings. Guarantees: a client secret is in a connection only when
//! the provider block gives it, and then marked sensitive; everything else that
//! could log in is found anew by whoever runs the program, so that no
//! credentials land in state.

use std::collections::BTreeMap;

use serde::Deserialize;
use tenantctl_core::provider::{AttributeError, Path, Type, Value};

/// A connection as plain data.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Place {
    /// The subscription.
    pub(super) subscription_id: Option<String>,
    /// The directory.
    pub(super) tenant_id: Option<String>,
    /// Who logs in.
    pub(super) client_id: Option<String>,
    /// With which secret.
    pub(super) client_secret: Option<String>,
    /// A file with a token of somebody whom the directory trusts.
    pub(super) oidc_token_file_path: Option<String>,
    /// Log in by such a token.
    pub(super) use_oidc: Option<bool>,
    /// Log in as the machine.
    pub(super) use_msi: Option<bool>,
    /// Log in as the command-line tool is.
    pub(super) use_cli: Option<bool>,
    /// The cloud's name.
    pub(super) environment: Option<String>,
    /// Who tells the addresses of the cloud.
    pub(super) metadata_host: Option<String>,
    /// What is done besides what is asked for.
    #[serde(default)]
    pub(super) features: Features,
}

/// What is done besides what is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(super) struct Features {
    /// Vaults that were deleted are brought back when they are made again.
    pub(super) recover_vaults: bool,
    /// Likewise secrets.
    pub(super) recover_secrets: bool,
    /// Vaults are deleted for good.
    pub(super) purge_vaults: bool,
    /// Likewise secrets.
    pub(super) purge_secrets: bool,
    /// Resource groups with something in them stay.
    pub(super) keep_full_groups: bool,
}

impl Default for Features {
    fn default() -> Self {
        Features {
            recover_vaults: true,
            recover_secrets: true,
            purge_vaults: true,
            purge_secrets: true,
            keep_full_groups: true,
        }
    }
}

/// Arguments of the provider block that are kept as they are, with the
/// variables by which the surroundings give them.
const KEPT: [(&str, &[&str]); 10] = [
    ("subscription_id", &["ARM_SUBSCRIPTION_ID", "AZURE_SUBSCRIPTION_ID"]),
    ("tenant_id", &["ARM_TENANT_ID", "AZURE_TENANT_ID"]),
    ("client_id", &[]),
    ("client_secret", &[]),
    ("oidc_token_file_path", &[]),
    ("use_oidc", &[]),
    ("use_msi", &[]),
    ("use_cli", &[]),
    ("environment", &["ARM_ENVIRONMENT"]),
    ("metadata_host", &["ARM_METADATA_HOSTNAME"]),
];

/// Switches of the `features` block: block, argument, and our name for it.
const FEATURES: [(&str, &str, &str); 5] = [
    ("key_vault", "recover_soft_deleted_key_vaults", "recover_vaults"),
    ("key_vault", "recover_soft_deleted_secrets", "recover_secrets"),
    ("key_vault", "purge_soft_delete_on_destroy", "purge_vaults"),
    ("key_vault", "purge_soft_deleted_secrets_on_destroy", "purge_secrets"),
    ("resource_group", "prevent_deletion_if_contains_resources", "keep_full_groups"),
];

/// The connection of a resource; unknown while a part of it is.
pub(super) fn settle(
    surroundings: &BTreeMap<String, String>,
    provider: &Value,
    config: &Value,
) -> Result<Value, AttributeError> {
    let own = config.get("subscription_id").unwrap_or(Value::NULL);
    let get = |name: &str| provider.get(name).unwrap_or(Value::NULL);
    let blocks = ["features", "default_tags"].map(|name| first(&get(name)));
    let known = provider.is_known()
        && own.is_known()
        && KEPT.iter().all(|(name, _)| get(name).is_known())
        && blocks.iter().all(Value::is_wholly_known);
    if !known {
        return Ok(Value::unknown(Type::Dynamic));
    }
    if !get("client_secret").is_null()
        && get("client_id").is_null()
        && !surroundings.contains_key("ARM_CLIENT_ID")
    {
        return Err(AttributeError {
            path: Path::root().attribute("client_secret"),
            summary: "Incomplete credentials",
            detail: "client_secret is given without client_id.".into(),
            hint: Some("Better give neither: az login or a workload identity keeps secrets out of configuration and state.".into()),
        });
    }
    let [features, tags] = blocks;
    let mut parts: Vec<(&str, Value)> = Vec::new();
    for (name, variables) in KEPT {
        let around =
            || variables.iter().find_map(|name| surroundings.get(*name)).map(|text| text.as_str().into());
        let value = match get(name) {
            _ if name == "subscription_id" && !own.is_null() => own.clone().unmark(),
            value if value.is_null() => around().unwrap_or(Value::NULL),
            value if name == "client_secret" => value.sensitive(),
            value => value.unmark(),
        };
        // What is not there is left out: what a later version adds makes no
        // difference to what is stored.
        if !value.is_null() {
            parts.push((name, value));
        }
    }
    let switches = FEATURES.iter().filter_map(|(block, name, ours)| {
        let value = first(&features.get(block)?).get(name).filter(|value| !value.is_null())?;
        Some((*ours, value))
    });
    let switches: Vec<(&str, Value)> = switches.collect();
    if !switches.is_empty() {
        parts.push(("features", Value::object(switches)));
    }
    if let Some(tags) = tags.get("tags").filter(|tags| !tags.is_null()) {
        parts.push(("default_tags", tags));
    }
    Ok(Value::object(parts))
}

/// The block of a type that stands once at most.
fn first(blocks: &Value) -> Value {
    match blocks.as_items() {
        Some(_) => blocks.at(0).unwrap_or(Value::NULL),
        None => blocks.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settled(around: &[(&str, &str)], provider: serde_json::Value, config: serde_json::Value) -> Value {
        let around = around.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        settle(&around, &Value::from_plain_json(&provider), &Value::from_plain_json(&config)).expect("fine")
    }

    #[test]
    fn the_nearest_settings_win() {
        let provider = json!({
            "subscription_id": "s1", "tenant_id": null, "metadata_host": "localhost:1",
            "features": [{"key_vault": [{"purge_soft_delete_on_destroy": false}]}],
            "default_tags": [{"tags": {"team": "t"}}],
        });
        let around = [("ARM_SUBSCRIPTION_ID", "s0"), ("ARM_TENANT_ID", "t0"), ("ARM_CLIENT_SECRET", "no")];
        let plain = |value: Value| value.to_plain_json().expect("known");
        assert_eq!(
            plain(settled(&around, provider.clone(), json!({}))),
            json!({"subscription_id": "s1", "tenant_id": "t0", "metadata_host": "localhost:1",
                "features": {"purge_vaults": false}, "default_tags": {"team": "t"}})
        );
        let own = plain(settled(&around, provider, json!({"subscription_id": "s2"})));
        assert_eq!(own["subscription_id"], "s2");
        let place: Place = serde_json::from_value(own).expect("a place");
        assert!(!place.features.purge_vaults && place.features.recover_vaults);
        assert_eq!(plain(settled(&around, json!(null), json!(null)))["subscription_id"], "s0");
    }

    #[test]
    fn secrets_are_hidden_and_belong_to_somebody() {
        let given = json!({"client_id": "c", "client_secret": "canary"});
        assert!(!format!("{:?}", settled(&[], given, json!({}))).contains("canary"));
        let half =
            settle(&BTreeMap::new(), &Value::from_plain_json(&json!({"client_secret": "x"})), &Value::NULL);
        assert_eq!(half.expect_err("half").summary, "Incomplete credentials");
    }

    #[test]
    fn what_is_unknown_stays_so() {
        let provider = Value::object([("tenant_id", Value::unknown(Type::String))]);
        assert!(!settle(&BTreeMap::new(), &provider, &Value::NULL).expect("fine").is_known());
    }
}
