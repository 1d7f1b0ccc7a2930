//! Secrets of vaults, with the challenge by which a vault says whose tokens it
//! takes.

use serde_json::{Value as Json, json};

use super::checks::{name, only, text};
use super::directory::{VAULTS, is_known};
use super::world::{Answer, Asked, Done, Secret, TENANT, World, merge, page, refuse};

const VERSION: &str = "2025-07-01";

/// Answers a request: `/vault/NAME/secrets/…`.
pub(super) fn answer(world: &mut World, asked: &Asked<'_>) -> Answer {
    if !is_known(asked, VAULTS) {
        let challenge =
            format!("Bearer authorization=\"https://{}/{TENANT}\", resource=\"{VAULTS}\"", asked.host);
        let body = json!({ "error": { "code": "Unauthorized", "message": "AKV10000: Request is missing a token." } });
        return Answer::new(401, body).header("www-authenticate", challenge);
    }
    routed(world, asked).unwrap_or_else(|refused| *refused)
}

fn routed(world: &mut World, asked: &Asked<'_>) -> Done {
    if asked.query.get("api-version").map(String::as_str) != Some(VERSION) {
        return refuse(400, "BadParameter", "The api-version is missing or not known.");
    }
    let path: Vec<&str> = asked.path.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let [_, vault, rest @ ..] = &path[..] else { return refuse(404, "NotFound", "There is no such path.") };
    let vault = vault.to_lowercase();
    let middle = format!("/providers/microsoft.keyvault/vaults/{vault}");
    if !world.objects.keys().any(|id| id.ends_with(&middle)) {
        return refuse(404, "VaultNotFound", "There is no such vault.");
    }
    let key = |name: &str| (vault.clone(), name.to_lowercase());
    match (asked.method, rest) {
        ("GET", ["secrets"]) => {
            let items = world.secrets.iter().filter(|((own, _), _)| *own == vault).map(|(_, secret)| {
                let mut json = secret.json.clone();
                json["value"] = Json::Null;
                json
            });
            Ok(page(asked, items.collect()))
        }
        ("GET", ["secrets", secret, ..]) => match world.secrets.get_mut(&key(secret)) {
            Some(found) if found.hidden == 0 => Ok(Answer::new(200, addressed(asked, &found.json))),
            Some(found) => {
                found.hidden -= 1;
                missing(secret)
            }
            None => missing(secret),
        },
        ("PUT", ["secrets", secret]) => set(world, asked, &vault, secret),
        ("PATCH", ["secrets", secret, ..]) => {
            only(&asked.body, &["contentType", "tags", "tags/*", "attributes/*"])?;
            let Some(found) = world.secrets.get_mut(&key(secret)) else { return missing(secret) };
            if !asked.body["tags"].is_null() {
                found.json["tags"] = Json::Null;
            }
            merge(&mut found.json, &asked.body);
            let mut shown = addressed(asked, &found.json);
            if let Some(parts) = shown.as_object_mut() {
                parts.remove("value");
            }
            Ok(Answer::new(200, shown))
        }
        ("DELETE", ["secrets", secret]) => {
            let Some(mut found) = world.secrets.remove(&key(secret)) else { return missing(secret) };
            found.hidden = 1;
            let mut shown = addressed(asked, &found.json);
            shown["recoveryId"] =
                format!("https://{}/vault/{vault}/deletedsecrets/{secret}", asked.host).into();
            if let Some(parts) = shown.as_object_mut() {
                parts.remove("value");
            }
            world.deleted_secrets.insert(key(secret), found);
            Ok(Answer::new(200, shown))
        }
        (method, ["deletedsecrets", secret, rest @ ..]) => deleted(world, asked, &key(secret), method, rest),
        _ => refuse(405, "MethodNotAllowed", "There is no such operation."),
    }
}

fn missing<T>(secret: &str) -> Done<T> {
    refuse(
        404,
        "SecretNotFound",
        format!("A secret with (name/id) {secret} was not found in this key vault."),
    )
}

/// A secret with its address at this host.
fn addressed(asked: &Asked<'_>, json: &Json) -> Json {
    let mut json = json.clone();
    let (vault, name) =
        (json["vault"].as_str().unwrap_or_default(), json["name"].as_str().unwrap_or_default());
    let version = json["version"].as_str().unwrap_or_default();
    json["id"] = format!("https://{}/vault/{vault}/secrets/{name}/{version}", asked.host).into();
    if let Some(parts) = json.as_object_mut() {
        ["vault", "name", "version"].into_iter().for_each(|own| drop(parts.remove(own)));
    }
    json
}

fn set(world: &mut World, asked: &Asked<'_>, vault: &str, secret: &str) -> Done {
    only(&asked.body, &["value", "contentType", "tags", "tags/*", "attributes/*"])?;
    name(secret, 1..=127, |c| c.is_ascii_alphanumeric() || c == '-', "BadParameter")?;
    text(&asked.body, "/value")?;
    if asked.body["tags"].as_object().is_some_and(|tags| tags.len() > 15) {
        return refuse(400, "BadParameter", "There are more than 15 tags.");
    }
    let key = (vault.to_owned(), secret.to_lowercase());
    if world.deleted_secrets.contains_key(&key) {
        let inner = json!({ "code": "ObjectIsDeletedButRecoverable" });
        let error = json!({ "code": "Conflict", "message": "Secret is currently in a deleted but recoverable state.", "innererror": inner });
        return Err(Box::new(Answer::new(409, json!({ "error": error }))));
    }
    if let Some(found) = world.secrets.get(&key).filter(|found| found.hidden > 0) {
        let inner = json!({ "code": "ObjectIsBeingRecovered" });
        let _ = found;
        let error = json!({ "code": "Conflict", "message": "Secret is currently being recovered.", "innererror": inner });
        return Err(Box::new(Answer::new(409, json!({ "error": error }))));
    }
    let version = format!("{:032x}", world.number());
    let mut json = json!({
        "vault": vault, "name": secret, "version": version, "attributes": { "enabled": true, "recoveryLevel": "Recoverable+Purgeable" },
    });
    merge(&mut json, &asked.body);
    let shown = addressed(asked, &json);
    world.secrets.insert(key, Secret { json, hidden: 0 });
    Ok(Answer::new(200, shown))
}

fn deleted(
    world: &mut World,
    asked: &Asked<'_>,
    key: &(String, String),
    method: &str,
    rest: &[&str],
) -> Done {
    let Some(found) = world.deleted_secrets.get_mut(key) else { return missing(&key.1) };
    match (method, rest) {
        ("GET", []) if found.hidden > 0 => {
            found.hidden -= 1;
            missing(&key.1)
        }
        ("GET", []) => {
            let mut shown = addressed(asked, &found.json);
            shown["recoveryId"] = "https://test.invalid".into();
            if let Some(parts) = shown.as_object_mut() {
                parts.remove("value");
            }
            Ok(Answer::new(200, shown))
        }
        ("DELETE", []) if found.hidden > 0 => refuse(409, "Conflict", "Secret is currently being deleted."),
        ("DELETE", []) => {
            world.deleted_secrets.remove(key);
            Ok(Answer::new(204, Json::Null))
        }
        ("POST", ["recover"]) => {
            let mut secret = found.clone();
            world.deleted_secrets.remove(key);
            secret.hidden = 1;
            let mut shown = addressed(asked, &secret.json);
            if let Some(parts) = shown.as_object_mut() {
                parts.remove("value");
            }
            world.secrets.insert(key.clone(), secret);
            Ok(Answer::new(200, shown))
        }
        _ => refuse(405, "MethodNotAllowed", "There is no such operation."),
    }
}
