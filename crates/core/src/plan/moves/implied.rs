//! Moves that nobody has to write: a block or a module call that got or lost
//! its `count` keeps its first object or instance.
//!
//! Guarantees: an object or instance that a `moved` block names is left to that
//! block, and so is a resource of which it names one; a look costs what there
//! is in the state, not what there is in the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Block, Places, Statement, last_key};
use crate::addr::{InstanceKey, ModulePath, ResourceAddress};
use crate::config::Repetition;
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::graph::{Graph, NodeKind};
use crate::state::WorkspaceState;

/// A key that was, and the one that took its place.
type Keys = (Option<InstanceKey>, Option<InstanceKey>);

/// What got or lost its `count` since a state was written, as far as the
/// configuration can tell.
pub(super) struct Implied<'g> {
    graph: &'g Graph,
    /// Keys of module calls and where these are, by names.
    calls: BTreeMap<Vec<Arc<str>>, (Keys, Span)>,
}

impl<'g> Implied<'g> {
    pub(super) fn of(graph: &'g Graph) -> Self {
        let calls = graph.modules.iter().enumerate().filter_map(|(at, node)| {
            let (parent, call) = node.parent?;
            let call = &graph.modules[parent].module.calls[call];
            Some((module_names(graph, at), (first(&call.repetition)?, call.name.span)))
        });
        Implied { graph, calls: calls.collect() }
    }

    /// Whether anything in a state has a key that its block no longer gives.
    pub(super) fn is_any(&self, state: &WorkspaceState) -> bool {
        let mut last = None;
        state.resources.keys().any(|key| {
            let address = &key.address;
            // Objects of one module stand together.
            let is_new = last.replace(&address.module) != Some(&address.module);
            let block = self.graph.resource(address);
            let keys = block.and_then(|block| first(&block.repetition));
            keys.is_some_and(|(from, _)| from == address.key) || is_new && self.has_moved(&address.module)
        })
    }

    fn has_moved(&self, path: &ModulePath) -> bool {
        let mut names = Vec::with_capacity(path.steps().len());
        path.steps().iter().any(|step| {
            names.push(step.name.clone());
            self.calls.get(&names).is_some_and(|((from, _), _)| *from == step.key)
        })
    }

    /// Moves what no statement names: modules first, from the root down.
    ///
    /// # Errors
    /// Statements that move other instances of modules there.
    pub(super) fn follow(
        &self,
        statements: &[Statement<'_>],
        places: &mut Places,
    ) -> Result<(), Diagnostics> {
        let named: BTreeSet<Block> =
            statements.iter().flat_map(|s| [s.block(&s.moved.from), s.block(&s.moved.to)]).collect();
        let mut leading: BTreeMap<Block, Vec<&Statement<'_>>> = BTreeMap::new();
        statements.iter().for_each(|s| leading.entry(s.block(&s.moved.to)).or_default().push(s));
        let mut found = Diagnostics::new();
        for (names, ((from, to), span)) in &self.calls {
            let at = (names.clone(), None);
            let mut there = leading.get(&at).into_iter().flatten();
            let other = there.find(|s| last_key(&s.moved.to) == to.as_ref());
            // Who moves a whole module brings its first instance along.
            let other = other.filter(|s| !s.is_whole());
            for address in places.in_block(&at) {
                let mut steps = address.module.steps().to_vec();
                let step = &mut steps[names.len() - 1];
                if step.key == *from {
                    if let Some(other) = other {
                        found.push(taken_by(other, *span));
                        continue;
                    }
                    step.key.clone_from(to);
                    places.take(
                        &address,
                        &ResourceAddress { module: ModulePath::of(steps), ..address.clone() },
                    );
                }
            }
        }
        for node in &self.graph.nodes {
            let NodeKind::Resource(index) = node.kind else { continue };
            let block = &self.graph.modules[node.module].module.resources[index];
            let Some((from, to)) = first(&block.repetition) else { continue };
            let resource = (block.mode, block.kind.clone(), block.name.clone());
            let at = (module_names(self.graph, node.module), Some(resource));
            if named.contains(&at) {
                continue;
            }
            for address in places.in_block(&at).into_iter().filter(|address| address.key == from) {
                places.take(&address, &ResourceAddress { key: to.clone(), ..address.clone() });
            }
        }
        if found.has_errors() { Err(found) } else { Ok(()) }
    }
}

/// That the instance that a call keeps would come where another one goes.
fn taken_by(other: &Statement<'_>, span: Span) -> Diagnostic {
    let (from, to) = (&other.moved.from, &other.moved.to);
    let detail = format!(
        "{from} is moved to {to}, which is also where the first instance of this module comes, since its count changes."
    );
    Diagnostic::error("Ambiguous moves", detail).at(span).related(other.moved.span, "moved here")
}

/// The key that the first object had if its block got or lost its `count`, and
/// the one that it has now.
fn first(repetition: &Repetition) -> Option<Keys> {
    let zero = Some(InstanceKey::Index(0));
    match repetition {
        Repetition::Count(_) => Some((None, zero)),
        Repetition::None | Repetition::Enabled(_) => Some((zero, None)),
        Repetition::ForEach(_) => None,
    }
}

fn module_names(graph: &Graph, mut module: usize) -> Vec<Arc<str>> {
    let mut names = Vec::new();
    while let Some((parent, call)) = graph.modules[module].parent {
        names.push(graph.modules[parent].module.calls[call].name.name.clone());
        module = parent;
    }
    names.reverse();
    names
}
