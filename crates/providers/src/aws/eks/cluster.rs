//! `aws_eks_cluster`.

use async_trait::async_trait;
use aws_sdk_eks::operation::update_cluster_config::builders::UpdateClusterConfigFluentBuilder;
use aws_sdk_eks::types::{
    Cluster as Found, CreateAccessConfigRequest, EncryptionConfig, KubernetesNetworkConfigRequest, LogSetup,
    LogType, Logging, Provider, UpdateAccessConfigRequest, UpgradePolicyRequest, VpcConfigRequest,
};
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{AttributeError, Block, Value};

use super::super::error::{Failure, bad_id, failed};
use super::super::json::Fields as _;
use super::super::plan::Draft;
use super::super::problems::Problems;
use super::super::resource::{Call, Called};
use super::super::session::Session;
use super::super::tags::Tags;
use super::access::planned_access;
use super::cluster_schema::LOG_TYPES;
use super::slow::{Seen, Slow, Step};
use super::{ACCESS, cluster_schema, sorted, tag_map, tags_of, versions};

/// The type.
pub(super) struct Cluster;

#[async_trait]
impl Slow for Cluster {
    const KIND: &'static str = "aws_eks_cluster";
    const WORKS: &'static [&'static str] = &["ACTIVE"];
    const MINUTES: (u64, u64, u64) = (30, 60, 15);

    fn block(&self) -> Block {
        cluster_schema::schema()
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        cluster_schema::check(problems);
    }

    fn identity(&self, object: &Value) -> Option<String> {
        object.get("name")?.as_str().map(str::to_owned)
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        draft.default("bootstrap_self_managed_addons", true);
        draft.default("deletion_protection", false);
        let name = draft.planned("name");
        if name.is_known() {
            draft.set("id", name);
        }
        let access = planned_access(draft);
        draft.set(ACCESS, access);
        // What is added later needs a new cluster, as what is changed does.
        let count = |value: &Value| value.as_items().map_or(0, <[_]>::len);
        if !draft.is_creation()
            && count(&draft.prior("encryption_config")) != count(&draft.planned("encryption_config"))
        {
            draft.replace("encryption_config");
        }
        versions::plan(draft, &["platform_version"])
    }

    fn same(&self, _name: &str, _a: &Value, _b: &Value) -> bool {
        false
    }

    fn defaulted(&self) -> &'static [&'static str] {
        &["access_config", "kubernetes_network_config", "upgrade_policy"]
    }

    fn seed(&self, id: &str) -> Called<Json> {
        match id {
            "" => Err(bad_id(Self::KIND, "the name of the cluster")),
            id => Ok(json!({ "name": id, "bootstrap_self_managed_addons": true })),
        }
    }

    fn what(&self, object: &Json) -> String {
        format!("cluster {:?}", object.text("name"))
    }

    fn update_of(&self, object: &Json) -> (String, Option<String>, Option<String>) {
        (object.text("name").to_owned(), None, None)
    }

    async fn look(&self, at: &Session, object: &Json) -> Called<Option<Seen>> {
        Ok(look(at, object.text("name")).await?.map(|found| seen(&found)))
    }

    async fn begin(&self, call: &Call<'_>, planned: &Json, tags: Tags) -> Result<(), Failure> {
        let vpc = planned.block("vpc_config").unwrap_or(&Json::Null);
        let cidrs = some(vpc.texts("public_access_cidrs"));
        let vpc = VpcConfigRequest::builder()
            .set_subnet_ids(Some(vpc.texts("subnet_ids")))
            .set_security_group_ids(some(vpc.texts("security_group_ids")))
            .set_endpoint_private_access(vpc.flag("endpoint_private_access"))
            .set_endpoint_public_access(vpc.flag("endpoint_public_access"))
            .set_public_access_cidrs(cidrs);
        let access = planned.block("access_config").map(|access| {
            CreateAccessConfigRequest::builder()
                .set_authentication_mode(access.given("authentication_mode").map(|mode| mode.as_str().into()))
                .set_bootstrap_cluster_creator_admin_permissions(
                    access.flag("bootstrap_cluster_creator_admin_permissions"),
                )
                .build()
        });
        let encryption = planned.block("encryption_config").map(|config| vec![encryption(config)]);
        let network = planned.block("kubernetes_network_config").map(|network| {
            KubernetesNetworkConfigRequest::builder()
                .set_ip_family(network.given("ip_family").map(|family| family.as_str().into()))
                .set_service_ipv4_cidr(network.given("service_ipv4_cidr"))
                .build()
        });
        let logs = planned.texts("enabled_cluster_log_types");
        let create = call.at.eks().write.create_cluster();
        let create = create
            .name(planned.text("name"))
            .role_arn(planned.text("role_arn"))
            .set_version(planned.given("version"))
            .resources_vpc_config(vpc.build())
            .set_logging((!logs.is_empty()).then(|| logging(&logs)))
            .set_access_config(access)
            .set_encryption_config(encryption)
            .set_kubernetes_network_config(network)
            .set_upgrade_policy(planned.block("upgrade_policy").map(upgrade_policy))
            .set_bootstrap_self_managed_addons(planned.flag("bootstrap_self_managed_addons"))
            .set_deletion_protection(planned.flag("deletion_protection"))
            .client_request_token(call.token)
            .set_tags(tag_map(&tags));
        let doing = format!("Creating the {}", self.what(planned));
        create.send().await.map(|_| ()).map_err(|e| failed(&doing, e))
    }

    async fn step(&self, at: &Session, seen: &Seen, planned: &Json) -> Result<Step, Failure> {
        let name = planned.text("name");
        let (actual, what) = (&seen.object, self.what(planned));
        if let Some(next) = versions::next(actual.text("version"), planned.text("version")) {
            let update = at.eks().write.update_cluster_version().name(name).version(&next).send().await;
            let update = update.map_err(|e| failed(&format!("Upgrading the {what} to {next}"), e))?;
            let last = planned.text("version");
            let on_the_way = if next == last { String::new() } else { format!(" on the way to {last}") };
            return Ok(begun(update.update(), format!("upgrading to {next}{on_the_way}")));
        }
        let update = at.eks().write.update_cluster_config().name(name);
        let Some((update, message)) = configure(update, actual, planned) else { return Ok(Step::Arrived) };
        let update = update.send().await.map_err(|e| failed(&format!("Changing the {what}"), e))?;
        Ok(begun(update.update(), message.to_owned()))
    }

    async fn remove(&self, at: &Session, object: &Json) -> Result<(), Failure> {
        let doing = format!("Removing the {}", self.what(object));
        let delete = at.eks().write.delete_cluster().name(object.text("name")).send().await;
        delete.map(|_| ()).map_err(|e| failed(&doing, e))
    }

    async fn holders(&self, at: &Session, object: &Json) -> Called<Vec<String>> {
        let pages = at.eks().read.list_nodegroups().cluster_name(object.text("name")).into_paginator();
        let groups: Result<Vec<String>, _> = pages.items().send().collect().await;
        let groups = groups.map_err(|e| failed("Looking for node groups", e))?;
        Ok(groups.into_iter().map(|group| format!("the node group {group:?}")).collect())
    }
}

