//! Reading objects: many at once for refresh, one for import and data sources.
//!
//! Guarantees: calls grow with kinds, namespaces and pages, not with objects;
//! what cannot be read is never taken for gone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use futures::StreamExt as _;
use serde_json::Value as Json;
use tenantctl_core::provider::{ErrorClass, ProviderError, ReadObject, ReadOutcome, Target, Value};

use super::apply::recorded;
use super::client::Cluster;
use super::discovery::Location;
use super::error::{About, Effect, Failure, explain};
use super::inventory::{EVERYWHERE, Inventory};
use super::manifest::{ObjectId, from_live, part};
use super::ownership::authors;
use super::pages::{Name, Pages, Part, whole};
use super::project::project;
use super::secrets::Secrets;
use super::settings::Settings;
use super::{Kubernetes, fields};

/// Kinds that are read at the same time within one call.
const PARALLEL: usize = 4;

/// An object to read: its place among those asked for, and what it is.
struct Wanted<'a> {
    index: usize,
    id: ObjectId,
    prior: &'a Value,
}

/// Live objects by namespace and name.
type Found = HashMap<Name, Json>;

impl Kubernetes {
    pub(super) async fn read_objects(
        &self,
        connection: &Value,
        objects: &[ReadObject<'_>],
    ) -> Vec<ReadOutcome> {
        let mut outcomes: Vec<Option<ReadOutcome>> = objects.iter().map(|_| None).collect();
        let mut kinds: BTreeMap<(String, String), Vec<Wanted<'_>>> = BTreeMap::new();
        for (index, object) in objects.iter().enumerate() {
            match recorded(object.prior) {
                Ok(id) => {
                    let wanted = Wanted { index, id: id.clone(), prior: object.prior };
                    kinds.entry((id.api_version, id.kind)).or_default().push(wanted);
                }
                Err(error) => outcomes[index] = Some(ReadOutcome::Failed(error)),
            }
        }
        let secrets = Secrets::of(&[connection]);
        let inventory = self.inventory();
        let inventory = inventory.as_deref();
        match self.clients.cluster(connection).await {
            Ok(cluster) => {
                let reads: Vec<_> = kinds
                    .into_values()
                    .map(|wanted| read_kind(&cluster, inventory, wanted, &secrets))
                    .collect();
                let mut reads = futures::stream::iter(reads).buffer_unordered(PARALLEL);
                while let Some((read, denied)) = reads.next().await {
                    read.into_iter().for_each(|(index, outcome)| outcomes[index] = Some(outcome));
                    if denied {
                        self.clients.forget(connection).await;
                    }
                }
            }
            Err(failure) => {
                let about = About { cluster: "", object: "", effect: Effect::Read, secrets: &secrets };
                let error = explain(&failure, about);
                outcomes.iter_mut().for_each(|o| *o = Some(ReadOutcome::Failed(error.clone())));
            }
        }
        let lost =
            || ProviderError::new(ErrorClass::Transient, "Object not read", "The object was not read.");
        outcomes.into_iter().map(|o| o.unwrap_or_else(|| ReadOutcome::Failed(lost()))).collect()
    }

    pub(super) async fn import_object(&self, target: &Target<'_>, id: &str) -> Result<Value, ProviderError> {
        let id = parse_import(id)?;
        let live = self.read_one(target.connection, id).await?;
        let manifest = from_live(&live);
        let empty = self.schema.resources[super::schema::MANIFEST].block.empty();
        let value = fields::with_entry(&empty, "object", super::manifest::desired(&manifest));
        Ok(fields::with_entry(&value, "manifest", manifest))
    }

    pub(super) async fn read_resource(
        &self,
        connection: &Value,
        config: &Value,
    ) -> Result<Value, ProviderError> {
        let text = |path: &[&str]| part(config, path).and_then(|v| v.as_str().map(str::to_owned));
        let id = ObjectId {
            api_version: text(&["api_version"]).unwrap_or_default(),
            kind: text(&["kind"]).unwrap_or_default(),
            namespace: text(&["metadata", "namespace"]),
            name: text(&["metadata", "name"]).unwrap_or_default(),
        };
        let mut live = self.read_one(connection, id).await?;
        if let Some(Json::Object(metadata)) = live.get_mut("metadata") {
            metadata.remove("managedFields");
        }
        let object = super::manifest::seal(&Value::from_plain_json(&live));
        Ok(fields::with_entry(config, "object", object))
    }

    async fn read_one(&self, connection: &Value, id: ObjectId) -> Result<Json, ProviderError> {
        let subject = self.subject(connection, id, &Value::NULL, false).await?;
        subject.get().await?.ok_or_else(|| {
            ProviderError::new(
                ErrorClass::NotFound,
                "Object does not exist",
                format!("The cluster at {} has no {}.", subject.cluster.place, subject.id),
            )
        })
    }
}

/// `apiVersion=v1,kind=ConfigMap,namespace=x,name=y`.
fn parse_import(id: &str) -> Result<ObjectId, ProviderError> {
    let mut parts: HashMap<&str, &str> = HashMap::new();
    for pair in id.split(',') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        parts.insert(key.trim(), value.trim());
    }
    let known = ["apiVersion", "kind", "namespace", "name"];
    let mut get = |key: &str| parts.remove(key).filter(|v| !v.is_empty()).map(str::to_owned);
    let found = known.map(&mut get);
    match found {
        [Some(api_version), Some(kind), namespace, Some(name)] if parts.is_empty() => {
            Ok(ObjectId { api_version, kind, namespace, name })
        }
        _ => Err(ProviderError::new(
            ErrorClass::Invalid,
            "Invalid import id",
            format!("{id:?} does not name an object."),
        )
        .hint("Write it as apiVersion=apps/v1,kind=Deployment,namespace=shop,name=web.")),
    }
}

