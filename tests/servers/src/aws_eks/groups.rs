//! Node groups.

use serde_json::{Value as Json, json};

use super::thing::{Thing, merge};
use super::words::{
    Answer, in_use, invalid, items, minor, missing, named, only, or, refuse, role, scaling, text,
};
use super::{ACCOUNT, Cluster};

/// Answers a request about node groups.
pub(super) fn groups(cluster: &mut Cluster, id: u64, method: &str, rest: &[&str], body: &Json) -> Answer {
    match (method, rest) {
        ("GET", []) => Ok(json!({ "nodegroups": cluster.groups.keys().collect::<Vec<_>>() })),
        ("POST", []) => create_group(cluster, id, body),
        (_, [name]) => {
            let Some(group) = cluster.groups.get_mut(*name) else { return missing("node group") };
            if method == "DELETE" {
                group.remove()?;
            } else if group.look() {
                cluster.groups.remove(*name);
                return missing("node group");
            }
            Ok(json!({ "nodegroup": cluster.groups.get(*name).map(|group| &group.json) }))
        }
        ("POST", [name, "update-config"]) => update_group(cluster, id, name, body),
        ("POST", [name, "update-version"]) => upgrade_group(cluster, id, name, body),
        _ => refuse(404, "NotFoundException", "There is no such operation."),
    }
}

fn create_group(cluster: &mut Cluster, id: u64, body: &Json) -> Answer {
    let cluster_name = cluster.own.json["name"].clone();
    only(
        body,
        &[
            "nodegroupName",
            "scalingConfig",
            "diskSize",
            "subnets",
            "instanceTypes",
            "amiType",
            "nodeRole",
            "labels",
            "taints",
            "tags",
            "clientRequestToken",
            "launchTemplate",
            "updateConfig",
            "capacityType",
            "version",
            "releaseVersion",
        ],
    )?;
    let name = named(body, "nodegroupName", 63)?;
    role(body, "nodeRole")?;
    scaling(&body["scalingConfig"])?;
    if let Some(group) = cluster.groups.get(&name) {
        if group.is_of(body) {
            return Ok(json!({ "nodegroup": group.json }));
        }
        return in_use(format!("NodeGroup already exists with name {name}"));
    }
    if cluster.own.json["status"] != "ACTIVE" {
        return in_use(format!("Cluster {cluster_name} is not in status ACTIVE"));
    }
    let types = or(&body["instanceTypes"], json!(["t3.medium"]));
    let failure = types.as_array().is_some_and(|types| types.iter().any(|kind| kind == "none.large"));
    let shown = json!({
        "nodegroupName": name, "clusterName": cluster_name,
        "nodegroupArn": format!("arn:aws:eks:eu-west-1:{ACCOUNT}:nodegroup/{}/{name}/{id}", text(&cluster_name)),
        "version": or(&body["version"], cluster.own.json["version"].clone()),
        "releaseVersion": or(&body["releaseVersion"], json!("1-20260101")),
        "createdAt": 1_760_000_000.5, "modifiedAt": 1_760_000_000.5,
        "capacityType": or(&body["capacityType"], json!("ON_DEMAND")),
        "scalingConfig": body["scalingConfig"], "instanceTypes": types, "subnets": body["subnets"],
        "amiType": or(&body["amiType"], json!("AL2023_x86_64_STANDARD")), "nodeRole": body["nodeRole"],
        "labels": or(&body["labels"], json!({})), "taints": or(&body["taints"], json!([])),
        "diskSize": or(&body["diskSize"], json!(20)), "health": { "issues": [] },
        "updateConfig": or(&body["updateConfig"], json!({ "maxUnavailable": 1 })),
        "launchTemplate": body["launchTemplate"], "tags": or(&body["tags"], json!({})),
    });
    let group = Thing::new(shown, body, failure.then_some("There is no instance type none.large"));
    let answer = json!({ "nodegroup": group.json });
    cluster.groups.insert(name, group);
    Ok(answer)
}

fn update_group(cluster: &mut Cluster, id: u64, name: &str, body: &Json) -> Answer {
    only(body, &["labels", "taints", "scalingConfig", "updateConfig", "clientRequestToken"])?;
    let Some(group) = cluster.groups.get_mut(name) else { return missing("node group") };
    if !body["scalingConfig"].is_null() {
        scaling(&body["scalingConfig"])?;
    }
    let mut labels = group.json["labels"].clone();
    merge(&mut labels, or(&body["labels"]["addOrUpdateLabels"], json!({})));
    for gone in items(&body["labels"]["removeLabels"]) {
        labels.as_object_mut().and_then(|labels| labels.remove(text(&gone)));
    }
    let mut taints = items(&group.json["taints"]);
    let same = |a: &Json, b: &Json| a["key"] == b["key"] && a["effect"] == b["effect"];
    for one in
        items(&body["taints"]["removeTaints"]).iter().chain(&items(&body["taints"]["addOrUpdateTaints"]))
    {
        taints.retain(|taint| !same(taint, one));
    }
    taints.extend(items(&body["taints"]["addOrUpdateTaints"]));
    let mut patch = json!({ "taints": taints });
    for name in ["scalingConfig", "updateConfig"] {
        if !body[name].is_null() {
            patch[name] = body[name].clone();
        }
    }
    let answer = group.change(id, "ConfigUpdate", patch, None)?;
    group.json["labels"] = labels;
    Ok(answer)
}

fn upgrade_group(cluster: &mut Cluster, id: u64, name: &str, body: &Json) -> Answer {
    only(body, &["version", "releaseVersion", "launchTemplate", "force", "clientRequestToken"])?;
    let newest = cluster.own.json["version"].as_str().and_then(minor).unwrap_or_default();
    let Some(group) = cluster.groups.get_mut(name) else { return missing("node group") };
    let has = group.json["version"].clone();
    let wanted = or(&body["version"], has.clone());
    let (from, to) = (minor(text(&has)).unwrap_or_default(), minor(text(&wanted)).unwrap_or_default());
    if to > newest || to > from + 1 || to < from {
        return invalid(format!(
            "Requested Nodegroup version {to} is not possible from {from} on cluster {newest}"
        ));
    }
    let release = or(&body["releaseVersion"], json!(format!("1.{to}-20260201")));
    let mut patch = json!({ "version": wanted, "releaseVersion": release });
    if !body["launchTemplate"].is_null() {
        patch["launchTemplate"] = body["launchTemplate"].clone();
    }
    group.change(id, "VersionUpdate", patch, None)
}
