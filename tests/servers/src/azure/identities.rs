//! Identities, whom they trust, and their roles.

use serde_json::{Value as Json, json};

use super::checks::{name, only, tags, text};
use super::groups;
use super::world::{Answer, Asked, Done, LOOKS, SUBSCRIPTION, TENANT, World, page, refuse, shown};

/// Roles that there are: name, id.
const ROLES: [(&str, &str); 4] = [
    ("Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6"),
    ("Key Vault Secrets Officer", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"),
    ("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
    ("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c"),
];

/// An identity, its credentials, or one of them.
pub(super) fn one(world: &mut World, asked: &Asked<'_>, group: &str, names: &[&str]) -> Done {
    groups::exists(world, group)?;
    let id = format!(
        "{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}",
        groups::id(group),
        names[0]
    );
    match names {
        [identity] => self::identity(world, asked, &id, identity),
        [_, _, rest @ ..] => {
            if world.get(&id).is_none() {
                return refuse(404, "ParentResourceNotFound", "The identity was not found.");
            }
            match rest {
                [] => {
                    let all = world.children(&format!("{id}/federatedIdentityCredentials"));
                    Ok(page(asked, all.into_iter().map(shown).collect()))
                }
                [credential] => self::credential(world, asked, &id, credential),
                _ => refuse(404, "NotFound", "There is no such path."),
            }
        }
        [] => refuse(404, "NotFound", "There is no such path."),
    }
}

fn identity(world: &mut World, asked: &Asked<'_>, own: &str, identity: &str) -> Done {
    match asked.method {
        "GET" => match world.get(own) {
            Some(found) => Ok(Answer::new(200, shown(found))),
            None => refuse(404, "ResourceNotFound", format!("The identity '{identity}' was not found.")),
        },
        "PUT" => {
            only(&asked.body, &["location", "tags", "tags/*"])?;
            name(identity, 3..=128, |c| c.is_ascii_alphanumeric() || "-_".contains(c), "BadRequest")?;
            let location = text(&asked.body, "/location")?;
            tags(&asked.body["tags"])?;
            let before = world.get(own).map(|found| found.json["properties"].clone());
            let is_new = before.is_none();
            let properties = before.unwrap_or_else(|| {
                let principal = world.uuid();
                world.young.insert(principal.clone(), LOOKS);
                json!({ "tenantId": TENANT, "clientId": world.uuid(), "principalId": principal })
            });
            let json = json!({
                "id": own, "name": identity, "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
                "location": location, "tags": asked.body["tags"], "properties": properties,
            });
            world.put(own, json);
            Ok(Answer::new(if is_new { 201 } else { 200 }, world.get(own).map(shown).unwrap_or_default()))
        }
        "DELETE" => {
            let status = if world.get(own).is_some() { 200 } else { 204 };
            world.remove(own);
            Ok(Answer::new(status, Json::Null))
        }
        _ => refuse(405, "MethodNotAllowed", "There is no such operation."),
    }
}

fn credential(world: &mut World, asked: &Asked<'_>, identity: &str, credential: &str) -> Done {
    let own = format!("{identity}/federatedIdentityCredentials/{credential}");
    match asked.method {
        "GET" => match world.get(&own) {
            Some(found) => Ok(Answer::new(200, shown(found))),
            None => refuse(404, "NotFound", format!("The credential '{credential}' was not found.")),
        },
        "PUT" => {
            only(&asked.body, &["properties/issuer", "properties/subject", "properties/audiences"])?;
            name(credential, 3..=120, |c| c.is_ascii_alphanumeric() || "-_".contains(c), "BadRequest")?;
            let issuer = text(&asked.body, "/properties/issuer")?;
            text(&asked.body, "/properties/subject")?;
            if !issuer.starts_with("https://")
                || asked.body["properties"]["audiences"].as_array().map(Vec::len) != Some(1)
            {
                return refuse(400, "BadRequest", "The issuer or the audience is not valid.");
            }
            let is_new = world.get(&own).is_none();
            let json = json!({
                "id": own, "name": credential, "properties": asked.body["properties"],
                "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
            });
            world.put(&own, json);
            Ok(Answer::new(if is_new { 201 } else { 200 }, world.get(&own).map(shown).unwrap_or_default()))
        }
        "DELETE" => {
            let status = if world.get(&own).is_some() { 200 } else { 204 };
            world.remove(&own);
            Ok(Answer::new(status, Json::Null))
        }
        _ => refuse(405, "MethodNotAllowed", "There is no such operation."),
    }
}

/// Definitions and assignments of roles at a scope.
pub(super) fn roles(world: &mut World, asked: &Asked<'_>, scope: &[&str], rest: &[&str]) -> Done {
    let scope = format!("/{}", scope.join("/"));
    let start = format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
    let definition = |id: &str| {
        format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{id}")
    };
    match (asked.method, rest) {
        ("GET", [kind]) if kind.eq_ignore_ascii_case("roleDefinitions") => {
            let filter = asked.query.get("$filter").cloned().unwrap_or_default();
            let wanted = filter.strip_prefix("roleName eq '").and_then(|rest| rest.strip_suffix('\''));
            let found = ROLES.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name));
            let roles = found.map(|(name, id)| {
                json!({ "id": definition(id), "name": id, "properties": { "roleName": name, "type": "BuiltInRole" } })
            });
            Ok(page(asked, roles.collect()))
        }
        ("GET", [_]) => Ok(page(asked, world.children(&start).into_iter().map(shown).collect())),
        (method, [_, name]) => {
            let own = format!("{start}/{name}");
            match method {
                "GET" => match world.get(&own) {
                    Some(found) => Ok(Answer::new(200, shown(found))),
                    None => refuse(
                        404,
                        "RoleAssignmentNotFound",
                        format!("The role assignment '{name}' is not found."),
                    ),
                },
                "PUT" => assign(world, asked, &own, &scope, name),
                "DELETE" => {
                    let Some(found) = world.get(&own).cloned() else {
                        return Ok(Answer::new(204, Json::Null));
                    };
                    world.remove(&own);
                    Ok(Answer::new(200, shown(&found)))
                }
                _ => refuse(405, "MethodNotAllowed", "There is no such operation."),
            }
        }
        _ => refuse(404, "NotFound", "There is no such path."),
    }
}

