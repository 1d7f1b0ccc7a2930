//! `azurerm_key_vault_secret`.
//!
//! The value is given to the vault and, when it comes as `value_wo`, kept
//! nowhere else. A name that a deleted secret keeps is taken up again when that
//! was one of this workspace.

use async_trait::async_trait;
use azure_core::http::RequestContent;
use azure_core::time::{OffsetDateTime, parse_rfc3339, to_rfc3339};
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{
    Attribute, AttributeError, Block, ErrorClass, Path, ProviderError, Timeouts, Type, Value,
};

use super::super::answer::{bad_id, gone, not_ours};
use super::super::id::{self, Id};
use super::super::managed::pending;
use super::super::names;
use super::super::schema::{given, name, number, placed, tags, tags_all, text};
use super::super::session::Session;
use super::client::{Vault, vault};
use super::{NAMESPACE, VAULTS};
use crate::cloud::json::Fields as _;
use crate::cloud::plan::Draft;
use crate::cloud::problems::Problems;
use crate::cloud::resource::{Call, Called, Done, Likeness, Resource};
use crate::cloud::tags::{self as tagging, Tags};

/// The type.
pub(in super::super) struct Secret;

const KIND: &str = "azurerm_key_vault_secret";
/// Dates: ours, and the vault's.
const DATES: [(&str, &str); 2] = [("not_before_date", "nbf"), ("expiration_date", "exp")];

fn what(object: &Json) -> String {
    let vault = object.text("key_vault_id").rsplit('/').next().unwrap_or_default();
    format!("secret {:?} of the vault {vault:?}", object.text("name"))
}

fn seconds(text: &str) -> Option<i64> {
    parse_rfc3339(text).ok().map(OffsetDateTime::unix_timestamp)
}

