//! Lists, page by page, each object as the text that came.
//!
//! Guarantees: memory for one page, whatever the length of the list; all pages
//! are of one moment, or the list begins anew.

use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::client::{Call, Cluster, escape};
use super::error::Failure;
use super::schema::WORKSPACE_ANNOTATION;

const PAGE: usize = 500;
/// Beginnings after the first, when a list takes so long that the server
/// forgets the moment it is of.
const RESTARTS: u32 = 2;

/// What names an object within its kind: namespace and name.
pub(super) type Name = (Option<String>, String);

/// A list under way.
pub(super) struct Pages<'a> {
    cluster: &'a Cluster,
    collection: &'a str,
    /// Where the next page begins; `None` when there is none.
    token: Option<String>,
    restarts: u32,
}

/// A part of a list.
pub(super) enum Part {
    /// The list begins anew: what came before does not count.
    Anew,
    /// Objects.
    Objects(Vec<Listed>),
}

/// An object of a list.
pub(super) struct Listed {
    /// Its name.
    pub(super) name: Name,
    /// Whether it says that it belongs to a workspace.
    pub(super) is_owned: bool,
    /// It, without what the list says of all.
    pub(super) text: Box<RawValue>,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(default)]
    items: Option<Vec<Box<RawValue>>>,
}

#[derive(Deserialize, Default)]
struct ListMeta {
    #[serde(default, rename = "continue")]
    token: String,
}

/// The little of an object that tells which it is.
#[derive(Deserialize)]
struct Head {
    metadata: Meta,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    name: String,
    namespace: Option<String>,
    #[serde(default)]
    annotations: Option<std::collections::HashMap<String, serde::de::IgnoredAny>>,
}

impl Listed {
    fn read(text: Box<RawValue>) -> Option<Self> {
        let Head { metadata } = serde_json::from_str(text.get()).ok()?;
        let is_owned = metadata.annotations.is_some_and(|all| all.contains_key(WORKSPACE_ANNOTATION));
        Some(Listed { name: (metadata.namespace, metadata.name), is_owned, text })
    }
}

/// An object of a list with what the list says of all.
pub(super) fn whole(text: &RawValue, api_version: &str, kind: &str) -> Option<Json> {
    let mut object: Json = serde_json::from_str(text.get()).ok()?;
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    Some(object)
}

impl<'a> Pages<'a> {
    /// The list of a collection.
    pub(super) fn of(cluster: &'a Cluster, collection: &'a str) -> Self {
        Pages { cluster, collection, token: Some(String::new()), restarts: 0 }
    }

    /// What comes next; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, Failure> {
        let Some(token) = self.token.take() else { return Ok(None) };
        let rest = if token.is_empty() { String::new() } else { format!("&continue={}", escape(&token)) };
        let uri = format!("{}?limit={PAGE}{rest}", self.collection);
        let page = match self.cluster.answer(Call { method: "GET", uri: &uri, body: None }).await {
            Ok(page) => page,
            Err(failure) if failure.code() == Some(410) && self.restarts < RESTARTS => {
                self.restarts += 1;
                self.token = Some(String::new());
                return Ok(Some(Part::Anew));
            }
            Err(failure) => return Err(failure),
        };
        let list: List = serde_json::from_slice(page.as_ref())
            .map_err(|_| Failure::Lost("the answer is no list".into()))?;
        let Some(items) = list.items else { return Err(Failure::Lost("the list has no items".into())) };
        self.token = Some(list.metadata.token).filter(|token| !token.is_empty());
        Ok(Some(Part::Objects(items.into_iter().filter_map(Listed::read).collect())))
    }
}
