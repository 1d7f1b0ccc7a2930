//! Who calls: the usual chain of credentials, tried in its order.
//!
//! A client secret, a token of a workload, the identity of the machine, the
//! command-line tool. Guarantees: what the provider block or the surroundings
//! set up is tried, nothing else; when none of it leads anywhere, one error
//! says of each what is wrong with it; no secret is in that error.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::cloud::CustomConfiguration;
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::http::{ClientOptions, HttpClient, RetryOptions, Transport};
use azure_core::time::{Duration as Span, OffsetDateTime};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use tenantctl_core::provider::{ErrorClass, ProviderError};
use tokio::sync::Mutex;

use super::connection::Place;
use crate::cloud::resource::Called;

type Made = azure_core::Result<Arc<dyn TokenCredential>>;

/// How long before its end a token is not given any more.
const SPARE: Span = Span::minutes(5);

/// A credential whose tokens are kept for as long as they hold: the command-line
/// tool would be run again for each call.
#[derive(Debug)]
struct Kept {
    inner: Arc<dyn TokenCredential>,
    /// By what they are for.
    tokens: Mutex<HashMap<String, AccessToken>>,
}

#[async_trait]
impl TokenCredential for Kept {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        // Held while one is asked for: a thousand objects ask once.
        let mut tokens = self.tokens.lock().await;
        let key = scopes.join(" ");
        if let Some(token) = tokens.get(&key)
            && token.expires_on > OffsetDateTime::now_utc() + SPARE
        {
            return Ok(token.clone());
        }
        let token = self.inner.get_token(scopes, options).await?;
        tokens.insert(key, token.clone());
        Ok(token)
    }
}

/// What logging in needs to know.
pub(super) struct Login<'a> {
    /// What the provider block says.
    pub(super) place: &'a Place,
    /// What the surroundings say.
    pub(super) around: &'a BTreeMap<String, String>,
    /// Where the directory is.
    pub(super) authority: &'a str,
    /// What the token is for.
    pub(super) scope: &'a str,
    /// How requests are sent.
    pub(super) http: &'a Arc<dyn HttpClient>,
    /// How long one of them may take.
    pub(super) limit: Duration,
}