/// A secret as the vault has it, its value included; `None` when it is not there.
async fn look(at: &Vault, object: &Json) -> Called<Option<Json>> {
    let doing = format!("Reading the {}", what(object));
    match at.ask(&doing, |vault| vault.get_secret(object.text("name"), None)).await {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

async fn look_at_deleted(at: &Vault, object: &Json) -> Called<Option<Json>> {
    let doing = format!("Looking for the deleted {}", what(object));
    match at.ask(&doing, |vault| vault.get_deleted_secret(object.text("name"), None)).await {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

fn tags_of(found: &Json) -> Tags {
    found.texts_by_name("tags")
}

fn is_own(call: &Call<'_, Session>, tags: &Tags) -> bool {
    tags.get(tagging::WORKSPACE).is_some_and(|owner| owner == call.workspace)
}

fn shown(found: &Json, reference: &Json) -> Json {
    let address = found.text("id");
    let (versionless, version) = address.rsplit_once('/').unwrap_or((address, ""));
    let resource = format!("{}/secrets/{}", reference.text("key_vault_id"), reference.text("name"));
    let mut object = json!({
        "id": address, "version": version, "versionless_id": versionless,
        "resource_id": format!("{resource}/versions/{version}"), "resource_versionless_id": resource,
        "content_type": found["contentType"],
    });
    // What was given as write-only is not to be kept.
    if reference.part("value").is_some() || reference.get("value_wo_version").is_none() {
        object["value"] = found["value"].clone();
    }
    for (ours, theirs) in DATES {
        let at = found["attributes"].int(theirs).and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
        object[ours] = json!(at.map(|at| to_rfc3339(&at)));
    }
    tagging::show(&mut object, reference, &tags_of(found));
    object
}

/// What a secret is besides its value.
fn properties(planned: &Json, tags: &Tags) -> Json {
    let mut attributes = json!({ "enabled": true });
    for (ours, theirs) in DATES {
        if let Some(at) = planned.given(ours).as_deref().and_then(seconds) {
            attributes[theirs] = at.into();
        }
    }
    json!({ "attributes": attributes, "contentType": planned.text("content_type"), "tags": tags })
}

async fn set(call: &Call<'_, Session>, at: &Vault, planned: &Json, tags: &Tags) -> Called<Done> {
    let doing = format!("Writing the {}", what(planned));
    let value = call.config.part("value_wo").or_else(|| planned.part("value")).and_then(Json::as_str);
    let Some(value) = value else {
        let detail = format!("{doing} failed: its value is not at hand any more.");
        return Err(ProviderError::new(ErrorClass::Invalid, "Value not known", detail).hint("Apply again."));
    };
    let mut body = properties(planned, tags);
    body["value"] = value.into();
    let body = RequestContent::from(body.to_string().into_bytes());
    match at.ask(&doing, |vault| vault.set_secret(planned.text("name"), body, None)).await {
        Ok(found) => Ok(Done::Object(shown(&found, planned))),
        // It was deleted, or is on its way back.
        Err(failure) if failure.status == 409 => {
            Ok(pending(0, None, "waits for the deleted one", json!({ "do": "create" })))
        }
        Err(failure) => Err(failure.into()),
    }
}

async fn create(call: &Call<'_, Session>, planned: &Json, polls: u64) -> Called<Done> {
    let Some(at) = vault(call.at, planned.text("key_vault_id")).await? else {
        return Err(gone(&format!("vault {}", planned.text("key_vault_id"))));
    };
    let tags = tagging::at_creation(call, planned);
    if let Some(found) = look(&at, planned).await? {
        let own = tags_of(&found);
        return match tagging::is_of(call, &own) {
            true => Ok(Done::Object(shown(&found, planned))),
            // One of ours that came back has the marks of its first life.
            false if is_own(call, &own) && polls > 0 => set(call, &at, planned, &tags).await,
            false => Err(not_ours(&format!("a {}", what(planned)))),
        };
    }
    let Some(deleted) = look_at_deleted(&at, planned).await? else {
        return set(call, &at, planned, &tags).await;
    };
    if !call.at.features.recover_secrets || !is_own(call, &tags_of(&deleted)) {
        let detail = format!("There is a deleted {} which keeps the name.", what(planned));
        return Err(ProviderError::new(ErrorClass::Conflict, "Name of a deleted secret", detail)
            .hint("Choose another name, purge the old secret, or recover and import it."));
    }
    let doing = format!("Recovering the {}", what(planned));
    at.ask(&doing, |vault| vault.recover_deleted_secret(planned.text("name"), None)).await?;
    Ok(pending(polls, None, "recovering", json!({ "do": "create" })))
}

async fn bury(call: &Call<'_, Session>, at: &Vault, prior: &Json, polls: u64) -> Called<Done> {
    if !call.at.features.purge_secrets {
        return Ok(Done::Gone);
    }
    let Some(deleted) = look_at_deleted(at, prior).await? else {
        // A secret that was just deleted is nowhere for a moment.
        return match polls {
            0 => Ok(pending(polls, None, "deleting", json!({ "do": "bury" }))),
            _ => Ok(Done::Gone),
        };
    };
    if !is_own(call, &tags_of(&deleted)) {
        return Ok(Done::Gone);
    }
    let doing = format!("Purging the {}", what(prior));
    match at.purge(&doing, prior.text("name")).await {
        Ok(()) => {}
        Err(failure) if failure.is_missing() => return Ok(Done::Gone),
        // It is still being deleted, or purged already; or it is protected.
        Err(failure) if failure.status == 409 && polls < 20 => {}
        Err(failure) if failure.status == 403 && failure.error.detail.contains("purge") => {
            return Ok(Done::Gone);
        }
        Err(failure) => return Err(failure.into()),
    }
    Ok(pending(polls, None, "purging", json!({ "do": "bury" })))
}

impl Likeness for Secret {
    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        let texts = || a.as_str().zip(b.as_str());
        match name {
            "not_before_date" | "expiration_date" => {
                texts().is_some_and(|(a, b)| seconds(a).is_some() && seconds(a) == seconds(b))
            }
            "key_vault_id" => texts().is_some_and(|(a, b)| id::same(a, b)),
            _ => false,
        }
    }
}

#[async_trait]
impl Resource<Session> for Secret {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn block(&self) -> Block {
        placed(
            [
                ("name", name("Name of the secret.").force_new()),
                ("key_vault_id", name("Id of the vault.").force_new()),
                ("value", text("The value; kept sealed in state.").secret()),
                (
                    "value_wo",
                    Attribute::optional(Type::String)
                        .secret()
                        .write_only()
                        .describe("The value, given to the vault and kept nowhere else."),
                ),
                ("value_wo_version", number("Change it to have value_wo written again.")),
                ("content_type", text("What the value is.")),
                ("not_before_date", text("From when it may be used: 2030-01-02T03:04:05Z.")),
                ("expiration_date", text("Until when it may be used.")),
                ("tags", tags()),
                ("tags_all", tags_all()),
                ("version", given("The version.")),
                ("versionless_id", given("Address of the newest version.")),
                ("resource_id", given("Id of the version at the resource manager.")),
                ("resource_versionless_id", given("Id of the secret at the resource manager.")),
            ],
            [],
        )
        .meaningless(&["expiration_date"], "until when it may be used; it is kept")
    }

    fn timeouts(&self) -> Timeouts {
        Timeouts::minutes(30, 30, 30)
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let root = Path::root();
        names::check(problems, "name", &names::SECRET, "1 to 127 letters, digits and hyphens");
        names::check_id(problems, "key_vault_id", NAMESPACE, &[VAULTS]);
        let (value, write_only) = (root.attribute("value"), root.attribute("value_wo"));
        problems.exclusive(&value, &write_only);
        let is_null = |name: &str| problems.config.get(name).is_none_or(|value| value.is_null());
        let (none, without) =
            (is_null("value") && is_null("value_wo"), is_null("value_wo") != is_null("value_wo_version"));
        if none {
            problems.push(value, "Missing argument", "Either value or value_wo must be set.");
        } else if without {
            problems.push(write_only, "Missing argument", "value_wo and value_wo_version go together.");
        }
        for (ours, _) in DATES {
            let path = root.attribute(ours);
            if problems.text(&path).is_some_and(|text| seconds(&text).is_none()) {
                problems.push(
                    path.clone(),
                    "Invalid date",
                    format!("{path} must be like 2030-01-02T03:04:05Z."),
                );
            }
        }
    }

    fn identity(&self, object: &Value) -> Option<String> {
        let part = |name: &str| object.get(name)?.as_str().map(str::to_lowercase);
        Some(format!("{}/{}", part("key_vault_id")?, part("name")?))
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        if !draft.is_creation() && (draft.changes("value") || draft.changes("value_wo_version")) {
            ["id", "version", "resource_id"].into_iter().for_each(|name| draft.reopen(name));
        }
        Ok(())
    }

    async fn read(&self, at: &Session, prior: &Json) -> Called<Option<Json>> {
        let Some(at) = vault(at, prior.text("key_vault_id")).await? else { return Ok(None) };
        Ok(look(&at, prior).await?.map(|found| shown(&found, prior)))
    }

    async fn find(&self, call: &Call<'_, Session>, planned: &Json) -> Called<Option<Json>> {
        let Some(at) = vault(call.at, planned.text("key_vault_id")).await? else { return Ok(None) };
        match look(&at, planned).await? {
            None => Ok(None),
            Some(found) if tagging::is_of(call, &tags_of(&found)) => Ok(Some(shown(&found, planned))),
            Some(_) => Err(not_ours(&format!("a {}", what(planned)))),
        }
    }

    async fn create(&self, call: &Call<'_, Session>, planned: &Json) -> Called<Done> {
        create(call, planned, 0).await
    }

    async fn update(&self, call: &Call<'_, Session>, prior: &Json, planned: &Json) -> Called<Done> {
        let Some(at) = vault(call.at, planned.text("key_vault_id")).await? else {
            return Err(gone(&what(planned)));
        };
        let Some(found) = look(&at, planned).await? else { return Err(gone(&what(planned))) };
        let tags = tagging::changed(call, &tags_of(&found), planned);
        let is_new = prior.get("value_wo_version") != planned.get("value_wo_version")
            || (planned.part("value").is_some() && planned["value"] != found["value"]);
        if is_new {
            return set(call, &at, planned, &tags).await;
        }
        let doing = format!("Changing the {}", what(planned));
        let body = RequestContent::from(properties(planned, &tags).to_string().into_bytes());
        let found_again =
            at.ask(&doing, |vault| vault.update_secret_properties(planned.text("name"), body, None)).await?;
        let mut whole = found;
        if let (Some(whole), Json::Object(new)) = (whole.as_object_mut(), found_again) {
            whole.extend(new);
        }
        Ok(Done::Object(shown(&whole, planned)))
    }

    async fn delete(&self, call: &Call<'_, Session>, prior: &Json) -> Called<Done> {
        let Some(at) = vault(call.at, prior.text("key_vault_id")).await? else { return Ok(Done::Gone) };
        let Some(found) = look(&at, prior).await? else { return bury(call, &at, prior, 1).await };
        if let Some(owner) = tagging::stranger(call.workspace, &tags_of(&found)) {
            let detail = format!("The {} is marked as one of the workspace {owner}.", what(prior));
            return Err(ProviderError::new(ErrorClass::Conflict, "Object of another workspace", detail));
        }
        let doing = format!("Removing the {}", what(prior));
        match at.ask(&doing, |vault| vault.delete_secret(prior.text("name"), None)).await {
            Ok(_) => bury(call, &at, prior, 0).await,
            Err(failure) if failure.is_missing() => bury(call, &at, prior, 1).await,
            Err(failure) => Err(failure.into()),
        }
    }

    async fn poll(&self, call: &Call<'_, Session>, handle: &Json, planned: &Json) -> Called<Done> {
        let polls = handle.get("polls").and_then(Json::as_u64).unwrap_or(0);
        if handle.text("do") == "create" {
            return create(call, planned, polls).await;
        }
        match vault(call.at, planned.text("key_vault_id")).await? {
            Some(at) => bury(call, &at, planned, polls).await,
            None => Ok(Done::Gone),
        }
    }

    fn seed(&self, id: &str) -> Called<Json> {
        let parsed = Id::parse(id, NAMESPACE, &[VAULTS, "secrets"])
            .ok_or_else(|| bad_id(KIND, "the vault's id, /secrets/ and the name"))?;
        let vault =
            id::object(&parsed.subscription, &parsed.group, "Microsoft.KeyVault/vaults", parsed.part(0));
        Ok(json!({ "name": parsed.name(), "key_vault_id": vault }))
    }
}
