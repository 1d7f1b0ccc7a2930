//! The execution graph: which step after which.
//!
//! What is made waits for what it depends on; what is removed waits for what
//! depended on it; a resource with many instances is waited for through one
//! join, so that edges grow with instances and not with their product.

use std::collections::HashMap;

use super::evaluate::Evaluation;
use super::model::{Action, Change, Step, StepAction, StepId};
use crate::addr::{ModulePath, ResourceAddress};
use crate::graph::{Graph, NodeKind};
use crate::state::WorkspaceState;

/// Whether objects of one module instance can be meant from another: the
/// instances agree on the calls that they share.
pub(super) fn related(a: &ModulePath, b: &ModulePath) -> bool {
    a.steps().iter().zip(b.steps()).take_while(|(a, b)| a.name == b.name).all(|(a, b)| a.key == b.key)
}

struct Builder<'a> {
    changes: &'a [Change],
    steps: Vec<Step>,
    /// The step after which an object is as planned.
    made: Vec<Option<StepId>>,
    /// The step that removes what was before.
    removed: Vec<Option<StepId>>,
    /// By address without key: changes of what, by its record, depends on it.
    users: HashMap<ResourceAddress, Vec<usize>>,
}

/// The steps of a plan, in an order that respects itself.
pub(super) fn steps(
    graph: &Graph,
    changes: &[Change],
    instances: &HashMap<(usize, usize), Vec<u32>>,
    evaluation: &Evaluation<'_>,
    state: &WorkspaceState,
) -> Vec<Step> {
    let mut users: HashMap<ResourceAddress, Vec<usize>> = HashMap::new();
    for (i, change) in changes.iter().enumerate().filter(|(_, change)| change.action != Action::NoOp) {
        for address in state.resources.get(&change.key).into_iter().flat_map(|record| &record.dependencies) {
            users.entry(address.clone()).or_default().push(i);
        }
    }
    let mut builder = Builder {
        changes,
        steps: Vec::new(),
        made: vec![None; changes.len()],
        removed: vec![None; changes.len()],
        users,
    };
    builder.early_removals(state);
    builder.making(graph, instances, evaluation);
    builder.late_removals();
    builder.steps
}

