//! What a data source is to the provider, what its calls are made with, and what
//! answers come to that all types have in common.

use async_trait::async_trait;
use serde_json::Value as Json;
use tenantctl_core::provider::{Block, ErrorClass};

use super::error::Failure;
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

/// What a creation comes to that was refused because there is one already: that
/// one, when a lost answer was to this creation; else it is somebody else's.
pub(super) async fn made_before(
    resource: &dyn Resource<Session>,
    call: &Call<'_>,
    planned: &Json,
    failure: Failure,
) -> Called<Done> {
    match failure.error.class {
        ErrorClass::Conflict => match resource.find(call, planned).await? {
            Some(found) => Ok(Done::Object(found)),
            None => Err(failure.into()),
        },
        _ => Err(failure.into()),
    }
}

/// What a removal comes to: what is not there is removed.
pub(super) fn removed<T>(answer: Result<T, Failure>) -> Called<Done> {
    match answer {
        Ok(_) => Ok(Done::Gone),
        Err(failure) if failure.is_missing() => Ok(Done::Gone),
        Err(failure) => Err(failure.into()),
    }
}
