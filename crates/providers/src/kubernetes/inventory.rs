//! One look at all objects of a kind, for the refresh of many workspaces.
//!
//! Each workspace is read by itself, and a list for each would cost workspaces
//! × kinds calls. While many are read, the first that asks for a kind has it
//! listed in all namespaces, and the others find their objects there: kinds ×
//! pages calls.
//!
//! Guarantees: an answer says only that an object was as recorded. Everything
//! else (it is absent, it is different, the list is not allowed) is asked for
//! again by whoever wants to know, since a list may be older than the record.
//! Held are only objects that belong to a workspace, each until it is taken.
//! Must not: outlive the refresh that it was made for.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use serde_json::Value as Json;
use serde_json::value::RawValue;
use tokio::sync::OnceCell;

use super::client::Cluster;
use super::error::Failure;
use super::manifest::ObjectId;
use super::pages::{Name, Pages, Part, whole};

/// From so many namespaces or workspaces on, a kind is listed in all
/// namespaces at once.
pub(super) const EVERYWHERE: usize = 8;

/// What has been listed, by cluster and path.
#[derive(Default)]
pub(super) struct Inventory(std::sync::Mutex<HashMap<(usize, String), Shelf>>);

/// A kind in a cluster.
#[derive(Clone)]
struct Shelf {
    /// Kept, so that no other cluster comes to stand where this one stood.
    _cluster: Arc<Cluster>,
    /// `None` when it could not be listed.
    objects: Arc<OnceCell<Option<Objects>>>,
}

type Objects = std::sync::Mutex<HashMap<Name, Box<RawValue>>>;

impl Inventory {
    /// Takes the objects of one kind out; absent ones are `None`.
    pub(super) async fn take<'a>(
        &self,
        cluster: &Arc<Cluster>,
        everywhere: &str,
        wanted: impl Iterator<Item = (&'a ObjectId, Name)>,
    ) -> Vec<Option<Json>> {
        let shelf = self.shelf(cluster, everywhere);
        let objects = shelf.objects.get_or_init(|| async { list(cluster, everywhere).await.ok() }).await;
        let take =
            |name: &Name| objects.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        wanted.map(|(id, name)| whole(&take(&name)?, &id.api_version, &id.kind)).collect()
    }

    fn shelf(&self, cluster: &Arc<Cluster>, everywhere: &str) -> Shelf {
        let key = (Arc::as_ptr(cluster) as usize, everywhere.to_owned());
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shelf = shelves
            .entry(key)
            .or_insert_with(|| Shelf { _cluster: cluster.clone(), objects: Arc::default() });
        shelf.clone()
    }
}

async fn list(cluster: &Cluster, everywhere: &str) -> Result<Objects, Failure> {
    let mut objects = HashMap::new();
    let mut pages = Pages::of(cluster, everywhere);
    while let Some(part) = pages.next().await? {
        match part {
            Part::Anew => objects.clear(),
            Part::Objects(listed) => {
                objects.extend(listed.into_iter().filter(|o| o.is_owned).map(|o| (o.name, o.text)));
            }
        }
    }
    Ok(Objects::new(objects))
}
