//! What the states of others claim.
//!
//! A fleet has many states, and a new tenant's names are to be looked for in
//! all of them. So what each claims is kept in an index, as numbers drawn from
//! the names, until its workspace is written again; only states that seem to
//! have a name are read.
//!
//! Guarantees: two names with one number cost a read and nothing else; an index
//! that is lost, old, or of another version costs reading all.

use std::collections::{BTreeMap, HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use super::super::Engine;
use super::{Claim, Places, number};
use crate::addr::WorkspaceName;
use crate::provider::Registry;
use crate::state::{Stamp, StateError, StateStore, WorkspaceState};

/// States looked at in one go.
const AT_ONCE: usize = 256;
const INDEX: &str = "claims";
/// Of the index. What an object claims may be another thing for another version
/// of the providers, too.
const VERSION: &str = concat!("1 ", env!("CARGO_PKG_VERSION"));

/// What states claim, as they were when their stamps were taken.
#[derive(Default, Serialize, Deserialize)]
struct Index {
    version: String,
    states: BTreeMap<WorkspaceName, Indexed>,
}

#[derive(Serialize, Deserialize)]
struct Indexed {
    stamp: Stamp,
    /// Four bytes a claim.
    numbers: String,
}

impl Index {
    fn read(store: &dyn StateStore) -> Self {
        let kept = store.index(INDEX).and_then(|bytes| serde_json::from_slice::<Index>(&bytes).ok());
        let kept = kept.filter(|index| index.version == VERSION);
        kept.unwrap_or_else(|| Index { version: VERSION.to_owned(), states: BTreeMap::new() })
    }

    /// Not keeping it costs time and nothing else.
    fn keep(&self, store: &dyn StateStore) {
        if let Ok(bytes) = serde_json::to_vec(self) {
            let _ = store.keep_index(INDEX, &bytes);
        }
    }
}

impl Indexed {
    fn new(stamp: Stamp, claims: &[Claim]) -> Self {
        let numbers: Vec<u8> = claims.iter().flat_map(|claim| claim.number.to_le_bytes()).collect();
        Indexed { stamp, numbers: BASE64.encode(numbers) }
    }

    /// Whether it may have one of these; so does one that cannot be read.
    fn may_have(&self, wanted: &HashSet<u32>) -> bool {
        let Ok(bytes) = BASE64.decode(&self.numbers) else { return true };
        let (numbers, rest) = bytes.as_chunks::<4>();
        !rest.is_empty() || numbers.iter().any(|bytes| wanted.contains(&u32::from_le_bytes(*bytes)))
    }
}

/// Adds what the states of others have of the names that are new in these plans.
///
/// # Errors
/// A store that cannot be read. One state that cannot is another's problem.
pub(in super::super) fn add(
    engine: &Engine,
    claims: &mut Vec<(WorkspaceName, Vec<Claim>)>,
) -> Result<(), StateError> {
    let new = claims.iter().flat_map(|(_, claims)| claims).filter(|claim| !claim.held);
    let wanted: HashSet<u32> = new.map(|claim| claim.number).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let planned: HashSet<&WorkspaceName> = claims.iter().map(|(workspace, _)| workspace).collect();
    let all = engine.store.list()?;
    let others: Vec<_> = all.iter().filter(|name| !planned.contains(name)).cloned().collect();
    if others.is_empty() {
        return Ok(());
    }
    let mut index = Index::read(&*engine.store);
    // Before anything is read: what is written meanwhile is read again.
    let stamps: HashMap<_, _> = others.iter().zip(engine.store.stamps(&others)?).collect();
    let is_known = |name: &WorkspaceName| {
        let indexed = index.states.get(name).filter(|state| Some(state.stamp) == stamps[name]);
        indexed.is_some_and(|state| !state.may_have(&wanted))
    };
    let unknown: Vec<WorkspaceName> = others.iter().filter(|name| !is_known(name)).cloned().collect();
    let mut is_newer = false;
    for names in unknown.chunks(AT_ONCE) {
        for state in engine.store.load(names)?.into_iter().flatten() {
            let mut found = of_state(&engine.registry, &state);
            if let Some(stamp) = stamps[&state.name] {
                is_newer |= index.states.get(&state.name).is_none_or(|known| known.stamp != stamp);
                index.states.insert(state.name.clone(), Indexed::new(stamp, &found));
            }
            found.retain(|claim| wanted.contains(&claim.number));
            if !found.is_empty() {
                claims.push((state.name, found));
            }
        }
    }
    if is_newer {
        index.states.retain(|name, _| all.binary_search(name).is_ok());
        index.keep(&*engine.store);
    }
    Ok(())
}

/// What the objects of a state claim.
fn of_state(registry: &Registry, state: &WorkspaceState) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut places = Places::default();
    for record in state.resources.values() {
        let Some(provider) = registry.get(&record.provider) else { continue };
        let kind = &record.key.address.kind;
        let identity = provider.identity(kind, &record.attributes);
        let identity = identity.map(|name| (name, Some(places.of(kind, &record.connection))));
        let names = provider.claims(kind, &record.attributes).into_iter().map(|name| (name, None));
        claims.extend(identity.into_iter().chain(names).map(|(name, place)| Claim {
            number: number(&name, place.as_deref()),
            name,
            place,
            address: record.key.address.clone(),
            span: None,
            held: true,
            recorded: true,
        }));
    }
    claims
}
