//! Clusters. One takes one change at a time, of itself or of its pools.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::checks::{minor, name, only, tags, text};
use super::manager::condition;
use super::world::{Answer, Asked, Done, Goal, TENANT, World, merge, refuse, shown};
use super::{groups, pools};

const DEFAULT_VERSION: &str = "1.33";
/// What a request for a cluster may hold.
const KNOWN: [&str; 31] = [
    "location",
    "tags",
    "tags/*",
    "id",
    "name",
    "type",
    "eTag",
    "sku/name",
    "sku/tier",
    "identity/type",
    "identity/userAssignedIdentities/**",
    "properties/dnsPrefix",
    "properties/kubernetesVersion",
    "properties/enableRBAC",
    "properties/disableLocalAccounts",
    "properties/nodeResourceGroup",
    "properties/oidcIssuerProfile/enabled",
    "properties/securityProfile/workloadIdentity/enabled",
    "properties/aadProfile/managed",
    "properties/aadProfile/enableAzureRBAC",
    "properties/aadProfile/adminGroupObjectIDs",
    "properties/aadProfile/tenantID",
    "properties/apiServerAccessProfile/authorizedIPRanges",
    "properties/apiServerAccessProfile/enablePrivateCluster",
    "properties/addonProfiles/*/enabled",
    "properties/addonProfiles/*/config/*",
    "properties/networkProfile/*",
    "properties/agentPoolProfiles",
    "properties/agentPoolProfiles/name",
    "properties/agentPoolProfiles/eTag",
    "properties/agentPoolProfiles/provisioningState",
];
/// What stays as it was made.
const FIXED: [&str; 4] =
    ["/properties/dnsPrefix", "/properties/nodeResourceGroup", "/properties/enableRBAC", "/location"];

/// The id of a cluster.
pub(super) fn id(group: &str, cluster: &str) -> String {
    format!("{}/providers/Microsoft.ContainerService/managedClusters/{cluster}", groups::id(group))
}

/// Refuses a change while another one goes on.
pub(super) fn is_free(world: &World, id: &str) -> Done<()> {
    let own = world.get(id).is_some_and(|cluster| cluster.work.is_some());
    let busy = own || world.children(&format!("{id}/agentPools")).iter().any(|pool| pool.work.is_some());
    match busy {
        true => refuse(
            409,
            "OperationNotAllowed",
            "Operation is not allowed because there's an in progress update managed cluster operation.",
        ),
        false => Ok(()),
    }
}

/// A cluster, its pools, or its credentials.
pub(super) fn one(world: &mut World, asked: &Asked<'_>, group: &str, names: &[&str]) -> Done {
    let own = id(group, names[0]);
    match (asked.method, names) {
        ("GET", [_, pools]) if pools.eq_ignore_ascii_case("agentPools") => pools::all(world, asked, &own),
        ("POST", [_, call]) if call.eq_ignore_ascii_case("listClusterUserCredential") => {
            credentials(world, &own)
        }
        ("GET", [_]) => {
            world.look(&own);
            let pools = world.children(&format!("{own}/agentPools")).into_iter();
            let pools: Vec<String> =
                pools.filter_map(|pool| Some(pool.json["id"].as_str()?.to_owned())).collect();
            pools.iter().for_each(|pool| world.look(pool));
            match whole(world, &own) {
                Some(json) => Ok(Answer::new(200, json)),
                None => missing(names[0]),
            }
        }
        ("PUT", [_]) => put(world, asked, group, names[0]),
        ("DELETE", [_]) => {
            if world.get(&own).is_none() {
                return Ok(Answer::new(204, Json::Null));
            }
            is_free(world, &own)?;
            let operation = world.begin(&own, "Deleting", Goal::Removed);
            Ok(super::manager::accepted(asked, &operation, "azure-asyncoperation"))
        }
        _ => refuse(405, "MethodNotAllowed", "There is no such operation."),
    }
}

fn missing<T>(cluster: &str) -> Done<T> {
    refuse(404, "ResourceNotFound", format!("The managed cluster '{cluster}' was not found."))
}

/// A cluster with its pools in it.
pub(super) fn whole(world: &World, id: &str) -> Option<Json> {
    let cluster = world.get(id)?;
    let mut json = shown(cluster);
    let pools = world.children(&format!("{id}/agentPools")).into_iter().map(|pool| {
        let mut profile = pool.json["properties"].clone();
        profile["name"] = pool.json["name"].clone();
        profile["eTag"] = pool.etag.to_string().into();
        profile
    });
    json["properties"]["agentPoolProfiles"] = pools.collect();
    Some(json)
}

