//! Sessions: a subscription, who calls, and where the services are.
//!
//! Guarantees: credentials are looked up once for each connection and kept
//! nowhere else; a failed look-up is not tried again for some seconds, so that
//! a thousand objects do not ask a thousand times; what a cluster takes one at
//! a time is begun one at a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use azure_core::http::{HttpClient, Method, Request, Url};
use serde_json::Value as Json;
use tenantctl_core::provider::{ErrorClass, ProviderError, Value};
use tokio::sync::OnceCell;

use super::Options;
use super::arm::{Arm, send};
use super::connection::{Features, Place};
use super::credential::Login;
use super::id;
use crate::cloud::json::{Fields as _, plain};
use crate::cloud::listed::Listing;
use crate::cloud::resource::Called;
use crate::cloud::service::Opens;

/// How long one call may take.
const CALL: Duration = Duration::from_secs(60);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a failed look-up of credentials is believed.
const FAILURE: Duration = Duration::from_secs(10);
/// How long a turn is kept for one who does not ask any more.
const TURN: Duration = Duration::from_secs(180);
/// The version of what tells the addresses of a cloud.
const METADATA: &str = "2022-09-01";

/// A subscription.
pub(super) struct Session {
    /// Its resource manager.
    pub(super) arm: Arc<Arm>,
    /// Its id.
    pub(super) subscription: String,
    /// What is done besides what is asked for.
    pub(super) features: Features,
    /// Whether the addresses of the cloud are the well-known ones.
    pub(super) is_public: bool,
    /// Addresses of vaults by their ids.
    pub(super) vaults: Mutex<HashMap<String, String>>,
    /// Clients of vaults by their addresses.
    pub(super) clients: Mutex<HashMap<String, Arc<azure_security_keyvault_secrets::SecretClient>>>,
    /// Lists that were asked for for many workspaces.
    pub(super) lists: Listing<List>,
    turns: Arc<Turns>,
}

/// Objects of a list by their ids, in small letters.
pub(super) type List = Arc<BTreeMap<String, Json>>;

/// Where the services of a cloud are.
struct Cloud {
    manager: String,
    authority: String,
    audience: String,
}

impl Session {
    async fn open(place: Place, options: &Options, lists: Listing<List>, turns: Arc<Turns>) -> Called<Self> {
        let http = client(options.authorities.as_deref())?;
        let limit = options.call_timeout.unwrap_or(CALL);
        let Some(subscription) = place.subscription_id.clone() else {
            return Err(ProviderError::new(
                ErrorClass::Invalid,
                "Azure subscription not set",
                "Neither the resource, the provider block nor the environment names a subscription.",
            )
            .hint("Set subscription_id in the provider block, or ARM_SUBSCRIPTION_ID."));
        };
        let cloud = match &place.metadata_host {
            Some(host) => told(&*http, host, place.environment.as_deref(), limit).await?,
            None => well_known(place.environment.as_deref().unwrap_or("public"))?,
        };
        let scope = format!("{}/.default", cloud.audience.trim_end_matches('/'));
        let login = Login {
            place: &place,
            around: &options.environment,
            authority: &cloud.authority,
            scope: &scope,
            http: &http,
            limit,
        };
        let credential = login.find().await?;
        let endpoint = cloud.manager.trim_end_matches('/').to_owned();
        Ok(Session {
            arm: Arc::new(Arm { http, credential, endpoint, scope, limit }),
            subscription,
            is_public: place.metadata_host.is_none(),
            features: place.features,
            vaults: Mutex::default(),
            clients: Mutex::default(),
            lists,
            turns,
        })
    }

    /// Whether `holder` may begin a change of `parent` now. It then has the turn
    /// until it gives it back, or does not ask for long.
    pub(super) fn take_turn(&self, parent: &str, holder: &str) -> bool {
        self.turns.take(parent, holder, Instant::now())
    }

    /// Gives all turns of a holder back.
    pub(super) fn end_turn(&self, holder: &str) {
        self.turns.end(holder);
    }
}

/// Whose turn it is, by what takes one change at a time.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<String, (String, Instant)>>);

impl Turns {
    fn take(&self, parent: &str, holder: &str, now: Instant) -> bool {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = turns.get(parent).is_some_and(|(other, until)| other != holder && *until > now);
        if !taken {
            turns.insert(parent.to_owned(), (holder.to_owned(), now + TURN));
        }
        !taken
    }

    fn end(&self, holder: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, (other, _)| other != holder);
    }
}

/// A client that trusts the usual authorities, or only those of a test.
fn client(authorities: Option<&[u8]>) -> Called<Arc<dyn HttpClient>> {
    let unusable = |error: reqwest::Error| {
        let detail = format!("The client of Azure does not start: {error}.");
        ProviderError::new(ErrorClass::Invalid, "Client not usable", detail)
    };
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        // Whom an answer points to is not to be told a token.
        .redirect(reqwest::redirect::Policy::none());
    if let Some(pem) = authorities {
        let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(unusable)?;
        builder = builder.tls_certs_only(certificates);
    }
    Ok(Arc::new(builder.build().map_err(unusable)?))
}

