//! Objects of Azure's resource manager, of whatever type.
//!
//! A change is a way towards what is planned: look what there is, begin the
//! next write, wait for it, look again. So a change that needs several calls,
//! one that has to wait for another, and one that was killed in between are all
//! the same. Guarantees: nothing is put over an object that is not ours; what
//! is put twice makes one; a change that Azure refuses because of another one
//! waits outside of any call; a failed change says what Azure says of it.

mod resource;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, Operation, ProviderError};

use super::answer::{Answer, gone, not_ours, said};
use super::arm::{Ask, Condition};
use super::kind::{Kind, Put, state};
use super::session::{List, Session};
use crate::cloud::json::Fields as _;
use crate::cloud::resource::{Call, Called, Done};
use crate::cloud::tags as tagging;

const FIRST_WAIT: f64 = 1.0;
const LONGEST_WAIT: f64 = 20.0;
/// Looks for a new object that Azure does not yet show.
const UNSEEN: u64 = 5;
/// Writes that one change may come to; an upgrade over all versions takes a few.
const STEPS: u64 = 24;

/// A type of objects as a resource type.
pub(super) struct Managed<K>(pub(super) K);

/// What is said of a change that another one is in the way of.
const WAITS: &str = "waits for another change";

type Of<'a> = Call<'a, Session>;

/// An operation, with how long it is waited until it is asked for again: as
/// Azure says, or longer each time.
pub(super) fn pending(
    polls: u64,
    hint: Option<Duration>,
    message: impl Into<String>,
    mut handle: Json,
) -> Done {
    let grown = FIRST_WAIT * 1.5_f64.powi(i32::try_from(polls).unwrap_or(i32::MAX));
    let after = hint.unwrap_or_else(|| Duration::from_secs_f64(grown.min(LONGEST_WAIT)));
    handle["polls"] = (polls + 1).into();
    Done::Pending(Operation { handle, message: message.into(), after })
}

/// How far a change has come.
#[derive(Clone, Copy)]
struct Seen<'a> {
    /// Looks at the present step.
    polls: u64,
    /// Writes so far.
    steps: u64,
    /// What is asked for next.
    during: &'a str,
}

fn waiting(seen: Seen<'_>, message: &str) -> Done {
    pending(seen.polls, None, message, json!({ "do": seen.during, "steps": seen.steps }))
}

fn is_failed(state: &str) -> bool {
    matches!(state, "Failed" | "Canceled")
}

fn is_settled(state: &str) -> bool {
    state.is_empty() || state == "Succeeded"
}

impl<K: Kind> Managed<K> {
    fn shown(&self, at: &Session, actual: &Json, reference: &Json) -> Json {
        let mut object = self.0.shown(at, actual, reference);
        if K::TAGGED {
            tagging::show(&mut object, reference, &self.0.tags(actual));
        }
        object
    }

    fn holder(&self, call: &Of<'_>, object: &Json) -> String {
        format!("{} {} {}", call.token, call.workspace, self.0.id(call.at, object))
    }

    /// Whether a change may begin now.
    fn may_begin(&self, call: &Of<'_>, object: &Json) -> bool {
        let turn = self.0.turn(call.at, object);
        turn.is_none_or(|parent| call.at.take_turn(&parent.to_lowercase(), &self.holder(call, object)))
    }

    fn is_ours(&self, call: &Of<'_>, actual: &Json, planned: &Json) -> bool {
        let tags = self.0.tags(actual);
        let is_back =
            || K::COMES_BACK && tags.get(tagging::WORKSPACE).is_some_and(|own| own == call.workspace);
        match K::TAGGED {
            true => tagging::is_of(call, &tags) || is_back(),
            false => self.0.is_it(actual, planned),
        }
    }

    fn condition(actual: &Json) -> Condition {
        let tag = actual.get("etag").or_else(|| actual.get("eTag")).and_then(Json::as_str);
        let inner = || actual.get("properties")?.get("eTag")?.as_str();
        tag.or_else(inner).map_or(Condition::None, |tag| Condition::Same(tag.to_owned()))
    }

