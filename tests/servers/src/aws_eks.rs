//! EKS as far as tests need it, since moto has half of its operations and none
//! of its states.
//!
//! Clusters, node groups and add-ons take a number of looks to be made,
//! changed and removed; a cluster takes one change at a time; tokens make a
//! creation one; versions go up by one; what a request may hold, and what names
//! look like, is checked. Some inputs fail as they would: an instance type
//! `none.large` cannot be launched, a subnet `subnet-full` has no addresses.
//!
//! Must not: keep time. Looking is what makes things go on.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

/// Looks until something is done.
const LOOKS: u32 = 2;
/// The oldest and the newest minor version.
const MINORS: std::ops::RangeInclusive<u32> = 28..=34;
const DEFAULT_MINOR: u32 = 33;
const ACCOUNT: &str = "123456789012";

/// An answer: its status, and a body or a code with a message.
pub(crate) type Answer = std::result::Result<Json, Refusal>;

/// What EKS does not do.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

fn refuse<T>(status: u16, code: &'static str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { status, code, message: message.into() })
}

fn missing<T>(what: &str) -> Result<T, Refusal> {
    refuse(404, "ResourceNotFoundException", format!("No {what} found."))
}

fn in_use<T>(message: impl Into<String>) -> Result<T, Refusal> {
    refuse(409, "ResourceInUseException", message)
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Refusal> {
    refuse(400, "InvalidParameterException", message)
}

/// Something that takes time.
#[derive(Debug)]
struct Thing {
    json: Json,
    token: String,
    /// What was asked for, to tell a repeated request from another one.
    asked: Json,
    work: Option<Work>,
    /// Updates and what became of them.
    updates: BTreeMap<String, Json>,
}

#[derive(Debug)]
struct Work {
    left: u32,
    goal: Goal,
}

#[derive(Debug)]
enum Goal {
    /// It is there, or could not be made.
    Made(Option<&'static str>),
    /// These of its fields are others, or stay.
    Changed {
        update: String,
        patch: Json,
        failure: Option<&'static str>,
    },
    Removed,
}

impl Thing {
    fn new(json: Json, asked: &Json, failure: Option<&'static str>) -> Self {
        let token = asked["clientRequestToken"].as_str().unwrap_or_default().to_owned();
        let mut thing = Thing { json, token, asked: asked.clone(), work: None, updates: BTreeMap::new() };
        thing.json["status"] = "CREATING".into();
        thing.work = Some(Work { left: LOOKS, goal: Goal::Made(failure) });
        thing
    }

    /// Whether this is the creation that was asked for before.
    fn is_of(&self, asked: &Json) -> bool {
        !self.token.is_empty() && self.asked == *asked
    }

    fn is_busy(&self) -> bool {
        self.work.is_some()
    }

    /// One look; whether it is gone.
    fn look(&mut self) -> bool {
        let Some(work) = &mut self.work else { return false };
        if work.left > 0 {
            work.left -= 1;
            return false;
        }
        let Some(work) = self.work.take() else { return false };
        match work.goal {
            Goal::Removed => return true,
            Goal::Made(None) => self.json["status"] = "ACTIVE".into(),
            Goal::Made(Some(failure)) => {
                self.json["status"] = "CREATE_FAILED".into();
                self.json["health"] =
                    json!({ "issues": [{ "code": "AsgInstanceLaunchFailures", "message": failure }] });
            }
            Goal::Changed { update, patch, failure } => {
                self.json["status"] = "ACTIVE".into();
                if let Some(done) = self.updates.get_mut(&update) {
                    done["status"] = if failure.is_some() { "Failed" } else { "Successful" }.into();
                    if let Some(failure) = failure {
                        done["errors"] = json!([{ "errorCode": "IpNotAvailable", "errorMessage": failure }]);
                    }
                }
                if failure.is_none() {
                    merge(&mut self.json, patch);
                }
            }
        }
        false
    }

    fn change(&mut self, id: u64, kind: &str, patch: Json, failure: Option<&'static str>) -> Answer {
        if self.is_busy() {
            return in_use("Cannot be changed: another update is in progress.");
        }
        let update = format!("update-{id}");
        let shown = json!({ "id": update, "status": "InProgress", "type": kind, "params": [], "errors": [] });
        self.updates.insert(update.clone(), shown.clone());
        self.json["status"] = "UPDATING".into();
        self.work = Some(Work { left: LOOKS, goal: Goal::Changed { update, patch, failure } });
        Ok(json!({ "update": shown }))
    }

    fn remove(&mut self) -> Result<(), Refusal> {
        match &self.work {
            Some(Work { goal: Goal::Removed, .. }) | None => {}
            Some(_) => return in_use("Cannot be removed: an update is in progress."),
        }
        if self.work.is_none() {
            self.json["status"] = "DELETING".into();
            self.work = Some(Work { left: LOOKS, goal: Goal::Removed });
        }
        Ok(())
    }
}

/// Sets the fields of a patch; null takes one away.
fn merge(json: &mut Json, patch: Json) {
    match (json, patch) {
        (Json::Object(json), Json::Object(patch)) => {
            for (name, value) in patch {
                match value {
                    Json::Null => drop(json.remove(&name)),
                    value => merge(json.entry(name).or_insert(Json::Null), value),
                }
            }
        }
        (json, patch) => *json = patch,
    }
}

#[derive(Debug)]
struct Cluster {
    own: Thing,
    groups: BTreeMap<String, Thing>,
    addons: BTreeMap<String, Thing>,
    entries: BTreeMap<String, Entry>,
    pods: BTreeMap<String, Json>,
}

#[derive(Debug)]
struct Entry {
    json: Json,
    token: String,
    policies: BTreeMap<String, Json>,
}

/// All clusters.
#[derive(Debug, Default)]
pub(crate) struct Eks {
    clusters: BTreeMap<String, Cluster>,
    last_id: u64,
}

impl Eks {
    /// Answers a request.
    pub(crate) fn answer(&mut self, method: &str, path: &str, query: &str, body: &[u8]) -> Answer {
        let parts: Vec<String> = path.trim_matches('/').split('/').map(decoded).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let mut asked: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            // One that stands more than once is a list, a line each.
            let all = asked.entry(decoded(name)).or_default();
            all.push_str(if all.is_empty() { "" } else { "\n" });
            all.push_str(&decoded(value));
        }
        let query = asked;
        let body =
            if body.is_empty() { json!({}) } else { serde_json::from_slice(body).unwrap_or(Json::Null) };
        if !body.is_object() {
            return refuse(400, "SerializationException", "The body is no JSON object.");
        }
        self.last_id += 1;
        let id = self.last_id;
        match (method, &parts[..]) {
            (_, ["tags", arn]) => {
                let keys = query.get("tagKeys").map(|all| all.lines().map(str::to_owned).collect());
                self.tags(method, arn, &body, keys.unwrap_or_default())
            }
            ("POST", ["clusters"]) => self.create_cluster(&body),
            ("GET", ["clusters"]) => Ok(json!({ "clusters": self.clusters.keys().collect::<Vec<_>>() })),
            (_, ["clusters", name]) => self.cluster(method, name),
            (_, ["clusters", name, rest @ ..]) => {
                let Some(cluster) = self.clusters.get_mut(*name) else { return missing("cluster") };
                match rest {
                    ["update-config"] => update_cluster(cluster, id, &body),
                    ["updates"] => upgrade_cluster(cluster, id, &body),
                    ["updates", update] => find_update(cluster, update, &query),
                    ["node-groups", rest @ ..] => groups(cluster, id, method, rest, &body),
                    ["addons", rest @ ..] => addons(cluster, id, method, rest, &body),
                    ["access-entries", rest @ ..] => entries(cluster, method, rest, &body),
                    ["pod-identity-associations", rest @ ..] => {
                        pods(cluster, id, method, rest, &body, &query)
                    }
                    _ => refuse(404, "NotFoundException", "There is no such operation."),
                }
            }
            _ => refuse(404, "NotFoundException", "There is no such operation."),
        }
    }

    fn create_cluster(&mut self, body: &Json) -> Answer {
        only(
            body,
            &[
                "name",
                "version",
                "roleArn",
                "resourcesVpcConfig",
                "kubernetesNetworkConfig",
                "logging",
                "clientRequestToken",
                "tags",
                "encryptionConfig",
                "accessConfig",
                "bootstrapSelfManagedAddons",
                "upgradePolicy",
                "deletionProtection",
            ],
        )?;
        let name = named(body, "name", 100)?;
        role(body, "roleArn")?;
        let vpc = &body["resourcesVpcConfig"];
        if vpc["subnetIds"].as_array().is_none_or(Vec::is_empty) {
            return invalid("subnetIds are missing.");
        }
        let version = body["version"].as_str().map_or_else(|| format!("1.{DEFAULT_MINOR}"), str::to_owned);
        if minor(&version).is_none_or(|minor| !MINORS.contains(&minor)) {
            return invalid(format!("unsupported Kubernetes version {version}"));
        }
        if let Some(cluster) = self.clusters.get(&name) {
            if cluster.own.is_of(body) {
                return Ok(json!({ "cluster": cluster.own.json }));
            }
            return in_use(format!("Cluster already exists with name: {name}"));
        }
        let shown = json!({
            "name": name, "arn": format!("arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/{name}"), "createdAt": 1_760_000_000.5,
            "version": version, "roleArn": body["roleArn"], "platformVersion": "eks.1",
            "resourcesVpcConfig": {
                "subnetIds": vpc["subnetIds"], "securityGroupIds": or(&vpc["securityGroupIds"], json!([])),
                "clusterSecurityGroupId": "sg-0cluster", "vpcId": "vpc-0test",
                "endpointPublicAccess": or(&vpc["endpointPublicAccess"], json!(true)),
                "endpointPrivateAccess": or(&vpc["endpointPrivateAccess"], json!(false)),
                "publicAccessCidrs": or(&vpc["publicAccessCidrs"], json!(["0.0.0.0/0"])),
            },
            "kubernetesNetworkConfig": {
                "serviceIpv4Cidr": or(&body["kubernetesNetworkConfig"]["serviceIpv4Cidr"], json!("172.20.0.0/16")),
                "ipFamily": or(&body["kubernetesNetworkConfig"]["ipFamily"], json!("ipv4")),
            },
            "logging": or(&body["logging"], logging(&[])),
            "encryptionConfig": or(&body["encryptionConfig"], json!([])),
            "accessConfig": {
                "authenticationMode": or(&body["accessConfig"]["authenticationMode"], json!("CONFIG_MAP")),
                "bootstrapClusterCreatorAdminPermissions":
                    or(&body["accessConfig"]["bootstrapClusterCreatorAdminPermissions"], json!(true)),
            },
            "upgradePolicy": { "supportType": or(&body["upgradePolicy"]["supportType"], json!("EXTENDED")) },
            "deletionProtection": or(&body["deletionProtection"], json!(false)),
            "certificateAuthority": {}, "tags": or(&body["tags"], json!({})),
        });
        let own = Thing::new(shown.clone(), body, None);
        let answer = json!({ "cluster": own.json });
        let (groups, addons) = (BTreeMap::new(), BTreeMap::new());
        let cluster = Cluster { own, groups, addons, entries: BTreeMap::new(), pods: BTreeMap::new() };
        self.clusters.insert(name, cluster);
        Ok(answer)
    }

    fn cluster(&mut self, method: &str, name: &str) -> Answer {
        let Some(cluster) = self.clusters.get_mut(name) else { return missing("cluster") };
        if method == "DELETE" {
            if !cluster.groups.is_empty() {
                return in_use("Cluster has nodegroups attached");
            }
            if cluster.own.json["deletionProtection"] == json!(true) {
                return refuse(400, "InvalidRequestException", "Cluster has deletion protection enabled");
            }
            cluster.own.remove()?;
        } else if cluster.own.look() {
            self.clusters.remove(name);
            return missing("cluster");
        }
        let Some(cluster) = self.clusters.get_mut(name) else { return missing("cluster") };
        let own = &mut cluster.own.json;
        if own["status"] == "ACTIVE" && own["endpoint"].is_null() {
            own["endpoint"] = format!("https://{name}.eks.test.invalid").into();
            // Base64 of a word.
            own["certificateAuthority"] = json!({ "data": "dGVzdA==" });
            own["identity"] = json!({ "oidc": { "issuer": format!("https://oidc.test.invalid/{name}") } });
        }
        Ok(json!({ "cluster": own }))
    }

    fn tags(&mut self, method: &str, arn: &str, body: &Json, keys: Vec<String>) -> Answer {
        let all = self.clusters.values_mut().flat_map(|cluster| {
            let own = std::iter::once(&mut cluster.own.json);
            let things =
                cluster.groups.values_mut().chain(cluster.addons.values_mut()).map(|thing| &mut thing.json);
            let entries = cluster.entries.values_mut().map(|entry| &mut entry.json);
            own.chain(things).chain(entries).chain(cluster.pods.values_mut())
        });
        let is_it = |json: &&mut Json| {
            ["arn", "nodegroupArn", "addonArn", "accessEntryArn", "associationArn"]
                .iter()
                .any(|name| json[*name] == arn)
        };
        let Some(found) = all.into_iter().find(is_it) else { return missing("resource") };
        match method {
            "POST" => {
                only(body, &["tags"])?;
                merge(&mut found["tags"], body["tags"].clone());
                Ok(json!({}))
            }
            "DELETE" => {
                for key in keys {
                    found["tags"].as_object_mut().and_then(|tags| tags.remove(&key));
                }
                Ok(json!({}))
            }
            _ => Ok(json!({ "tags": found["tags"] })),
        }
    }
}

fn update_cluster(cluster: &mut Cluster, id: u64, body: &Json) -> Answer {
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

fn upgrade_cluster(cluster: &mut Cluster, id: u64, body: &Json) -> Answer {
    only(body, &["version", "clientRequestToken", "force"])?;
    let wanted = body["version"].as_str().unwrap_or_default();
    let has = cluster.own.json["version"].as_str().and_then(minor).unwrap_or_default();
    match minor(wanted) {
        Some(minor) if minor == has + 1 && MINORS.contains(&minor) => {}
        _ => return invalid(format!("Unsupported Kubernetes minor version update from 1.{has} to {wanted}")),
    }
    cluster.own.change(id, "VersionUpdate", json!({ "version": wanted, "platformVersion": "eks.2" }), None)
}

fn find_update(cluster: &mut Cluster, update: &str, query: &BTreeMap<String, String>) -> Answer {
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

fn groups(cluster: &mut Cluster, id: u64, method: &str, rest: &[&str], body: &Json) -> Answer {
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

fn addons(cluster: &mut Cluster, id: u64, method: &str, rest: &[&str], body: &Json) -> Answer {
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

fn entries(cluster: &mut Cluster, method: &str, rest: &[&str], body: &Json) -> Answer {
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

fn pods(
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

fn only(body: &Json, known: &[&str]) -> Result<(), Refusal> {
    let unknown = body.as_object().into_iter().flatten().find(|(name, _)| !known.contains(&name.as_str()));
    match unknown {
        Some((name, _)) => invalid(format!("There is no parameter {name}.")),
        None => Ok(()),
    }
}

fn named(body: &Json, part: &str, longest: usize) -> Result<String, Refusal> {
    let name = text(&body[part]);
    let good = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= longest;
    if good { Ok(name.to_owned()) } else { invalid(format!("The name {name:?} is not valid.")) }
}

fn role(body: &Json, part: &str) -> Result<(), Refusal> {
    if text(&body[part]).starts_with("arn:aws:iam::") {
        Ok(())
    } else {
        invalid(format!("{part} is no ARN."))
    }
}

fn scaling(scaling: &Json) -> Result<(), Refusal> {
    let size = |name: &str| scaling[name].as_i64().unwrap_or(-1);
    let (min, wanted, max) = (size("minSize"), size("desiredSize"), size("maxSize"));
    if min >= 0 && max >= 1 && (min..=max).contains(&wanted) {
        Ok(())
    } else {
        invalid("The sizes do not fit each other.")
    }
}

fn logging(types: &[&str]) -> Json {
    json!({ "clusterLogging": [{ "types": types, "enabled": true }] })
}

fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("1.")?.parse().ok()
}

fn or(given: &Json, other: Json) -> Json {
    if given.is_null() { other } else { given.clone() }
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_default()
}

fn items(json: &Json) -> Vec<Json> {
    json.as_array().cloned().unwrap_or_default()
}

/// A part of a path or query, as it was meant.
fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%').then(|| after.get(..2)).flatten();
        let escaped = escaped.and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
