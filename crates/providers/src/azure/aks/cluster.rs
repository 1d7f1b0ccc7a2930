//! `azurerm_kubernetes_cluster`.
//!
//! A change comes to as many writes as Azure wants for it: a version at a time,
//! then the cluster's own settings, then its first pool, which is written as
//! what it is, so that the other pools are not touched.

use async_trait::async_trait;
use azure_mgmt_containerservice::models::ManagedCluster;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{AttributeError, Block, Value};

use super::super::answer::{Answer, Failure, bad_id};
use super::super::arm::Condition;
use super::super::bridge::{self, Sending, model};
use super::super::id::{self, Id};
use super::super::kind::{Kind, Put, tags_json};
use super::super::resource_group::same_location;
use super::super::session::Session;
use super::covers::covers;
use super::node_pool::{self, shown_state};
use super::{CLUSTERS, NAMESPACE, POOLS, cluster_schema, kubeconfig, pools, versions};
use crate::cloud::json::Fields as _;
use crate::cloud::plan::Draft;
use crate::cloud::problems::Problems;
use crate::cloud::resource::Called;
use crate::cloud::tags::Tags;

/// The type.
pub(in super::super) struct Cluster;

/// Taint of pools for what the cluster itself needs.
const CRITICAL: &str = "CriticalAddonsOnly=true:NoSchedule";
/// The add-on that reads secrets.
const SECRETS: &str = "azureKeyvaultSecretsProvider";
/// Parts of the network: ours, and Azure's.
const NETWORK: [(&str, &str); 9] = [
    ("network_plugin", "networkPlugin"),
    ("network_plugin_mode", "networkPluginMode"),
    ("network_policy", "networkPolicy"),
    ("network_data_plane", "networkDataplane"),
    ("pod_cidr", "podCidr"),
    ("service_cidr", "serviceCidr"),
    ("dns_service_ip", "dnsServiceIP"),
    ("load_balancer_sku", "loadBalancerSku"),
    ("outbound_type", "outboundType"),
];

#[async_trait]
impl Kind for Cluster {
    const KIND: &'static str = "azurerm_kubernetes_cluster";
    const API: &'static str = bridge::API;
    const MINUTES: u64 = 90;
    const WHOLE: bool = false;

    fn block(&self) -> Block {
        cluster_schema::schema()
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        cluster_schema::check(problems);
    }

