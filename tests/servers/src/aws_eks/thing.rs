//! Something that takes time: so many looks.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::words::{Answer, Refusal, in_use};

/// Looks until something is done.
const LOOKS: u32 = 2;

/// Something that takes time.
#[derive(Debug)]
pub(super) struct Thing {
    pub(super) json: Json,
    pub(super) token: String,
    /// What was asked for, to tell a repeated request from another one.
    pub(super) asked: Json,
    pub(super) work: Option<Work>,
    /// Updates and what became of them.
    pub(super) updates: BTreeMap<String, Json>,
}

#[derive(Debug)]
pub(super) struct Work {
    pub(super) left: u32,
    pub(super) goal: Goal,
}

#[derive(Debug)]
pub(super) enum Goal {
    /// It is there, or could not be made.
    Made(Option<&'static str>),
    /// These of its fields are others, or stay.
    Changed {
        update: String,
        patch: Json,
        failure: Option<&'static str>,
    },
    Removed,
}

impl Thing {
    pub(super) fn new(json: Json, asked: &Json, failure: Option<&'static str>) -> Self {
        let token = asked["clientRequestToken"].as_str().unwrap_or_default().to_owned();
        let mut thing = Thing { json, token, asked: asked.clone(), work: None, updates: BTreeMap::new() };
        thing.json["status"] = "CREATING".into();
        thing.work = Some(Work { left: LOOKS, goal: Goal::Made(failure) });
        thing
    }

    /// Whether this is the creation that was asked for before.
    pub(super) fn is_of(&self, asked: &Json) -> bool {
        !self.token.is_empty() && self.asked == *asked
    }

    pub(super) fn is_busy(&self) -> bool {
        self.work.is_some()
    }

    /// One look; whether it is gone.
    pub(super) fn look(&mut self) -> bool {
        let Some(work) = &mut self.work else { return false };
        if work.left > 0 {
            work.left -= 1;
            return false;
        }
        let Some(work) = self.work.take() else { return false };
        match work.goal {
            Goal::Removed => return true,
            Goal::Made(None) => self.json["status"] = "ACTIVE".into(),
            Goal::Made(Some(failure)) => {
                self.json["status"] = "CREATE_FAILED".into();
                self.json["health"] =
                    json!({ "issues": [{ "code": "AsgInstanceLaunchFailures", "message": failure }] });
            }
            Goal::Changed { update, patch, failure } => {
                self.json["status"] = "ACTIVE".into();
                if let Some(done) = self.updates.get_mut(&update) {
                    done["status"] = if failure.is_some() { "Failed" } else { "Successful" }.into();
                    if let Some(failure) = failure {
                        done["errors"] = json!([{ "errorCode": "IpNotAvailable", "errorMessage": failure }]);
                    }
                }
                if failure.is_none() {
                    merge(&mut self.json, patch);
                }
            }
        }
        false
    }

    pub(super) fn change(
        &mut self,
        id: u64,
        kind: &str,
        patch: Json,
        failure: Option<&'static str>,
    ) -> Answer {
        if self.is_busy() {
            return in_use("Cannot be changed: another update is in progress.");
        }
        let update = format!("update-{id}");
        let shown = json!({ "id": update, "status": "InProgress", "type": kind, "params": [], "errors": [] });
        self.updates.insert(update.clone(), shown.clone());
        self.json["status"] = "UPDATING".into();
        self.work = Some(Work { left: LOOKS, goal: Goal::Changed { update, patch, failure } });
        Ok(json!({ "update": shown }))
    }

    pub(super) fn remove(&mut self) -> Result<(), Refusal> {
        match &self.work {
            Some(Work { goal: Goal::Removed, .. }) | None => {}
            Some(_) => return in_use("Cannot be removed: an update is in progress."),
        }
        if self.work.is_none() {
            self.json["status"] = "DELETING".into();
            self.work = Some(Work { left: LOOKS, goal: Goal::Removed });
        }
        Ok(())
    }
}

/// Sets the fields of a patch; null takes one away.
pub(super) fn merge(json: &mut Json, patch: Json) {
    match (json, patch) {
        (Json::Object(json), Json::Object(patch)) => {
            for (name, value) in patch {
                match value {
                    Json::Null => drop(json.remove(&name)),
                    value => merge(json.entry(name).or_insert(Json::Null), value),
                }
            }
        }
        (json, patch) => *json = patch,
    }
}
