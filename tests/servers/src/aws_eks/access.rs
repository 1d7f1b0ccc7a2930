//! Who may use a cluster, and what its pods may do: access entries with their
//! policies, pod identities.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::thing::merge;
use super::words::{Answer, in_use, missing, only, or, refuse, role, text};
use super::{ACCOUNT, Cluster, Entry};

/// Answers a request about access entries.
pub(super) fn entries(cluster: &mut Cluster, method: &str, rest: &[&str], body: &Json) -> Answer {
    let cluster_name = cluster.own.json["name"].clone();
    let principal_of = |body: &Json| text(&body["principalArn"]).to_owned();
    match (method, rest) {
        ("GET", []) => Ok(json!({ "accessEntries": cluster.entries.keys().collect::<Vec<_>>() })),
        ("POST", []) => {
            only(
                body,
                &["principalArn", "kubernetesGroups", "tags", "clientRequestToken", "username", "type"],
            )?;
            role(body, "principalArn")?;
            let principal = principal_of(body);
            let token = text(&body["clientRequestToken"]).to_owned();
            if let Some(entry) = cluster.entries.get(&principal) {
                if !token.is_empty() && entry.token == token {
                    return Ok(json!({ "accessEntry": entry.json }));
                }
                return in_use("The specified access entry resource is already in use on this cluster.");
            }
            let name = principal.rsplit('/').next().unwrap_or_default();
            let shown = json!({
                "clusterName": cluster_name, "principalArn": principal,
                "kubernetesGroups": or(&body["kubernetesGroups"], json!([])),
                "accessEntryArn": format!("arn:aws:eks:eu-west-1:{ACCOUNT}:access-entry/{}/{name}", text(&cluster_name)),
                "username": or(&body["username"], principal.clone().into()), "type": or(&body["type"], json!("STANDARD")),
                "tags": or(&body["tags"], json!({})),
            });
            cluster
                .entries
                .insert(principal, Entry { json: shown.clone(), token, policies: BTreeMap::new() });
            Ok(json!({ "accessEntry": shown }))
        }
        (_, [principal, rest @ ..]) => {
            let Some(entry) = cluster.entries.get_mut(*principal) else { return missing("access entry") };
            match (method, rest) {
                ("GET", []) => Ok(json!({ "accessEntry": entry.json })),
                ("DELETE", []) => {
                    cluster.entries.remove(*principal);
                    Ok(json!({}))
                }
                ("POST", []) => {
                    only(body, &["kubernetesGroups", "clientRequestToken", "username"])?;
                    let mut patch = body.clone();
                    patch["clientRequestToken"] = Json::Null;
                    merge(&mut entry.json, patch);
                    Ok(json!({ "accessEntry": entry.json }))
                }
                ("GET", ["access-policies"]) => {
                    let policies: Vec<&Json> = entry.policies.values().collect();
                    Ok(json!({ "associatedAccessPolicies": policies }))
                }
                ("POST", ["access-policies"]) => {
                    only(body, &["policyArn", "accessScope"])?;
                    let policy = text(&body["policyArn"]).to_owned();
                    let shown = json!({ "policyArn": policy, "accessScope": body["accessScope"] });
                    entry.policies.insert(policy, shown.clone());
                    Ok(json!({ "associatedAccessPolicy": shown }))
                }
                ("DELETE", ["access-policies", policy]) => match entry.policies.remove(*policy) {
                    Some(_) => Ok(json!({})),
                    None => missing("policy"),
                },
                _ => refuse(404, "NotFoundException", "There is no such operation."),
            }
        }
        _ => refuse(404, "NotFoundException", "There is no such operation."),
    }
}

/// Answers a request about pod identities.
pub(super) fn pods(
    cluster: &mut Cluster,
    id: u64,
    method: &str,
    rest: &[&str],
    body: &Json,
    query: &BTreeMap<String, String>,
) -> Answer {
    let cluster_name = cluster.own.json["name"].clone();
    match (method, rest) {
        ("GET", []) => {
            let wanted = |pod: &&Json| {
                query.get("namespace").is_none_or(|namespace| pod["namespace"] == **namespace)
                    && query.get("serviceAccount").is_none_or(|account| pod["serviceAccount"] == **account)
            };
            Ok(json!({ "associations": cluster.pods.values().filter(wanted).collect::<Vec<_>>() }))
        }
        ("POST", []) => {
            only(body, &["namespace", "serviceAccount", "roleArn", "clientRequestToken", "tags"])?;
            role(body, "roleArn")?;
            let same = |pod: &&Json| {
                pod["namespace"] == body["namespace"] && pod["serviceAccount"] == body["serviceAccount"]
            };
            if let Some(pod) = cluster.pods.values().find(same) {
                if pod["token"] == body["clientRequestToken"] {
                    return Ok(json!({ "association": pod }));
                }
                return in_use("Association already exists.");
            }
            let key = format!("a-{id:017}");
            let shown = json!({
                "clusterName": cluster_name, "namespace": body["namespace"], "serviceAccount": body["serviceAccount"],
                "roleArn": body["roleArn"], "associationId": key, "tags": or(&body["tags"], json!({})),
                "associationArn":
                    format!("arn:aws:eks:eu-west-1:{ACCOUNT}:podidentityassociation/{}/{key}", text(&cluster_name)),
                "token": body["clientRequestToken"],
            });
            cluster.pods.insert(key, shown.clone());
            Ok(json!({ "association": shown }))
        }
        (_, [key]) => {
            let Some(pod) = cluster.pods.get_mut(*key) else { return missing("association") };
            if method == "POST" {
                only(body, &["roleArn", "clientRequestToken"])?;
                pod["roleArn"] = body["roleArn"].clone();
            }
            let answer = json!({ "association": pod });
            if method == "DELETE" {
                cluster.pods.remove(*key);
            }
            Ok(answer)
        }
        _ => refuse(404, "NotFoundException", "There is no such operation."),
    }
}
