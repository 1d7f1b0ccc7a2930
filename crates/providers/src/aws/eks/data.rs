//! Data sources: a cluster, and a token for it.

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Attribute, Block, ErrorClass, ProviderError, Type};

use super::super::json::Fields as _;
use super::super::resource::{Called, Data};
use super::super::schema::{given, located, name};
use super::super::session::Session;
use super::super::tags as tagging;
use super::cluster::{look, shown};
use super::{ACCESS, TOKEN, tags_of, token, token_block};

/// `aws_eks_cluster`.
pub(super) struct ClusterData;

#[async_trait]
impl Data for ClusterData {
    fn kind(&self) -> &'static str {
        "aws_eks_cluster"
    }

    fn block(&self) -> Block {
        let texts = || Type::set(Type::String);
        let vpc = Type::object([
            ("subnet_ids", texts()),
            ("security_group_ids", texts()),
            ("endpoint_private_access", Type::Bool),
            ("endpoint_public_access", Type::Bool),
            ("public_access_cidrs", texts()),
            ("cluster_security_group_id", Type::String),
            ("vpc_id", Type::String),
        ]);
        let issuer =
            Type::list(Type::object([("oidc", Type::list(Type::object([("issuer", Type::String)])))]));
        let data = Type::list(Type::object([("data", Type::String)]));
        located(
            [
                ("name", name("Name of the cluster.")),
                ("id", given("Name of the cluster.")),
                ("arn", given("ARN of the cluster.")),
                ("endpoint", given("Address of the API server.")),
                (
                    "certificate_authority",
                    Attribute::computed(data).describe("Certificate of the API server's authority."),
                ),
                (
                    "identity",
                    Attribute::computed(issuer).describe("The OpenID Connect issuer of service accounts."),
                ),
                (ACCESS, given("By what objects in it get credentials.")),
                ("role_arn", given("ARN of the role that EKS takes on.")),
                ("version", given("Version of Kubernetes.")),
                ("platform_version", given("Version of EKS's own parts.")),
                ("status", given("Where the cluster is in its life.")),
                ("created_at", given("When it was made.")),
                ("vpc_config", Attribute::computed(Type::list(vpc)).describe("Its network.")),
                ("tags", Attribute::computed(Type::map(Type::String)).describe("Its tags.")),
            ],
            [],
        )
    }

    async fn read(&self, at: &Session, config: &Json) -> Called<Json> {
        let name = config.text("name");
        let Some(found) = look(at, name).await? else {
            let detail = format!("There is no cluster {name:?} in {}.", at.region());
            return Err(ProviderError::new(ErrorClass::NotFound, "Cluster not found", detail));
        };
        let mut object = shown(&found);
        tagging::show(&mut object, &Json::Null, &tags_of(found.tags()));
        object["status"] = json!(found.status().map(|status| status.as_str()));
        object["region"] = at.region().into();
        object[ACCESS] = at.access(name).into();
        Ok(object)
    }
}

/// `aws_eks_cluster_auth`.
pub(super) struct ClusterAuth;

#[async_trait]
impl Data for ClusterAuth {
    fn kind(&self) -> &'static str {
        TOKEN
    }

    fn block(&self) -> Block {
        token_block()
    }

    async fn read(&self, at: &Session, config: &Json) -> Called<Json> {
        token(at, config).await
    }
}
