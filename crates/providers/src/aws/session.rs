//! Clients of one account and region, opened when first needed.
//!
//! Guarantees: credentials are looked up once for each connection, by the
//! SDK's standard chain, and kept nowhere else; a failed look-up is not tried
//! again for some seconds, so that a thousand objects do not ask a thousand
//! times. Reads are repeated by the SDK, writes are not: the engine decides.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, ProvideCredentials as _, SharedCredentialsProvider};
use aws_sdk_s3::error::DisplayErrorContext;
use serde_json::Value as Json;
use tenantctl_core::provider::{ErrorClass, ProviderError, Value};
use tokio::sync::OnceCell;

use super::connection::Place;
use super::error::failed;
use super::json::plain;
use super::resource::Called;
use super::route53::Records;
use crate::cloud::listed::Listing;

/// How long one call may take.
const CALL: Duration = Duration::from_secs(60);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a failed look-up of credentials is believed.
const FAILURE: Duration = Duration::from_secs(10);
/// Attempts at a read.
const ATTEMPTS: u32 = 5;

/// One service, for reads and for writes.
pub(super) struct Clients<C> {
    /// Repeats.
    pub(super) read: C,
    /// Does not.
    pub(super) write: C,
}

/// An account and region.
pub(super) struct Session {
    place: Place,
    /// The connection as it is kept.
    connection: Json,
    /// The same as text.
    text: String,
    /// Zones that were listed for many workspaces.
    pub(super) zones: Listing<Records>,
    reading: SdkConfig,
    writing: SdkConfig,
    region: String,
    identity: OnceCell<Identity>,
    eks: OnceLock<Clients<aws_sdk_eks::Client>>,
    #[cfg(feature = "aws-iam")]
    iam: OnceLock<Clients<aws_sdk_iam::Client>>,
    route53: OnceLock<Clients<aws_sdk_route53::Client>>,
    s3: OnceLock<Clients<aws_sdk_s3::Client>>,
}

/// Who calls.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// The account's number.
    pub(super) account: String,
    /// The caller's ARN.
    pub(super) arn: String,
    /// The caller's id.
    pub(super) user: String,
}

