//! Managed objects as resource types: which way a call of the engine takes.

use std::collections::HashMap;

use async_trait::async_trait;
use serde_json::Value as Json;
use tenantctl_core::provider::{AttributeError, Block, ErrorClass, ProviderError, Timeouts, Value};

use super::super::answer::not_ours;
use super::super::id;
use super::super::kind::{Kind, state};
use super::super::session::{List, Session};
use super::{Managed, Of, Seen, is_settled};
use crate::cloud::json::Fields as _;
use crate::cloud::plan::Draft;
use crate::cloud::problems::Problems;
use crate::cloud::resource::{Called, Done, Likeness, Resource};
use crate::cloud::tags as tagging;

impl<K: Kind> Likeness for Managed<K> {
    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        let is_id = name == "id" || name.ends_with("_id") || name == "scope";
        let texts = a.as_str().zip(b.as_str());
        (is_id && texts.is_some_and(|(a, b)| id::same(a, b))) || self.0.same(name, a, b)
    }

    fn defaulted_blocks(&self) -> &'static [&'static str] {
        self.0.defaulted()
    }
}

#[async_trait]
impl<K: Kind> Resource<Session> for Managed<K> {
    fn kind(&self) -> &'static str {
        K::KIND
    }

    fn block(&self) -> Block {
        self.0.block()
    }

    fn timeouts(&self) -> Timeouts {
        Timeouts::minutes(K::MINUTES, K::MINUTES, K::MINUTES)
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        self.0.validate(problems);
    }

    fn identity(&self, object: &Value) -> Option<String> {
        self.0.identity(object)
    }

    fn claims(&self, object: &Value) -> Vec<String> {
        self.0.claims(object)
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        self.0.plan(draft)
    }

    async fn read(&self, at: &Session, prior: &Json) -> Called<Option<Json>> {
        let actual = self.0.look(at, prior).await?;
        let mut seen = self.seen(at, actual.as_ref(), prior);
        if let (Some(object), true) = (&mut seen, self.0.wants_more(prior)) {
            let mut whole = prior.clone();
            whole["name"] = object["name"].clone();
            self.0.finish(at, &whole, object).await?;
        }
        Ok(seen)
    }

    /// A list answers for those of its objects that are read together, and
    /// while many workspaces are read, for theirs as well.
    async fn read_all(&self, at: &Session, objects: &[Json]) -> Option<Vec<Called<Option<Json>>>> {
        let shared = at.lists.now();
        let list_of = |object: &Json| {
            // What is not on a list has to be asked for.
            let path = self.0.listing(at, object).filter(|_| !self.0.wants_more(object));
            path.filter(|_| !object.text("name").is_empty())
        };
        let paths: Vec<Option<String>> = objects.iter().map(list_of).collect();
        let mut counted: HashMap<&str, usize> = HashMap::new();
        paths.iter().flatten().for_each(|path| *counted.entry(path).or_default() += 1);
        let mut lists: HashMap<&str, Called<List>> = HashMap::new();
        for (path, count) in counted {
            let list = self.listed(at, path);
            match &shared {
                Some(shared) => {
                    let place = format!("{} {} {path}", at.arm.endpoint, at.subscription);
                    drop(lists.insert(path, Box::pin(shared.at(place, list)).await));
                }
                None if count > 1 => drop(lists.insert(path, Box::pin(list).await)),
                None => {}
            }
        }
        if lists.is_empty() {
            return None;
        }
        let mut read = Vec::new();
        for (object, path) in objects.iter().zip(&paths) {
            read.push(match path.as_ref().and_then(|path| lists.get(path.as_str())) {
                Some(Ok(list)) => {
                    let actual = list.get(&self.0.id(at, object).to_lowercase());
                    Ok(self.seen(at, actual, object))
                }
                Some(Err(error)) => Err(error.clone()),
                None => self.read(at, object).await,
            });
        }
        Some(read)
    }

    async fn find(&self, call: &Of<'_>, planned: &Json) -> Called<Option<Json>> {
        let planned = self.0.named(call.token, planned);
        match self.0.look(call.at, &planned).await? {
            None => Ok(None),
            Some(actual) if state(&actual) == "Deleting" => Ok(None),
            Some(actual) if self.is_ours(call, &actual, &planned) => {
                let mut object = self.shown(call.at, &actual, &planned);
                if is_settled(state(&actual)) {
                    self.0.finish(call.at, &planned, &mut object).await?;
                }
                Ok(Some(object))
            }
            Some(_) => Err(not_ours(&format!("a {}", self.0.what(&planned)))),
        }
    }

    async fn create(&self, call: &Of<'_>, planned: &Json) -> Called<Done> {
        let planned = self.0.named(call.token, planned);
        let done = self.first_write(call, &planned, 0).await;
        self.settle(call, &planned, done)
    }

    async fn update(&self, call: &Of<'_>, _prior: &Json, planned: &Json) -> Called<Done> {
        let done = self.whole_write(call, planned, 0).await;
        self.settle(call, planned, done)
    }

    async fn delete(&self, call: &Of<'_>, prior: &Json) -> Called<Done> {
        let what = self.0.what(prior);
        let Some(actual) = self.0.look(call.at, prior).await? else {
            return self.0.bury(call.at, call.workspace, prior, 0).await;
        };
        if let Some(owner) = tagging::stranger(call.workspace, &self.0.tags(&actual)).filter(|_| K::TAGGED) {
            let detail = format!("The {what} is marked as one of the workspace {owner}.");
            return Err(ProviderError::new(ErrorClass::Conflict, "Object of another workspace", detail));
        }
        let holders = self.0.holders(call.at, prior).await?;
        if !holders.is_empty() {
            let detail = format!("The {what} still has {}. Nothing was removed.", holders.join(", "));
            return Err(ProviderError::new(ErrorClass::Invalid, "Object in use", detail)
                .hint("Remove what is in it first."));
        }
        let done = self.look_whether_gone(call, prior, 0, true).await;
        self.settle(call, prior, done)
    }

    async fn poll(&self, call: &Of<'_>, handle: &Json, planned: &Json) -> Called<Done> {
        let planned = self.0.named(call.token, planned);
        let count = |name: &str| handle.get(name).and_then(Json::as_u64).unwrap_or(0);
        let (polls, steps) = (count("polls"), count("steps"));
        let done = match handle.text("do") {
            "bury" => self.0.bury(call.at, call.workspace, &planned, polls).await,
            "begin" => self.first_write(call, &planned, polls).await,
            "update" => self.whole_write(call, &planned, polls).await,
            during => match self.ask_operation(call, &planned, handle, polls).await {
                Ok(Some(done)) => {
                    self.may_begin(call, &planned);
                    Ok(done)
                }
                Ok(None) if during == "delete" => {
                    let again = handle.get("operation").is_none_or(Json::is_null);
                    self.look_whether_gone(call, &planned, polls, again).await
                }
                Ok(None) => self.go_on(call, &planned, Seen { polls, steps, during: "change" }).await,
                Err(error) => Err(error),
            },
        };
        self.settle(call, &planned, done)
    }

    fn seed(&self, id: &str) -> Called<Json> {
        self.0.seed(id)
    }
}