fn assign(world: &mut World, asked: &Asked<'_>, own: &str, scope: &str, assignment: &str) -> Done {
    let known =
        ["roleDefinitionId", "principalId", "principalType", "description", "condition", "conditionVersion"];
    let known = known.map(|part| format!("properties/{part}"));
    only(&asked.body, &known.each_ref().map(String::as_str))?;
    name(assignment, 36..=36, |c| c.is_ascii_hexdigit() || c == '-', "InvalidRoleAssignmentId")?;
    let role = text(&asked.body, "/properties/roleDefinitionId")?;
    let principal = text(&asked.body, "/properties/principalId")?;
    if !ROLES.iter().any(|(_, id)| role.ends_with(id)) {
        return refuse(400, "RoleDefinitionDoesNotExist", "The role does not exist.");
    }
    if world.objects.keys().all(|id| *id != scope.to_lowercase()) && scope.split('/').count() > 3 {
        return refuse(404, "ResourceNotFound", "What the role is for was not found.");
    }
    // A new principal is not known everywhere at once, but by those who say
    // what it is.
    if asked.body["properties"]["principalType"].is_null()
        && let Some(left) = world.young.get_mut(principal).filter(|left| **left > 0)
    {
        *left -= 1;
        return refuse(
            400,
            "PrincipalNotFound",
            format!("Principal {principal} does not exist in the directory."),
        );
    }
    if let Some(found) = world.get(own) {
        let same = ["roleDefinitionId", "principalId"]
            .iter()
            .all(|part| found.json["properties"][*part] == asked.body["properties"][*part]);
        return match same {
            true => Ok(Answer::new(200, shown(found))),
            false => refuse(409, "RoleAssignmentUpdateNotPermitted", "An assignment cannot be changed."),
        };
    }
    let start = own.rsplit_once('/').map_or("", |(start, _)| start);
    let twice = world.children(start).iter().any(|other| {
        ["roleDefinitionId", "principalId"]
            .iter()
            .all(|part| other.json["properties"][*part] == asked.body["properties"][*part])
    });
    if twice {
        return refuse(409, "RoleAssignmentExists", "The role assignment already exists.");
    }
    let mut properties = asked.body["properties"].clone();
    properties["scope"] = scope.into();
    if properties["principalType"].is_null() {
        properties["principalType"] = "ServicePrincipal".into();
    }
    let json = json!({
        "id": own, "name": assignment, "type": "Microsoft.Authorization/roleAssignments", "properties": properties,
    });
    world.put(own, json);
    Ok(Answer::new(201, world.get(own).map(shown).unwrap_or_default()))
}
