//! `-target` and `-exclude`: which part of a configuration a plan is about.
//!
//! A target brings what it depends on with it; an exclusion leaves out what
//! depends on it too. For removals it is the other way round, by what the
//! records say.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::model::{Plan, PlanMode};
use crate::addr::{ModulePath, ResourceAddress, Selector};
use crate::diag::{Diagnostic, Diagnostics};
use crate::graph::{Graph, NodeKind};
use crate::state::WorkspaceState;

/// How much of a node is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Nothing,
    /// Those instances that the selectors say.
    Part,
    Whole,
}

/// What a plan is about.
#[derive(Debug, Default)]
pub struct Chosen {
    /// `None`: everything.
    limit: Option<Limit>,
}

#[derive(Debug)]
struct Limit {
    selectors: Vec<Selector>,
    exclude: bool,
    /// By node.
    reach: Vec<Reach>,
    /// In a destroy plan: the objects that are meant.
    objects: Option<HashSet<ResourceAddress>>,
}

impl Chosen {
    /// What selectors leave of a graph and a state.
    ///
    /// # Errors
    /// Targets together with exclusions.
    pub fn new(
        graph: &Graph,
        state: &WorkspaceState,
        mode: PlanMode,
        targets: &[Selector],
        excludes: &[Selector],
    ) -> Result<Chosen, Diagnostics> {
        let (selectors, exclude) = match (targets, excludes) {
            ([], []) => return Ok(Chosen::default()),
            (targets, []) => (targets, false),
            ([], excludes) => (excludes, true),
            _ => {
                let detail = "A plan is about what -target names, or about all but what -exclude names.";
                return Err(Diagnostic::error("Contradicting options", detail)
                    .hint("Give only targets or only exclusions.")
                    .into());
            }
        };
        let direct = direct(graph, selectors);
        let reach = if exclude { without(graph, &direct) } else { with_needed(graph, &direct) };
        let objects = (mode == PlanMode::Destroy).then(|| objects(state, selectors, exclude));
        let limit = Limit { selectors: selectors.to_vec(), exclude, reach, objects };
        Ok(Chosen { limit: Some(limit) })
    }

    /// Selectors that name something here.
    pub fn found<'c>(
        &'c self,
        graph: &'c Graph,
        state: &'c WorkspaceState,
    ) -> impl Iterator<Item = &'c Selector> {
        let is_here = move |selector: &&Selector| {
            let in_config = match selector {
                Selector::Module(path) => graph.module(path).is_some(),
                Selector::Resource(address) => graph.resource_node(address).is_some(),
            };
            in_config || state.resources.keys().any(|key| selector.contains(&key.address))
        };
        self.limit.iter().flat_map(|limit| &limit.selectors).filter(is_here)
    }

    /// Whether the plan is about a part only.
    pub fn is_partial(&self) -> bool {
        self.limit.is_some()
    }

    /// Whether a node is evaluated.
    pub(super) fn evaluates(&self, node: usize) -> bool {
        self.limit.as_ref().is_none_or(|limit| limit.reach[node] != Reach::Nothing)
    }

    /// Whether an instance of a resource is planned.
    pub(super) fn plans(&self, node: usize, address: &ResourceAddress) -> bool {
        let Some(limit) = &self.limit else { return true };
        match limit.reach[node] {
            Reach::Nothing => false,
            Reach::Whole => true,
            Reach::Part => limit.selectors.iter().any(|s| s.contains(address)) != limit.exclude,
        }
    }

    /// Whether a recorded object is looked at.
    pub fn covers(&self, graph: &Graph, address: &ResourceAddress) -> bool {
        let Some(limit) = &self.limit else { return true };
        if let Some(objects) = &limit.objects {
            return objects.contains(address);
        }
        match graph.resource_node(address) {
            Some(node) => self.plans(node, address),
            None => limit.selectors.iter().any(|s| s.contains(address)) != limit.exclude,
        }
    }
}

/// What the selectors name: resource nodes, wholly or in part.
fn direct(graph: &Graph, selectors: &[Selector]) -> Vec<Reach> {
    let mut reach = vec![Reach::Nothing; graph.nodes.len()];
    // Per module: what a selector that names it, or one that it is in, says.
    let mut modules = vec![Reach::Nothing; graph.modules.len()];
    for selector in selectors {
        let Some(module) = graph.module(selector.module()) else { continue };
        let whole = selector.module().steps().iter().all(|step| step.key.is_none());
        match selector {
            Selector::Module(_) => {
                modules[module] = modules[module].max(if whole { Reach::Whole } else { Reach::Part });
            }
            Selector::Resource(address) => {
                let whole = whole && address.key.is_none();
                if let Some(node) = graph.resource_node(address) {
                    reach[node] = reach[node].max(if whole { Reach::Whole } else { Reach::Part });
                }
            }
        }
    }
    // Callers come before what they call.
    for module in 0..modules.len() {
        if let Some((parent, _)) = graph.modules[module].parent {
            modules[module] = modules[module].max(modules[parent]);
        }
    }
    for (at, node) in graph.nodes.iter().enumerate() {
        if matches!(node.kind, NodeKind::Resource(_)) {
            reach[at] = reach[at].max(modules[node.module]);
        }
    }
    reach
}