    fn identity(&self, object: &Value) -> Option<String> {
        let part = |name: &str| object.get(name)?.as_str().map(str::to_lowercase);
        Some(format!("{}/{}", part("resource_group_name")?, part("name")?))
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        draft.default("sku_tier", "Free");
        draft.default("role_based_access_control_enabled", true);
        draft.default("local_account_disabled", false);
        draft.default("private_cluster_enabled", false);
        if draft.prior("provisioning_state").as_str().is_some_and(|state| state != "Succeeded") {
            draft.reopen_results();
        }
        if !draft.is_creation() && draft.changes("kubernetes_version") {
            draft.reopen("current_kubernetes_version");
        }
        versions::plan(draft, "kubernetes_version")
    }

    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        let texts = a.as_str().zip(b.as_str());
        match name {
            "location" => same_location(a, b),
            "kubernetes_version" | "orchestrator_version" => texts.is_some_and(|(a, b)| versions::same(a, b)),
            _ => false,
        }
    }

    fn defaulted(&self) -> &'static [&'static str] {
        &["network_profile", "upgrade_settings"]
    }

    fn id(&self, at: &Session, object: &Json) -> String {
        let kind = format!("{NAMESPACE}/{CLUSTERS}");
        id::object(&at.subscription, object.text("resource_group_name"), &kind, object.text("name"))
    }

    fn what(&self, object: &Json) -> String {
        format!("cluster {:?}", object.text("name"))
    }

    fn seed(&self, id: &str) -> Called<Json> {
        let parsed = Id::parse(id, NAMESPACE, &[CLUSTERS]).ok_or_else(|| {
            bad_id(
                Self::KIND,
                "/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.ContainerService/managedClusters/NAME",
            )
        })?;
        Ok(json!({ "name": parsed.name(), "resource_group_name": parsed.group }))
    }

    fn body(&self, planned: &Json, tags: &Tags) -> Json {
        let mut body = settings(planned, tags);
        let pool = planned.block("default_node_pool").unwrap_or(&Json::Null);
        let mut profile = default_pool(pool);
        profile["name"] = pool["name"].clone();
        body["properties"]["agentPoolProfiles"] = json!([profile]);
        if let Some(version) = planned.given("kubernetes_version") {
            body["properties"]["kubernetesVersion"] = version.into();
        }
        body
    }

    fn shown(&self, at: &Session, actual: &Json, reference: &Json) -> Json {
        shown(at, actual, reference)
    }

    fn listing(&self, at: &Session, _object: &Json) -> Option<String> {
        Some(format!("/subscriptions/{}/providers/{NAMESPACE}/{CLUSTERS}", at.subscription))
    }

    fn turn(&self, at: &Session, object: &Json) -> Option<String> {
        Some(self.id(at, object))
    }

    fn wants_more(&self, prior: &Json) -> bool {
        prior.part("kube_config").is_none()
    }

    fn next(&self, at: &Session, actual: &Json, planned: &Json, tags: &Tags) -> Called<Option<Put>> {
        let (path, has) = (self.id(at, planned), &actual["properties"]);
        let mut body = settings(planned, tags);
        // What the pools are is not for this write to say.
        body["properties"]["agentPoolProfiles"] = has["agentPoolProfiles"].clone();
        let condition = actual.given("eTag").map_or(Condition::None, Condition::Same);
        let (runs, wanted) = (has.text("kubernetesVersion"), planned.text("kubernetes_version"));
        let mut put = Put { path: path.clone(), body, condition, message: "updating".into() };
        if let Some(next) = versions::next(runs, wanted) {
            put.body["properties"]["kubernetesVersion"] = next.as_str().into();
            return Ok(Some(versions::upgrade(put, &next, wanted)));
        }
        if !covers(actual, &put.body) || self.tags(actual) != *tags {
            return Ok(Some(put));
        }
        let pool = planned.block("default_node_pool").unwrap_or(&Json::Null);
        let name = pool.text("name");
        let Some(is) = profile(has, name).map(pools::shown) else { return Ok(None) };
        let version = versions::next(is.text("orchestrator_version"), pool.text("orchestrator_version"));
        if version.is_none() && !pools::differs(&is, pool) {
            return Ok(None);
        }
        let mut properties = default_pool(pool);
        let mut message = format!("updating the pool {name}");
        if let Some(next) = version {
            message =
                format!("{} of the pool {name}", versions::message(&next, pool.text("orchestrator_version")));
            properties["orchestratorVersion"] = next.into();
        }
        let (path, body) = (format!("{path}/{POOLS}/{name}"), json!({ "properties": properties }));
        Ok(Some(Put { path, body, condition: Condition::None, message }))
    }

    async fn look(&self, at: &Session, object: &Json) -> Result<Option<Json>, Failure> {
        let doing = format!("Reading the {}", self.what(object));
        let (group, name) = (object.text("resource_group_name").to_owned(), object.text("name").to_owned());
        let sending = Sending { doing, ..Sending::default() };
        let subscription = at.subscription.clone();
        let answer = bridge::send(at, sending, |client| {
            client.managed_clusters_client().get(subscription, group, name).send()
        });
        match answer.await {
            Ok(answer) => Ok(Some(answer.body)),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn put(&self, at: &Session, object: &Json, put: &Put) -> Result<Answer, Failure> {
        let doing = format!("Writing the {}", self.what(object));
        if put.path.contains(&format!("/{POOLS}/")) {
            return node_pool::put(at, doing, put).await;
        }
        let (model, body) = model::<ManagedCluster>(&put.body)?;
        let (group, name) = (object.text("resource_group_name").to_owned(), object.text("name").to_owned());
        let sending = Sending { doing, body, condition: put.condition.clone() };
        let subscription = at.subscription.clone();
        bridge::send(at, sending, |client| {
            client.managed_clusters_client().create_or_update(subscription, group, name, model).send()
        })
        .await
    }

    async fn remove(&self, at: &Session, object: &Json) -> Result<Answer, Failure> {
        let doing = format!("Removing the {}", self.what(object));
        let (group, name) = (object.text("resource_group_name").to_owned(), object.text("name").to_owned());
        let sending = Sending { doing, ..Sending::default() };
        let subscription = at.subscription.clone();
        bridge::send(at, sending, |client| {
            client.managed_clusters_client().delete(subscription, group, name).send()
        })
        .await
    }

    async fn finish(&self, at: &Session, planned: &Json, object: &mut Json) -> Called<()> {
        let raw = kubeconfig::kubeconfig(at, &self.id(at, planned)).await?;
        let (config, raw) = kubeconfig::attributes(&raw)?;
        object["kube_config"] = config;
        object["kube_config_raw"] = raw;
        Ok(())
    }
}

/// What is sent of a cluster's own settings: all but version and pools.
fn settings(planned: &Json, tags: &Tags) -> Json {
    let mut properties = json!({
        "dnsPrefix": planned["dns_prefix"],
        "enableRBAC": planned.flag("role_based_access_control_enabled").unwrap_or(true),
        "disableLocalAccounts": planned.flag("local_account_disabled").unwrap_or(false),
    });
    if let Some(group) = planned.given("node_resource_group") {
        properties["nodeResourceGroup"] = group.into();
    }
    if let Some(enabled) = planned.flag("oidc_issuer_enabled") {
        properties["oidcIssuerProfile"] = json!({ "enabled": enabled });
    }
    if let Some(enabled) = planned.flag("workload_identity_enabled") {
        properties["securityProfile"] = json!({ "workloadIdentity": { "enabled": enabled } });
    }
    if let Some(network) = planned.block("network_profile") {
        let parts = NETWORK
            .iter()
            .filter_map(|(ours, theirs)| Some(((*theirs).to_owned(), network.part(ours)?.clone())));
        properties["networkProfile"] = Json::Object(parts.collect());
    }
    if let Some(directory) = planned.block("azure_active_directory_role_based_access_control") {
        properties["aadProfile"] = json!({
            "managed": true, "enableAzureRBAC": directory.flag("azure_rbac_enabled").unwrap_or(false),
            "adminGroupObjectIDs": directory.texts("admin_group_object_ids"),
        });
        if let Some(tenant) = directory.given("tenant_id") {
            properties["aadProfile"]["tenantID"] = tenant.into();
        }
    }
    let ranges =
        planned.block("api_server_access_profile").map(|access| access.texts("authorized_ip_ranges"));
    properties["apiServerAccessProfile"] = json!({
        "authorizedIPRanges": ranges.unwrap_or_default(),
        "enablePrivateCluster": planned.flag("private_cluster_enabled").unwrap_or(false),
    });
    let secrets = planned.block("key_vault_secrets_provider");
    let mut addon = json!({ "enabled": secrets.is_some() });
    if let Some(secrets) = secrets {
        let rotates = secrets.flag("secret_rotation_enabled").unwrap_or(false);
        addon["config"] = json!({ "enableSecretRotation": rotates.to_string() });
        if let Some(interval) = secrets.given("secret_rotation_interval") {
            addon["config"]["rotationPollInterval"] = interval.into();
        }
    }
    properties["addonProfiles"] = json!({ SECRETS: addon });
    let identity = planned.block("identity").unwrap_or(&Json::Null);
    let mut body = json!({
        "location": planned["location"], "tags": tags_json(tags),
        "sku": { "name": "Base", "tier": planned.given("sku_tier").unwrap_or_else(|| "Free".into()) },
        "identity": { "type": identity["type"] },
        "properties": properties,
    });
    let ids = identity.texts("identity_ids");
    if !ids.is_empty() {
        let by_id = ids.into_iter().map(|id| (id, json!({})));
        body["identity"]["userAssignedIdentities"] = Json::Object(by_id.collect());
    }
    body
}

fn default_pool(pool: &Json) -> Json {
    let mut properties = Json::Object(pools::properties(pool));
    properties["mode"] = "System".into();
    properties["osType"] = "Linux".into();
    let critical = pool.flag("only_critical_addons_enabled") == Some(true);
    properties["nodeTaints"] = if critical { json!([CRITICAL]) } else { json!([]) };
    properties
}

fn profile<'j>(properties: &'j Json, name: &str) -> Option<&'j Json> {
    let pools = properties.items("agentPoolProfiles");
    let named = pools.iter().find(|pool| pool.text("name") == name);
    named.or_else(|| pools.iter().find(|pool| name.is_empty() && pool.text("mode") == "System"))
}

