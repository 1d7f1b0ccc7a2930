//! What objects depend on, for their records and for the order of their
//! replacement.

use rustc_hash::FxHashSet;

use super::planner::Planner;
use crate::addr::{ResourceAddress, ResourceMode};
use crate::graph::{Graph, NodeKind};

impl Planner<'_> {
    /// Addresses of the resources that a node directly depends on, as seen
    /// from a module instance. Of what is managed also those that it depends on
    /// through what is only read: no record tells of that.
    pub(super) fn dependencies(&self, node: usize, instance: usize) -> Vec<ResourceAddress> {
        let mut found = Vec::new();
        let is_managed = self.is_managed(node);
        self.depends(node, instance, is_managed, &mut FxHashSet::default(), &mut found);
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
        instance: usize,
        is_managed: bool,
        met: &mut FxHashSet<(usize, usize)>,
        found: &mut Vec<ResourceAddress>,
    ) {
        let graph = self.input.graph;
        for &resource in &graph.nodes[node].resources {
            let NodeKind::Resource(i) = graph.nodes[resource].kind else { continue };
            let module = graph.nodes[resource].module;
            let block = &graph.modules[module].module.resources[i];
            for seen in self.evaluation.visible(graph.nodes[node].module, instance, module) {
                if !met.insert((resource, seen)) {
                    continue;
                }
                found.push(ResourceAddress {
                    module: self.evaluation.modules[module][seen].path.clone(),
                    mode: block.mode,
                    kind: block.kind.clone(),
                    name: block.name.clone(),
                    key: None,
                });
                if is_managed && !self.is_managed(resource) {
                    self.depends(resource, seen, is_managed, met, found);
                }
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