fn put(world: &mut World, asked: &Asked<'_>, group: &str, cluster: &str) -> Done {
    let body = &asked.body;
    let own = id(group, cluster);
    groups::exists(world, group)?;
    let known: Vec<String> =
        pools::PROPERTIES.iter().map(|part| format!("properties/agentPoolProfiles/{part}")).collect();
    let known: Vec<&str> = KNOWN.into_iter().chain(known.iter().map(String::as_str)).collect();
    only(body, &known)?;
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    name(cluster, 1..=63, fine, "InvalidResourceName")?;
    text(body, "/location")?;
    text(body, "/identity/type")?;
    tags(&body["tags"])?;
    if let Some(version) = body.pointer("/properties/kubernetesVersion").and_then(Json::as_str)
        && minor(version).is_none()
    {
        return refuse(400, "K8sVersionNotSupported", format!("Version {version} is not supported."));
    }
    condition(asked, world.get(&own))?;
    if world.get(&own).is_some() { change(world, asked, &own) } else { create(world, asked, group, cluster) }
}

fn create(world: &mut World, asked: &Asked<'_>, group: &str, cluster: &str) -> Done {
    let (body, own) = (&asked.body, id(group, cluster));
    text(body, "/properties/dnsPrefix")?;
    let profiles =
        body.pointer("/properties/agentPoolProfiles").and_then(Json::as_array).cloned().unwrap_or_default();
    if !profiles.iter().any(|pool| pool["mode"] == "System") {
        return refuse(400, "InvalidParameter", "There must be a pool of mode System.");
    }
    let (number, principal) = (world.number(), world.uuid());
    let location = body["location"].as_str().unwrap_or_default();
    let prefix = body["properties"]["dnsPrefix"].as_str().unwrap_or_default();
    let mut json = json!({
        "id": own, "name": cluster, "type": "Microsoft.ContainerService/managedClusters",
        "sku": { "name": "Base", "tier": "Free" },
        "properties": {
            "kubernetesVersion": DEFAULT_VERSION, "powerState": { "code": "Running" },
            "nodeResourceGroup": format!("MC_{group}_{cluster}_{location}"),
            "enableRBAC": true, "oidcIssuerProfile": { "enabled": false }, "maxAgentPools": 100,
            "fqdn": format!("{prefix}-{number:08}.hcp.{location}.test.invalid"),
            "azurePortalFQDN": format!("{prefix}-{number:08}.portal.hcp.{location}.test.invalid"),
            "networkProfile": {
                "networkPlugin": "azure", "networkPluginMode": "overlay", "networkPolicy": "none",
                "networkDataplane": "azure", "podCidr": "10.244.0.0/16", "serviceCidr": "10.0.0.0/16",
                "dnsServiceIP": "10.0.0.10", "loadBalancerSku": "standard", "outboundType": "loadBalancer",
                "ipFamilies": ["IPv4"],
            },
            "identityProfile": { "kubeletidentity": {
                "clientId": world.uuid(), "objectId": world.uuid(), "resourceId": format!("{own}-agentpool"),
            } },
        },
    });
    let mut wanted = body.clone();
    wanted["properties"]["agentPoolProfiles"] = Json::Null;
    merge(&mut json, &wanted);
    if json["identity"]["type"] == "SystemAssigned" {
        json["identity"]["principalId"] = principal.into();
        json["identity"]["tenantId"] = TENANT.into();
    }
    fill(&mut json);
    let mut failure = None;
    let mut made = Vec::new();
    for profile in profiles {
        let pool = text(&profile, "/name")?.to_owned();
        let mut properties = profile.clone();
        properties["name"] = Json::Null;
        let version = json["properties"]["kubernetesVersion"].as_str().unwrap_or_default();
        failure = failure.or(pools::check(&pool, &properties, version)?);
        made.push((
            pool.clone(),
            pools::made(&format!("{own}/agentPools/{pool}"), &pool, &properties, version),
        ));
    }
    world.put(&own, json);
    for (pool, json) in made {
        world.put(&format!("{own}/agentPools/{pool}"), json);
    }
    let goal = failure.map_or(Goal::Done, |(code, message)| Goal::Failed(code, message));
    let operation = world.begin(&own, "Creating", goal);
    begun(world, asked, &own, &operation, 201)
}