/// Reads objects of one kind. The second part tells that credentials failed.
async fn read_kind(
    cluster: &Arc<Cluster>,
    inventory: Option<&Inventory>,
    wanted: Vec<Wanted<'_>>,
    secrets: &Secrets,
) -> (Vec<(usize, ReadOutcome)>, bool) {
    let mut denied = false;
    let mut failed = |wanted: &Wanted<'_>, failure: &Failure| {
        denied = denied || failure.code() == Some(401);
        let object = wanted.id.to_string();
        let about = About { cluster: &cluster.place, object: &object, effect: Effect::Read, secrets };
        (wanted.index, ReadOutcome::Failed(explain(failure, about)))
    };
    let Some(first) = wanted.first() else { return (Vec::new(), false) };
    let served = match cluster.served(&first.id).await {
        Ok(Some(served)) => served,
        Ok(None) => {
            let outcome = match cluster.other_version(&first.id).await {
                Ok(None) => ReadOutcome::Gone,
                Ok(Some(version)) => ReadOutcome::Failed(other_version(&first.id, &version)),
                Err(failure) => return (wanted.iter().map(|w| failed(w, &failure)).collect(), denied),
            };
            return (wanted.iter().map(|w| (w.index, outcome.clone())).collect(), false);
        }
        Err(failure) => {
            let outcomes = wanted.iter().map(|w| failed(w, &failure)).collect();
            return (outcomes, denied);
        }
    };
    let mut outcomes = Vec::with_capacity(wanted.len());
    let mut places: BTreeMap<Option<String>, Vec<(Wanted<'_>, Location)>> = BTreeMap::new();
    for wanted in wanted {
        match served.locate(&wanted.id) {
            Ok(location) => places.entry(location.namespace.clone()).or_default().push((wanted, location)),
            Err(failure) => outcomes.push(failed(&wanted, &failure)),
        }
    }
    if let Some(inventory) = inventory {
        outcomes.extend(as_recorded(cluster, inventory, &mut places).await);
    }
    let everywhere = if places.len() >= EVERYWHERE { list_everywhere(cluster, &places).await } else { None };
    for (_, wanted) in places {
        let found = match &everywhere {
            Some(found) => Ok(found),
            None => Err(read_place(cluster, &wanted).await),
        };
        for (wanted, location) in &wanted {
            let key = (location.namespace.clone(), wanted.id.name.clone());
            outcomes.push(match &found {
                Ok(found) => (wanted.index, seen(wanted, found.get(&key))),
                Err(Ok(found)) => (wanted.index, seen(wanted, found.get(&key))),
                Err(Err(failure)) => failed(wanted, failure),
            });
        }
    }
    (outcomes, denied)
}

