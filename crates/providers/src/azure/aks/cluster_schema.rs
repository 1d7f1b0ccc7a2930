//! What the block of a cluster takes, and what it must not.
//!
//! Must not: call anything.

use tenantctl_core::provider::{Attribute, Block, Path, Type};

use super::super::names;
use super::super::schema::{
    Aspect, Meaning, block, flag, given, name, needed, nested, placed, tags, tags_all, text, texts,
};
use super::{pools, versions};
use crate::cloud::problems::Problems;

/// It stays as it was made.
fn fixed(attribute: Attribute) -> Attribute {
    attribute.force_new()
}

/// The pool that the cluster begins with.
fn pool() -> Block {
    pools::with_pool(block(
        [
            ("name", fixed(name("Name of the pool that the cluster begins with."))),
            (
                "only_critical_addons_enabled",
                fixed(flag("Only what the cluster itself needs runs there.").or_computed()),
            ),
        ],
        [],
    ))
}

/// As whom the cluster acts.
fn identity() -> Block {
    block(
        [
            ("type", name("SystemAssigned or UserAssigned.")),
            ("identity_ids", texts("Ids of the identities, for UserAssigned.")),
            ("principal_id", given("What role assignments name the cluster by.")),
            ("tenant_id", given("The directory that it is in.")),
        ],
        [],
    )
}

/// The addresses inside the cluster.
fn network() -> Block {
    block(
        [
            ("network_plugin", fixed(name("azure, kubenet or none."))),
            ("network_plugin_mode", fixed(text("overlay: pods have addresses of their own."))),
            (
                "network_policy",
                fixed(text("What enforces network policies: azure, calico or cilium.").or_computed()),
            ),
            ("network_data_plane", fixed(text("azure or cilium.").or_computed())),
            ("pod_cidr", fixed(text("Addresses of pods.").or_computed())),
            ("service_cidr", fixed(text("Addresses of services.").or_computed())),
            ("dns_service_ip", fixed(text("Address of the cluster's own DNS.").or_computed())),
            ("load_balancer_sku", fixed(text("standard or basic.").or_computed())),
            ("outbound_type", fixed(text("How nodes reach the internet: loadBalancer.").or_computed())),
        ],
        [],
    )
}

/// Users and groups of the directory.
fn directory() -> Block {
    let list = |what| Attribute::optional(Type::list(Type::String)).describe(what);
    block(
        [
            ("tenant_id", text("The directory.").or_computed()),
            ("admin_group_object_ids", list("Groups whose members are administrators.")),
            ("azure_rbac_enabled", flag("Role assignments say who may do what.").or_computed()),
        ],
        [],
    )
}

/// From where the API is reached.
fn access() -> Block {
    block([("authorized_ip_ranges", texts("From where the API may be reached."))], [])
}

/// How pods read secrets of vaults.
fn secrets() -> Block {
    block(
        [
            ("secret_rotation_enabled", flag("Read changed secrets again.").or_computed()),
            ("secret_rotation_interval", text("How often: 2m.").or_computed()),
        ],
        [],
    )
}