/// What follows from the rest.
fn fill(json: &mut Json) {
    let version = json["properties"]["kubernetesVersion"].as_str().unwrap_or_default();
    let patch = if version.matches('.').count() == 1 { format!("{version}.4") } else { version.to_owned() };
    json["properties"]["currentKubernetesVersion"] = patch.into();
    if json["properties"]["oidcIssuerProfile"]["enabled"] == true {
        let issuer = format!("https://oidc.test.invalid/{}/", json["name"].as_str().unwrap_or_default());
        json["properties"]["oidcIssuerProfile"]["issuerURL"] = issuer.into();
    }
    if json["properties"]["aadProfile"]["managed"] == true
        && json["properties"]["aadProfile"]["tenantID"].is_null()
    {
        json["properties"]["aadProfile"]["tenantID"] = TENANT.into();
    }
}

fn begun(world: &World, asked: &Asked<'_>, id: &str, operation: &str, status: u16) -> Done {
    let mut answer = super::manager::accepted(asked, operation, "azure-asyncoperation");
    answer.status = status;
    answer.body = whole(world, id).unwrap_or_default();
    Ok(answer)
}

fn change(world: &mut World, asked: &Asked<'_>, own: &str) -> Done {
    is_free(world, own)?;
    let Some(before) = whole(world, own) else { return missing(own) };
    let mut after = world.get(own).map(|cluster| cluster.json.clone()).unwrap_or_default();
    let mut wanted = asked.body.clone();
    let named = |json: &Json| -> Vec<Json> {
        let pools = json.pointer("/properties/agentPoolProfiles").and_then(Json::as_array);
        pools.into_iter().flatten().map(|pool| json!([pool["name"], pool["count"], pool["vmSize"]])).collect()
    };
    if named(&wanted) != named(&before) {
        return refuse(400, "InvalidParameter", "Agent pools cannot be changed by this operation.");
    }
    wanted["properties"]["agentPoolProfiles"] = Json::Null;
    let (from, to) = (&before["properties"]["kubernetesVersion"], &wanted["properties"]["kubernetesVersion"]);
    if let (Some(from), Some(to)) = (from.as_str().and_then(minor), to.as_str().and_then(minor))
        && to != from
        && to != from + 1
    {
        return refuse(
            400,
            "OperationNotAllowed",
            format!("Upgrading from 1.{from} to 1.{to} is not allowed."),
        );
    }
    // Tags are put as a whole.
    after["tags"] = wanted["tags"].clone();
    merge(&mut after, &wanted);
    let moved = FIXED.iter().find(|part| after.pointer(part) != before.pointer(part));
    let network = after["properties"]["networkProfile"] != before["properties"]["networkProfile"];
    if let Some(part) = moved.copied().or(network.then_some("/properties/networkProfile")) {
        return refuse(
            400,
            "PropertyChangeNotAllowed",
            format!("Changing property '{part}' is not allowed."),
        );
    }
    fill(&mut after);
    if let Some(cluster) = world.get_mut(own) {
        cluster.json = after;
    }
    let operation = world.begin(own, "Updating", Goal::Done);
    begun(world, asked, own, &operation, 200)
}

fn credentials(world: &World, own: &str) -> Done {
    let Some(cluster) = world.get(own) else { return missing(own) };
    if cluster.json["properties"]["provisioningState"] != "Succeeded" && cluster.work.is_some() {
        return refuse(409, "OperationNotAllowed", "The cluster is not ready.");
    }
    let text = world.kubeconfig.clone().unwrap_or_else(|| {
        let name = cluster.json["name"].as_str().unwrap_or_default();
        let fqdn = cluster.json["properties"]["fqdn"].as_str().unwrap_or_default();
        let secret = |what: &str| STANDARD.encode(format!("canary-{what}-of-{name}"));
        // Without accounts of its own, a cluster's users are those of the directory.
        let user = match cluster.json["properties"]["disableLocalAccounts"] == true {
            true => json!({ "exec": {
                "apiVersion": "client.authentication.k8s.io/v1beta1", "command": "kubelogin",
                "args": ["get-token", "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630"],
            } }),
            false => json!({
                "client-certificate-data": secret("certificate"), "client-key-data": secret("key"),
                "token": format!("canary-token-of-{name}"),
            }),
        };
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": name,
            "contexts": [{ "name": name, "context": { "cluster": name, "user": "clusterUser" } }],
            "clusters": [{ "name": name, "cluster": {
                "server": format!("https://{fqdn}:443"), "certificate-authority-data": secret("authority"),
            } }],
            "users": [{ "name": "clusterUser", "user": user }],
        })
        .to_string()
    });
    Ok(Answer::new(
        200,
        json!({ "kubeconfigs": [{ "name": "clusterUser", "value": STANDARD.encode(text) }] }),
    ))
}
