//! What tells one type of Azure's objects from another.
//!
//! All of them are put, read, listed and removed alike (see `managed`); a type
//! says where its objects are, what is put, what is shown of what there is, and
//! which further calls lead to what is planned.

use async_trait::async_trait;
use azure_core::http::Method;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{AttributeError, Block, Value};

use super::answer::{Answer, Failure};
use super::arm::{Ask, Condition};
use super::session::Session;
use crate::cloud::json::Fields as _;
use crate::cloud::plan::Draft;
use crate::cloud::problems::Problems;
use crate::cloud::resource::{Called, Done};
use crate::cloud::tags::Tags;

/// One write.
#[derive(Clone, Debug)]
pub(super) struct Put {
    /// The id, or another path.
    pub(super) path: String,
    pub(super) body: Json,
    pub(super) condition: Condition,
    /// For progress: `creating`, `upgrading to 1.33`.
    pub(super) message: String,
}

/// A type of objects.
#[async_trait]
pub(super) trait Kind: Send + Sync + 'static {
    /// Its resource type.
    const KIND: &'static str;
    /// The version of its interface.
    const API: &'static str;
    /// How long its operations may take when nobody says.
    const MINUTES: u64 = 30;
    /// Whether writes may say what they take for granted.
    const CONDITIONS: bool = false;
    /// Whether its objects have tags of their own.
    const TAGGED: bool = true;
    /// Whether a change is one write of the whole.
    const WHOLE: bool = true;
    /// Whether an earlier object of the same workspace is taken up again: one
    /// that was deleted and comes back has the marks of its first life.
    const COMES_BACK: bool = false;

    /// What its block takes.
    fn block(&self) -> Block;

    /// Problems that the block cannot say.
    fn validate(&self, problems: &mut Problems<'_>) {
        let _ = problems;
    }

    /// A name that no two share.
    fn identity(&self, object: &Value) -> Option<String>;

    /// Names in the world that it claims.
    fn claims(&self, object: &Value) -> Vec<String> {
        let _ = object;
        Vec::new()
    }

    /// Corrects a plan.
    ///
    /// # Errors
    /// When the change is impossible.
    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        let _ = draft;
        Ok(())
    }

    /// Whether two values mean the same.
    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        let _ = (name, a, b);
        false
    }

    /// Blocks that Azure fills in.
    fn defaulted(&self) -> &'static [&'static str] {
        &[]
    }

    /// Where it is.
    fn id(&self, at: &Session, object: &Json) -> String;

    /// In words, for messages.
    fn what(&self, object: &Json) -> String;

    /// What has to be known to read the object of an id.
    ///
    /// # Errors
    /// An id of another shape.
    fn seed(&self, id: &str) -> Called<Json>;

    /// With what a creation settles besides the plan.
    fn named(&self, token: &str, planned: &Json) -> Json {
        let _ = token;
        planned.clone()
    }

    /// What is put for it.
    fn body(&self, planned: &Json, tags: &Tags) -> Json;

    /// Its tags, marks included.
    fn tags(&self, actual: &Json) -> Tags {
        actual.texts_by_name("tags")
    }

    /// Whether one without tags is what is planned.
    fn is_it(&self, actual: &Json, planned: &Json) -> bool {
        let _ = (actual, planned);
        false
    }

    /// Its attributes but for the tags.
    fn shown(&self, at: &Session, actual: &Json, reference: &Json) -> Json;

    /// The list that it is in, with those that are alike.
    fn listing(&self, at: &Session, object: &Json) -> Option<String> {
        let _ = (at, object);
        None
    }

    /// Whether a recorded object lacks what [`Kind::finish`] gives.
    fn wants_more(&self, prior: &Json) -> bool {
        let _ = prior;
        false
    }

    /// What takes one change at a time.
    fn turn(&self, at: &Session, object: &Json) -> Option<String> {
        let _ = (at, object);
        None
    }

    /// The next write on the way from what there is to what is planned.
    fn next(&self, at: &Session, actual: &Json, planned: &Json, tags: &Tags) -> Called<Option<Put>> {
        let _ = (at, actual, planned, tags);
        Ok(None)
    }

    /// Looks at it.
    async fn look(&self, at: &Session, object: &Json) -> Result<Option<Json>, Failure> {
        let doing = format!("Reading the {}", self.what(object));
        at.arm.get(&doing, &self.id(at, object), Self::API).await
    }

    /// Writes.
    async fn put(&self, at: &Session, object: &Json, put: &Put) -> Result<Answer, Failure> {
        let doing = format!("Writing the {}", self.what(object));
        let condition = if Self::CONDITIONS { put.condition.clone() } else { Condition::None };
        let ask = Ask {
            doing: &doing,
            method: Method::Put,
            path: &put.path,
            api: Some(Self::API),
            body: Some(&put.body),
            condition,
        };
        at.arm.ask(&ask).await
    }

    /// Begins its removal.
    async fn remove(&self, at: &Session, object: &Json) -> Result<Answer, Failure> {
        let doing = format!("Removing the {}", self.what(object));
        let path = self.id(at, object);
        let (api, condition) = (Some(Self::API), Condition::None);
        at.arm
            .ask(&Ask { doing: &doing, method: Method::Delete, path: &path, api, body: None, condition })
            .await
    }

    /// What has to be done before a creation: what it changes of the first
    /// write.
    async fn prepare(&self, at: &Session, workspace: &str, planned: &Json, put: &mut Put) -> Called<()> {
        let _ = (at, workspace, planned, put);
        Ok(())
    }

    /// What belongs to a finished object and is not in it.
    async fn finish(&self, at: &Session, planned: &Json, object: &mut Json) -> Called<()> {
        let _ = (at, planned, object);
        Ok(())
    }

    /// What stands in the way of its removal.
    async fn holders(&self, at: &Session, object: &Json) -> Called<Vec<String>> {
        let _ = (at, object);
        Ok(Vec::new())
    }

    /// What is to be done once it is gone; `Gone` when nothing is left to do.
    async fn bury(&self, at: &Session, workspace: &str, prior: &Json, polls: u64) -> Called<Done> {
        let _ = (at, workspace, prior, polls);
        Ok(Done::Gone)
    }
}

/// Tags as they are sent.
pub(super) fn tags_json(tags: &Tags) -> Json {
    json!(tags)
}

/// The state that Azure says an object is in; empty for those without one.
pub(super) fn state(actual: &Json) -> &str {
    actual.get("properties").map_or("", |properties| properties.text("provisioningState"))
}
