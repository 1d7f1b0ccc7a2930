//! What a data source is to the provider, and what its calls are made with.

use async_trait::async_trait;
use serde_json::Value as Json;
use tenantctl_core::provider::Block;

use super::session::Session;
use crate::cloud::resource;
pub(super) use crate::cloud::resource::{Called, Done, Likeness, Resource};

/// What a call is made with: account and region.
pub(super) type Call<'a> = resource::Call<'a, Session>;

/// A data source.
#[async_trait]
pub(super) trait Data: Send + Sync {
    /// Its name.
    fn kind(&self) -> &'static str;

    /// What its block takes.
    fn block(&self) -> Block;

    /// Reads it.
    async fn read(&self, at: &Session, config: &Json) -> Called<Json>;
}
