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

mod access;
mod addons;
mod groups;
mod thing;
mod updates;
mod words;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use access::{entries, pods};
use addons::addons;
use groups::groups;
use thing::{Thing, merge};
use updates::{find_update, update_cluster, upgrade_cluster};
pub(crate) use words::Answer;
use words::{decoded, in_use, invalid, logging, minor, missing, named, only, or, refuse, role};

/// The oldest and the newest minor version.
const MINORS: std::ops::RangeInclusive<u32> = 28..=34;
const DEFAULT_MINOR: u32 = 33;
const ACCOUNT: &str = "123456789012";

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
    /// Where the API servers of some clusters are: address and authority.
    apis: BTreeMap<String, (String, String)>,
    last_id: u64,
}

impl Eks {
    /// Says where the API server of a cluster of this name will be, and in
    /// base64 who signed its certificate.
    pub(crate) fn serve(&mut self, name: &str, endpoint: &str, ca: &str) {
        self.apis.insert(name.to_owned(), (endpoint.to_owned(), ca.to_owned()));
    }

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
            let (endpoint, ca) = match self.apis.get(name) {
                Some((endpoint, ca)) => (endpoint.clone(), ca.clone()),
                // Base64 of a word.
                None => (format!("https://{name}.eks.test.invalid"), "dGVzdA==".into()),
            };
            own["endpoint"] = endpoint.into();
            own["certificateAuthority"] = json!({ "data": ca });
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
