//! All that an object depends on, through others too: records tell only of
//! what it directly depends on.
//!
//! Guarantees: what many objects depend on is gathered once.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::model::WorkspaceState;
use crate::addr::{ModulePath, ModuleStep, ResourceAddress};

/// Dependencies of all objects of a workspace, by the blocks that they are of.
#[derive(Debug, Default)]
pub struct Dependencies {
    /// Addresses of blocks, in the order of their text.
    blocks: Vec<String>,
    numbers: FxHashMap<ResourceAddress, u32>,
    /// Of each block: all that its objects depend on, in order.
    all: Vec<Option<Arc<[u32]>>>,
}

impl Dependencies {
    /// Gathers those of a workspace.
    pub fn of(state: &WorkspaceState) -> Self {
        let records = state.resources.values();
        Dependencies::among(records.map(|record| (&record.key.address, record.dependencies.as_slice())))
    }

    /// Gathers those of objects, each with what it directly depends on.
    pub fn among<'o>(
        objects: impl Iterator<Item = (&'o ResourceAddress, &'o [ResourceAddress])> + Clone,
    ) -> Self {
        let objects = objects.filter(|(_, direct)| !direct.is_empty());
        let mut named: FxHashSet<&ResourceAddress> = FxHashSet::default();
        objects.clone().for_each(|(address, direct)| named.extend(direct.iter().chain([address])));
        let by_text: BTreeSet<(String, ResourceAddress)> =
            named.iter().map(|address| block(address)).map(|block| (block.to_string(), block)).collect();
        let numbers: FxHashMap<ResourceAddress, u32> =
            by_text.iter().zip(0..).map(|((_, block), number)| (block.clone(), number)).collect();
        let mut direct: Vec<FxHashSet<u32>> = vec![FxHashSet::default(); numbers.len()];
        for (address, others) in objects {
            let own = numbers[&block(address)];
            direct[own as usize].extend(others.iter().map(|other| numbers[&block(other)]));
        }
        let mut dependencies = Dependencies {
            blocks: by_text.into_iter().map(|(text, _)| text).collect(),
            all: vec![None; numbers.len()],
            numbers,
        };
        (0..direct.len()).for_each(|root| dependencies.gather(root, &direct));
        dependencies
    }

    /// Gathers what a block depends on, those first that it depends on.
    fn gather(&mut self, root: usize, direct: &[FxHashSet<u32>]) {
        let mut open = vec![(root, direct[root].iter())];
        let mut met = FxHashSet::from_iter([root]);
        while let Some((at, left)) = open.last_mut() {
            match left.next().map(|next| *next as usize) {
                // What depends on itself was moved by hand; it has been met.
                Some(next) if self.all[next].is_some() || !met.insert(next) => {}
                Some(next) => open.push((next, direct[next].iter())),
                None => {
                    self.all[*at] = Some(self.through(&direct[*at]));
                    open.pop();
                }
            }
        }
    }

    /// Blocks, and all that they depend on.
    fn through(&self, direct: &FxHashSet<u32>) -> Arc<[u32]> {
        let further = direct.iter().flat_map(|next| self.all[*next as usize].iter());
        let mut all: Vec<u32> = further.flat_map(|all| all.iter()).chain(direct).copied().collect();
        all.sort_unstable();
        all.dedup();
        all.into()
    }

    /// All that an object depends on, by what it directly depends on: addresses
    /// of blocks, in order.
    pub fn through_all(&self, direct: &[ResourceAddress]) -> Vec<&str> {
        let numbers = direct.iter().filter_map(|address| self.numbers.get(&block(address)));
        let all = self.through(&numbers.copied().collect());
        all.iter().map(|number| self.blocks[*number as usize].as_str()).collect()
    }
}

/// The address of the block that an object is of.
pub fn block(address: &ResourceAddress) -> ResourceAddress {
    let steps = address.module.steps();
    let module = match steps.iter().all(|step| step.key.is_none()) {
        true => address.module.clone(),
        false => ModulePath::of(steps.iter().map(|step| ModuleStep { key: None, ..step.clone() })),
    };
    ResourceAddress { module, key: None, ..address.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::conformance::record;

    fn state(records: &[(&str, &[&str])]) -> WorkspaceState {
        let mut state = WorkspaceState::empty("acme".parse().expect("a name"));
        for (address, dependencies) in records {
            let mut record = record(address, "");
            record.dependencies = dependencies.iter().map(|text| text.parse().expect("address")).collect();
            state.resources.insert(record.key.clone(), record);
        }
        state
    }

    #[test]
    fn all_are_told_once_and_in_order() {
        let state = state(&[
            ("a.one", &[]),
            ("a.two[0]", &["data.a.d", "a.one"]),
            ("a.two[1]", &["a.one"]),
            ("module.m[\"x\"].a.in", &["a.two"]),
            ("a.last", &["module.m[\"x\"].a.in", "module.m[\"y\"].a.in", "a.one"]),
            // By hand.
            ("a.loop", &["a.back"]),
            ("a.back", &["a.loop"]),
        ]);
        let dependencies = Dependencies::of(&state);
        let told: Vec<String> = state
            .resources
            .values()
            .map(|record| {
                format!("{}: {}", record.key, dependencies.through_all(&record.dependencies).join(" "))
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        a.back: a.back a.loop
        a.last: a.one a.two data.a.d module.m.a.in
        a.loop: a.back a.loop
        a.one: 
        a.two[0]: a.one data.a.d
        a.two[1]: a.one
        module.m["x"].a.in: a.one a.two data.a.d
        "#);
    }
}
