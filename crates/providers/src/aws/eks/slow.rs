//! Objects that EKS takes minutes for.
//!
//! A change is a way towards what is planned: look what there is, begin the
//! next step, wait for it, look again. So an upgrade over several versions, a
//! change that needs several calls, and a run that was killed in between are
//! all the same. Guarantees: creations carry the token, so that repeating them
//! makes one object; a failed step says what EKS says; while something else is
//! done to the object, the change waits outside of any call.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_eks::types::UpdateStatus;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{
    AttributeError, Block, ErrorClass, Operation, ProviderError, Timeouts, Value,
};

use super::super::error::{Failure, failed, gone, not_ours};
use super::super::json::Fields as _;
use super::super::plan::Draft;
use super::super::problems::Problems;
use super::super::resource::{Call, Called, Done, Likeness, Resource};
use super::super::session::Session;
use super::super::tags::{self as tagging, Tags};

/// Codes by which EKS says that something else is being done.
const BUSY: &[&str] = &["ResourceInUseException", "InvalidRequestException"];
const FIRST_WAIT: f64 = 1.0;
const LONGEST_WAIT: f64 = 20.0;

/// An object as EKS has it.
pub(super) struct Seen {
    /// Its attributes.
    pub(super) object: Json,
    /// Its ARN.
    pub(super) arn: String,
    /// Where it is in its life.
    pub(super) status: String,
    /// Its tags, marks included.
    pub(super) tags: Tags,
    /// What EKS finds wrong with it.
    pub(super) issues: Vec<String>,
}

/// The next step towards what is planned.
pub(super) enum Step {
    /// There is none.
    Arrived,
    /// This one has begun; EKS calls it by this id.
    Begun(String, String),
}

/// One kind of slow object.
#[async_trait]
pub(super) trait Slow: Send + Sync {
    /// Its resource type.
    const KIND: &'static str;
    /// The states in which it works.
    const WORKS: &'static [&'static str];
    /// How many minutes it may take to create, to change and to remove one.
    const MINUTES: (u64, u64, u64);

    /// What its block takes.
    fn block(&self) -> Block;
    /// Problems that the block cannot say.
    fn validate(&self, problems: &mut Problems<'_>);
    /// A name that no two share.
    fn identity(&self, object: &Value) -> Option<String>;
    /// Corrects a plan.
    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError>;
    /// Whether two values mean the same.
    fn same(&self, name: &str, a: &Value, b: &Value) -> bool;
    /// Blocks that EKS fills in.
    fn defaulted(&self) -> &'static [&'static str];
    /// What has to be known to read the object of an id.
    fn seed(&self, id: &str) -> Called<Json>;
    /// In words, for messages.
    fn what(&self, object: &Json) -> String;
    /// With the name that a creation without one gets.
    fn named(&self, token: &str, planned: &Json) -> Json {
        let _ = token;
        planned.clone()
    }
    /// Looks at it.
    async fn look(&self, at: &Session, object: &Json) -> Called<Option<Seen>>;
    /// Begins its creation.
    async fn begin(&self, call: &Call<'_>, planned: &Json, tags: Tags) -> Result<(), Failure>;
    /// Begins the next step.
    async fn step(&self, at: &Session, seen: &Seen, planned: &Json) -> Result<Step, Failure>;
    /// Begins its removal.
    async fn remove(&self, at: &Session, object: &Json) -> Result<(), Failure>;
    /// What stands in the way of its removal.
    async fn holders(&self, at: &Session, object: &Json) -> Called<Vec<String>> {
        let _ = (at, object);
        Ok(Vec::new())
    }
    /// Names an update's object besides the cluster: node group, add-on.
    fn update_of(&self, object: &Json) -> (String, Option<String>, Option<String>);
}

/// A slow object as a resource type.
pub(super) struct Slowly<S>(pub(super) S);

/// An operation, with how long it is waited until it is asked for again.
fn pending(polls: u32, message: impl Into<String>, mut handle: Json) -> Done {
    let wait = (FIRST_WAIT * 1.5_f64.powi(i32::try_from(polls).unwrap_or(i32::MAX))).min(LONGEST_WAIT);
    handle["polls"] = (polls + 1).into();
    Done::Pending(Operation { handle, message: message.into(), after: Duration::from_secs_f64(wait) })
}

impl<S: Slow> Slowly<S> {
    fn shown(seen: &Seen, reference: &Json) -> Json {
        let mut object = seen.object.clone();
        object["status"] = seen.status.clone().into();
        tagging::show(&mut object, reference, &seen.tags);
        object
    }

