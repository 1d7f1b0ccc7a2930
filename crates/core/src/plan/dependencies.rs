//! What objects depend on, for their records and for the order of their
//! replacement.

use rustc_hash::FxHashSet;

use super::planner::Planner;
use crate::addr::{ModulePath, ResourceAddress, ResourceMode};
use crate::graph::{Graph, NodeKind};

impl Planner<'_> {
    /// Addresses of the resources that a node directly depends on, as seen
    /// from a module instance: those in the modules that both are in are of its
    /// own instances, those further down of all instances. Of what is managed
    /// also those that it depends on through what is only read: no record tells
    /// of that.
    pub(super) fn dependencies(&self, node: usize, instance: usize) -> Vec<ResourceAddress> {
        let mut found = Vec::new();
        let path = &self.evaluation.modules[self.input.graph.nodes[node].module][instance].path;
        let is_managed = self.is_managed(node);
        self.depends(node, path, is_managed, &mut FxHashSet::default(), &mut found);
        found
    }

    fn is_managed(&self, node: usize) -> bool {
        let NodeKind::Resource(i) = self.input.graph.nodes[node].kind else { return false };
        let module = &self.input.graph.modules[self.input.graph.nodes[node].module].module;
        module.resources[i].mode == ResourceMode::Managed
    }

    fn depends(
        &self,
        node: usize,
        from: &ModulePath,
        is_managed: bool,
        met: &mut FxHashSet<(usize, ModulePath)>,
        found: &mut Vec<ResourceAddress>,
    ) {
        let graph = self.input.graph;
        for &resource in &graph.nodes[node].resources {
            let NodeKind::Resource(i) = graph.nodes[resource].kind else { continue };
            let module = graph.nodes[resource].module;
            let block = &graph.modules[module].module.resources[i];
            let path = graph.seen_from(graph.nodes[node].module, from, module);
            if !met.insert((resource, path.clone())) {
                continue;
            }
            found.push(ResourceAddress {
                module: path.clone(),
                mode: block.mode,
                kind: block.kind.clone(),
                name: block.name.clone(),
                key: None,
            });
            if is_managed && !self.is_managed(resource) {
                self.depends(resource, &path, is_managed, met, found);
            }
        }
    }
}

/// By node: whether a resource is replaced create-first: it says so, or
/// something that depends on it does and could not be made first otherwise.
pub(super) fn create_first(graph: &Graph) -> Vec<bool> {
    let mut first = vec![false; graph.nodes.len()];
    for &at in graph.order.iter().rev() {
        let node = &graph.nodes[at];
        let NodeKind::Resource(i) = node.kind else { continue };
        first[at] |= graph.modules[node.module].module.resources[i].lifecycle.create_before_destroy;
        if first[at] {
            node.resources.iter().for_each(|&dependency| first[dependency] = true);
        }
    }
    first
}
