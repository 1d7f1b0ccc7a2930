//! Zones and the records in them.

mod names;
mod record;
mod values;
mod zone;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_route53::types::{ChangeInfo, ChangeStatus, ResourceRecordSet};
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{ErrorClass, Operation, ProviderError};

use super::error::{Failure, failed};
use super::json::Fields as _;
use super::resource::{Called, Done, Resource};
use super::session::Session;

/// What a zone has.
pub(super) type Records = Arc<Vec<ResourceRecordSet>>;

/// All types.
pub(super) fn resources() -> Vec<Box<dyn Resource<Session>>> {
    vec![Box::new(zone::Zone), Box::new(record::Record)]
}

/// How long it takes until all name servers know, at first.
const SPREADING: Duration = Duration::from_secs(3);

/// What a change comes to once all name servers know it: the object, or none.
fn spread(change: Option<&ChangeInfo>, done: Done) -> Done {
    match change {
        Some(change) if *change.status() == ChangeStatus::Pending => {
            waiting(change.id(), matches!(done, Done::Gone))
        }
        _ => done,
    }
}

fn waiting(id: &str, removed: bool) -> Done {
    Done::Pending(Operation {
        handle: json!({ "change": id, "removed": removed }),
        message: "waiting until all name servers know it".into(),
        after: SPREADING,
    })
}

/// Asks whether all name servers know a change: what is still to be waited
/// for, or that it is gone; `None` when the object is to be looked at.
async fn spread_yet(at: &Session, handle: &Json) -> Called<Option<Done>> {
    let id = handle.text("change");
    let removed = handle.flag("removed") == Some(true);
    let answer = at.route53().read.get_change().id(id).send().await;
    let answer = answer.map_err(|e| failed("Asking whether all name servers know a change", e))?;
    match answer.change_info() {
        Some(change) if *change.status() == ChangeStatus::Pending => Ok(Some(waiting(id, removed))),
        _ => Ok(removed.then_some(Done::Gone)),
    }
}

/// A request that lacks something.
fn incomplete(error: aws_sdk_route53::error::BuildError) -> Failure {
    let detail = format!("The request to Route 53 is not complete: {error}.");
    Failure::of(ProviderError::new(ErrorClass::Invalid, "Request not possible", detail))
}