impl Login<'_> {
    /// The first credential of the chain that gives a token.
    ///
    /// # Errors
    /// When none does: what was tried, and what came of it.
    pub(super) async fn find(&self) -> Called<Arc<dyn TokenCredential>> {
        let mut tried = Vec::new();
        let mut unreachable = true;
        for (name, made) in self.chain() {
            let given = match &made {
                Ok(credential) => self.tried(&**credential).await,
                Err(error) => Err(azure_core::Error::with_message(error.kind().clone(), error.to_string())),
            };
            match (given, made) {
                (Ok(()), Ok(credential)) => return Ok(credential),
                (Err(error), _) => {
                    unreachable &= is_unreachable(&error);
                    tried.push(format!("{name}: {}", reason(&error)));
                }
                (Ok(()), Err(_)) => {}
            }
        }
        let detail = match tried.is_empty() {
            true => "Nothing to log in with is set up.".to_owned(),
            false => format!("None of what was tried logs in. {}.", tried.join(". ")),
        };
        let detail = match self.secret() {
            Some(secret) if !secret.is_empty() => detail.replace(&secret, "(sensitive value)"),
            _ => detail,
        };
        let class = if unreachable && !tried.is_empty() { ErrorClass::Transient } else { ErrorClass::Denied };
        Err(ProviderError::new(class, "Azure credentials not found", detail).hint(
            "Set ARM_CLIENT_ID, ARM_CLIENT_SECRET and ARM_TENANT_ID, run in a pod with a workload identity, \
             set use_msi on a machine with an identity, or run az login.",
        ))
    }

    /// Whether a credential gives a token, and in time.
    async fn tried(&self, credential: &dyn TokenCredential) -> azure_core::Result<()> {
        match tokio::time::timeout(self.limit, credential.get_token(&[self.scope], None)).await {
            Ok(given) => given.map(|_| ()),
            Err(_) => {
                let words = format!("no answer within {} s", self.limit.as_secs());
                Err(azure_core::Error::with_message(azure_core::error::ErrorKind::Connection, words))
            }
        }
    }

    fn given(&self, own: Option<&String>, variables: &[&str]) -> Option<String> {
        let around = || variables.iter().find_map(|name| self.around.get(*name));
        own.or_else(around).filter(|text| !text.is_empty()).cloned()
    }

    fn client(&self) -> Option<String> {
        self.given(self.place.client_id.as_ref(), &["ARM_CLIENT_ID", "AZURE_CLIENT_ID"])
    }

    fn secret(&self) -> Option<String> {
        self.given(self.place.client_secret.as_ref(), &["ARM_CLIENT_SECRET", "AZURE_CLIENT_SECRET"])
    }

    fn switch(&self, own: Option<bool>, variables: &[&str], usual: bool) -> bool {
        let around = || variables.iter().find_map(|name| self.around.get(*name)).map(|text| text == "true");
        own.or_else(around).unwrap_or(usual)
    }

    fn chain(&self) -> Vec<(&'static str, Made)> {
        let place = self.place;
        let mut chain: Vec<(&'static str, Made)> = Vec::new();
        let tenant = self.given(place.tenant_id.as_ref(), &["ARM_TENANT_ID", "AZURE_TENANT_ID"]);
        let token = self.given(
            place.oidc_token_file_path.as_ref(),
            &["ARM_OIDC_TOKEN_FILE_PATH", "AZURE_FEDERATED_TOKEN_FILE"],
        );
        if let Some(secret) = self.secret() {
            chain.push(("client secret", self.by_secret(tenant.as_deref(), secret)));
        }
        if token.is_some() || self.switch(place.use_oidc, &["ARM_USE_OIDC"], false) {
            chain.push(("workload identity", self.by_token(tenant.clone(), token)));
        }
        if self.switch(place.use_msi, &["ARM_USE_MSI"], false) {
            chain.push(("managed identity", self.by_machine()));
        }
        if self.switch(place.use_cli, &["ARM_USE_CLI"], true) {
            chain.push(("Azure CLI", self.by_tool(tenant)));
        }
        chain
    }

    fn by_secret(&self, tenant: Option<&str>, secret: String) -> Made {
        let missing = |name: &str| {
            azure_core::Error::with_message(
                azure_core::error::ErrorKind::Credential,
                format!("{name} is not set"),
            )
        };
        let tenant = tenant.ok_or_else(|| missing("tenant_id"))?;
        let client = self.client().ok_or_else(|| missing("client_id"))?;
        let options = ClientSecretCredentialOptions { client_options: self.options() };
        Ok(ClientSecretCredential::new(tenant, client, Secret::new(secret), Some(options))?)
    }

    fn by_token(&self, tenant: Option<String>, file: Option<String>) -> Made {
        let options = WorkloadIdentityCredentialOptions {
            credential_options: ClientAssertionCredentialOptions { client_options: self.options() },
            client_id: self.client(),
            tenant_id: tenant,
            token_file_path: file.map(Into::into),
        };
        Ok(WorkloadIdentityCredential::new(Some(options))?)
    }

    fn by_machine(&self) -> Made {
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: self.client().map(UserAssignedId::ClientId),
            client_options: self.options(),
        };
        Ok(ManagedIdentityCredential::new(Some(options))?)
    }

    fn by_tool(&self, tenant: Option<String>) -> Made {
        let subscription = self.place.subscription_id.clone();
        let options = AzureCliCredentialOptions { subscription, tenant_id: tenant, executor: None };
        let tool = AzureCliCredential::new(Some(options))?;
        Ok(Arc::new(Kept { inner: tool, tokens: Mutex::default() }))
    }

    fn options(&self) -> ClientOptions {
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host = self.authority.to_owned();
        ClientOptions {
            transport: Some(Transport::new(Arc::clone(self.http))),
            retry: RetryOptions::none(),
            cloud: Some(Arc::new(cloud.into())),
            ..ClientOptions::default()
        }
    }
}

/// Whether nobody was reached who could have refused.
fn is_unreachable(error: &azure_core::Error) -> bool {
    use azure_core::error::ErrorKind;
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<azure_core::Error>()
            && matches!(error.kind(), ErrorKind::Connection | ErrorKind::Io)
        {
            return !super::arm::is_untrusted(error);
        }
        cause = error.source();
    }
    false
}

/// The first line of what is wrong: directories add stacks of their own.
fn reason(error: &azure_core::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    let line = text.lines().next().unwrap_or_default().trim();
    line.trim_end_matches('.').to_owned()
}