    /// Looks where the object is, and begins what comes next.
    async fn go_on(&self, call: &Call<'_>, planned: &Json, polls: u32, during: &str) -> Called<Done> {
        let what = self.0.what(planned);
        let Some(seen) = self.0.look(call.at, planned).await? else {
            // A creation that is not to be seen yet.
            return match during {
                "create" if polls < 5 => Ok(pending(polls, "not to be seen yet", json!({ "do": during }))),
                _ => Err(gone(&what)),
            };
        };
        let busy = |message: String| Ok(pending(polls, message, json!({ "do": during })));
        match seen.status.as_str() {
            status if S::WORKS.contains(&status) => {}
            "CREATING" | "UPDATING" | "PENDING" => return busy(seen.status.to_lowercase()),
            _ => return Err(broken(&what, &seen)),
        }
        super::set_tags(call, &seen.arn, &seen.tags, planned).await?;
        match self.0.step(call.at, &seen, planned).await {
            Ok(Step::Arrived) => {
                let tags = tagging::changed(call, &seen.tags, planned);
                Ok(Done::Object(Self::shown(&Seen { tags, ..seen }, planned)))
            }
            Ok(Step::Begun(update, message)) => {
                let handle = json!({ "do": "update", "update": update, "message": message });
                Ok(pending(0, message, handle))
            }
            Err(failure) if failure.is(BUSY) && is_in_use(&failure) => {
                busy("waits for another change".into())
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Asks what came of a step.
    async fn look_after(
        &self,
        call: &Call<'_>,
        planned: &Json,
        polls: u32,
        update: &str,
        message: &str,
    ) -> Called<Done> {
        let (cluster, group, addon) = self.0.update_of(planned);
        let answer = call.at.eks().read.describe_update().name(cluster).update_id(update);
        let answer = answer.set_nodegroup_name(group).set_addon_name(addon).send().await;
        let what = self.0.what(planned);
        let answer = answer.map_err(|e| failed(&format!("Asking how the change of {what} goes"), e))?;
        let Some(found) = answer.update() else { return self.go_on(call, planned, 0, "update").await };
        match found.status() {
            Some(UpdateStatus::InProgress) | None => {
                let handle = json!({ "do": "update", "update": update, "message": message });
                Ok(pending(polls, message, handle))
            }
            Some(UpdateStatus::Successful) => self.go_on(call, planned, 0, "update").await,
            Some(_) => {
                let said = found.errors().iter().map(|error| {
                    let code = error.error_code().map_or("", aws_sdk_eks::types::ErrorCode::as_str);
                    format!("{} ({code})", error.error_message().unwrap_or_default().trim_end_matches('.'))
                });
                let said: Vec<String> = said.collect();
                let said = if said.is_empty() { "EKS gives no reason".into() } else { said.join("; ") };
                let detail = format!("The change {update} of {what} failed: {said}.");
                Err(ProviderError::new(ErrorClass::Invalid, "Change failed", detail))
            }
        }
    }

    /// Looks whether a removal is done.
    async fn look_whether_gone(&self, call: &Call<'_>, prior: &Json, polls: u32) -> Called<Done> {
        let Some(seen) = self.0.look(call.at, prior).await? else { return Ok(Done::Gone) };
        match seen.status.as_str() {
            "DELETING" => Ok(pending(polls, "deleting", json!({ "do": "delete" }))),
            "DELETE_FAILED" => Err(broken(&self.0.what(prior), &seen)),
            // It had to wait for its turn.
            _ => self.begin_removal(call, prior, polls).await,
        }
    }

    async fn begin_removal(&self, call: &Call<'_>, prior: &Json, polls: u32) -> Called<Done> {
        match self.0.remove(call.at, prior).await {
            Ok(()) => Ok(pending(0, "deleting", json!({ "do": "delete" }))),
            Err(failure) if failure.is_missing() => Ok(Done::Gone),
            Err(failure) if failure.is(BUSY) => {
                let holders = self.0.holders(call.at, prior).await?;
                if holders.is_empty() && is_in_use(&failure) {
                    return Ok(pending(polls, "waits for another change", json!({ "do": "delete" })));
                }
                if holders.is_empty() {
                    return Err(failure.into());
                }
                let what = self.0.what(prior);
                let detail = format!("The {what} still has {}. Nothing was removed.", holders.join(", "));
                Err(ProviderError::new(ErrorClass::Invalid, "Object in use", detail)
                    .hint("Remove what is in it first."))
            }
            Err(failure) => Err(failure.into()),
        }
    }
}

/// Whether the service says that it is at something else, as opposed to that
/// the request makes no sense.
fn is_in_use(failure: &Failure) -> bool {
    failure.code == "ResourceInUseException"
}

fn broken(what: &str, seen: &Seen) -> ProviderError {
    let said = if seen.issues.is_empty() { "EKS gives no reason".into() } else { seen.issues.join("; ") };
    let detail = format!("The {what} is {}: {said}.", seen.status);
    ProviderError::new(ErrorClass::Invalid, "Object does not work", detail)
}

impl<S: Slow> Likeness for Slowly<S> {
    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        self.0.same(name, a, b)
    }

    fn defaulted_blocks(&self) -> &'static [&'static str] {
        self.0.defaulted()
    }
}

#[async_trait]
impl<S: Slow> Resource<Session> for Slowly<S> {
    fn kind(&self) -> &'static str {
        S::KIND
    }

