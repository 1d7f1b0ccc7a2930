//! What cannot be planned yet: resources whose number of instances is not
//! known, and what depends on them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::evaluate::{Evaluation, WaitingCall};
use crate::addr::{ModulePath, ResourceAddress, ResourceMode};
use crate::diag::Span;
use crate::graph::NodeKind;

/// Why something waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// How many instances there are follows from something unknown.
    InstanceCountUnknown,
    /// It depends on something that waits.
    DeferredPrereq,
}

/// A resource that is left to a later plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferred {
    /// With `[*]` where keys are not known.
    pub address: String,
    /// The module that it is in, in the same way; empty for the root.
    pub module: String,
    /// Managed or data.
    pub mode: ResourceMode,
    /// The type.
    pub kind: Arc<str>,
    /// The name.
    pub name: Arc<str>,
    /// The provider.
    pub provider: Arc<str>,
    /// Why.
    pub reason: Waiting,
    /// What it waits for.
    pub waits_for: Vec<String>,
    /// Where the block stands.
    pub span: Span,
}

/// What waits, as the planner goes.
#[derive(Default)]
pub(super) struct Deferral {
    pub all: Vec<Deferred>,
    /// Resource nodes by module instance, and how they are shown.
    nodes: HashMap<(usize, usize), String>,
    /// The same by address, without key.
    resources: HashSet<ResourceAddress>,
    /// Calls by the module instance that calls.
    calls: HashSet<(ModulePath, Arc<str>)>,
}

impl Deferral {
    /// Notes that the instances of a resource in a module instance wait.
    pub(super) fn resource(
        &mut self,
        evaluation: &Evaluation<'_>,
        node: usize,
        instance: usize,
        reason: Waiting,
        waits_for: Vec<String>,
    ) {
        let NodeKind::Resource(index) = evaluation.graph.nodes[node].kind else { return };
        let module = evaluation.graph.nodes[node].module;
        let path = evaluation.modules[module][instance].path.clone();
        let block = &evaluation.graph.modules[module].module.resources[index];
        let deferred = deferred(evaluation, module, index, path.to_string(), reason, waits_for);
        self.nodes.insert((node, instance), deferred.address.clone());
        let (kind, name) = (block.kind.clone(), block.name.clone());
        self.resources.insert(ResourceAddress { module: path, mode: block.mode, kind, name, key: None });
        self.all.push(deferred);
    }

    /// What of a node's dependencies waits, as seen from a module instance.
    pub(super) fn before(&self, evaluation: &Evaluation<'_>, node: usize, instance: usize) -> Vec<String> {
        if self.nodes.is_empty() && evaluation.waiting.is_empty() {
            return Vec::new();
        }
        let graph = evaluation.graph;
        let module = graph.nodes[node].module;
        let mut found = Vec::new();
        for &dependency in &graph.nodes[node].resources {
            let other = graph.nodes[dependency].module;
            for seen in evaluation.visible(module, instance, other) {
                found.extend(self.nodes.get(&(dependency, seen)).cloned());
            }
            found.extend(evaluation.waiting.iter().filter(|w| is_in(graph, other, w.child)).map(shown));
        }
        found.sort();
        found.dedup();
        found
    }

    /// Whether it is not known which instances a node has.
    pub(super) fn waits(&self, evaluation: &Evaluation<'_>, node: usize) -> bool {
        let module = evaluation.graph.nodes[node].module;
        self.nodes.keys().any(|(waiting, _)| *waiting == node)
            || evaluation.waiting.iter().any(|w| is_in(evaluation.graph, module, w.child))
    }

    /// Notes all that is in modules whose instances are not known.
    pub(super) fn calls(&mut self, evaluation: &Evaluation<'_>) {
        for waiting in &evaluation.waiting {
            self.calls.insert((waiting.path.clone(), waiting.name.clone()));
            let mut inside = vec![(waiting.child, shown(waiting))];
            while let Some((module, path)) = inside.pop() {
                let block = &evaluation.graph.modules[module].module;
                for index in 0..block.resources.len() {
                    let (reason, waits_for) = (Waiting::InstanceCountUnknown, waiting.waits_for.clone());
                    self.all.push(deferred(evaluation, module, index, path.clone(), reason, waits_for));
                }
                for (i, call) in block.calls.iter().enumerate() {
                    let key = if call.repetition.expr().is_some() { "[*]" } else { "" };
                    let path = format!("{path}.module.{}{key}", call.name.name);
                    inside.extend(evaluation.graph.child(module, i).map(|child| (child, path)));
                }
            }
        }
    }

    /// Whether an object belongs to what waits.
    pub(super) fn covers(&self, address: &ResourceAddress) -> bool {
        if self.all.is_empty() {
            return false;
        }
        let steps = address.module.steps();
        self.resources.contains(&address.without_key())
            || (0..steps.len()).any(|i| {
                let path = ModulePath::of(steps[..i].iter().cloned());
                self.calls.contains(&(path, steps[i].name.clone()))
            })
    }
}

fn shown(call: &WaitingCall) -> String {
    let dot = if call.path.is_root() { "" } else { "." };
    format!("{}{dot}module.{}[*]", call.path, call.name)
}

/// Whether a module of the graph is another or called from inside it.
fn is_in(graph: &crate::graph::Graph, mut module: usize, outer: usize) -> bool {
    loop {
        match graph.modules[module].parent {
            _ if module == outer => return true,
            Some((parent, _)) => module = parent,
            None => return false,
        }
    }
}

fn deferred(
    evaluation: &Evaluation<'_>,
    module: usize,
    index: usize,
    path: String,
    reason: Waiting,
    waits_for: Vec<String>,
) -> Deferred {
    let block = &evaluation.graph.modules[module].module.resources[index];
    let dot = if path.is_empty() { "" } else { "." };
    let data = block.mode.prefix();
    let key = if block.repetition.expr().is_some() { "[*]" } else { "" };
    Deferred {
        address: format!("{path}{dot}{data}{}.{}{key}", block.kind, block.name),
        module: path,
        mode: block.mode,
        kind: block.kind.clone(),
        name: block.name.clone(),
        provider: block.provider.clone(),
        reason,
        waits_for,
        span: block.span,
    }
}