/// What it takes.
pub(super) fn schema() -> Block {
    let config = pools::objects([
        "host",
        "username",
        "password",
        "client_certificate",
        "client_key",
        "cluster_ca_certificate",
    ]);
    let kubelet = pools::objects(["client_id", "object_id", "user_assigned_identity_id"]);
    placed(
        [
            ("name", fixed(name("Name of the cluster."))),
            ("resource_group_name", fixed(name("The group that it is in."))),
            ("location", fixed(name("Its region."))),
            ("dns_prefix", fixed(name("What the name of its API begins with."))),
            ("kubernetes_version", text("Version of Kubernetes, such as 1.33.").or_computed()),
            ("sku_tier", text("Free, Standard or Premium.").or_computed()),
            ("node_resource_group", fixed(text("The group that Azure makes for its nodes.").or_computed())),
            (
                "oidc_issuer_enabled",
                flag("Service accounts have tokens that others can check.").or_computed(),
            ),
            ("workload_identity_enabled", flag("Pods may act as identities.").or_computed()),
            ("local_account_disabled", flag("Only users of the directory get in.").or_computed()),
            ("role_based_access_control_enabled", fixed(flag("Roles say who may do what.").or_computed())),
            ("private_cluster_enabled", fixed(flag("The API has no public address.").or_computed())),
            ("tags", tags()),
            ("tags_all", tags_all()),
            ("fqdn", given("Name of the API server.")),
            ("private_fqdn", given("Its name in the network.")),
            ("portal_fqdn", given("Its name for the portal.")),
            ("oidc_issuer_url", given("Who issues the tokens of service accounts.")),
            ("current_kubernetes_version", given("The version that runs, to the patch.")),
            ("node_resource_group_id", given("Id of the group of its nodes.")),
            ("kubelet_identity", Attribute::computed(kubelet).describe("As whom the nodes act.")),
            ("kube_config", Attribute::computed(config).secret().describe("How the API is reached.")),
            ("kube_config_raw", given("The same as a kubeconfig.").secret()),
            ("provisioning_state", given("Where the cluster is in its life.")),
        ],
        [
            ("default_node_pool", needed(pool())),
            ("identity", needed(identity())),
            ("network_profile", nested(network())),
            ("azure_active_directory_role_based_access_control", nested(directory())),
            ("api_server_access_profile", nested(access())),
            ("key_vault_secrets_provider", nested(secrets())),
        ],
    )
    .meaning(Meaning::of(Aspect::Encrypted, &["default_node_pool", "host_encryption_enabled"]).or(false))
}

/// Problems that it cannot say.
pub(super) fn check(problems: &mut Problems<'_>) {
    let root = Path::root();
    let means = "1 to 63 letters, digits, - and _, with a letter or digit at both ends";
    names::check(problems, "name", &names::CLUSTER, means);
    let means = "1 to 54 letters, digits and hyphens, with a letter or digit at both ends";
    names::check(problems, "dns_prefix", &names::DNS_PREFIX, means);
    names::check_group(problems, "resource_group_name");
    names::check_group(problems, "node_resource_group");
    problems.one_of(&root.attribute("sku_tier"), &["Free", "Standard", "Premium"]);
    let version = root.attribute("kubernetes_version");
    if let Some(text) = problems.text(&version)
        && !versions::is_version(&text)
    {
        problems.push(version, "Invalid version", format!("{text:?} is no version such as 1.33."));
    }
    if let Some(pool) = problems.exactly_one(&root.attribute("default_node_pool")) {
        pools::check(problems, &pool);
    }
    if let Some(identity) = problems.exactly_one(&root.attribute("identity")) {
        check_identity(problems, &identity);
    }
    if let Some(network) = problems.single(&root.attribute("network_profile")) {
        problems.one_of(&network.attribute("network_plugin"), &["azure", "kubenet", "none"]);
        problems.one_of(&network.attribute("network_plugin_mode"), &["overlay"]);
        problems.one_of(&network.attribute("network_policy"), &["azure", "calico", "cilium"]);
        problems.one_of(&network.attribute("network_data_plane"), &["azure", "cilium"]);
        problems.one_of(&network.attribute("load_balancer_sku"), &["standard", "basic"]);
    }
    for name in [
        "azure_active_directory_role_based_access_control",
        "api_server_access_profile",
        "key_vault_secrets_provider",
    ] {
        problems.single(&root.attribute(name));
    }
    let is = |name: &str| problems.at(&root.attribute(name)).and_then(|value| value.as_bool());
    if is("workload_identity_enabled") == Some(true) && is("oidc_issuer_enabled") == Some(false) {
        let detail = "workload_identity_enabled needs oidc_issuer_enabled = true.";
        problems.push(root.attribute("workload_identity_enabled"), "Conflicting arguments", detail);
    }
}

fn check_identity(problems: &mut Problems<'_>, identity: &Path) {
    let kind = identity.attribute("type");
    problems.one_of(&kind, &["SystemAssigned", "UserAssigned"]);
    let ids = identity.attribute("identity_ids");
    let has_ids = problems.config.at_path(&ids).is_some_and(|value| !value.is_null());
    match problems.text(&kind).as_deref() {
        Some("UserAssigned") if !has_ids => {
            problems.push(ids, "Missing argument", "An identity of type UserAssigned needs identity_ids.");
        }
        Some("SystemAssigned") if has_ids => {
            problems.push(ids, "Conflicting arguments", "identity_ids are for the type UserAssigned.");
        }
        _ => {}
    }
}
