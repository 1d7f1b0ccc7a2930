//! Vaults: their names are unique in the world, and stay so when one is
//! deleted, until it is purged.

use serde_json::{Value as Json, json};

use super::checks::{name, only, tags, text};
use super::groups;
use super::world::{Answer, Asked, Done, LOOKS, SUBSCRIPTION, World, merge, refuse, shown};

const KNOWN: [&str; 22] = [
    "location",
    "tags",
    "tags/*",
    "properties/tenantId",
    "properties/sku/family",
    "properties/sku/name",
    "properties/accessPolicies",
    "properties/accessPolicies/tenantId",
    "properties/accessPolicies/objectId",
    "properties/accessPolicies/applicationId",
    "properties/accessPolicies/permissions/*",
    "properties/enabledForDeployment",
    "properties/enabledForDiskEncryption",
    "properties/enabledForTemplateDeployment",
    "properties/enableSoftDelete",
    "properties/softDeleteRetentionInDays",
    "properties/enableRbacAuthorization",
    "properties/createMode",
    "properties/enablePurgeProtection",
    "properties/publicNetworkAccess",
    "properties/networkAcls/*",
    "properties/networkAcls/*/*",
];

fn id(group: &str, vault: &str) -> String {
    format!("{}/providers/Microsoft.KeyVault/vaults/{vault}", groups::id(group))
}

fn deleted_id(location: &str, vault: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{vault}"
    )
}

/// A vault.
pub(super) fn one(world: &mut World, asked: &Asked<'_>, group: &str, vault: &str) -> Done {
    let own = id(group, vault);
    match asked.method {
        "GET" => look(world, asked, &own, vault),
        "PUT" => {
            groups::exists(world, group)?;
            let answer = put(world, asked, &own, vault)?;
            Ok(answer)
        }
        "DELETE" => {
            let Some(found) = world.get(&own).cloned() else { return Ok(Answer::new(204, Json::Null)) };
            let properties = &found.json["properties"];
            let mut deleted = found.json.clone();
            deleted["deleted"] = json!({
                "vaultId": own, "location": found.json["location"], "tags": found.json["tags"],
                "deletionDate": "2030-01-01T00:00:00Z", "scheduledPurgeDate": "2030-04-01T00:00:00Z",
                "purgeProtectionEnabled": properties["enablePurgeProtection"],
            });
            world.deleted.insert(vault.to_lowercase(), (deleted, None));
            world.remove(&own);
            Ok(Answer::new(200, Json::Null))
        }
        _ => refuse(405, "MethodNotAllowed", "There is no such operation."),
    }
}