    /// Sends a write; what Azure is not ready for waits for its turn.
    async fn write(&self, call: &Of<'_>, planned: &Json, put: Put, seen: Seen<'_>) -> Called<Done> {
        let waits = || {
            let handle = json!({ "do": seen.during, "steps": seen.steps });
            Ok(pending(seen.polls, None, WAITS, handle))
        };
        if !self.may_begin(call, planned) {
            return waits();
        }
        match self.0.put(call.at, planned, &put).await {
            Ok(answer) => self.begun(call, planned, answer, &put.message, seen.steps + 1).await,
            Err(failure) if failure.is_busy() || failure.is_outdated() => waits(),
            Err(failure) => Err(failure.into()),
        }
    }

    /// What an accepted write comes to: the object, or something to wait for.
    async fn begun(
        &self,
        call: &Of<'_>,
        planned: &Json,
        answer: Answer,
        message: &str,
        steps: u64,
    ) -> Called<Done> {
        if is_settled(state(&answer.body)) && answer.operation.is_none() && answer.body.get("id").is_some() {
            return self
                .arrived(call, planned, &answer.body, Seen { polls: 0, steps, during: "change" })
                .await;
        }
        let operation = answer.operation;
        let handle = json!({ "do": "change", "operation": operation, "message": message, "steps": steps });
        Ok(pending(0, answer.retry_after, message, handle))
    }

    /// The object is as the last write has it: is there another one to do?
    async fn arrived(&self, call: &Of<'_>, planned: &Json, actual: &Json, seen: Seen<'_>) -> Called<Done> {
        let tags = tagging::changed(call, &self.0.tags(actual), planned);
        if let Some(put) = self.0.next(call.at, actual, planned, &tags)? {
            if seen.steps >= STEPS {
                let detail =
                    format!("The {} does not become what is planned: {}.", self.0.what(planned), put.message);
                return Err(ProviderError::new(ErrorClass::Invalid, "Change has no effect", detail));
            }
            return Box::pin(self.write(call, planned, put, Seen { during: "change", ..seen })).await;
        }
        let mut object = self.shown(call.at, actual, planned);
        self.0.finish(call.at, planned, &mut object).await?;
        Ok(Done::Object(object))
    }

    /// Looks where the object is, and begins what comes next.
    async fn go_on(&self, call: &Of<'_>, planned: &Json, seen: Seen<'_>) -> Called<Done> {
        let what = self.0.what(planned);
        let Some(actual) = self.0.look(call.at, planned).await? else {
            return match seen.polls < UNSEEN {
                true => Ok(waiting(seen, "not to be seen yet")),
                false => Err(gone(&what)),
            };
        };
        match state(&actual) {
            state if is_settled(state) => self.arrived(call, planned, &actual, seen).await,
            state if is_failed(state) => {
                let detail = format!("The {what} is {state}: Azure gives no reason.");
                Err(ProviderError::new(ErrorClass::Invalid, "Object does not work", detail)
                    .hint("Apply again: it is then written anew."))
            }
            state => Ok(waiting(seen, &state.to_lowercase())),
        }
    }

