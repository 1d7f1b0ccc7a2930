//! In which order `moved` blocks are followed: a chain from its beginning, one of
//! a single instance before one of all, else as they are written.
//!
//! Guarantees: moves that lead back to where they began are all named.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Block, Statement, last_key};
use crate::addr::InstanceKey;
use crate::config::Moved;
use crate::diag::{Diagnostic, Diagnostics};

/// Statements that take from a block.
#[derive(Default)]
struct Takers {
    all: Vec<usize>,
    /// Of these, those about all instances.
    whole: Vec<usize>,
    by_key: BTreeMap<Option<InstanceKey>, Vec<usize>>,
}

/// Statements, those first whose results others take.
pub(super) fn sort(statements: &[Statement<'_>]) -> Result<Vec<usize>, Diagnostics> {
    let mut takers: BTreeMap<Block, Takers> = BTreeMap::new();
    for (i, statement) in statements.iter().enumerate() {
        let from = takers.entry(statement.block(&statement.moved.from)).or_default();
        from.all.push(i);
        from.whole.extend(statement.is_whole().then_some(i));
        from.by_key.entry(last_key(&statement.moved.from).cloned()).or_default().push(i);
    }
    let mut graph = DiGraph::<(), ()>::with_capacity(statements.len(), statements.len());
    for _ in statements {
        graph.add_node(());
    }
    for (i, statement) in statements.iter().enumerate() {
        let given = statement.block(&statement.moved.to);
        let mut related: Vec<usize> = Vec::new();
        // The same block, and modules that it is in.
        if let Some(same) = takers.get(&given) {
            if statement.is_whole() {
                related.extend(&same.all);
            } else {
                let key = last_key(&statement.moved.to).cloned();
                related.extend(same.by_key.get(&key).into_iter().flatten());
                related.extend(&same.whole);
            }
        }
        for depth in 1..=given.0.len() {
            let outer = (given.0[..depth].to_vec(), None);
            if outer != given {
                related.extend(takers.get(&outer).into_iter().flat_map(|outer| &outer.all));
            }
        }
        if given.1.is_none() {
            let inside = takers
                .range((given.0.clone(), None)..)
                .take_while(|(block, _)| block.0.starts_with(&given.0));
            related.extend(inside.filter(|(block, _)| **block != given).flat_map(|(_, inside)| &inside.all));
        }
        for other in related {
            if other != i && statement.feeds(&statements[other]) {
                graph.update_edge(NodeIndex::new(i), NodeIndex::new(other), ());
            }
        }
    }
    for (i, whole) in statements.iter().enumerate().filter(|(_, statement)| statement.is_whole()) {
        for &one in takers.get(&whole.block(&whole.moved.from)).into_iter().flat_map(|from| &from.all) {
            if !statements[one].is_whole() {
                graph.update_edge(NodeIndex::new(one), NodeIndex::new(i), ());
            }
        }
    }
    let order = first_written_first(&graph);
    if order.len() == statements.len() {
        return Ok(order);
    }
    let mut found = Diagnostics::new();
    for cycle in tarjan_scc(&graph).into_iter().filter(|cycle| cycle.len() > 1) {
        let mut all: Vec<&Moved> = cycle.iter().map(|n| statements[n.index()].moved).collect();
        all.sort_by_key(|moved| moved.span);
        let listed: Vec<String> = all.iter().map(|moved| format!("{} to {}", moved.from, moved.to)).collect();
        let detail = format!("These moves lead back to where they began: {}.", listed.join(", "));
        let error = Diagnostic::error("Cycle of moves", detail).at(all[0].span);
        found.push(all.iter().skip(1).fold(error, |error, moved| error.related(moved.span, "and this one")));
    }
    Err(found)
}

/// What comes after what it needs, else in its own order; without cycles and
/// what needs them.
fn first_written_first(graph: &DiGraph<(), ()>) -> Vec<usize> {
    let mut waits: Vec<usize> = graph
        .node_indices()
        .map(|node| graph.neighbors_directed(node, Direction::Incoming).count())
        .collect();
    let mut ready: BTreeSet<usize> = (0..waits.len()).filter(|&at| waits[at] == 0).collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for next in graph.neighbors(NodeIndex::new(at)) {
            waits[next.index()] -= 1;
            if waits[next.index()] == 0 {
                ready.insert(next.index());
            }
        }
    }
    order
}
