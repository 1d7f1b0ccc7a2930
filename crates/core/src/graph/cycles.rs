//! The order of a graph, and what stands in its way.
//!
//! Guarantees: each circle is told once, by the names of its blocks in the
//! order in which they refer to each other.

use std::collections::{BTreeSet, VecDeque};

use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashMap;

use super::{Graph, NodeKind};
use crate::diag::{Diagnostic, Diagnostics, Span};

impl Graph {
    /// Puts dependencies first, or says which blocks go in circles.
    pub(super) fn sort(&mut self, diagnostics: &mut Diagnostics) {
        let mut graph = DiGraph::<(), ()>::with_capacity(self.nodes.len(), self.nodes.len());
        for _ in &self.nodes {
            graph.add_node(());
        }
        for (at, node) in self.nodes.iter().enumerate() {
            for &dependency in &node.dependencies {
                graph.add_edge(NodeIndex::new(dependency), NodeIndex::new(at), ());
            }
        }
        match toposort(&graph, None) {
            Ok(order) => {
                self.order = order.into_iter().map(NodeIndex::index).collect();
                for at in self.order.clone() {
                    self.nodes[at].resources = self.direct_resources(at);
                }
            }
            Err(_) => self.report(&graph, diagnostics),
        }
    }

    fn report(&self, graph: &DiGraph<(), ()>, diagnostics: &mut Diagnostics) {
        for cycle in tarjan_scc(graph) {
            let alone = cycle.len() == 1 && !graph.contains_edge(cycle[0], cycle[0]);
            if !alone {
                diagnostics.push(self.cycle(&cycle));
            }
        }
    }

    fn direct_resources(&self, at: usize) -> Vec<usize> {
        let mut resources = BTreeSet::new();
        for &dependency in &self.nodes[at].dependencies {
            match self.nodes[dependency].kind {
                NodeKind::Resource(_) => {
                    resources.insert(dependency);
                }
                _ => resources.extend(self.nodes[dependency].resources.iter().copied()),
            }
        }
        resources.into_iter().collect()
    }

    fn cycle(&self, cycle: &[NodeIndex]) -> Diagnostic {
        let circle = self.circle(&cycle.iter().map(|node| node.index()).collect());
        let names: Vec<(String, Span)> = circle.into_iter().map(|node| self.describe(node)).collect();
        let path: Vec<&str> =
            names.iter().map(|(name, _)| name.as_str()).chain([names[0].0.as_str()]).collect();
        let error = Diagnostic::error(
            "Cycle",
            format!("These refer to one another in a circle: {}.", path.join(" -> ")),
        )
        .at(names[0].1);
        names.iter().skip(1).fold(error, |error, (name, span)| error.related(*span, name.clone()))
    }

    /// Of nodes that all lead to one another, a shortest way from the first one
    /// back to it, each referring to the next.
    fn circle(&self, members: &BTreeSet<usize>) -> Vec<usize> {
        let Some(&first) = members.first() else { return Vec::new() };
        let mut from: FxHashMap<usize, usize> = FxHashMap::default();
        let mut queue = VecDeque::from([first]);
        while let Some(at) = queue.pop_front() {
            for &next in self.nodes[at].dependencies.iter().filter(|next| members.contains(next)) {
                if next == first {
                    let mut circle = vec![at];
                    let mut last = at;
                    while last != first {
                        last = from[&last];
                        circle.push(last);
                    }
                    circle.reverse();
                    return circle;
                }
                from.entry(next).or_insert_with(|| {
                    queue.push_back(next);
                    at
                });
            }
        }
        members.iter().copied().collect()
    }

    /// A node's name and place, for messages.
    pub(super) fn describe(&self, at: usize) -> (String, Span) {
        let node = &self.nodes[at];
        let module = &self.modules[node.module].module;
        let (name, span) = match node.kind {
            NodeKind::Variable(i) => {
                (format!("var.{}", module.variables[i].name.name), module.variables[i].name.span)
            }
            NodeKind::Validation(i) => {
                let name = &module.variables[i].name;
                (format!("validation of var.{}", name.name), name.span)
            }
            NodeKind::Local(i) => (format!("local.{}", module.locals[i].0.name), module.locals[i].0.span),
            NodeKind::Output(i) => {
                (format!("output.{}", module.outputs[i].name.name), module.outputs[i].name.span)
            }
            NodeKind::Resource(i) => (
                format!("{}.{}", module.resources[i].kind, module.resources[i].name),
                module.resources[i].span,
            ),
            NodeKind::Call(i) => (format!("module.{}", module.calls[i].name.name), module.calls[i].name.span),
            NodeKind::Provider(i) => {
                (format!("provider.{}", module.providers[i].reference()), module.providers[i].name.span)
            }
            NodeKind::Import(i) => (format!("import of {}", module.imports[i].to), module.imports[i].span),
            NodeKind::Check(i) => {
                (format!("check.{}", module.checks[i].name.name), module.checks[i].name.span)
            }
        };
        let mut prefix = String::new();
        let mut parent = self.modules[node.module].parent;
        while let Some((caller, call)) = parent {
            prefix = format!("module.{}.{prefix}", self.modules[caller].module.calls[call].name.name);
            parent = self.modules[caller].parent;
        }
        (prefix + &name, span)
    }
}