    /// Asks a long operation; `Some` while it goes on.
    async fn ask_operation(
        &self,
        call: &Of<'_>,
        object: &Json,
        handle: &Json,
        polls: u64,
    ) -> Called<Option<Done>> {
        let Some(url) = handle.given("operation") else { return Ok(None) };
        let doing = format!("The change of the {}", self.0.what(object));
        let ask = Ask { api: None, ..Ask::get(&doing, &url, "") };
        let answer = match call.at.arm.ask(&ask).await {
            Ok(answer) => answer,
            // It is not kept for ever; the object itself tells then.
            Err(failure) if failure.is_missing() => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let status = answer.body.text("status");
        let message = handle.given("message").unwrap_or_else(|| "working".into());
        let goes_on = || {
            let (during, steps) = (&handle["do"], &handle["steps"]);
            let handle = json!({ "do": during, "operation": url, "message": message, "steps": steps });
            Ok(Some(pending(polls, answer.retry_after, message.as_str(), handle)))
        };
        match status {
            "Succeeded" => Ok(None),
            "Failed" | "Canceled" => {
                let (code, words) = said(&answer.body);
                let words = if words.is_empty() { "Azure gives no reason".to_owned() } else { words };
                let code = if code.is_empty() { String::new() } else { format!(" ({code})") };
                let detail = format!("{doing} is {status}: {words}{code}.");
                Err(ProviderError::new(ErrorClass::Invalid, "Change failed", detail))
            }
            // A location without words: it goes on while it says so.
            "" if answer.status == 202 => goes_on(),
            "" => Ok(None),
            _ => goes_on(),
        }
    }

    async fn begin_removal(&self, call: &Of<'_>, prior: &Json, polls: u64) -> Called<Done> {
        let waits = || Ok(pending(polls, None, WAITS, json!({ "do": "delete" })));
        if !self.may_begin(call, prior) {
            return waits();
        }
        match self.0.remove(call.at, prior).await {
            Ok(answer) if answer.status == 202 || answer.operation.is_some() => {
                let handle = json!({ "do": "delete", "operation": answer.operation, "message": "deleting" });
                Ok(pending(0, answer.retry_after, "deleting", handle))
            }
            Ok(_) => self.look_whether_gone(call, prior, 0, false).await,
            Err(failure) if failure.is_missing() => self.0.bury(call.at, call.workspace, prior, 0).await,
            Err(failure) if failure.is_busy() => waits(),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn look_whether_gone(&self, call: &Of<'_>, prior: &Json, polls: u64, again: bool) -> Called<Done> {
        let Some(actual) = self.0.look(call.at, prior).await? else {
            return self.0.bury(call.at, call.workspace, prior, 0).await;
        };
        match state(&actual) {
            // It had to wait for its turn, or was not accepted after all.
            state if again && state != "Deleting" => Box::pin(self.begin_removal(call, prior, polls)).await,
            _ => Ok(pending(polls, None, "deleting", json!({ "do": "delete" }))),
        }
    }

    /// Gives the turn back once nothing is waited for any more.
    fn settle(&self, call: &Of<'_>, object: &Json, done: Called<Done>) -> Called<Done> {
        let goes_on = match &done {
            Ok(Done::Pending(operation)) => operation.message != WAITS,
            Ok(_) => false,
            Err(error) => error.class.is_retryable(),
        };
        if !goes_on {
            call.at.end_turn(&self.holder(call, object));
        }
        done
    }

    async fn first_write(&self, call: &Of<'_>, planned: &Json, polls: u64) -> Called<Done> {
        let seen = Seen { polls, steps: 0, during: "begin" };
        if let Some(actual) = self.0.look(call.at, planned).await? {
            return match self.is_ours(call, &actual, planned) {
                true => self.go_on(call, planned, Seen { during: "change", ..seen }).await,
                false => Err(not_ours(&format!("a {}", self.0.what(planned)))),
            };
        }
        let tags = tagging::at_creation(call, planned);
        let mut put = Put {
            path: self.0.id(call.at, planned),
            body: self.0.body(planned, &tags),
            condition: Condition::New,
            message: "creating".into(),
        };
        self.0.prepare(call.at, call.workspace, planned, &mut put).await?;
        self.write(call, planned, put, seen).await
    }

    async fn whole_write(&self, call: &Of<'_>, planned: &Json, polls: u64) -> Called<Done> {
        let Some(actual) = self.0.look(call.at, planned).await? else {
            return Err(gone(&self.0.what(planned)));
        };
        let seen = Seen { polls, steps: 0, during: "update" };
        let is_broken = is_failed(state(&actual));
        if !is_settled(state(&actual)) && !is_broken {
            return Ok(waiting(seen, &state(&actual).to_lowercase()));
        }
        let tags = tagging::changed(call, &self.0.tags(&actual), planned);
        if !K::WHOLE && !is_broken {
            return self.arrived(call, planned, &actual, seen).await;
        }
        let put = Put {
            path: self.0.id(call.at, planned),
            body: self.0.body(planned, &tags),
            condition: Self::condition(&actual),
            message: "updating".into(),
        };
        self.write(call, planned, put, seen).await
    }

    /// All objects on a list.
    async fn listed(&self, at: &Session, path: &str) -> Called<List> {
        let doing = format!("Listing objects of type {}", K::KIND);
        let items = at.arm.list(&doing, path, K::API).await?.unwrap_or_default();
        let by_id = items.into_iter().map(|item| (item.text("id").to_lowercase(), item));
        Ok(Arc::new(by_id.collect()))
    }

    fn seen(&self, at: &Session, actual: Option<&Json>, prior: &Json) -> Option<Json> {
        // What is being deleted is as good as gone.
        let actual = actual.filter(|actual| state(actual) != "Deleting")?;
        Some(self.shown(at, actual, prior))
    }
}