impl Session {
    async fn open(
        place: Place,
        connection: Json,
        call: Option<Duration>,
        zones: Listing<Records>,
    ) -> Called<Self> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .app_name(AppName::new("tenantctl").map_err(|_| internal("application name"))?)
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT)
                    .operation_attempt_timeout(call.unwrap_or(CALL))
                    .build(),
            )
            .retry_config(RetryConfig::disabled());
        if let Some(region) = &place.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &place.profile {
            loader = loader.profile_name(profile);
        }
        if let Some((id, secret, token)) = place.keys() {
            let keys = Credentials::new(id, secret, token.map(str::to_owned), None, "provider block");
            loader = loader.credentials_provider(keys);
        } else if let Some(profile) = &place.profile {
            // A profile that is named goes before keys in the environment.
            let chain = DefaultCredentialsChain::builder().profile_name(profile);
            let chain = match &place.region {
                Some(region) => chain.region(Region::new(region.clone())),
                None => chain,
            };
            loader = loader.credentials_provider(chain.build().await);
        }
        let base = loader.load().await;
        let Some(region) = base.region().map(ToString::to_string) else {
            return Err(ProviderError::new(
                ErrorClass::Invalid,
                "AWS region not set",
                "Neither the resource, the provider block, the environment nor the profile names a region.",
            )
            .hint("Set region in the provider block, or AWS_REGION."));
        };
        let writing = match &place.assume_role {
            Some(role) => {
                let mut provider = AssumeRoleProvider::builder(&role.role_arn)
                    .session_name(role.session_name.as_deref().unwrap_or("tenantctl"))
                    .configure(&with_endpoint(&base, place.endpoint("sts")));
                if let Some(id) = &role.external_id {
                    provider = provider.external_id(id);
                }
                let provider = match base.credentials_provider() {
                    Some(own) => provider.build_from_provider(own).await,
                    None => provider.build().await,
                };
                base.to_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
            }
            None => base,
        };
        if let Some(credentials) = writing.credentials_provider() {
            credentials.provide_credentials().await.map_err(|e| no_credentials(&place, &e))?;
        }
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let reading = writing.to_builder().retry_config(retries).build();
        let session = Session {
            place,
            text: connection.to_string(),
            connection,
            zones,
            reading,
            writing,
            region,
            identity: OnceCell::new(),
            eks: OnceLock::new(),
            #[cfg(feature = "aws-iam")]
            iam: OnceLock::new(),
            route53: OnceLock::new(),
            s3: OnceLock::new(),
        };
        session.check_account().await?;
        Ok(session)
    }

    /// Refuses accounts that the provider block does not allow.
    async fn check_account(&self) -> Called<()> {
        let Some(allowed) = &self.place.accounts else { return Ok(()) };
        let identity = self.identity().await?;
        if allowed.contains(&identity.account) {
            return Ok(());
        }
        let detail = format!(
            "The credentials are of the account {}, and the provider block allows {}.",
            identity.account,
            allowed.join(", ")
        );
        Err(ProviderError::new(ErrorClass::Denied, "Wrong AWS account", detail)
            .hint("Use another profile or role, or change allowed_account_ids."))
    }

    /// The region that calls go to.
    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// By what a cluster of here gets credentials later: see
    /// [`cluster_access`](crate::cluster_access).
    pub(super) fn access(&self, cluster: &str) -> String {
        access(&self.connection, &self.region, cluster)
    }

    /// What tells this account, and the way to it, from others.
    pub(super) fn place(&self) -> &str {
        &self.text
    }

    /// Whether keys are a part of the connection.
    pub(super) fn has_keys(&self) -> bool {
        self.place.keys().is_some()
    }

    /// Who calls.
    pub(super) async fn identity(&self) -> Called<&Identity> {
        self.identity
            .get_or_try_init(|| async {
                let client = self.sts();
                let answer = client.get_caller_identity().send().await;
                let answer = answer.map_err(|e| failed("Asking who calls", e))?;
                Ok(Identity {
                    account: answer.account().unwrap_or_default().to_owned(),
                    arn: answer.arn().unwrap_or_default().to_owned(),
                    user: answer.user_id().unwrap_or_default().to_owned(),
                })
            })
            .await
    }

    /// Credentials as they are now, for what is signed by hand.
    pub(super) async fn credentials(&self) -> Called<Credentials> {
        let provider = self.writing.credentials_provider().ok_or_else(|| internal("credentials"))?;
        provider.provide_credentials().await.map_err(|e| no_credentials(&self.place, &e))
    }

    /// The address of the token service.
    pub(super) fn sts_endpoint(&self) -> Option<&str> {
        self.place.endpoint("sts")
    }

    fn sts(&self) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&with_endpoint(&self.reading, self.place.endpoint("sts")))
    }

    /// EKS.
    pub(super) fn eks(&self) -> &Clients<aws_sdk_eks::Client> {
        let client = |config| aws_sdk_eks::Client::new(&with_endpoint(config, self.place.endpoint("eks")));
        self.eks.get_or_init(|| Clients { read: client(&self.reading), write: client(&self.writing) })
    }

    /// IAM.
    #[cfg(feature = "aws-iam")]
    pub(super) fn iam(&self) -> &Clients<aws_sdk_iam::Client> {
        let client = |config| aws_sdk_iam::Client::new(&with_endpoint(config, self.place.endpoint("iam")));
        self.iam.get_or_init(|| Clients { read: client(&self.reading), write: client(&self.writing) })
    }

    /// Route 53.
    pub(super) fn route53(&self) -> &Clients<aws_sdk_route53::Client> {
        let endpoint = self.place.endpoint("route53");
        let client = |config| aws_sdk_route53::Client::new(&with_endpoint(config, endpoint));
        self.route53.get_or_init(|| Clients { read: client(&self.reading), write: client(&self.writing) })
    }

    /// S3.
    pub(super) fn s3(&self) -> &Clients<aws_sdk_s3::Client> {
        let client = |config| {
            let config = with_endpoint(config, self.place.endpoint("s3"));
            let config = aws_sdk_s3::config::Builder::from(&config);
            let path_style = self.place.path_style.unwrap_or(false);
            aws_sdk_s3::Client::from_conf(config.force_path_style(path_style).build())
        };
        self.s3.get_or_init(|| Clients { read: client(&self.reading), write: client(&self.writing) })
    }
}

