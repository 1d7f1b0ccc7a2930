//! Pools of clusters.

use serde_json::{Value as Json, json};

use super::checks::{minor, name, only, tags};
use super::clusters::{id as cluster_id, is_free};
use super::manager::condition;
use super::world::{Answer, Asked, Done, Goal, World, page, refuse, shown};

/// What a request for a pool may hold.
pub(super) const PROPERTIES: [&str; 32] = [
    "vmSize",
    "count",
    "enableAutoScaling",
    "minCount",
    "maxCount",
    "maxPods",
    "osDiskSizeGB",
    "osDiskType",
    "osSKU",
    "osType",
    "vnetSubnetID",
    "availabilityZones",
    "enableEncryptionAtHost",
    "enableNodePublicIP",
    "nodeLabels",
    "nodeLabels/**",
    "nodeTaints",
    "orchestratorVersion",
    "upgradeSettings/maxSurge",
    "upgradeSettings/drainTimeoutInMinutes",
    "upgradeSettings/nodeSoakDurationInMinutes",
    "type",
    "mode",
    "scaleSetPriority",
    "scaleSetEvictionPolicy",
    "spotMaxPrice",
    "tags",
    "tags/*",
    // As they are shown, and so may come back.
    "currentOrchestratorVersion",
    "nodeImageVersion",
    "powerState/code",
    "scaleDownMode",
];
/// What stays as it was made.
const FIXED: [&str; 8] = [
    "vmSize",
    "maxPods",
    "osDiskSizeGB",
    "osDiskType",
    "osType",
    "vnetSubnetID",
    "availabilityZones",
    "scaleSetPriority",
];

type Failure = (&'static str, &'static str);

/// What is wrong with a pool, and what will go wrong with it.
pub(super) fn check(pool: &str, properties: &Json, version: &str) -> Done<Option<Failure>> {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name(pool, 1..=12, fine, "InvalidParameter")?;
    if !pool.starts_with(|c: char| c.is_ascii_lowercase()) {
        return refuse(400, "InvalidParameter", format!("The name '{pool}' must begin with a letter."));
    }
    tags(&properties["tags"])?;
    let size = properties["vmSize"].as_str().unwrap_or_default();
    if size.is_empty() {
        return refuse(400, "InvalidParameter", "Required parameter agentPoolProfile.vmSize is missing.");
    }
    if size == "Standard_Quota" {
        let message = "Insufficient vcpu quota requested 4, remaining 0.";
        return refuse(400, "ErrCode_InsufficientVCPUQuota", message);
    }
    let scales = properties["enableAutoScaling"] == true;
    if !scales && (!properties["minCount"].is_null() || !properties["maxCount"].is_null()) {
        return refuse(400, "InvalidParameter", "minCount and maxCount are for pools that scale.");
    }
    let own = properties["orchestratorVersion"].as_str().unwrap_or(version);
    if minor(own).is_none() || minor(own) > minor(version) {
        return refuse(400, "NodePoolMcVersionIncompatible", format!("The pool's {own} is above {version}."));
    }
    for taint in properties["nodeTaints"].as_array().into_iter().flatten() {
        if taint.as_str().is_none_or(|taint| !taint.contains('=') || !taint.contains(':')) {
            return refuse(400, "InvalidParameter", format!("The taint {taint} is not valid."));
        }
    }
    Ok((size == "Standard_None").then_some(("SkuNotAvailable", "No machines of this size can be had")))
}

/// A pool as it is made.
pub(super) fn made(id: &str, pool: &str, properties: &Json, version: &str) -> Json {
    let mut full = json!({
        "count": 1, "maxPods": 110, "osDiskSizeGB": 128, "osDiskType": "Managed", "osType": "Linux",
        "osSKU": "Ubuntu", "mode": "User", "type": "VirtualMachineScaleSets", "enableAutoScaling": false,
        "orchestratorVersion": version, "powerState": { "code": "Running" }, "scaleDownMode": "Delete",
        "provisioningState": "Succeeded", "nodeImageVersion": "AKSUbuntu-2204gen2-test",
    });
    super::world::merge(&mut full, properties);
    full["currentOrchestratorVersion"] = full["orchestratorVersion"].clone();
    json!({
        "id": id, "name": pool, "type": "Microsoft.ContainerService/managedClusters/agentPools",
        "properties": full,
    })
}