fn put(world: &mut World, asked: &Asked<'_>, own: &str, vault: &str) -> Done {
    let body = &asked.body;
    only(body, &KNOWN)?;
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '-';
    name(vault, 3..=24, fine, "VaultNameNotValid")?;
    if vault.contains("--") || vault.ends_with('-') || !vault.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return refuse(400, "VaultNameNotValid", format!("The vault name '{vault}' is invalid."));
    }
    text(body, "/location")?;
    text(body, "/properties/tenantId")?;
    tags(&body["tags"])?;
    let sku = text(body, "/properties/sku/name")?;
    if body["properties"]["sku"]["family"] != "A" || !["standard", "premium"].contains(&sku) {
        return refuse(400, "BadRequest", "The sku is not valid.");
    }
    if body["properties"]["enablePurgeProtection"] == false {
        return refuse(400, "BadRequest", "The property enablePurgeProtection cannot be set to false.");
    }
    let is_elsewhere = world.objects.iter().any(|(id, _)| {
        id.ends_with(&format!("/providers/microsoft.keyvault/vaults/{}", vault.to_lowercase()))
            && *id != own.to_lowercase()
    });
    if is_elsewhere {
        return refuse(409, "VaultAlreadyExists", format!("The vault name '{vault}' is already in use."));
    }
    let recovers = body["properties"]["createMode"] == "recover";
    let before =
        match (world.get(own).map(|found| found.json.clone()), world.deleted.get(&vault.to_lowercase())) {
            (Some(before), _) => Some(before),
            (None, Some((deleted, _))) if recovers => {
                let mut json = deleted.clone();
                json["deleted"] = Json::Null;
                world.deleted.remove(&vault.to_lowercase());
                world.put(own, json);
                return look(world, asked, own, vault);
            }
            (None, Some(_)) => {
                let message =
                    format!("A vault with the same name '{vault}' already exists in deleted state.");
                return refuse(409, "ConflictError", message);
            }
            (None, None) if recovers => {
                return refuse(
                    404,
                    "SoftDeletedVaultDoesNotExist",
                    "There is no deleted vault of this name.",
                );
            }
            (None, None) => None,
        };
    let is_new = before.is_none();
    let mut json = before.unwrap_or_else(|| {
        json!({
            "id": own, "name": vault, "type": "Microsoft.KeyVault/vaults",
            "properties": { "provisioningState": "Succeeded", "publicNetworkAccess": "Enabled" },
        })
    });
    let days = &json["properties"]["softDeleteRetentionInDays"];
    if !days.is_null() && *days != body["properties"]["softDeleteRetentionInDays"] {
        return refuse(400, "BadRequest", "The property softDeleteRetentionInDays has been set already.");
    }
    json["tags"] = Json::Null;
    let mut wanted = body.clone();
    wanted["properties"]["createMode"] = Json::Null;
    merge(&mut json, &wanted);
    world.put(own, json);
    let mut answer = look(world, asked, own, vault)?;
    answer.status = if is_new { 201 } else { 200 };
    Ok(answer)
}

fn look(world: &World, asked: &Asked<'_>, own: &str, vault: &str) -> Done {
    match whole(world, asked, own) {
        Some(json) => Ok(Answer::new(200, json)),
        None => refuse(404, "ResourceNotFound", format!("The vault '{vault}' was not found.")),
    }
}

/// A vault with its address at this host.
pub(super) fn whole(world: &World, asked: &Asked<'_>, id: &str) -> Option<Json> {
    let mut json = shown(world.get(id)?);
    let name = json["name"].as_str().unwrap_or_default();
    json["properties"]["vaultUri"] = format!("https://{}/vault/{name}/", asked.host).into();
    Some(json)
}

/// A deleted vault, and its end.
pub(super) fn deleted(world: &mut World, asked: &Asked<'_>, vault: &str, rest: &[&str]) -> Done {
    let key = vault.to_lowercase();
    let missing = || refuse(404, "DeletedVaultNotFound", format!("There is no deleted vault '{vault}'."));
    let gone = match world.deleted.get_mut(&key) {
        Some((_, Some(0))) => true,
        Some((_, Some(left))) if asked.method == "GET" => {
            *left -= 1;
            false
        }
        Some(_) => false,
        None => return missing(),
    };
    if gone {
        world.deleted.remove(&key);
        world.secrets.retain(|(own, _), _| *own != key);
        world.deleted_secrets.retain(|(own, _), _| *own != key);
        return missing();
    }
    let Some((json, purge)) = world.deleted.get_mut(&key) else { return missing() };
    match (asked.method, rest) {
        ("GET", []) => {
            let location = json["location"].as_str().unwrap_or_default();
            let body = json!({
                "id": deleted_id(location, vault), "name": vault, "type": "Microsoft.KeyVault/deletedVaults",
                "properties": json["deleted"],
            });
            Ok(Answer::new(200, body))
        }
        ("POST", ["purge"]) => {
            if json["properties"]["enablePurgeProtection"] == true {
                return refuse(400, "MethodNotAllowed", "The vault is protected against purging.");
            }
            *purge = purge.or(Some(LOOKS));
            Ok(Answer::new(202, Json::Null))
        }
        _ => refuse(405, "MethodNotAllowed", "There is no such operation."),
    }
}
