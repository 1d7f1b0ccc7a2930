//! Add-ons.

use serde_json::{Map, Value as Json, json};

use super::thing::Thing;
use super::words::{Answer, in_use, missing, named, only, or, refuse, text};
use super::{ACCOUNT, Cluster};

/// Answers a request about add-ons.
pub(super) fn addons(cluster: &mut Cluster, id: u64, method: &str, rest: &[&str], body: &Json) -> Answer {
    let cluster_name = cluster.own.json["name"].clone();
    match (method, rest) {
        ("GET", []) => Ok(json!({ "addons": cluster.addons.keys().collect::<Vec<_>>() })),
        ("POST", []) => {
            only(
                body,
                &[
                    "addonName",
                    "addonVersion",
                    "serviceAccountRoleArn",
                    "resolveConflicts",
                    "clientRequestToken",
                    "tags",
                    "configurationValues",
                ],
            )?;
            let name = named(body, "addonName", 63)?;
            if let Some(addon) = cluster.addons.get(&name) {
                if addon.is_of(body) {
                    return Ok(json!({ "addon": addon.json }));
                }
                return in_use(format!("Addon already exists: {name}"));
            }
            let shown = json!({
                "addonName": name, "clusterName": cluster_name, "createdAt": 1_760_000_000.5,
                "addonArn": format!("arn:aws:eks:eu-west-1:{ACCOUNT}:addon/{}/{name}/{id}", text(&cluster_name)),
                "addonVersion": or(&body["addonVersion"], json!("v1.0.0-eksbuild.1")),
                "serviceAccountRoleArn": body["serviceAccountRoleArn"],
                "configurationValues": body["configurationValues"], "health": { "issues": [] },
                "tags": or(&body["tags"], json!({})),
            });
            let addon = Thing::new(shown, body, None);
            let answer = json!({ "addon": addon.json });
            cluster.addons.insert(name, addon);
            Ok(answer)
        }
        ("POST", [name, "update"]) => {
            only(
                body,
                &[
                    "addonVersion",
                    "serviceAccountRoleArn",
                    "resolveConflicts",
                    "clientRequestToken",
                    "configurationValues",
                ],
            )?;
            let Some(addon) = cluster.addons.get_mut(*name) else { return missing("add-on") };
            let mut patch = Map::new();
            for name in ["addonVersion", "configurationValues"] {
                if !body[name].is_null() {
                    patch.insert(name.into(), body[name].clone());
                }
            }
            if let Some(role) = body["serviceAccountRoleArn"].as_str() {
                let role = if role.is_empty() { Json::Null } else { role.into() };
                patch.insert("serviceAccountRoleArn".into(), role);
            }
            addon.change(id, "AddonUpdate", Json::Object(patch), None)
        }
        (_, [name]) => {
            let Some(addon) = cluster.addons.get_mut(*name) else { return missing("add-on") };
            if method == "DELETE" {
                addon.remove()?;
            } else if addon.look() {
                cluster.addons.remove(*name);
                return missing("add-on");
            }
            Ok(json!({ "addon": cluster.addons.get(*name).map(|addon| &addon.json) }))
        }
        _ => refuse(404, "NotFoundException", "There is no such operation."),
    }
}