impl Builder<'_> {
    fn push(&mut self, action: StepAction, change: usize, after: Vec<StepId>) -> StepId {
        let id = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.push(Step { action, change: u32::try_from(change).unwrap_or(u32::MAX), after });
        id
    }

    /// Deletions, and the first halves of replacements, dependents first.
    /// Removals of what nothing new waits for could come later, but nothing
    /// is gained by it.
    fn early_removals(&mut self, state: &WorkspaceState) {
        let removed: Vec<usize> = (0..self.changes.len())
            .filter(|&i| match self.changes[i].action {
                Action::DeleteThenCreate => true,
                Action::Delete => !self.kept_users(i),
                _ => false,
            })
            .collect();
        // Who depends on a resource, among the removed.
        let mut by_address: HashMap<ResourceAddress, Vec<usize>> = HashMap::new();
        for &i in &removed {
            by_address.entry(self.changes[i].key.address.without_key()).or_default().push(i);
        }
        let mut dependents: HashMap<usize, Vec<usize>> = HashMap::new();
        for &i in &removed {
            let recorded = state
                .resources
                .get(&self.changes[i].key)
                .map(|r| r.dependencies.as_slice())
                .unwrap_or_default();
            for dependency in recorded {
                for &on in by_address.get(dependency).into_iter().flatten() {
                    dependents.entry(on).or_default().push(i);
                }
            }
        }
        for &i in &removed {
            self.remove(i, &dependents, &mut Vec::new());
        }
    }

    /// Whether something that stays used the object and is changed to do
    /// without it: then the object goes after that change.
    fn kept_users(&self, i: usize) -> bool {
        self.users(i).any(|j| matches!(self.changes[j].action, Action::Update | Action::CreateThenDelete))
    }

    /// Changes of objects whose records depend on the object of a change.
    fn users(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        self.users.get(&self.changes[i].key.address.without_key()).into_iter().flatten().copied()
    }

    fn remove(
        &mut self,
        i: usize,
        dependents: &HashMap<usize, Vec<usize>>,
        open: &mut Vec<usize>,
    ) -> Option<StepId> {
        if self.removed[i].is_some() || open.contains(&i) {
            return self.removed[i];
        }
        open.push(i);
        let first = dependents.get(&i).cloned().unwrap_or_default();
        let after = first.into_iter().filter_map(|d| self.remove(d, dependents, open)).collect();
        open.pop();
        let step = self.push(StepAction::Delete, i, after);
        self.removed[i] = Some(step);
        Some(step)
    }

    /// Creations and updates, in the configuration's order.
    fn making(
        &mut self,
        graph: &Graph,
        instances: &HashMap<(usize, usize), Vec<u32>>,
        evaluation: &Evaluation<'_>,
    ) {
        // The step after which all instances of a resource are as planned.
        let mut done: HashMap<(usize, usize), Vec<StepId>> = HashMap::new();
        for &node in &graph.order {
            let NodeKind::Resource(_) = graph.nodes[node].kind else { continue };
            let module = graph.nodes[node].module;
            for (instance, made) in evaluation.modules[module].iter().enumerate() {
                let mut before: Vec<StepId> = Vec::new();
                for &dependency in &graph.nodes[node].resources {
                    let other = graph.nodes[dependency].module;
                    for (i, candidate) in evaluation.modules[other].iter().enumerate() {
                        if (other == module && i == instance)
                            || (other != module && related(&candidate.path, &made.path))
                        {
                            before.extend(done.get(&(dependency, i)).into_iter().flatten());
                        }
                    }
                }
                before.sort_unstable();
                before.dedup();
                let mut own: Vec<StepId> = Vec::new();
                for &change in instances.get(&(node, instance)).into_iter().flatten() {
                    own.extend(self.make(change as usize, &before));
                }
                // What does not change itself still passes waiting on.
                let ends = if own.is_empty() { before } else { own };
                let ends = if ends.len() > 1 { vec![self.push(StepAction::Join, 0, ends)] } else { ends };
                done.insert((node, instance), ends);
            }
        }
    }

    fn make(&mut self, i: usize, before: &[StepId]) -> Option<StepId> {
        let mut after = before.to_vec();
        let action = match self.changes[i].action {
            Action::Create => StepAction::Create,
            Action::Update => StepAction::Update,
            Action::Read => StepAction::Read,
            Action::DeleteThenCreate => {
                after.extend(self.removed[i]);
                StepAction::Create
            }
            Action::CreateThenDelete => {
                let depose = self.push(StepAction::Depose, i, Vec::new());
                after.push(depose);
                StepAction::Create
            }
            Action::NoOp | Action::Delete | Action::Forget => return None,
        };
        let step = self.push(action, i, after);
        self.made[i] = Some(step);
        Some(step)
    }

    /// Second halves of create-first replacements: after everything that used
    /// the old object uses the new one.
    fn late_removals(&mut self) {
        for i in 0..self.changes.len() {
            if self.changes[i].action == Action::Delete && self.removed[i].is_none() {
                let after = self.users(i).flat_map(|j| [self.made[j], self.removed[j]]).flatten().collect();
                self.removed[i] = Some(self.push(StepAction::Delete, i, after));
            }
            if self.changes[i].action != Action::CreateThenDelete {
                continue;
            }
            let address = self.changes[i].key.address.without_key();
            let mut after: Vec<StepId> = self.made[i].into_iter().collect();
            for (j, change) in self.changes.iter().enumerate() {
                if change.dependencies.contains(&address) {
                    after.extend(self.made[j]);
                }
            }
            self.push(StepAction::Delete, i, after);
        }
    }
}
