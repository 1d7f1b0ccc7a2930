//! The execution graph: which step after which.
//!
//! What is made waits for what it depends on; what is removed waits for what
//! depended on it; a resource with many instances is waited for through one
//! join, so that edges grow with instances and not with their product.

use rustc_hash::{FxHashMap, FxHashSet};

use super::change::{Action, Change};
use super::evaluate::Evaluation;
use super::model::{Step, StepAction, StepId};
use crate::addr::{ModulePath, ResourceAddress};
use crate::graph::{Graph, NodeKind};
use crate::state::WorkspaceState;

/// Changes of one resource in one module instance.
#[derive(Default)]
struct Group {
    /// Those that act.
    changes: Vec<usize>,
    /// Changes of what, by its record, depends on it.
    users: Vec<usize>,
}

struct Builder<'a> {
    changes: &'a [Change],
    steps: Vec<Step>,
    /// The step after which an object is as planned.
    made: Vec<Option<StepId>>,
    /// The step that removes what was before.
    removed: Vec<Option<StepId>>,
    groups: Vec<Group>,
    /// The group of each change that acts.
    group_of: Vec<Option<usize>>,
}

/// The steps of a plan, in an order that respects itself.
pub(super) fn steps(
    graph: &Graph,
    changes: &[Change],
    instances: &FxHashMap<(usize, usize), Vec<u32>>,
    evaluation: &Evaluation<'_>,
    state: &WorkspaceState,
) -> Vec<Step> {
    let mut builder = Builder {
        changes,
        steps: Vec::new(),
        made: vec![None; changes.len()],
        removed: vec![None; changes.len()],
        groups: Vec::new(),
        group_of: vec![None; changes.len()],
    };
    // Groups say in what order things are removed.
    if changes.iter().any(|change| change.action.deletes()) {
        builder.group(state);
    }
    builder.forgetting();
    let (late, early) = builder.removals();
    builder.early(&early);
    builder.making(graph, instances, evaluation);
    builder.late(&late);
    builder.looking();
    builder.steps
}

