//! What a provider is to the engine.
//!
//! A provider turns resource types into calls of some service. It is given
//! values and gives values back. Region, account and cluster are arguments of
//! resources: a provider has no connection of its own but gets one with each
//! request, settled by [`Provider::connection`] and kept with the object in
//! state, so that refresh and destroy work after the configuration is gone.
//!
//! Must not: see state, graph or other resources; plan asynchronously; retry
//! (the engine does, by [`ErrorClass`]); wait for long operations (the engine
//! polls).

mod error;
mod meaning;
mod registry;
mod schema;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use crate::diag::{Diagnostic, Severity};
pub use crate::timeouts::{Timed, Timeouts, Words};
pub use crate::value::{Entries, Kind, Marks, Number, ObjectType, Path, PathStep, Type, Unknown, Value};
pub use error::{ErrorClass, ProviderError};
pub use meaning::{Aspect, Meaning, Meaningless, Meanings, Reading, Said};
pub use registry::Registry;
pub use schema::{Attribute, Block, BlockType, Nesting, ProviderSchema, ResourceSchema};

/// A problem with one attribute of a resource's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeError {
    /// Which attribute; the root for the block as a whole.
    pub path: Path,
    /// The kind of problem, constant.
    pub summary: &'static str,
    /// What is wrong, in full sentences.
    pub detail: String,
    /// What to do.
    pub hint: Option<String>,
}

/// What to plan: all values are objects that follow the resource's schema.
#[derive(Clone, Copy, Debug)]
pub struct PlanRequest<'a> {
    /// Resource type.
    pub kind: &'a str,
    /// The object as it stands; `None` when it is to be created.
    pub prior: Option<&'a Value>,
    /// The configuration; may be partly unknown; nulls where nothing is set.
    pub config: &'a Value,
    /// How the object will be reached, by [`Provider::connection`]; unknown
    /// while a part of it is.
    pub connection: &'a Value,
    /// `config` with what only the provider knows filled in from `prior`, or
    /// unknown on create: the engine's guess, for the provider to correct.
    pub proposed: &'a Value,
}

/// The planned object and why it can or cannot be reached in place.
#[derive(Clone, Debug)]
pub struct PlanResponse {
    /// The object as it will be, unknown where only the apply will tell.
    pub planned: Value,
    /// Attributes whose change needs a new object. Without a prior object,
    /// empty.
    pub requires_replace: Vec<Path>,
}

/// What names an object to its service, and how to reach it.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// Resource type.
    pub kind: &'a str,
    /// From [`Provider::connection`]; wholly known.
    pub connection: &'a Value,
    /// Made once for each planned creation and kept in the journal: sent as
    /// idempotency token, or as ownership mark, where the service has a place
    /// for it.
    pub token: &'a str,
    /// `workspace` of the instance, for ownership marks.
    pub workspace: &'a str,
}

/// What came of a write.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is done; the object as the service has it now (`NULL` after delete).
    Done(Value),
    /// The service works on it; ask again with [`Provider::poll`].
    Pending(Operation),
}

/// A long-running operation, as plain data that survives a crash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Operation {
    /// What the provider needs to ask for it. Holds no secrets.
    pub handle: serde_json::Value,
    /// What the service says about it, for progress lines.
    pub message: String,
    /// When to ask next, from the service's hint.
    pub after: Duration,
}

/// An object to read.
#[derive(Clone, Copy, Debug)]
pub struct ReadObject<'a> {
    /// The object as last recorded, wholly known.
    pub prior: &'a Value,
}

/// Somebody else who changed an object, as the service knows them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Author {
    /// A name: a program, an account.
    pub name: String,
    /// When they last did, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

/// What a read found for one object.
#[derive(Clone, Debug)]
pub enum ReadOutcome {
    /// It is there. Attributes that the configuration does not own keep the
    /// recorded value when only the service changed them.
    Found(Value),
    /// It is there, otherwise than recorded, and these changed it.
    Changed(Value, Vec<Author>),
    /// It is gone.
    Gone,
    /// It could not be read.
    Failed(ProviderError),
}

