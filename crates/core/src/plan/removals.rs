//! Objects that the configuration does not have any more.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::change::{Action, Change, Reason};
use super::evaluate::Repeated;
use super::model::PlanMode;
use super::moves::{Block, block_of};
use super::planner::{Place, Planner};
use super::targets::without_keys;
use crate::addr::{InstanceKey, ModulePath, ResourceAddress, Selector};
use crate::config::{Removed, Repetition, constant_timeouts};
use crate::diag::Diagnostic;
use crate::expr::ExprKind;
use crate::graph::Graph;
use crate::state::{RecordKey, ResourceRecord};
use crate::value::Value;

impl Planner<'_> {
    /// Whether some block's protection is not just true or false.
    pub(super) fn protects_by_expression(&self) -> bool {
        let blocks = self.input.graph.modules.iter().flat_map(|m| &m.module.resources);
        let mut rules = blocks.filter_map(|block| block.lifecycle.prevent_destroy.as_ref());
        rules.any(|expr| !matches!(expr.kind, ExprKind::Literal(_)))
    }

    /// Plans to remove or forget them.
    pub(super) fn removals(&mut self) {
        self.check_removed();
        let removed = by_block(self.input.graph);
        let modules = OnceCell::new();
        for (key, record) in &self.input.state.resources {
            let current = key.deposed.is_none();
            if current && self.seen.contains(&key.address) || self.deferral.covers(&key.address) {
                continue;
            }
            if !self.input.chosen.covers(self.input.graph, &key.address) {
                continue;
            }
            let mut reason = if current {
                let modules = modules.get_or_init(|| self.seen.iter().map(|s| s.module.clone()).collect());
                self.removal_reason(&key.address, modules)
            } else {
                Reason::Deposed
            };
            let block = self.input.graph.resource(&key.address);
            let keep = block.map_or(record.keep, |block| block.lifecycle.keep);
            let said = if block.is_none() { said_of(&removed, &key.address) } else { None };
            let action = match said.map(|removed| removed.destroy) {
                Some(false) => {
                    reason = if record.keep { Reason::KeptBefore } else { Reason::Removed };
                    Action::Forget
                }
                Some(true) => Action::Delete,
                None if current && keep => {
                    reason = if block.is_some() { Reason::Kept } else { Reason::KeptBefore };
                    Action::Forget
                }
                None => Action::Delete,
            };
            if current && action == Action::Delete && self.is_protected(&key.address) {
                continue;
            }
            let timeouts = block.and_then(|block| constant_timeouts(block.timeouts.as_ref()?));
            let provisioners =
                if action == Action::Delete { self.parting(key, record, said) } else { Vec::new() };
            let timeouts = timeouts.unwrap_or_else(|| record.timeouts.clone());
            let change = Change { provisioners, timeouts, ..self.removal(key, record, action, reason) };
            self.changes.push(change);
        }
    }

    fn removal(&self, key: &RecordKey, record: &ResourceRecord, action: Action, reason: Reason) -> Change {
        Change {
            reason: Some(reason),
            before: record.attributes.clone(),
            after: Value::NULL,
            connection: record.connection.clone(),
            dependencies: record.dependencies.clone(),
            previous: self.input.moves.previous.get(&key.address).cloned().map(Box::new),
            create_before_destroy: record.create_before_destroy,
            ..Change::of(key.clone(), &record.provider, action)
        }
    }

    /// Whether an object's block refuses its removal; then that is reported.
    fn is_protected(&mut self, address: &ResourceAddress) -> bool {
        let graph = self.input.graph;
        let Some((module, index)) = graph.position(address) else { return false };
        let block = &graph.modules[module].module.resources[index];
        let Some(expr) = &block.lifecycle.prevent_destroy else { return false };
        let constant = match &expr.kind {
            ExprKind::Literal(value) => value.as_bool(),
            _ => None,
        };
        let problem = match constant {
            Some(false) => return false,
            Some(true) => Some(protected(address).at(block.span)),
            None => {
                let instances = &self.evaluation.modules[module];
                // Without the module instance there is nothing that could say.
                let Some(instance) = instances.iter().position(|made| made.path == address.module) else {
                    return false;
                };
                let node = graph.resource_node(address).unwrap_or_default();
                let place = Place { node, module, instance, block };
                self.check_protection(place, &Repeated::default(), address).err().map(|error| *error)
            }
        };
        let is_protected = problem.is_some();
        self.evaluation.diagnostics.extend(problem);
        is_protected
    }

    /// Removed blocks for what is still there.
    fn check_removed(&mut self) {
        let graph = self.input.graph;
        for (module, removed) in removed(graph) {
            let outer = module.iter().map(|name| (name.clone(), None));
            let join = |path: &ModulePath| {
                let inner = path.steps().iter().map(|step| (step.name.clone(), None));
                outer.clone().chain(inner).fold(ModulePath::root(), |path, (name, key)| path.child(name, key))
            };
            let found = match &removed.from {
                Selector::Module(path) => graph.module(&join(path)).and_then(|at| {
                    let (parent, call) = graph.modules[at].parent?;
                    Some(graph.modules[parent].module.calls[call].name.span)
                }),
                Selector::Resource(address) => {
                    let address = ResourceAddress { module: join(&address.module), ..address.clone() };
                    graph.resource(&address).map(|block| block.span)
                }
            };
            if let Some(span) = found {
                let detail = format!("{} is said to be removed, but the configuration has it.", removed.from);
                self.evaluation.diagnostics.push(
                    Diagnostic::error("Removed object still exists", detail)
                        .at(removed.span)
                        .related(span, "declared here")
                        .hint("Take one of the two blocks away."),
                );
            }
        }
    }

    /// `modules` are the module instances that have objects.
    fn removal_reason(&self, address: &ResourceAddress, modules: &HashSet<ModulePath>) -> Reason {
        if self.input.mode == PlanMode::Destroy {
            return Reason::Destroying;
        }
        let Some(block) = self.input.graph.resource(address) else { return Reason::NotInConfig };
        match (&address.key, &block.repetition) {
            _ if !modules.contains(&address.module) && !address.module.is_root() => Reason::NoModule,
            (Some(InstanceKey::Key(key)), Repetition::ForEach(_)) => Reason::EachKey(key.clone()),
            (Some(InstanceKey::Index(_)), Repetition::Count(_)) => Reason::CountIndex,
            (None, Repetition::Enabled(_)) => Reason::NotEnabled,
            _ => Reason::WrongRepetition,
        }
    }
}

