//! Changes of clusters, and what became of changes.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::words::{Answer, invalid, minor, missing, only};
use super::{Cluster, MINORS};

pub(super) fn update_cluster(cluster: &mut Cluster, id: u64, body: &Json) -> Answer {
    only(
        body,
        &[
            "resourcesVpcConfig",
            "logging",
            "clientRequestToken",
            "accessConfig",
            "upgradePolicy",
            "deletionProtection",
        ],
    )?;
    let kinds = ["resourcesVpcConfig", "logging", "accessConfig", "upgradePolicy", "deletionProtection"];
    let given: Vec<&&str> = kinds.iter().filter(|kind| !body[**kind].is_null()).collect();
    if given.len() != 1 {
        return invalid("Only one type of update can be allowed.");
    }
    let vpc = &body["resourcesVpcConfig"];
    let moves = ["subnetIds", "securityGroupIds"].iter().any(|name| !vpc[*name].is_null());
    let opens = ["endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs"];
    if moves && opens.iter().any(|name| !vpc[*name].is_null()) {
        return invalid("Only one type of update can be allowed.");
    }
    let full = vpc["subnetIds"].as_array().is_some_and(|subnets| subnets.iter().any(|s| s == "subnet-full"));
    let failure = full.then_some("The subnet subnet-full has no free addresses");
    let mut patch = body.clone();
    patch["clientRequestToken"] = Json::Null;
    cluster.own.change(id, "ConfigUpdate", patch, failure)
}

pub(super) fn upgrade_cluster(cluster: &mut Cluster, id: u64, body: &Json) -> Answer {
    only(body, &["version", "clientRequestToken", "force"])?;
    let wanted = body["version"].as_str().unwrap_or_default();
    let has = cluster.own.json["version"].as_str().and_then(minor).unwrap_or_default();
    match minor(wanted) {
        Some(minor) if minor == has + 1 && MINORS.contains(&minor) => {}
        _ => return invalid(format!("Unsupported Kubernetes minor version update from 1.{has} to {wanted}")),
    }
    cluster.own.change(id, "VersionUpdate", json!({ "version": wanted, "platformVersion": "eks.2" }), None)
}

pub(super) fn find_update(cluster: &mut Cluster, update: &str, query: &BTreeMap<String, String>) -> Answer {
    let thing = match (query.get("nodegroupName"), query.get("addonName")) {
        (Some(group), _) => cluster.groups.get_mut(group),
        (_, Some(addon)) => cluster.addons.get_mut(addon),
        _ => Some(&mut cluster.own),
    };
    let Some(thing) = thing else { return missing("update") };
    thing.look();
    match thing.updates.get(update) {
        Some(update) => Ok(json!({ "update": update })),
        None => missing("update"),
    }
}
