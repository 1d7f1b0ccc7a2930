//! What the block of a cluster takes, and what it must not.
//!
//! Must not: call anything.

use tenantctl_core::provider::{Attribute, Block, Path, Type};

use super::super::arn::Arn as _;
use super::super::problems::Problems;
use super::super::schema::{
    Aspect, Meaning, Reading, block, flag, given, located, name, needed, nested, tags, tags_all, text, texts,
};
use super::{ACCESS, check_name, versions};

/// Logs of the control plane.
pub(super) const LOG_TYPES: [&str; 5] = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

/// Where the API is reached, and from where.
fn vpc() -> Block {
    block(
        [
            (
                "subnet_ids",
                Attribute::required(Type::set(Type::String)).describe("Subnets, in two zones at least."),
            ),
            ("security_group_ids", texts("Security groups of the control plane's interfaces.")),
            ("endpoint_private_access", flag("Reach the API from the VPC.").or_computed()),
            ("endpoint_public_access", flag("Reach the API from the internet.").or_computed()),
            ("public_access_cidrs", texts("From where the public API may be reached.").or_computed()),
            ("cluster_security_group_id", given("Security group that EKS made.")),
            ("vpc_id", given("VPC of the subnets.")),
        ],
        [],
    )
}

/// How users get in.
fn access() -> Block {
    block(
        [
            ("authentication_mode", text("CONFIG_MAP, API or API_AND_CONFIG_MAP.").or_computed()),
            (
                "bootstrap_cluster_creator_admin_permissions",
                flag("Make the creator an administrator.").or_computed().force_new(),
            ),
        ],
        [],
    )
}

/// What is encrypted, and with which key.
fn encryption() -> Block {
    let key = block([("key_arn", name("ARN of the KMS key.").force_new())], []);
    block(
        [(
            "resources",
            Attribute::required(Type::set(Type::String)).describe("What is encrypted: secrets.").force_new(),
        )],
        [("provider", needed(key))],
    )
}

/// The addresses inside the cluster.
fn network() -> Block {
    block(
        [
            ("ip_family", text("ipv4 or ipv6.").or_computed().force_new()),
            ("service_ipv4_cidr", text("Addresses of services.").or_computed().force_new()),
            ("service_ipv6_cidr", given("Addresses of services, IPv6.")),
        ],
        [],
    )
}

/// How long a version is supported.
fn upgrade() -> Block {
    block([("support_type", text("STANDARD or EXTENDED.").or_computed())], [])
}

/// What it takes.
pub(super) fn schema() -> Block {
    located(
        [
            ("name", name("Name of the cluster.").force_new()),
            ("role_arn", name("ARN of the role that EKS takes on.").force_new()),
            ("version", text("Version of Kubernetes, such as 1.33.").or_computed()),
            ("enabled_cluster_log_types", texts("Logs of the control plane to keep.")),
            (
                "bootstrap_self_managed_addons",
                flag("Install the default add-ons; true when not set.").or_computed().force_new(),
            ),
            ("deletion_protection", flag("Refuse to remove the cluster.").or_computed()),
            ("tags", tags()),
            ("tags_all", tags_all()),
            ("id", given("Name of the cluster.")),
            ("arn", given("ARN of the cluster.")),
            ("endpoint", given("Address of the API server.")),
            (
                "certificate_authority",
                Attribute::computed(Type::list(Type::object([("data", Type::String)])))
                    .describe("The certificate that signed the API server's, in base64."),
            ),
            (
                "identity",
                Attribute::computed(Type::list(Type::object([(
                    "oidc",
                    Type::list(Type::object([("issuer", Type::String)])),
                )])))
                .describe("The OpenID Connect issuer of service accounts."),
            ),
            (
                ACCESS,
                given("By what objects in it get credentials: a cluster argument may be the whole cluster."),
            ),
            ("platform_version", given("Version of EKS's own parts.")),
            ("status", given("Where the cluster is in its life.")),
            ("created_at", given("When it was made.")),
        ],
        [
            ("vpc_config", needed(vpc())),
            ("access_config", nested(access())),
            ("encryption_config", nested(encryption())),
            ("kubernetes_network_config", nested(network())),
            ("upgrade_policy", nested(upgrade())),
        ],
    )
    .meaning(
        Meaning::of(Aspect::Encrypted, &["encryption_config", "resources"]).by(Reading::Presence).or(false),
    )
    .meaningless(&["vpc_config", "endpoint_public_access"], "who may ask the API, not who may read data")
    .meaningless(&["vpc_config", "public_access_cidrs"], "who may ask the API, not who may read data")
}

/// Problems that it cannot say.
pub(super) fn check(problems: &mut Problems<'_>) {
    let root = Path::root();
    check_name(problems, "name", 100);
    problems.arn(&root.attribute("role_arn"), "iam");
    let version = root.attribute("version");
    if let Some(text) = problems.text(&version)
        && versions::parse(&text).is_none()
    {
        problems.push(version, "Invalid version", format!("{text:?} is no version such as 1.33."));
    }
    let logs = root.attribute("enabled_cluster_log_types");
    for path in problems.each(&logs) {
        problems.one_of(&path, &LOG_TYPES);
    }
    problems.exactly_one(&root.attribute("vpc_config"));
    if let Some(access) = problems.single(&root.attribute("access_config")) {
        let modes = ["CONFIG_MAP", "API", "API_AND_CONFIG_MAP"];
        problems.one_of(&access.attribute("authentication_mode"), &modes);
    }
    if let Some(upgrade) = problems.single(&root.attribute("upgrade_policy")) {
        problems.one_of(&upgrade.attribute("support_type"), &["STANDARD", "EXTENDED"]);
    }
    if let Some(network) = problems.single(&root.attribute("kubernetes_network_config")) {
        problems.one_of(&network.attribute("ip_family"), &["ipv4", "ipv6"]);
    }
    if let Some(encryption) = problems.single(&root.attribute("encryption_config")) {
        problems.exactly_one(&encryption.attribute("provider"));
    }
}