    fn block(&self) -> Block {
        self.0.block()
    }

    fn timeouts(&self) -> Timeouts {
        let (create, update, delete) = S::MINUTES;
        Timeouts::minutes(create, update, delete)
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        self.0.validate(problems);
    }

    fn identity(&self, object: &Value) -> Option<String> {
        self.0.identity(object)
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        // One whose creation was cut short is finished; one that failed is
        // made anew.
        let status = draft.prior("status");
        match status.as_str() {
            Some(status) if S::WORKS.contains(&status) => {}
            Some("CREATE_FAILED" | "FAILED") => draft.replace("status"),
            Some(_) => draft.reopen_results(),
            None => {}
        }
        self.0.plan(draft)
    }

    async fn read(&self, at: &Session, prior: &Json) -> Called<Option<Json>> {
        let seen = self.0.look(at, prior).await?;
        // What is being deleted is as good as gone.
        Ok(seen.filter(|seen| seen.status != "DELETING").map(|seen| Self::shown(&seen, prior)))
    }

    async fn find(&self, call: &Call<'_>, planned: &Json) -> Called<Option<Json>> {
        let planned = self.0.named(call.token, planned);
        match self.0.look(call.at, &planned).await? {
            None => Ok(None),
            Some(seen) if tagging::is_of(call, &seen.tags) => Ok(Some(Self::shown(&seen, &planned))),
            Some(_) => Err(not_ours(&format!("a {}", self.0.what(&planned)))),
        }
    }

    async fn create(&self, call: &Call<'_>, planned: &Json) -> Called<Done> {
        let planned = self.0.named(call.token, planned);
        let tags = tagging::at_creation(call, &planned);
        match self.0.begin(call, &planned, tags).await {
            Ok(()) => Ok(pending(0, "creating", json!({ "do": "create" }))),
            Err(failure) if failure.is(BUSY) && is_in_use(&failure) => {
                // Ours after a lost answer, somebody else's, or the cluster is
                // at something else.
                match self.find(call, &planned).await? {
                    Some(_) => self.go_on(call, &planned, 0, "create").await,
                    None => Ok(pending(0, "waits for the cluster", json!({ "do": "begin" }))),
                }
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn update(&self, call: &Call<'_>, _prior: &Json, planned: &Json) -> Called<Done> {
        self.go_on(call, planned, 0, "update").await
    }

    async fn delete(&self, call: &Call<'_>, prior: &Json) -> Called<Done> {
        let Some(seen) = self.0.look(call.at, prior).await? else { return Ok(Done::Gone) };
        if let Some(owner) = tagging::stranger(call.workspace, &seen.tags) {
            let detail = format!("The {} is marked as one of the workspace {owner}.", self.0.what(prior));
            return Err(ProviderError::new(ErrorClass::Conflict, "Object of another workspace", detail));
        }
        self.look_whether_gone(call, prior, 0).await
    }

    async fn poll(&self, call: &Call<'_>, handle: &Json, planned: &Json) -> Called<Done> {
        let planned = self.0.named(call.token, planned);
        let polls = handle.int32("polls").and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        match (handle.text("do"), handle.text("update")) {
            ("begin", _) => match self.create(call, &planned).await? {
                Done::Pending(operation) if operation.handle.text("do") == "begin" => {
                    Ok(pending(polls, "waits for the cluster", json!({ "do": "begin" })))
                }
                done => Ok(done),
            },
            ("delete", _) => self.look_whether_gone(call, &planned, polls).await,
            ("update", update) if !update.is_empty() => {
                let message = handle.given("message").unwrap_or_else(|| "updating".into());
                self.look_after(call, &planned, polls, update, &message).await
            }
            (during, _) => self.go_on(call, &planned, polls, during).await,
        }
    }

    fn seed(&self, id: &str) -> Called<Json> {
        self.0.seed(id)
    }
}