/// `removed` blocks with the names of the calls that lead to their modules.
fn removed(graph: &Graph) -> Vec<(Vec<Arc<str>>, &Removed)> {
    let mut names: Vec<Vec<Arc<str>>> = Vec::with_capacity(graph.modules.len());
    let mut all = Vec::new();
    for node in &graph.modules {
        let own = node.parent.map_or_else(Vec::new, |(parent, call)| {
            let name = graph.modules[parent].module.calls[call].name.name.clone();
            names[parent].iter().cloned().chain([name]).collect()
        });
        all.extend(node.module.removals.iter().map(|removed| (own.clone(), removed)));
        names.push(own);
    }
    all
}

/// The same by the block that they are about: they have no keys.
fn by_block(graph: &Graph) -> HashMap<Block, &Removed> {
    let mut found = HashMap::new();
    for (mut names, removed) in removed(graph) {
        names.extend(without_keys(removed.from.module()));
        let resource = match &removed.from {
            Selector::Module(_) => None,
            Selector::Resource(a) => Some((a.mode, a.kind.clone(), a.name.clone())),
        };
        found.insert((names, resource), removed);
    }
    found
}

/// The removed block that is about an object, or about a module that it is in.
fn said_of<'g>(all: &HashMap<Block, &'g Removed>, address: &ResourceAddress) -> Option<&'g Removed> {
    if all.is_empty() {
        return None;
    }
    let own = block_of(address);
    let modules = (1..=own.0.len()).rev().map(|depth| (own.0[..depth].to_vec(), None));
    std::iter::once(own.clone()).chain(modules).find_map(|block| all.get(&block).copied())
}

pub(super) fn protected(address: &ResourceAddress) -> Diagnostic {
    Diagnostic::error(
        "Object is protected",
        format!("The plan would destroy {address}, whose lifecycle has prevent_destroy."),
    )
    .address(address)
    .hint("Take prevent_destroy out first, or change the configuration so that the object stays.")
}

/// Neither true nor false.
pub(super) fn unsure_protection(address: &ResourceAddress) -> Diagnostic {
    let detail = format!("prevent_destroy must be true or false when {address} is planned.");
    Diagnostic::error("Invalid prevent_destroy", detail)
}