/// The pools of a cluster.
pub(super) fn all(world: &World, asked: &Asked<'_>, cluster: &str) -> Done {
    if world.get(cluster).is_none() {
        return refuse(404, "ResourceNotFound", "The managed cluster was not found.");
    }
    let pools = world.children(&format!("{cluster}/agentPools"));
    Ok(page(asked, pools.into_iter().map(shown).collect()))
}

/// One pool.
pub(super) fn one(world: &mut World, asked: &Asked<'_>, group: &str, names: &[&str]) -> Done {
    let [cluster_name, _, pool] = names else { return refuse(404, "NotFound", "There is no such path.") };
    let cluster = cluster_id(group, cluster_name);
    if world.get(&cluster).is_none() {
        let message = format!("The managed cluster '{cluster_name}' was not found.");
        return refuse(404, "ParentResourceNotFound", message);
    }
    let own = format!("{cluster}/agentPools/{pool}");
    match asked.method {
        "GET" => {
            world.look(&own);
            match world.get(&own) {
                Some(found) => Ok(Answer::new(200, shown(found))),
                None => refuse(404, "NotFound", format!("The agent pool '{pool}' was not found.")),
            }
        }
        "PUT" => put(world, asked, &cluster, &own, pool),
        "DELETE" => {
            let Some(found) = world.get(&own) else { return Ok(Answer::new(204, Json::Null)) };
            let is_system = found.json["properties"]["mode"] == "System";
            let systems = world.children(&format!("{cluster}/agentPools"));
            let others = systems.iter().filter(|pool| pool.json["properties"]["mode"] == "System").count();
            if is_system && others < 2 {
                return refuse(400, "OperationNotAllowed", "The last pool of mode System cannot be removed.");
            }
            is_free(world, &cluster)?;
            let operation = world.begin(&own, "Deleting", Goal::Removed);
            Ok(super::manager::accepted(asked, &operation, "azure-asyncoperation"))
        }
        _ => refuse(405, "MethodNotAllowed", "There is no such operation."),
    }
}

fn put(world: &mut World, asked: &Asked<'_>, cluster: &str, own: &str, pool: &str) -> Done {
    let known: Vec<String> = PROPERTIES.iter().map(|part| format!("properties/{part}")).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).chain(["id", "name", "type"]).collect();
    only(&asked.body, &known)?;
    let properties = &asked.body["properties"];
    let version =
        world.get(cluster).map(|c| c.json["properties"]["kubernetesVersion"].clone()).unwrap_or_default();
    let version = version.as_str().unwrap_or_default().to_owned();
    let failure = check(pool, properties, &version)?;
    condition(asked, world.get(own))?;
    is_free(world, cluster)?;
    let before = world.get(own).map(|pool| pool.json.clone());
    let (json, state, status) = match before {
        None => (made(own, pool, properties, &version), "Creating", 201),
        Some(before) => {
            let moved = FIXED.iter().find(|part| {
                let (is, wanted) = (&before["properties"][**part], &properties[**part]);
                !wanted.is_null() && is != wanted
            });
            if let Some(part) = moved {
                let message = format!("Changing property 'properties.{part}' is not allowed.");
                return refuse(400, "PropertyChangeNotAllowed", message);
            }
            let (from, to) =
                (&before["properties"]["orchestratorVersion"], &properties["orchestratorVersion"]);
            if let (Some(from), Some(to)) = (from.as_str().and_then(minor), to.as_str().and_then(minor))
                && to != from
                && to != from + 1
            {
                return refuse(400, "OperationNotAllowed", "Minor versions cannot be skipped.");
            }
            let mut after = before;
            for whole in ["nodeLabels", "nodeTaints", "tags"] {
                if !properties[whole].is_null() {
                    after["properties"][whole] = Json::Null;
                }
            }
            super::world::merge(&mut after["properties"], properties);
            (after, "Updating", 200)
        }
    };
    world.put(own, json);
    let goal = failure.map_or(Goal::Done, |(code, message)| Goal::Failed(code, message));
    let operation = world.begin(own, state, goal);
    let mut answer = super::manager::accepted(asked, &operation, "azure-asyncoperation");
    answer.status = status;
    answer.body = world.get(own).map(shown).unwrap_or_default();
    Ok(answer)
}
