//! What objects depend on, as state files list it: all of it, by block, without
//! keys of modules. Records tell of what they directly depend on, with them.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::addr::{ModulePath, ResourceAddress};
use crate::state::{Dependencies, RecordKey, WorkspaceState, block};

/// What a file lists, by object.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) all: BTreeMap<RecordKey, Vec<ResourceAddress>>,
}

impl Listed {
    /// Takes what was said of direct dependencies only where all that is listed
    /// follows from it: somebody else may have written the state since.
    pub(super) fn settle(self, state: &mut WorkspaceState) {
        let told = Dependencies::of(state);
        let mut places: FxHashMap<ResourceAddress, Vec<ResourceAddress>> = FxHashMap::default();
        for key in state.resources.keys() {
            let places = places.entry(block(&key.address)).or_default();
            let place = key.address.without_key();
            if !places.contains(&place) {
                places.push(place);
            }
        }
        for (key, listed) in self.all {
            let Some(record) = state.resources.get_mut(&key) else { continue };
            let mut texts: Vec<String> = listed.iter().map(ToString::to_string).collect();
            texts.sort();
            if record.dependencies != listed && told.through_all(&record.dependencies) == texts {
                continue;
            }
            let at = |address: &ResourceAddress| -> Vec<ResourceAddress> {
                let places = places.get(&block(address)).into_iter().flatten();
                let seen: Vec<_> = places.filter(|place| sees(&key.address.module, &place.module)).collect();
                // What is only read is in no state.
                if seen.is_empty() { vec![address.clone()] } else { seen.into_iter().cloned().collect() }
            };
            record.dependencies = listed.iter().flat_map(at).collect();
        }
    }
}

/// Whether something in a module instance can mean something in another: of the
/// calls that both are in it sees its own instance.
fn sees(from: &ModulePath, to: &ModulePath) -> bool {
    let both = from.steps().iter().zip(to.steps());
    both.take_while(|(a, b)| a.name == b.name).all(|(a, b)| a.key == b.key)
}