/// Takes what the inventory says is as it was recorded out of what is to be
/// read.
async fn as_recorded(
    cluster: &Arc<Cluster>,
    inventory: &Inventory,
    places: &mut BTreeMap<Option<String>, Vec<(Wanted<'_>, Location)>>,
) -> Vec<(usize, ReadOutcome)> {
    let all: Vec<_> = std::mem::take(places).into_values().flatten().collect();
    let Some((_, location)) = all.first() else { return Vec::new() };
    let names = all.iter().map(|(w, l)| (&w.id, (l.namespace.clone(), w.id.name.clone())));
    let found = inventory.take(cluster, &location.everywhere, names).await;
    let mut same = Vec::new();
    for ((wanted, location), live) in all.into_iter().zip(found) {
        match live.map(|live| seen(&wanted, Some(&live))) {
            Some(ReadOutcome::Found(value)) if value == *wanted.prior => {
                same.push((wanted.index, ReadOutcome::Found(wanted.prior.clone())));
            }
            _ => places.entry(location.namespace.clone()).or_default().push((wanted, location)),
        }
    }
    same
}

fn other_version(id: &ObjectId, version: &str) -> ProviderError {
    ProviderError::new(
        ErrorClass::NotFound,
        "API version no longer served",
        format!("The cluster no longer serves {} of {}, but {version}.", id.kind, id.api_version),
    )
    .hint(format!("Set apiVersion to {version:?} in the manifest."))
}

fn seen(wanted: &Wanted<'_>, live: Option<&Json>) -> ReadOutcome {
    let Some(live) = live else { return ReadOutcome::Gone };
    let settings = Settings::of(wanted.prior);
    let manifest = wanted.prior.get("manifest").unwrap_or(Value::NULL);
    let object = project(&manifest, live, settings.view());
    let by = authors(live, &settings.manager, &wanted.prior.get("object").unwrap_or(Value::NULL), &object);
    let found = fields::with_entry(wanted.prior, "object", object);
    if by.is_empty() { ReadOutcome::Found(found) } else { ReadOutcome::Changed(found, by) }
}

/// Objects of one kind and namespace: one by its name, several by a list.
async fn read_place(cluster: &Cluster, wanted: &[(Wanted<'_>, Location)]) -> Result<Found, Failure> {
    if let [(only, location)] = wanted {
        return match cluster.get(&location.object).await {
            Ok(live) => Ok(HashMap::from([((location.namespace.clone(), only.id.name.clone()), live)])),
            Err(failure) if failure.is_not_found() => Ok(Found::new()),
            Err(failure) => Err(failure),
        };
    }
    let Some((first, location)) = wanted.first() else { return Ok(Found::new()) };
    let names = wanted.iter().map(|(w, l)| (l.namespace.clone(), w.id.name.clone())).collect();
    list(cluster, &location.collection, &first.id, names).await
}

/// All namespaces by one list; `None` when that is not allowed or fails, and
/// they are to be read one by one.
async fn list_everywhere(
    cluster: &Cluster,
    places: &BTreeMap<Option<String>, Vec<(Wanted<'_>, Location)>>,
) -> Option<Found> {
    let all = || places.values().flatten();
    let (first, location) = all().next()?;
    let names = all().map(|(w, l)| (l.namespace.clone(), w.id.name.clone())).collect();
    list(cluster, &location.everywhere, &first.id, names).await.ok()
}

/// Lists page by page and keeps what is wanted.
async fn list(
    cluster: &Cluster,
    collection: &str,
    id: &ObjectId,
    names: HashSet<Name>,
) -> Result<Found, Failure> {
    let mut found = Found::new();
    let mut pages = Pages::of(cluster, collection);
    while let Some(part) = pages.next().await? {
        match part {
            Part::Anew => found.clear(),
            Part::Objects(listed) => {
                let wanted = listed.into_iter().filter(|object| names.contains(&object.name));
                found.extend(
                    wanted.filter_map(|o| Some((o.name, whole(&o.text, &id.api_version, &id.kind)?))),
                );
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn import_ids() {
        let id = parse_import("apiVersion=apps/v1,kind=Deployment,namespace=shop,name=web").expect("valid");
        assert_eq!(id.identity(), "apps/Deployment/shop/web");
        assert!(parse_import("apiVersion=v1,kind=Namespace,name=a").expect("valid").namespace.is_none());
        for bad in ["", "web", "apiVersion=v1,kind=A", "apiVersion=v1,kind=A,name=a,x=y"] {
            assert_eq!(parse_import(bad).expect_err(bad).class, ErrorClass::Invalid);
        }
    }
}