/// With all that they depend on, and the outputs that depend on nothing else.
fn with_needed(graph: &Graph, direct: &[Reach]) -> Vec<Reach> {
    let mut reach = direct.to_vec();
    for &at in graph.order.iter().rev() {
        if reach[at] != Reach::Nothing {
            // All instances of it, even if it is itself named in part.
            graph.nodes[at].dependencies.iter().for_each(|&dependency| reach[dependency] = Reach::Whole);
        }
    }
    complete(graph, &mut reach);
    reach
}

/// Everything without what is named and what depends on it.
fn without(graph: &Graph, direct: &[Reach]) -> Vec<Reach> {
    let mut reach = vec![Reach::Nothing; graph.nodes.len()];
    for &at in &graph.order {
        let node = &graph.nodes[at];
        if !matches!(node.kind, NodeKind::Resource(_)) {
            continue;
        }
        reach[at] = match direct[at] {
            Reach::Whole => Reach::Nothing,
            _ if node.resources.iter().any(|&r| reach[r] != Reach::Whole) => Reach::Nothing,
            Reach::Part => Reach::Part,
            Reach::Nothing => Reach::Whole,
        };
    }
    complete(graph, &mut reach);
    reach
}

/// Adds what resources need, and the outputs and validations of what is looked
/// at.
fn complete(graph: &Graph, reach: &mut [Reach]) {
    needed(graph, reach);
    for (at, node) in graph.nodes.iter().enumerate() {
        let is_meant = match node.kind {
            NodeKind::Validation(i) => graph
                .node(node.module, NodeKind::Variable(i))
                .is_some_and(|variable| reach[variable] != Reach::Nothing),
            NodeKind::Output(i) if node.module == 0 => {
                let name = &graph.modules[0].module.outputs[i].name.name;
                !node.resources.is_empty() || Plan::setting_of(name).is_some()
            }
            _ => false,
        };
        if is_meant && node.resources.iter().all(|&r| reach[r] != Reach::Nothing) {
            reach[at] = Reach::Whole;
        }
    }
    needed(graph, reach);
    check(graph, reach);
}

/// Adds what anything needs.
fn needed(graph: &Graph, reach: &mut [Reach]) {
    for &at in graph.order.iter().rev() {
        if reach[at] == Reach::Nothing {
            continue;
        }
        for &dependency in &graph.nodes[at].dependencies {
            reach[dependency] = match reach[dependency] {
                Reach::Nothing => Reach::Whole,
                some => some,
            };
        }
    }
}

/// What a plan is about in part is not checked: of a check only what it reads
/// for itself is looked at.
fn check(graph: &Graph, reach: &mut [Reach]) {
    for (at, node) in graph.nodes.iter().enumerate() {
        let NodeKind::Check(i) = node.kind else { continue };
        let block = &graph.modules[node.module].module;
        let own =
            block.resources.iter().position(|data| data.scope.as_ref() == Some(&block.checks[i].name.name));
        let own = own.and_then(|data| graph.node(node.module, NodeKind::Resource(data)));
        let reads = own.is_some_and(|data| reach[data] != Reach::Nothing);
        reach[at] = if reads { Reach::Part } else { Reach::Nothing };
    }
}

/// Of the recorded objects, those that a destroy plan removes: the named ones
/// and what depends on them, or all but the named ones and what they need.
fn objects(state: &WorkspaceState, selectors: &[Selector], exclude: bool) -> HashSet<ResourceAddress> {
    let all = || state.resources.values().filter(|record| record.key.deposed.is_none());
    // By what a place is named where something depends on it: the places, and
    // what depends on them.
    let mut places: HashMap<ResourceAddress, BTreeSet<ResourceAddress>> = HashMap::new();
    let mut users: HashMap<&ResourceAddress, BTreeSet<ResourceAddress>> = HashMap::new();
    let mut needed: HashMap<ResourceAddress, BTreeSet<&ResourceAddress>> = HashMap::new();
    for record in all() {
        let own = record.key.address.without_key();
        for name in own.names() {
            places.entry(name).or_default().insert(own.clone());
        }
        for name in &record.dependencies {
            users.entry(name).or_default().insert(own.clone());
            needed.entry(own.clone()).or_default().insert(name);
        }
    }
    // What was asked for once is not asked for again: all of it is met then.
    let mut next = |place: &ResourceAddress| -> BTreeSet<ResourceAddress> {
        if exclude {
            let names = needed.remove(place).into_iter().flatten();
            names.filter_map(|name| places.remove(name)).flatten().collect()
        } else {
            place.names().filter_map(|name| users.remove(&name)).flatten().collect()
        }
    };
    let mut reached: HashSet<ResourceAddress> = HashSet::new();
    let mut named: HashSet<ResourceAddress> = HashSet::new();
    let mut open: Vec<ResourceAddress> = Vec::new();
    for record in all().filter(|r| selectors.iter().any(|s| s.contains(&r.key.address))) {
        named.insert(record.key.address.clone());
        open.push(record.key.address.without_key());
    }
    while let Some(place) = open.pop() {
        for other in next(&place) {
            if reached.insert(other.clone()) {
                open.push(other);
            }
        }
    }
    let is_meant = |address: &ResourceAddress| {
        (named.contains(address) || reached.contains(&address.without_key())) != exclude
    };
    all().map(|record| record.key.address.clone()).filter(is_meant).collect()
}

/// A path without keys.
pub(super) fn without_keys(path: &ModulePath) -> Vec<std::sync::Arc<str>> {
    path.steps().iter().map(|step| step.name.clone()).collect()
}