/// An ephemeral object that was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The object. The engine marks it: no attribute of it is ever stored.
    pub value: Value,
    /// What [`Provider::close`] needs, when there is something to close.
    pub handle: Option<serde_json::Value>,
    /// How long it is good for unless [`Provider::renew`] makes that longer.
    pub renew_after: Option<Duration>,
}

/// What [`Provider::renew`] came to.
#[derive(Clone, Debug)]
pub struct Renewed {
    /// The handle in place of the one before; `None` when that still serves.
    pub handle: Option<serde_json::Value>,
    /// How long it is good for now.
    pub renew_after: Option<Duration>,
}

/// Makes an object of one type out of one of another.
pub type Mover = fn(&Value) -> Value;

/// A service's resource types. All values passed in are objects that follow
/// the type's schema, sensitive marks included: nothing sensitive may reach an
/// error's text.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The local name: `kubernetes`. Resource types start with it and `_`.
    fn name(&self) -> &str;

    /// Configuration block, resource types and data sources.
    fn schema(&self) -> &ProviderSchema;

    /// Problems of a configuration that its schema cannot say. Unknown parts
    /// are not problems. Pure.
    fn validate(&self, kind: &str, config: &Value) -> Vec<AttributeError> {
        let _ = (kind, config);
        Vec::new()
    }

    /// The connection that an object is reached by, settled from the
    /// `provider` block (`NULL` without one) and the resource's configuration.
    /// Unknown while either is; `NULL` where there is none to settle. Secrets
    /// in it are marked sensitive.
    ///
    /// # Errors
    /// When no connection can come of the two.
    fn connection(&self, provider_config: &Value, config: &Value) -> Result<Value, AttributeError> {
        let _ = (provider_config, config);
        Ok(Value::NULL)
    }

    /// A name that no two objects of one connection share, for the duplicate
    /// check; `None` while unknown or when the service gives the name.
    fn identity(&self, kind: &str, planned: &Value) -> Option<String> {
        let _ = (kind, planned);
        None
    }

    /// Names in the world that an object claims, such as host names: no two
    /// tenants may, whatever cluster or account theirs is in.
    fn claims(&self, kind: &str, planned: &Value) -> Vec<String> {
        let _ = (kind, planned);
        Vec::new()
    }

    /// Whether objects of a type are nothing but what is recorded of them, so
    /// that a change whose record was lost was never made. Calls for them are
    /// not made known before they are made, and are done when they return.
    fn is_only_recorded(&self, kind: &str) -> bool {
        let _ = kind;
        false
    }

    /// Decides what a change would come to. Pure and quick.
    ///
    /// # Errors
    /// When the change is impossible; the attribute is named.
    fn plan(&self, request: PlanRequest<'_>) -> Result<PlanResponse, AttributeError>;

    /// Says that the objects of so many workspaces are about to be read. While
    /// what is returned is held, one look at all that a service has may answer
    /// the reads of many.
    fn reading(&self, workspaces: usize) -> Option<Box<dyn Send + Sync>> {
        let _ = workspaces;
        None
    }

    /// Reads objects of one type and connection in as few calls as the
    /// service allows; one outcome for each object, in order.
    async fn read(
        &self,
        kind: &str,
        connection: &Value,
        workspace: &str,
        objects: &[ReadObject<'_>],
    ) -> Vec<ReadOutcome>;

    /// Looks for the object that a creation of `planned` would have made:
    /// after a crash or a lost reply, by deterministic name, token or
    /// ownership mark. `None` when it is not there; an object that is there
    /// but not ours is an error of class [`ErrorClass::Conflict`].
    async fn find(&self, target: Target<'_>, planned: &Value) -> Result<Option<Value>, ProviderError>;

    /// Makes the object. `config` tells what the user set; `planned` is
    /// unknown only where the service decides.
    async fn create(
        &self,
        target: Target<'_>,
        config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError>;

    /// Changes the object in place. Applying twice must do no harm.
    async fn update(
        &self,
        target: Target<'_>,
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) -> Result<Outcome, ProviderError>;

    /// Tells whether the service would take an update, without making it. The
    /// default is for services that have no way to ask.
    ///
    /// # Errors
    /// What [`Provider::update`] would answer as things stand.
    async fn rehearse(
        &self,
        target: Target<'_>,
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) -> Result<(), ProviderError> {
        let _ = (target, prior, config, planned);
        Ok(())
    }

    /// Removes the object. One that is gone already is `Done`.
    async fn delete(&self, target: Target<'_>, prior: &Value) -> Result<Outcome, ProviderError>;

    /// Asks how a long-running operation goes. The default is for providers
    /// that start none.
    async fn poll(&self, target: Target<'_>, operation: &Operation) -> Result<Outcome, ProviderError> {
        let _ = (target, operation);
        Err(ProviderError::new(
            ErrorClass::Invalid,
            "Unknown operation",
            "This provider starts no long-running operations.",
        ))
    }

    /// Returns when an operation may have come further than its last poll saw;
    /// the engine then polls at once instead of after [`Operation::after`]. It
    /// is asked outside any limit on calls in flight, and may be dropped at any
    /// time. The default is for services that tell nothing by themselves.
    async fn changed(&self, target: Target<'_>, operation: &Operation) {
        let _ = (target, operation);
        std::future::pending::<()>().await;
    }

    /// Reads an object by the id that a user gives to `import`.
    async fn import(&self, target: Target<'_>, id: &str) -> Result<Value, ProviderError> {
        let _ = id;
        Err(ProviderError::new(
            ErrorClass::Invalid,
            "Import not supported",
            format!("Objects of type {} cannot be imported.", target.kind),
        ))
    }

    /// What makes an object of the type `to` out of one of another type, maybe
    /// of another provider, without a call: for `moved` blocks.
    fn moved(&self, from: &str, to: &str) -> Option<Mover> {
        let _ = (from, to);
        None
    }

    /// Reads a data source.
    async fn read_data(
        &self,
        kind: &str,
        connection: &Value,
        config: &Value,
    ) -> Result<Value, ProviderError> {
        let _ = (connection, config);
        Err(ProviderError::new(
            ErrorClass::Invalid,
            "Unknown data source",
            format!("There is no data source {kind}."),
        ))
    }

    /// Opens an ephemeral object: a token, a lease, a tunnel. Done anew by
    /// each plan and each apply.
    async fn open(&self, kind: &str, connection: &Value, config: &Value) -> Result<Opened, ProviderError> {
        let _ = (connection, config);
        Err(ProviderError::new(
            ErrorClass::Invalid,
            "Unknown ephemeral resource",
            format!("There is no ephemeral resource {kind}."),
        ))
    }

    /// Makes an open object last longer, as [`Opened::renew_after`] asks for. Its
    /// value stays as it is.
    async fn renew(
        &self,
        kind: &str,
        connection: &Value,
        handle: &serde_json::Value,
    ) -> Result<Renewed, ProviderError> {
        let _ = (connection, handle);
        Err(ProviderError::new(
            ErrorClass::Invalid,
            "Renewal not supported",
            format!("Ephemeral resources of type {kind} cannot be renewed."),
        ))
    }

    /// Ends what [`Provider::open`] began.
    async fn close(
        &self,
        kind: &str,
        connection: &Value,
        handle: &serde_json::Value,
    ) -> Result<(), ProviderError> {
        let _ = (kind, connection, handle);
        Ok(())
    }
}

/// A provider that many parts of the engine share.
pub type SharedProvider = Arc<dyn Provider>;
