//! Lists that are asked for once for many workspaces.
//!
//! A refresh of a fleet reads each workspace by itself. While many of them are
//! read, and nothing is changed, what one has listed answers the others, too;
//! then it is gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OnceCell;

use super::resource::Called;

/// Workspaces for which a whole list is asked for rather than each of the
/// objects on it.
const MANY: usize = 20;

/// What was listed, by where.
pub(crate) struct Listed<T>(Mutex<HashMap<String, Arc<OnceCell<T>>>>);

impl<T: Clone> Listed<T> {
    /// What is there, listed by whoever asks first.
    pub(crate) async fn at<F>(&self, place: String, list: F) -> Called<T>
    where
        F: Future<Output = Called<T>>,
    {
        let cell = {
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.entry(place).or_default())
        };
        cell.get_or_try_init(|| list).await.cloned()
    }
}

/// What is listed at present, while somebody holds it.
pub(crate) struct Listing<T>(Arc<Mutex<Weak<Listed<T>>>>);

impl<T> Clone for Listing<T> {
    fn clone(&self) -> Self {
        Listing(Arc::clone(&self.0))
    }
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Listing(Arc::default())
    }
}

impl<T: Send + Sync + 'static> Listing<T> {
    /// Begins a reading of so many workspaces, if they are many; it lasts for
    /// as long as what is returned.
    pub(crate) fn reading(&self, workspaces: usize) -> Option<Box<dyn Send + Sync>> {
        if workspaces < MANY {
            return None;
        }
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Two at a time share one.
        let shared = current.upgrade().unwrap_or_else(|| Arc::new(Listed(Mutex::default())));
        *current = Arc::downgrade(&shared);
        Some(Box::new(shared))
    }

    /// The lists of the reading that is under way, if there is one.
    pub(crate) fn now(&self) -> Option<Arc<Listed<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_list_lasts_as_long_as_the_reading() {
        let listing = Listing::<usize>::default();
        assert!(listing.reading(MANY - 1).is_none() && listing.now().is_none());
        let held = listing.reading(MANY).expect("many");
        let lists = listing.now().expect("held");
        for other in 1..3 {
            assert_eq!(lists.at("zone".into(), async { Ok(other) }).await.expect("listed"), 1);
        }
        let also_held = listing.reading(MANY);
        drop((held, lists));
        assert!(listing.now().is_some(), "somebody else reads");
        drop(also_held);
        assert!(listing.now().is_none());
    }
}