/// A cluster by its name.
pub(super) async fn look(at: &Session, name: &str) -> Called<Option<Found>> {
    let answer = at.eks().read.describe_cluster().name(name).send().await;
    match answer.map_err(|e| failed(&format!("Reading the cluster {name:?}"), e)) {
        Ok(answer) => Ok(answer.cluster),
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

fn begun(update: Option<&aws_sdk_eks::types::Update>, message: String) -> Step {
    let id = update.and_then(|update| update.id()).unwrap_or_default();
    Step::Begun(id.to_owned(), message)
}

fn some(items: Vec<String>) -> Option<Vec<String>> {
    if items.is_empty() { None } else { Some(items) }
}

fn logging(enabled: &[String]) -> Logging {
    let setup = |on: bool| {
        let types =
            LOG_TYPES.iter().filter(|t| enabled.iter().any(|e| e == *t) == on).map(|t| LogType::from(*t));
        LogSetup::builder().set_types(Some(types.collect())).enabled(on).build()
    };
    let setups = [true, false].map(setup).into_iter().filter(|setup| !setup.types().is_empty());
    Logging::builder().set_cluster_logging(Some(setups.collect())).build()
}

// All of Kubernetes' data is encrypted anyway by now, but the keys of clusters
// made so far are told by this.
#[expect(deprecated, reason = "Terraform's block has it, and EKS still wants it")]
fn encryption(config: &Json) -> EncryptionConfig {
    let key = config.block("provider").and_then(|provider| provider.given("key_arn"));
    EncryptionConfig::builder()
        .set_resources(Some(config.texts("resources")))
        .provider(Provider::builder().set_key_arn(key).build())
        .build()
}

#[expect(deprecated, reason = "Terraform's block has it, and EKS still tells it")]
fn shown_encryption(encryption: &EncryptionConfig) -> Json {
    let key = encryption.provider().and_then(|provider| provider.key_arn());
    json!({ "resources": encryption.resources(), "provider": [{ "key_arn": key }] })
}

fn upgrade_policy(policy: &Json) -> UpgradePolicyRequest {
    let support = policy.given("support_type").map(|support| support.as_str().into());
    UpgradePolicyRequest::builder().set_support_type(support).build()
}

/// The first difference that a change of the configuration can settle: EKS
/// takes one kind of change at a time.
fn configure(
    update: UpdateClusterConfigFluentBuilder,
    actual: &Json,
    planned: &Json,
) -> Option<(UpdateClusterConfigFluentBuilder, &'static str)> {
    let null = Json::Null;
    let part = |of: &'_ Json, name: &str| of.block(name).cloned().unwrap_or(Json::Null);
    let (vpc, has) = (part(planned, "vpc_config"), part(actual, "vpc_config"));
    let list_differs = |name: &str| {
        let given = vpc.get(name).unwrap_or(&null);
        !given.is_null() && sorted(&vpc.texts(name)) != sorted(&has.texts(name))
    };
    let flag_differs = |name: &str| vpc.flag(name).is_some() && vpc.flag(name) != has.flag(name);
    if flag_differs("endpoint_private_access")
        || flag_differs("endpoint_public_access")
        || list_differs("public_access_cidrs")
    {
        let request = VpcConfigRequest::builder()
            .set_endpoint_private_access(vpc.flag("endpoint_private_access"))
            .set_endpoint_public_access(vpc.flag("endpoint_public_access"))
            .set_public_access_cidrs(some(vpc.texts("public_access_cidrs")));
        return Some((update.resources_vpc_config(request.build()), "changing access to the API"));
    }
    if list_differs("subnet_ids") || list_differs("security_group_ids") {
        let request = VpcConfigRequest::builder()
            .set_subnet_ids(Some(vpc.texts("subnet_ids")))
            .set_security_group_ids(Some(vpc.texts("security_group_ids")));
        return Some((update.resources_vpc_config(request.build()), "changing subnets"));
    }
    let logs = planned.texts("enabled_cluster_log_types");
    if sorted(&logs) != sorted(&actual.texts("enabled_cluster_log_types")) {
        return Some((update.logging(logging(&logs)), "changing logs"));
    }
    let text_differs = |block: &str, name: &str| {
        let (wanted, has) = (part(planned, block), part(actual, block));
        wanted.given(name).is_some_and(|wanted| wanted != has.text(name)).then_some(wanted)
    };
    if let Some(access) = text_differs("access_config", "authentication_mode") {
        let mode = access.text("authentication_mode").into();
        let request = UpdateAccessConfigRequest::builder().authentication_mode(mode).build();
        return Some((update.access_config(request), "changing authentication"));
    }
    if let Some(policy) = text_differs("upgrade_policy", "support_type") {
        return Some((update.upgrade_policy(upgrade_policy(&policy)), "changing the upgrade policy"));
    }
    let protection = planned.flag("deletion_protection");
    if protection.is_some() && protection != actual.flag("deletion_protection") {
        return Some((update.set_deletion_protection(protection), "changing the protection"));
    }
    None
}

fn seen(found: &Found) -> Seen {
    let issues = found.health().map(|health| health.issues()).unwrap_or_default().iter().map(|issue| {
        let code = issue.code().map_or("", aws_sdk_eks::types::ClusterIssueCode::as_str);
        format!("{} ({code})", issue.message().unwrap_or_default().trim_end_matches('.'))
    });
    Seen {
        object: shown(found),
        arn: found.arn().unwrap_or_default().to_owned(),
        status: found.status().map_or("", aws_sdk_eks::types::ClusterStatus::as_str).to_owned(),
        tags: tags_of(found.tags()),
        issues: issues.collect(),
    }
}

/// What a cluster's results are, to resource and data source alike.
pub(super) fn shown(found: &Found) -> Json {
    let vpc = found.resources_vpc_config().map(|vpc| {
        json!({
            "subnet_ids": vpc.subnet_ids(), "security_group_ids": vpc.security_group_ids(),
            "endpoint_private_access": vpc.endpoint_private_access(),
            "endpoint_public_access": vpc.endpoint_public_access(),
            "public_access_cidrs": vpc.public_access_cidrs(),
            "cluster_security_group_id": vpc.cluster_security_group_id(), "vpc_id": vpc.vpc_id(),
        })
    });
    let access = found.access_config().map(|access| {
        json!({
            "authentication_mode": access.authentication_mode().map(|mode| mode.as_str()),
            "bootstrap_cluster_creator_admin_permissions": access.bootstrap_cluster_creator_admin_permissions(),
        })
    });
    let encryption = found.encryption_config().iter().map(shown_encryption);
    let network = found.kubernetes_network_config().map(|network| {
        json!({
            "ip_family": network.ip_family().map(|family| family.as_str()),
            "service_ipv4_cidr": network.service_ipv4_cidr(), "service_ipv6_cidr": network.service_ipv6_cidr(),
        })
    });
    let upgrade = found
        .upgrade_policy()
        .map(|policy| json!({ "support_type": policy.support_type().map(|support| support.as_str()) }));
    let setups = found.logging().map(|logging| logging.cluster_logging()).unwrap_or_default();
    let enabled = setups.iter().filter(|setup| setup.enabled() == Some(true)).flat_map(|setup| setup.types());
    let logs: Vec<&str> = enabled.map(LogType::as_str).collect();
    let issuer = found.identity().and_then(|identity| identity.oidc()).and_then(|oidc| oidc.issuer());
    let ca = found.certificate_authority().and_then(|ca| ca.data());
    let one = |block: Option<Json>| block.into_iter().collect::<Vec<_>>();
    json!({
        "id": found.name(), "name": found.name(), "arn": found.arn(), "role_arn": found.role_arn(),
        "version": found.version(), "platform_version": found.platform_version(), "endpoint": found.endpoint(),
        "enabled_cluster_log_types": if logs.is_empty() { Json::Null } else { json!(logs) },
        "deletion_protection": found.deletion_protection().unwrap_or(false),
        "certificate_authority": ca.map(|data| json!({ "data": data })).into_iter().collect::<Vec<_>>(),
        "identity": issuer.map(|issuer| json!({ "oidc": [{ "issuer": issuer }] })).into_iter().collect::<Vec<_>>(),
        "created_at": found.created_at().map(ToString::to_string),
        "vpc_config": one(vpc), "access_config": one(access), "encryption_config": encryption.collect::<Vec<_>>(),
        "kubernetes_network_config": one(network), "upgrade_policy": one(upgrade),
    })
}