/// The name of a cluster with how its account is reached, as text.
pub(super) fn access(connection: &Json, region: &str, cluster: &str) -> String {
    let mut place = connection.clone();
    if let Some(parts) = place.as_object_mut() {
        parts.remove("default_tags");
        parts.retain(|_, part| !part.is_null());
        parts.insert("region".into(), region.into());
    }
    format!("aws:{}", serde_json::json!({ "name": cluster, "place": place }))
}

fn with_endpoint(config: &SdkConfig, endpoint: Option<&str>) -> SdkConfig {
    match endpoint {
        Some(url) => config.to_builder().endpoint_url(url).build(),
        None => config.clone(),
    }
}

fn internal(what: &str) -> ProviderError {
    ProviderError::new(ErrorClass::Invalid, "AWS SDK not set up", format!("It has no {what}."))
}

fn no_credentials(place: &Place, error: &dyn std::error::Error) -> ProviderError {
    let tried = match (place.keys(), &place.profile, &place.assume_role) {
        (.., Some(role)) => format!("the role {} was not given", role.role_arn),
        (Some(_), ..) => "the keys of the provider block were not taken".into(),
        (_, Some(profile), _) => format!("the profile {profile:?} gave none"),
        _ => "tried were the environment, the shared profile, web identity, container and instance metadata"
            .into(),
    };
    let detail = format!("There are no credentials: {tried}. The SDK says: {}.", DisplayErrorContext(error));
    ProviderError::new(ErrorClass::Denied, "AWS credentials not found", detail)
        .hint("Log in (for instance with aws sso login), or set AWS_PROFILE or the provider block's profile.")
}

type Opening = Arc<OnceCell<(Instant, Called<Arc<Session>>)>>;

/// All sessions, by connection.
#[derive(Default)]
pub(super) struct Sessions {
    open: Mutex<HashMap<String, Opening>>,
    call: Option<Duration>,
    /// Zones that were listed for many workspaces.
    pub(super) zones: Listing<Records>,
}

impl Sessions {
    pub(super) fn new(call: Option<Duration>) -> Self {
        Sessions { open: Mutex::default(), call, zones: Listing::default() }
    }

    /// The session of a connection.
    pub(super) async fn get(&self, connection: &Value) -> Called<Arc<Session>> {
        let mut json = plain(connection);
        // Tenants with tags of their own share an account all the same.
        if let Some(parts) = json.as_object_mut() {
            parts.remove("default_tags");
        }
        let opening = self.opening(json.to_string());
        let open = async {
            let place = match &json {
                Json::Null => Ok(Place::default()),
                json => serde_json::from_value(json.clone()),
            };
            let session = match place {
                Ok(place) => {
                    Box::pin(Session::open(place, json, self.call, self.zones.clone())).await.map(Arc::new)
                }
                Err(error) => Err(ProviderError::new(
                    ErrorClass::Invalid,
                    "Connection not understood",
                    format!("The recorded connection to AWS cannot be read: {error}."),
                )),
            };
            (Instant::now(), session)
        };
        opening.get_or_init(|| open).await.1.clone()
    }

    fn opening(&self, key: String) -> Opening {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = open.entry(key).or_default();
        let is_stale = |(at, session): &(Instant, Called<_>)| session.is_err() && at.elapsed() > FAILURE;
        if entry.get().is_some_and(is_stale) {
            *entry = Opening::default();
        }
        Arc::clone(entry)
    }
}