fn well_known(environment: &str) -> Called<Cloud> {
    let (manager, authority) = match environment.to_ascii_lowercase().as_str() {
        "public" | "azurecloud" | "azurepubliccloud" => {
            ("https://management.azure.com", "https://login.microsoftonline.com")
        }
        "usgovernment" | "azureusgovernment" | "azureusgovernmentcloud" => {
            ("https://management.usgovcloudapi.net", "https://login.microsoftonline.us")
        }
        "china" | "azurechinacloud" => {
            ("https://management.chinacloudapi.cn", "https://login.partner.microsoftonline.cn")
        }
        other => {
            let detail = format!("There is no environment {other:?}: it is public, usgovernment or china.");
            return Err(ProviderError::new(ErrorClass::Invalid, "Unknown Azure environment", detail));
        }
    };
    Ok(Cloud { manager: manager.into(), authority: authority.into(), audience: manager.into() })
}

/// Asks a cloud for its addresses.
async fn told(
    http: &dyn HttpClient,
    host: &str,
    environment: Option<&str>,
    limit: Duration,
) -> Called<Cloud> {
    let doing = format!("Asking {host} for the addresses of its cloud");
    let strange = |why: &str| {
        ProviderError::new(ErrorClass::Invalid, "Answer not understood", format!("{doing} failed: {why}."))
    };
    let url = format!("https://{host}/metadata/endpoints?api-version={METADATA}");
    let url = Url::parse(&url).map_err(|_| strange("metadata_host is no host"))?;
    let answer = send(http, &Request::new(url, Method::Get), &doing, limit).await?.done(&doing)?;
    let clouds = answer.body.as_array().cloned().unwrap_or_else(|| vec![answer.body.clone()]);
    let named = |cloud: &&Json| environment.is_some_and(|name| cloud.text("name").eq_ignore_ascii_case(name));
    let cloud =
        clouds.iter().find(named).or_else(|| clouds.first()).ok_or_else(|| strange("it names no cloud"))?;
    let login = cloud.get("authentication").cloned().unwrap_or(Json::Null);
    let manager = cloud.given("resourceManager").ok_or_else(|| strange("it names no resource manager"))?;
    let authority = login.given("loginEndpoint").ok_or_else(|| strange("it names no login endpoint"))?;
    let audience = login.texts("audiences").into_iter().next().unwrap_or_else(|| manager.clone());
    Ok(Cloud { manager, authority, audience })
}

type Opening = Arc<OnceCell<(Instant, Called<Arc<Session>>)>>;

/// All sessions, by connection.
pub(super) struct Sessions {
    options: Options,
    open: Mutex<HashMap<String, Opening>>,
    /// Lists that were asked for for many workspaces.
    pub(super) lists: Listing<List>,
    turns: Arc<Turns>,
}

impl Sessions {
    pub(super) fn new(options: Options) -> Self {
        Sessions { options, open: Mutex::default(), lists: Listing::default(), turns: Arc::default() }
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

    async fn of_place(&self, key: String, place: Called<Place>) -> Called<Arc<Session>> {
        let opening = self.opening(key);
        let open = async {
            let session = match place {
                Ok(place) => {
                    let (lists, turns) = (self.lists.clone(), Arc::clone(&self.turns));
                    Box::pin(Session::open(place, &self.options, lists, turns)).await.map(Arc::new)
                }
                Err(error) => Err(error),
            };
            (Instant::now(), session)
        };
        opening.get_or_init(|| open).await.1.clone()
    }

    /// A session that can see an object, without its connection at hand: one
    /// that is open for its subscription, or one of the surroundings.
    pub(super) async fn for_object(&self, object: &str) -> Called<Arc<Session>> {
        let wanted = id::subscription(object).unwrap_or_default();
        let open = {
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let sessions = open.values().filter_map(|opening| opening.get()?.1.clone().ok());
            sessions.into_iter().find(|session| session.subscription.eq_ignore_ascii_case(wanted))
        };
        if let Some(session) = open {
            return Ok(session);
        }
        let around = super::connection::settle(&self.options.environment, &Value::NULL, &Value::NULL);
        let mut place: Place =
            around.ok().and_then(|value| serde_json::from_value(plain(&value)).ok()).unwrap_or_default();
        place.subscription_id = Some(wanted.to_owned());
        self.of_place(format!("surroundings {wanted}"), Ok(place)).await
    }
}

#[async_trait]
impl Opens for Sessions {
    type Session = Session;

    async fn open(&self, connection: &Value) -> Called<Arc<Session>> {
        let mut json = plain(connection);
        // Tenants with tags of their own share a subscription all the same.
        if let Some(parts) = json.as_object_mut() {
            parts.remove("default_tags");
        }
        let key = json.to_string();
        let place = if json.is_null() { Ok(Place::default()) } else { serde_json::from_value(json) };
        let place = place.map_err(|error| {
            let detail = format!("The recorded connection to Azure cannot be read: {error}.");
            ProviderError::new(ErrorClass::Invalid, "Connection not understood", detail)
        });
        self.of_place(key, place).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_the_turn_until_it_ends_or_is_forgotten() {
        let (turns, now) = (Turns::default(), Instant::now());
        assert!(turns.take("cluster", "a", now));
        assert!(turns.take("cluster", "a", now), "it is still its turn");
        assert!(!turns.take("cluster", "b", now));
        assert!(turns.take("other", "b", now), "another cluster");
        assert!(turns.take("cluster", "b", now + TURN * 2), "the first does not ask any more");
        turns.end("b");
        assert!(turns.take("other", "a", now));
    }

    #[test]
    fn clouds_have_names() {
        assert_eq!(well_known("china").expect("known").manager, "https://management.chinacloudapi.cn");
        assert!(well_known("mars").is_err());
    }
}