fn shown(at: &Session, actual: &Json, reference: &Json) -> Json {
    let has = &actual["properties"];
    let one = |block: Option<Json>| block.into_iter().collect::<Vec<_>>();
    let recorded = reference.block("default_node_pool").map_or("", |pool| pool.text("name"));
    let pool = profile(has, recorded).map(|profile| {
        let mut pool = pools::shown(profile);
        pool["name"] = profile["name"].clone();
        pool["only_critical_addons_enabled"] =
            profile.texts("nodeTaints").contains(&CRITICAL.to_owned()).into();
        pool
    });
    let identity = actual.part("identity").map(|identity| {
        let ids = identity.get("userAssignedIdentities").and_then(Json::as_object);
        let ids: Option<Vec<&String>> = ids.map(|ids| ids.keys().collect());
        json!({
            "type": identity["type"], "identity_ids": ids.filter(|ids| !ids.is_empty()),
            "principal_id": identity.text("principalId"), "tenant_id": identity.text("tenantId"),
        })
    });
    let network = has.part("networkProfile").map(|network| {
        Json::Object(
            NETWORK.iter().map(|(ours, theirs)| ((*ours).to_owned(), network[*theirs].clone())).collect(),
        )
    });
    let directory = has.part("aadProfile").map(|directory| {
        let groups = directory.texts("adminGroupObjectIDs");
        json!({
            "tenant_id": directory["tenantID"], "azure_rbac_enabled": directory.flag("enableAzureRBAC").unwrap_or(false),
            "admin_group_object_ids": (!groups.is_empty()).then_some(groups),
        })
    });
    let api = &has["apiServerAccessProfile"];
    let ranges = api.texts("authorizedIPRanges");
    let access = (!ranges.is_empty()).then(|| json!({ "authorized_ip_ranges": ranges }));
    let addon = &has["addonProfiles"][SECRETS];
    let secrets = (addon.flag("enabled") == Some(true)).then(|| {
        let config = &addon["config"];
        json!({
            "secret_rotation_enabled": config.text("enableSecretRotation") == "true",
            "secret_rotation_interval": config["rotationPollInterval"],
        })
    });
    let kubelet = has["identityProfile"].part("kubeletidentity").map(|kubelet| {
        json!({
            "client_id": kubelet["clientId"], "object_id": kubelet["objectId"],
            "user_assigned_identity_id": kubelet["resourceId"],
        })
    });
    let group = has.given("nodeResourceGroup");
    json!({
        "id": actual["id"], "name": actual["name"], "location": actual["location"],
        "dns_prefix": has["dnsPrefix"], "kubernetes_version": has["kubernetesVersion"],
        "current_kubernetes_version": has["currentKubernetesVersion"],
        "sku_tier": actual["sku"].given("tier").unwrap_or_else(|| "Free".into()),
        "node_resource_group_id": group.as_deref().map(|name| id::group(&at.subscription, name)),
        "node_resource_group": group,
        "oidc_issuer_enabled": has["oidcIssuerProfile"].flag("enabled").unwrap_or(false),
        "oidc_issuer_url": has["oidcIssuerProfile"]["issuerURL"],
        "workload_identity_enabled": has["securityProfile"]["workloadIdentity"].flag("enabled").unwrap_or(false),
        "local_account_disabled": has.flag("disableLocalAccounts").unwrap_or(false),
        "role_based_access_control_enabled": has.flag("enableRBAC").unwrap_or(true),
        "private_cluster_enabled": api.flag("enablePrivateCluster").unwrap_or(false),
        "fqdn": has["fqdn"], "private_fqdn": has["privateFQDN"], "portal_fqdn": has["azurePortalFQDN"],
        "kubelet_identity": one(kubelet),
        "provisioning_state": shown_state(actual),
        "default_node_pool": one(pool), "identity": one(identity), "network_profile": one(network),
        "azure_active_directory_role_based_access_control": one(directory),
        "api_server_access_profile": one(access), "key_vault_secrets_provider": one(secrets),
    })
}
