//! Zones that are listed once for many workspaces.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_route53::types::ResourceRecordSet;
use tokio::sync::OnceCell;

use super::super::resource::Called;

/// What a zone has.
pub(super) type Records = Arc<Vec<ResourceRecordSet>>;

/// What was listed, by account and zone. Held while many workspaces are read,
/// and nothing is changed; then it is gone.
#[derive(Default)]
pub(in crate::aws) struct Listed(Mutex<HashMap<Zone, Arc<OnceCell<Records>>>>);

/// The account and the zone's id.
type Zone = (String, String);

impl Listed {
    /// The records of a zone, listed by whoever asks first.
    pub(super) async fn zone<F>(&self, account: &str, zone: &str, list: F) -> Called<Records>
    where
        F: Future<Output = Called<Vec<ResourceRecordSet>>>,
    {
        let cell = {
            let mut zones = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(zones.entry((account.to_owned(), zone.to_owned())).or_default())
        };
        cell.get_or_try_init(|| async { list.await.map(Arc::new) }).await.cloned()
    }
}
