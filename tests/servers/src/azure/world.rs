//! What there is: objects by their ids, what is being done to them, and what
//! was deleted and can come back.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

/// The subscription that there is.
pub(super) const SUBSCRIPTION: &str = "00000000-0000-4000-8000-000000000001";
/// The directory that there is.
pub(super) const TENANT: &str = "00000000-0000-4000-8000-000000000002";
/// Who may log in.
pub(super) const CLIENT: &str = "00000000-0000-4000-8000-000000000003";
/// What a machine shows to be given a token.
pub(super) const MACHINE: &str = "header-of-the-machine";
/// With which secret.
pub(super) const SECRET: &str = "canary~azure~client~secret";
/// What all tokens begin with.
pub(super) const TOKEN: &str = "canary-azure-token-";

/// Looks until something is done.
pub(super) const LOOKS: u32 = 2;
/// Objects of one page.
pub(super) const PAGE: usize = 5;

/// Headers by their names.
type Headers<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A request.
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    /// Segments of the path, decoded.
    pub(super) path: Vec<String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Json,
    /// The host that it came to.
    pub(super) host: &'a str,
    header: Option<Headers<'a>>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(
        method: &'a str,
        path: &str,
        query: &str,
        body: &[u8],
        host: &'a str,
        header: Option<Headers<'a>>,
    ) -> Self {
        let query = query.split('&').filter_map(|pair| pair.split_once('='));
        Asked {
            method,
            path: path.trim_matches('/').split('/').map(decoded).collect(),
            query: query.map(|(name, value)| (decoded(name), decoded(value))).collect(),
            body: serde_json::from_slice(body).unwrap_or(Json::Null),
            host,
            header,
        }
    }

    /// A header; nobody of the house has to show any.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        (self.header?)(name)
    }

    /// Whether it comes from the test itself.
    pub(super) fn is_direct(&self) -> bool {
        self.header.is_none()
    }
}

/// A segment or a value without its escapes.
pub(super) fn decoded(text: &str) -> String {
    let bytes = text.replace('+', " ").into_bytes();
    let mut plain = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| bytes.get(i + 1..i + 3)).flatten();
        let byte = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        plain.push(byte.unwrap_or(bytes[i]));
        i += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Json,
}

impl Answer {
    pub(super) fn new(status: u16, body: Json) -> Self {
        Answer { status, headers: Vec::new(), body }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What is not done, as the service says it.
pub(super) type Done<T = Answer> = Result<T, Box<Answer>>;

/// A refusal.
pub(super) fn refuse<T>(status: u16, code: &str, message: impl Into<String>) -> Done<T> {
    let body = json!({ "error": { "code": code, "message": message.into() } });
    Err(Box::new(Answer::new(status, body)))
}

/// An object, and what is being done to it.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) json: Json,
    pub(super) etag: u64,
    pub(super) work: Option<Work>,
}

#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) left: u32,
    pub(super) operation: String,
    pub(super) goal: Goal,
}

#[derive(Clone, Debug)]
pub(super) enum Goal {
    /// It works.
    Done,
    /// It does not.
    Failed(&'static str, &'static str),
    Removed,
}

/// A long operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) object: String,
    pub(super) status: &'static str,
    pub(super) error: Option<(&'static str, &'static str)>,
}

/// A secret of a vault.
#[derive(Clone, Debug)]
pub(super) struct Secret {
    pub(super) json: Json,
    /// Looks until it is to be seen where it was put.
    pub(super) hidden: u32,
}

/// All that there is.
#[derive(Debug, Default)]
pub(super) struct World {
    /// By ids in small letters.
    pub(super) objects: BTreeMap<String, Object>,
    pub(super) operations: BTreeMap<String, Operation>,
    /// Deleted vaults by name; with the looks until one is purged.
    pub(super) deleted: BTreeMap<String, (Json, Option<u32>)>,
    /// Secrets by vault and name.
    pub(super) secrets: BTreeMap<(String, String), Secret>,
    pub(super) deleted_secrets: BTreeMap<(String, String), Secret>,
    /// Principals that not everybody knows yet.
    pub(super) young: BTreeMap<String, u32>,
    pub(super) kubeconfig: Option<String>,
    pub(super) last: u64,
}

impl World {
    /// Another number.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Another id.
    pub(super) fn uuid(&mut self) -> String {
        format!("10000000-0000-4000-8000-{:012}", self.number())
    }

