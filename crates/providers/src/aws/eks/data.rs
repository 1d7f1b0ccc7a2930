//! Data sources: a cluster, and a token for it.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_sigv4::http_request::{
    SessionTokenMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Attribute, Block, ErrorClass, ProviderError, Type};

use super::super::json::Fields as _;
use super::super::resource::{Called, Data};
use super::super::schema::{given, located, name};
use super::super::session::Session;
use super::super::tags as tagging;
use super::cluster::{look, shown};
use super::tags_of;

/// How long the signature in a token holds: what EKS asks for.
const SIGNED_FOR: Duration = Duration::from_secs(60);

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
        Ok(object)
    }
}

/// `aws_eks_cluster_auth`.
pub(super) struct ClusterAuth;

#[async_trait]
impl Data for ClusterAuth {
    fn kind(&self) -> &'static str {
        "aws_eks_cluster_auth"
    }

    fn block(&self) -> Block {
        located(
            [
                ("name", name("Name of the cluster.")),
                ("id", given("Name of the cluster.")),
                ("token", given("A token for the cluster's API, good for a quarter of an hour.").secret()),
            ],
            [],
        )
    }

    async fn read(&self, at: &Session, config: &Json) -> Called<Json> {
        let name = config.text("name");
        Ok(json!({ "id": name, "token": token(at, name).await?, "region": at.region() }))
    }
}

/// A request to the token service, signed and not sent: who has it can ask who
/// signed it, which is what the cluster does.
async fn token(at: &Session, cluster: &str) -> Called<String> {
    let unsigned =
        |error: String| ProviderError::new(ErrorClass::Invalid, "Token not signed", format!("{error}."));
    let usual = format!("https://sts.{}.amazonaws.com", at.region());
    let endpoint = at.sts_endpoint().unwrap_or(&usual).trim_end_matches('/');
    let url = format!("{endpoint}/?Action=GetCallerIdentity&Version=2011-06-15");
    let mut settings = SigningSettings::default();
    settings.expires_in = Some(SIGNED_FOR);
    settings.signature_location = SignatureLocation::QueryParams;
    settings.session_token_mode = SessionTokenMode::Include;
    let identity = at.credentials().await?.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(at.region())
        .name("sts")
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .map_err(|error| unsigned(error.to_string()))?;
    let headers = std::iter::once(("x-k8s-aws-id", cluster));
    let request = SignableRequest::new("GET", &url, headers, SignableBody::Bytes(&[]));
    let request = request.map_err(|error| unsigned(error.to_string()))?;
    let signed = sign(request, &params.into()).map_err(|error| unsigned(error.to_string()))?;
    let (instructions, _) = signed.into_parts();
    let query = instructions
        .params()
        .iter()
        .map(|(name, value)| format!("&{name}={}", utf8_percent_encode(value, &ESCAPED)));
    let url = format!("{url}{}", query.collect::<String>());
    Ok(format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url)))
}

/// All but what a query may hold as it is.
const ESCAPED: percent_encoding::AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
