//! Credentials of a cluster's API: tokens that EKS takes, made from the
//! caller's own credentials when they are needed and kept nowhere.
//!
//! What is kept with a cluster, and with objects in it, is `access`: its name
//! and how its account is reached. Keys are in it only when the provider block
//! gives them, and then it is marked sensitive.

use std::sync::Arc;
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
use tenantctl_core::provider::{Block, ErrorClass, ProviderError, Type, Value};

use super::super::json::{Fields as _, plain};
use super::super::plan::Draft;
use super::super::resource::Called;
use super::super::schema::{given, located, name};
use super::super::session::{Session, Sessions, access};
use crate::cluster_access::{ClusterAccess, Credentials};

/// The attribute by which a cluster is reached.
pub(in crate::aws) const ACCESS: &str = "access";
/// The data source and ephemeral resource that gives a token.
pub(in crate::aws) const TOKEN: &str = "aws_eks_cluster_auth";
/// How long the signature in a token holds: what EKS asks for.
const SIGNED_FOR: Duration = Duration::from_secs(60);

/// What [`TOKEN`] takes.
pub(in crate::aws) fn token_block() -> Block {
    located(
        [
            ("name", name("Name of the cluster.")),
            ("id", given("Name of the cluster.")),
            ("token", given("A token for the cluster's API, good for a quarter of an hour.").secret()),
        ],
        [],
    )
}

/// A token for the cluster that a configuration names.
pub(in crate::aws) async fn token(at: &Session, config: &Json) -> Called<Json> {
    let name = config.text("name");
    Ok(json!({ "id": name, "token": signed(at, name).await?, "region": at.region() }))
}

/// `access` of a planned cluster, as far as its name and place are known.
pub(super) fn planned_access(draft: &Draft<'_>) -> Value {
    let (name, connection) = (draft.planned("name"), draft.connection);
    let region = connection.get("region").filter(Value::is_known);
    match (name.as_str(), region.as_ref().and_then(|region| region.as_str())) {
        (Some(name), Some(region)) if connection.is_wholly_known() => {
            let access = Value::from(access(&plain(connection), region, name));
            let has_keys = connection.get("access_key").is_some_and(|key| !key.is_null());
            if has_keys { access.sensitive() } else { access }
        }
        _ => Value::unknown(Type::String),
    }
}

/// A cluster that is reached by keys of its own.
pub(in crate::aws) fn with_secret_access(cluster: Value) -> Value {
    let Some(entries) = cluster.as_entries() else { return cluster };
    let hidden = entries.iter().map(|(name, value)| {
        let value = value.clone();
        (name.clone(), if **name == *ACCESS { value.sensitive() } else { value })
    });
    Value::object(hidden).with_marks(cluster.marks())
}

/// Gives tokens of the clusters that some sessions reach.
pub(in crate::aws) struct Access(pub(in crate::aws) Arc<Sessions>);

#[async_trait]
impl ClusterAccess for Access {
    async fn credentials(&self, cluster: &str) -> Result<Credentials, ProviderError> {
        let Ok(known) = serde_json::from_str::<Json>(cluster) else {
            let detail = "What is kept of how the cluster is reached is no JSON.";
            return Err(ProviderError::new(ErrorClass::Invalid, "Connection not understood", detail));
        };
        let session = self.0.get(&Value::from_plain_json(&known["place"])).await?;
        let token = signed(&session, known.text("name")).await?;
        Ok(Credentials { token: Some(token), ..Credentials::default() })
    }
}

/// A request to the token service, signed and not sent: who has it can ask who
/// signed it, which is what the cluster does.
async fn signed(at: &Session, cluster: &str) -> Called<String> {
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