impl Builder<'_> {
    fn push(&mut self, action: StepAction, change: usize, after: Vec<StepId>) -> StepId {
        let id = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.push(Step { action, change: u32::try_from(change).unwrap_or(u32::MAX), after });
        id
    }

    /// One step to wait for in place of many.
    fn join(&mut self, mut after: Vec<StepId>) -> Vec<StepId> {
        after.sort_unstable();
        after.dedup();
        if after.len() > 1 { vec![self.push(StepAction::Join, 0, after)] } else { after }
    }

    fn group(&mut self, state: &WorkspaceState) {
        let acts = |change: &Change| change.action != Action::NoOp;
        let mut places: FxHashMap<ResourceAddress, usize> = FxHashMap::default();
        // By what a place is named where something depends on it.
        let mut named: FxHashMap<ResourceAddress, Vec<usize>> = FxHashMap::default();
        for (i, change) in self.changes.iter().enumerate().filter(|(_, change)| acts(change)) {
            let next = self.groups.len();
            let place = *places.entry(change.key.address.without_key()).or_insert(next);
            if place == next {
                self.groups.push(Group::default());
                change.key.address.names().for_each(|name| named.entry(name).or_default().push(place));
            }
            self.groups[place].changes.push(i);
            self.group_of[i] = Some(place);
        }
        for (i, change) in self.changes.iter().enumerate().filter(|(_, change)| acts(change)) {
            let record = state.resources.get(&change.key);
            for dependency in record.into_iter().flat_map(|record| &record.dependencies) {
                for &place in named.get(dependency).into_iter().flatten() {
                    self.groups[place].users.push(i);
                }
            }
        }
    }

    /// What is forgotten needs no call and waits for nothing.
    fn forgetting(&mut self) {
        for i in 0..self.changes.len() {
            if matches!(self.changes[i].action, Action::Forget | Action::ForgetThenCreate) {
                self.removed[i] = Some(self.push(StepAction::Forget, i, Vec::new()));
            }
        }
    }

    /// Groups that have removals after and before what is made, those first
    /// that others wait for.
    fn removals(&self) -> (Vec<usize>, Vec<usize>) {
        let has = |group: &usize, is_late: bool| {
            self.groups[*group].changes.iter().any(|&i| self.is_removal(i, *group, is_late))
        };
        let order = self.dependents_first();
        (
            order.iter().copied().filter(|group| has(group, true)).collect(),
            order.iter().copied().filter(|group| has(group, false)).collect(),
        )
    }

    /// Whether a change removes something after (or before) what is made.
    /// Something that stays used the object and is changed to do without it:
    /// then the object goes after that change.
    fn is_removal(&self, i: usize, group: usize, is_late: bool) -> bool {
        let kept = |&j: &usize| matches!(self.changes[j].action, Action::Update | Action::CreateThenDelete);
        match self.changes[i].action {
            Action::DeleteThenCreate => !is_late,
            Action::CreateThenDelete => is_late,
            Action::Delete => self.groups[group].users.iter().any(kept) == is_late,
            _ => false,
        }
    }

    /// All groups, those that depend on others before them.
    fn dependents_first(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.groups.len());
        let mut met = vec![false; self.groups.len()];
        for root in 0..self.groups.len() {
            // What is open: a group and its dependents still to be looked at.
            let mut open: Vec<(usize, Vec<usize>)> = Vec::new();
            if !std::mem::replace(&mut met[root], true) {
                open.push((root, self.dependents(root)));
            }
            while let Some((group, left)) = open.last_mut() {
                match left.pop() {
                    Some(next) if std::mem::replace(&mut met[next], true) => {}
                    Some(next) => open.push((next, self.dependents(next))),
                    None => {
                        order.push(*group);
                        open.pop();
                    }
                }
            }
        }
        order
    }

    fn dependents(&self, group: usize) -> Vec<usize> {
        let found: FxHashSet<usize> = self.groups[group]
            .users
            .iter()
            .filter_map(|&i| self.group_of[i])
            .filter(|&g| g != group)
            .collect();
        found.into_iter().collect()
    }

    /// Deletions, and the first halves of replacements, dependents first.
    fn early(&mut self, groups: &[usize]) {
        for &group in groups {
            let own = self.groups[group].changes.clone();
            let before = self.groups[group].users.iter().filter(|&&i| self.group_of[i] != Some(group));
            let before = before.filter_map(|&i| self.removed[i]).collect();
            let before = self.join(before);
            for i in own {
                if self.is_removal(i, group, false) {
                    self.removed[i] = Some(self.push(StepAction::Delete, i, before.clone()));
                }
            }
        }
    }

    /// Creations and updates, in the configuration's order.
    fn making(
        &mut self,
        graph: &Graph,
        instances: &FxHashMap<(usize, usize), Vec<u32>>,
        evaluation: &Evaluation<'_>,
    ) {
        // The step after which all instances of a resource are as planned.
        let mut done: FxHashMap<(usize, usize), Vec<StepId>> = FxHashMap::default();
        // The same of resources in modules beside, whose instances all are seen:
        // by what they are named from there.
        let mut beside: FxHashMap<(usize, ModulePath), Vec<StepId>> = FxHashMap::default();
        for &node in &graph.order {
            let NodeKind::Resource(_) = graph.nodes[node].kind else { continue };
            let module = graph.nodes[node].module;
            for instance in 0..evaluation.modules[module].len() {
                let mut before: Vec<StepId> = Vec::new();
                for &dependency in &graph.nodes[node].resources {
                    let to = graph.nodes[dependency].module;
                    if let Some(seen) = evaluation.above(module, instance, to) {
                        before.extend(done.get(&(dependency, seen)).into_iter().flatten());
                        continue;
                    }
                    let path = graph.seen_from(module, &evaluation.modules[module][instance].path, to);
                    let ends = beside.entry((dependency, path)).or_insert_with(|| {
                        let all = evaluation.visible(module, instance, to).into_iter();
                        let all = all.filter_map(|seen| done.get(&(dependency, seen))).flatten();
                        self.join(all.copied().collect())
                    });
                    before.extend(&*ends);
                }
                before.sort_unstable();
                before.dedup();
                let mut own: Vec<StepId> = Vec::new();
                let changes = instances.get(&(node, instance)).map(Vec::as_slice).unwrap_or_default();
                let many = changes.len() > 1 && before.len() > 1;
                let mut shared: Option<Vec<StepId>> = None;
                for &change in changes {
                    if many && shared.is_none() && self.makes(change as usize) {
                        shared = Some(self.join(before.clone()));
                    }
                    own.extend(self.make(change as usize, shared.as_ref().unwrap_or(&before)));
                }
                // What does not change itself still passes waiting on.
                let ends = if own.is_empty() { before } else { own };
                let ends = self.join(ends);
                done.insert((node, instance), ends);
            }
        }
    }

    fn makes(&self, i: usize) -> bool {
        !matches!(self.changes[i].action, Action::NoOp | Action::Delete | Action::Forget)
            && self.changes[i].scope.is_none()
    }

    fn make(&mut self, i: usize, before: &[StepId]) -> Option<StepId> {
        let change = &self.changes[i];
        let mut after = before.to_vec();
        let action = match change.action {
            Action::Create => StepAction::Create,
            Action::Update => StepAction::Update,
            // It looks at what all the others made.
            Action::Read if change.scope.is_some() => return None,
            Action::Read => StepAction::Read,
            Action::Open => StepAction::Open,
            Action::DeleteThenCreate | Action::ForgetThenCreate => {
                after.extend(self.removed[i]);
                StepAction::Create
            }
            Action::CreateThenDelete => {
                let depose = self.push(StepAction::Depose, i, Vec::new());
                after.push(depose);
                StepAction::Create
            }
            Action::NoOp if !change.preconditions.is_empty() || !change.postconditions.is_empty() => {
                StepAction::Check
            }
            Action::NoOp | Action::Delete | Action::Forget => return None,
        };
        let step = self.push(action, i, after);
        self.made[i] = Some(step);
        Some(step)
    }

    /// What checks read for themselves, after everything that is done.
    fn looking(&mut self) {
        let looks = |change: &Change| change.action == Action::Read && change.scope.is_some();
        if self.steps.is_empty() || !self.changes.iter().any(looks) {
            return;
        }
        let all = (0..self.steps.len()).filter_map(|id| u32::try_from(id).ok()).collect();
        let all = self.join(all);
        for i in (0..self.changes.len()).filter(|&i| looks(&self.changes[i])) {
            self.push(StepAction::Read, i, all.clone());
        }
    }

    /// Second halves of create-first replacements, and deletions of what was
    /// used: after everything that used the old object does without it.
    fn late(&mut self, groups: &[usize]) {
        for &group in groups {
            let own = self.groups[group].changes.clone();
            let users = self.groups[group].users.iter();
            let before = users.flat_map(|&i| [self.made[i], self.removed[i]]).flatten().collect();
            let before = self.join(before);
            for i in own {
                if self.is_removal(i, group, true) {
                    let after = before.iter().copied().chain(self.made[i]).collect();
                    self.removed[i] = Some(self.push(StepAction::Delete, i, after));
                }
            }
        }
    }
}
