//! The resource manager: which request is for what, and what all have in common.

use serde_json::{Value as Json, json};

use super::directory::{MANAGER, is_known};
use super::world::{Answer, Asked, Done, Object, SUBSCRIPTION, World, page, refuse, shown};
use super::{clusters, dns, groups, identities, pools, vaults};

/// The versions of the interfaces that are spoken, by namespace.
const VERSIONS: [(&str, &str); 6] = [
    ("resources", "2021-04-01"),
    ("microsoft.containerservice", "2025-07-01"),
    ("microsoft.keyvault", "2023-07-01"),
    ("microsoft.managedidentity", "2023-01-31"),
    ("microsoft.authorization", "2022-04-01"),
    ("microsoft.network", "2018-05-01"),
];

/// Answers a request.
pub(super) fn answer(world: &mut World, asked: &Asked<'_>) -> Answer {
    routed(world, asked).unwrap_or_else(|refused| *refused)
}

fn routed(world: &mut World, asked: &Asked<'_>) -> Done {
    if !asked.is_direct() && !is_known(asked, MANAGER) {
        let challenge = format!("Bearer authorization=\"https://{}\"", asked.host);
        let body =
            json!({ "error": { "code": "AuthenticationFailed", "message": "Authentication failed." } });
        return Ok(Answer::new(401, body).header("www-authenticate", challenge));
    }
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    let lower: Vec<String> = path.iter().map(|part| part.to_lowercase()).collect();
    let low: Vec<&str> = lower.iter().map(String::as_str).collect();
    if let ["subscriptions", _, "providers", "test", kind, operation] = low[..] {
        return self::operation(world, asked, kind, operation);
    }
    version(asked, &low)?;
    if low.get(1).is_some_and(|subscription| *subscription != SUBSCRIPTION) {
        let message = format!("The subscription '{}' could not be found.", path[1]);
        return refuse(404, "SubscriptionNotFound", message);
    }
    if let Some(at) = low.iter().position(|part| *part == "microsoft.authorization") {
        return identities::roles(world, asked, &path[..at - 1], &path[at + 1..]);
    }
    let _ = &path;
    match (&low[2..], &path[..]) {
        (["resourcegroups"], _) => groups::all(world, asked),
        (["resourcegroups", _], [.., group]) => groups::one(world, asked, group),
        (["resourcegroups", _, "resources"], [.., group, _]) => groups::resources(world, asked, group),
        (["providers", "microsoft.keyvault", "locations", _, "deletedvaults", name, rest @ ..], _) => {
            vaults::deleted(world, asked, name, rest)
        }
        (["providers", namespace, kind], _) => everywhere(world, asked, namespace, kind),
        (["resourcegroups", _, "providers", namespace, kind, rest @ ..], _) => {
            let group = path[3];
            let names = &path[7..];
            match (*namespace, *kind, rest.len()) {
                ("microsoft.containerservice", "managedclusters", 1 | 2) => {
                    clusters::one(world, asked, group, names)
                }
                ("microsoft.containerservice", "managedclusters", 3) => {
                    pools::one(world, asked, group, names)
                }
                ("microsoft.keyvault", "vaults", 1) => vaults::one(world, asked, group, names[0]),
                ("microsoft.managedidentity", "userassignedidentities", _) => {
                    identities::one(world, asked, group, names)
                }
                ("microsoft.network", "dnszones", _) => dns::one(world, asked, group, names),
                _ => refuse(404, "InvalidResourceType", "There is no such type."),
            }
        }
        _ => refuse(404, "InvalidResourceType", "There is no such type."),
    }
}

fn version(asked: &Asked<'_>, low: &[&str]) -> Done<()> {
    // The last namespace in a path is whose object it is.
    let namespace =
        low.iter().rposition(|part| part.starts_with("microsoft.")).map_or("resources", |at| low[at]);
    let wanted = VERSIONS.iter().find(|(name, _)| *name == namespace).map(|(_, version)| *version);
    match asked.query.get("api-version") {
        None => refuse(400, "MissingApiVersionParameter", "The api-version query parameter is required."),
        Some(version) if wanted == Some(version.as_str()) => Ok(()),
        Some(version) => {
            let message = format!("The api-version '{version}' is not one of {namespace}.");
            refuse(400, "InvalidResourceType", message)
        }
    }
}

/// All objects of a type in the subscription.
fn everywhere(world: &World, asked: &Asked<'_>, namespace: &str, kind: &str) -> Done {
    let middle = format!("/providers/{namespace}/{kind}/");
    let of_type = |id: &&String| id.split_once(&middle).is_some_and(|(_, rest)| !rest.contains('/'));
    let ids: Vec<&String> = world.objects.keys().filter(of_type).collect();
    let items = ids.into_iter().filter_map(|id| match kind {
        "managedclusters" => clusters::whole(world, id),
        "vaults" => vaults::whole(world, asked, id),
        _ => world.get(id).map(shown),
    });
    Ok(page(asked, items.collect()))
}

/// An accepted request that takes time.
pub(super) fn accepted(asked: &Asked<'_>, operation: &str, header: &'static str) -> Answer {
    let kind = if header == "location" { "results" } else { "operations" };
    let url =
        format!("https://{}/subscriptions/{SUBSCRIPTION}/providers/Test/{kind}/{operation}", asked.host);
    Answer::new(202, Json::Null).header(header, url).header("retry-after", "0")
}

fn operation(world: &mut World, asked: &Asked<'_>, kind: &str, name: &str) -> Done {
    if let Some(object) = world.operations.get(name).map(|operation| operation.object.clone()) {
        let is_current =
            world.get(&object).and_then(|o| o.work.as_ref()).is_some_and(|w| w.operation == name);
        if is_current {
            world.look(&object);
        }
    }
    let Some(operation) = world.operations.get(name) else {
        return refuse(404, "OperationNotFound", "There is no such operation.");
    };
    if kind == "results" {
        let status = if operation.status == "InProgress" { 202 } else { 200 };
        let url = format!("https://{}/{}", asked.host, asked.path.join("/"));
        let answer = Answer::new(status, Json::Null);
        return Ok(if status == 202 {
            answer.header("location", url).header("retry-after", "0")
        } else {
            answer
        });
    }
    let mut body = json!({ "name": name, "status": operation.status });
    if let Some((code, message)) = operation.error {
        body["error"] = json!({ "code": code, "message": message });
    }
    Ok(Answer::new(200, body).header("retry-after", "0"))
}

/// Refuses a write whose condition does not hold.
pub(super) fn condition(asked: &Asked<'_>, found: Option<&Object>) -> Done<()> {
    let outdated = || refuse(412, "PreconditionFailed", "The condition of the request does not hold.");
    match (asked.header("if-none-match"), asked.header("if-match"), found) {
        (Some(_), _, Some(_)) | (_, Some(_), None) => outdated(),
        (_, Some(tag), Some(found)) if tag.trim_matches('"') != found.etag.to_string() => outdated(),
        _ => Ok(()),
    }
}
