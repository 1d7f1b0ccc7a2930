//! How who talks to a cluster gets credentials from the cloud that runs it.
//!
//! Guarantees: credentials go from memory to memory; their Debug shows none.

use std::fmt;

use async_trait::async_trait;
use tenantctl_core::provider::ProviderError;

/// What a cluster's API is called with.
#[derive(Clone, Default)]
pub struct Credentials {
    /// Its address.
    pub endpoint: String,
    /// The certificate that signed its own, as PEM.
    pub ca: Option<String>,
    /// A token.
    pub token: Option<String>,
    /// A client certificate, as PEM.
    pub client_certificate: Option<String>,
    /// Its key, as PEM.
    pub client_key: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// A cloud that gives credentials of its clusters.
#[async_trait]
pub trait ClusterAccess: Send + Sync {
    /// Credentials of the cluster with this id, as they are now.
    async fn credentials(&self, cluster: &str) -> Result<Credentials, ProviderError>;
}