    pub(super) fn get(&self, id: &str) -> Option<&Object> {
        self.objects.get(&id.to_lowercase())
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Object> {
        self.objects.get_mut(&id.to_lowercase())
    }

    /// Takes an object in.
    pub(super) fn put(&mut self, id: &str, json: Json) {
        let etag = self.number();
        self.objects.insert(id.to_lowercase(), Object { json, etag, work: None });
    }

    /// Objects whose ids begin so, and go on with one segment.
    pub(super) fn children(&self, parent: &str) -> Vec<&Object> {
        let start = format!("{}/", parent.to_lowercase());
        let all = self.objects.range(start.clone()..).take_while(|(id, _)| id.starts_with(&start));
        all.filter(|(id, _)| !id[start.len()..].contains('/')).map(|(_, object)| object).collect()
    }

    /// Takes an object out, with all in it.
    pub(super) fn remove(&mut self, id: &str) {
        let (own, start) = (id.to_lowercase(), format!("{}/", id.to_lowercase()));
        self.objects.retain(|id, _| *id != own && !id.starts_with(&start));
    }

    /// Begins something that takes time; the id of the operation.
    pub(super) fn begin(&mut self, id: &str, state: &str, goal: Goal) -> String {
        let operation = format!("operation-{}", self.number());
        let begun = Operation { object: id.to_lowercase(), status: "InProgress", error: None };
        self.operations.insert(operation.clone(), begun);
        let etag = self.number();
        if let Some(object) = self.get_mut(id) {
            object.etag = etag;
            object.json["properties"]["provisioningState"] = state.into();
            object.work = Some(Work { left: LOOKS, operation: operation.clone(), goal });
        }
        operation
    }

    /// One look at an object: what is done to it goes on.
    pub(super) fn look(&mut self, id: &str) {
        let Some(work) = self.get_mut(id).and_then(|object| object.work.as_mut()) else { return };
        if work.left > 0 {
            work.left -= 1;
            return;
        }
        let Some(work) = self.get_mut(id).and_then(|object| object.work.take()) else { return };
        let (state, status, error) = match work.goal {
            Goal::Done => ("Succeeded", "Succeeded", None),
            Goal::Failed(code, message) => ("Failed", "Failed", Some((code, message))),
            Goal::Removed => ("", "Succeeded", None),
        };
        if let Some(operation) = self.operations.get_mut(&work.operation) {
            (operation.status, operation.error) = (status, error);
        }
        match state {
            "" => self.remove(id),
            state => {
                let etag = self.number();
                if let Some(object) = self.get_mut(id) {
                    object.json["properties"]["provisioningState"] = state.into();
                    object.etag = etag;
                }
            }
        }
    }

    pub(super) fn secret(&self, vault: &str, name: &str) -> Option<String> {
        let key = (vault.to_lowercase(), name.to_lowercase());
        self.secrets.get(&key)?.json["value"].as_str().map(str::to_owned)
    }

    pub(super) fn listing(&self) -> Vec<String> {
        let objects =
            self.objects.values().filter_map(|object| object.json["id"].as_str().map(str::to_owned));
        let deleted = self.deleted.keys().map(|name| format!("deleted vault {name}"));
        let secrets = self.secrets.keys().map(|(vault, name)| format!("secret {vault}/{name}"));
        objects.chain(deleted).chain(secrets).collect()
    }
}

/// An object as it is shown.
pub(super) fn shown(object: &Object) -> Json {
    let mut json = object.json.clone();
    if json["type"].as_str().is_some_and(|kind| kind.starts_with("Microsoft.Network")) {
        json["etag"] = object.etag.to_string().into();
    } else if json["type"].as_str().is_some_and(|kind| kind.starts_with("Microsoft.ContainerService")) {
        json["eTag"] = object.etag.to_string().into();
    }
    json
}

/// One page of a list.
pub(super) fn page(asked: &Asked<'_>, items: Vec<Json>) -> Answer {
    let skip = asked.query.get("$skiptoken").and_then(|skip| skip.parse().ok()).unwrap_or(0_usize);
    let more = items.len() > skip + PAGE;
    let page: Vec<Json> = items.into_iter().skip(skip).take(PAGE).collect();
    let mut body = json!({ "value": page });
    if more && !asked.is_direct() {
        let api = asked.query.get("api-version").cloned().unwrap_or_default();
        let (host, path) = (asked.host, asked.path.join("/"));
        let filter = asked
            .query
            .get("$filter")
            .map(|f| format!("&$filter={}", f.replace(' ', "%20")))
            .unwrap_or_default();
        let next = skip + PAGE;
        body["nextLink"] =
            format!("https://{host}/{path}?api-version={api}{filter}&$skiptoken={next}").into();
    }
    Answer::new(200, body)
}

/// Sets the parts of a patch; null takes one away.
pub(super) fn merge(json: &mut Json, patch: &Json) {
    match (json, patch) {
        (Json::Object(json), Json::Object(patch)) => {
            for (name, value) in patch {
                match value {
                    Json::Null => drop(json.remove(name)),
                    value => merge(json.entry(name.clone()).or_insert(Json::Null), value),
                }
            }
        }
        (json @ Json::Null, Json::Object(patch)) => {
            *json = Json::Object(Map::new());
            patch.iter().for_each(|(name, value)| json[name] = value.clone());
        }
        (json, patch) => *json = patch.clone(),
    }
}
