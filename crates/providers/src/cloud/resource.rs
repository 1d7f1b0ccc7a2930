//! What a resource type and a data source are to the provider.
//!
//! A type says what its block takes, what a plan corrects, and which calls it
//! comes to. All of them speak plain JSON shaped like the block. A read may
//! leave out what the service does not know.

use async_trait::async_trait;
use serde_json::Value as Json;
use tenantctl_core::provider::{AttributeError, Block, Operation, ProviderError, Timeouts, Value};

use super::plan::Draft;
use super::problems::Problems;

/// What a call is made with.
pub(crate) struct Call<'a, S> {
    /// Where it goes.
    pub(crate) at: &'a S,
    /// The token of the object's creation; empty for imported ones.
    pub(crate) token: &'a str,
    /// Whose the object is.
    pub(crate) workspace: &'a str,
    /// The configuration, for what is written and never kept; null where there
    /// is none at hand.
    pub(crate) config: &'a Json,
}

/// What came of a write.
pub(crate) enum Done {
    /// The object as it is now.
    Object(Json),
    /// There is none any more.
    Gone,
    /// It goes on: ask again.
    Pending(Operation),
}

/// The result of a call.
pub(crate) type Called<T> = Result<T, ProviderError>;

/// What counts as the same.
pub(crate) trait Likeness: Send + Sync {
    /// Whether two values of an attribute, at whatever depth, mean the same.
    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        let _ = (name, a, b);
        false
    }

    /// Blocks that the service fills in when the configuration has none.
    fn defaulted_blocks(&self) -> &'static [&'static str] {
        &[]
    }
}

/// A resource type whose objects are reached by sessions of a kind.
#[async_trait]
pub(crate) trait Resource<S: Send + Sync>: Likeness {
    /// Its name.
    fn kind(&self) -> &'static str;

    /// What its block takes.
    fn block(&self) -> Block;

    /// How long its operations may take when nobody says.
    fn timeouts(&self) -> Timeouts {
        Timeouts::default()
    }

    /// Problems that the block cannot say.
    fn validate(&self, problems: &mut Problems<'_>) {
        let _ = problems;
    }

    /// A name that no two objects of one connection share.
    fn identity(&self, object: &Value) -> Option<String>;

    /// Names in the world that it claims.
    fn claims(&self, object: &Value) -> Vec<String> {
        let _ = object;
        Vec::new()
    }

    /// Corrects the engine's guess.
    ///
    /// # Errors
    /// When the change is impossible.
    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        let _ = draft;
        Ok(())
    }

    /// Reads one object; `None` when it is gone.
    async fn read(&self, at: &S, prior: &Json) -> Called<Option<Json>>;

    /// Reads many objects in as few calls as the service allows; `None` for
    /// types whose objects are read one by one.
    async fn read_all(&self, at: &S, objects: &[Json]) -> Option<Vec<Called<Option<Json>>>> {
        let _ = (at, objects);
        None
    }

    /// What a creation of this would have made.
    async fn find(&self, call: &Call<'_, S>, planned: &Json) -> Called<Option<Json>> {
        self.read(call.at, planned).await
    }

    /// Makes it. Twice with one token makes one.
    async fn create(&self, call: &Call<'_, S>, planned: &Json) -> Called<Done>;

    /// Changes it.
    async fn update(&self, call: &Call<'_, S>, prior: &Json, planned: &Json) -> Called<Done>;

    /// Removes it.
    async fn delete(&self, call: &Call<'_, S>, prior: &Json) -> Called<Done>;

    /// Asks how an operation goes. `planned` is what it leads to, while the
    /// process that began it lives.
    async fn poll(&self, call: &Call<'_, S>, handle: &Json, planned: &Json) -> Called<Done> {
        let _ = (call, handle, planned);
        Err(ProviderError::new(
            tenantctl_core::provider::ErrorClass::Invalid,
            "Unknown operation",
            "The recorded operation is none of this provider.",
        ))
    }

    /// What a read needs to know of the object with this id.
    ///
    /// # Errors
    /// An id of another shape.
    fn seed(&self, id: &str) -> Called<Json>;
}
