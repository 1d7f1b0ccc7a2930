//! Which attributes of objects the changes of a plan come from, directly or
//! through local values, variables and outputs: for tools that explain drift.
//!
//! Guarantees: pure; told by what is written, so that it may name more than was
//! used. Instances of a module or a resource that change together are looked at
//! once.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::change::{Action, Change};
use super::evaluate::Evaluation;
use super::model::OutputChange;
use crate::addr::{InstanceKey, ModulePath, ResourceAddress};
use crate::expr::{Chain, ChainStep, Expr, ExprKind, Reference};
use crate::graph::Graph;
use crate::value::{Path, PathStep, Value};

/// The attributes, in address order; none where nothing is done.
pub(super) fn relevant(
    evaluation: &Evaluation<'_>,
    changes: &[Change],
    outputs: &BTreeMap<Arc<str>, OutputChange>,
) -> Vec<(ResourceAddress, Path)> {
    let graph = evaluation.graph;
    let acting = || changes.iter().filter(|change| !matches!(change.action, Action::NoOp | Action::Open));
    let changed: Vec<&Arc<str>> = outputs
        .iter()
        .filter(|(_, output)| output.residual.is_some() || output.before != output.after)
        .map(|(name, _)| name)
        .collect();
    if changed.is_empty() && acting().next().is_none() {
        return Vec::new();
    }
    let mut search = Search { graph, found: BTreeSet::new(), visited: HashSet::new(), pending: Vec::new() };
    for change in acting() {
        let address = &change.key.address;
        if let Some((at, block)) = graph.position(address) {
            search.visit(Point { path: address.module.clone(), at, what: What::Resource(block, None) });
        }
    }
    let root = &graph.modules[0].module.outputs;
    for block in changed.iter().filter_map(|name| root.iter().position(|output| *output.name.name == ***name))
    {
        search.visit(Point { path: ModulePath::root(), at: 0, what: What::Output(block) });
    }
    // What other modules give is recorded nowhere, so that it counts as new.
    for (at, instances) in evaluation.modules.iter().enumerate().skip(1) {
        for instance in instances {
            let given = instance.outputs.iter().enumerate();
            let given =
                given.filter(|(_, output)| output.as_ref().is_some_and(|given| !given.value.is_null()));
            for (block, _) in given {
                search.visit(Point { path: instance.path.clone(), at, what: What::Output(block) });
            }
        }
    }
    while let Some(point) = search.pending.pop() {
        search.look(&point);
    }
    search.found.into_iter().collect()
}

/// A named thing in a module instance, by its place in the module's list.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Point {
    path: ModulePath,
    /// The module's index in the graph.
    at: usize,
    what: What,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum What {
    Variable(usize),
    Local(usize),
    Output(usize),
    /// The body of a resource, or one argument of it.
    Resource(usize, Option<Arc<str>>),
    /// What `each` and `count` stand for in it.
    Repetition(usize),
}

struct Search<'g> {
    graph: &'g Graph,
    found: BTreeSet<(ResourceAddress, Path)>,
    visited: HashSet<Point>,
    pending: Vec<Point>,
}

impl<'g> Search<'g> {
    fn visit(&mut self, point: Point) {
        if self.visited.insert(point.clone()) {
            self.pending.push(point);
        }
    }

    /// Goes on to what a thing refers to.
    fn look(&mut self, point: &Point) {
        let graph = self.graph;
        let node = &graph.modules[point.at];
        let module = &node.module;
        match &point.what {
            What::Local(block) => self.follow(&module.locals[*block].1, point, None),
            What::Output(block) => self.follow(&module.outputs[*block].value, point, None),
            What::Resource(block, None) => self.follow(&module.resources[*block].body, point, Some(*block)),
            What::Resource(block, Some(argument)) => {
                if let Some(set) = argument_of(&module.resources[*block].body, argument) {
                    self.follow(set, point, Some(*block));
                }
            }
            What::Repetition(block) => {
                if let Some(expr) = module.resources[*block].repetition.expr() {
                    self.follow(expr, point, None);
                }
            }
            What::Variable(block) => {
                // The root's variables come from outside.
                let (Some((parent, call)), Some(path)) = (node.parent, parent_of(&point.path)) else {
                    return;
                };
                let call = &graph.modules[parent].module.calls[call];
                let argument = call.arguments.get(&module.variables[*block].name.name);
                let caller = Point { path, at: parent, what: What::Variable(*block) };
                argument.into_iter().for_each(|argument| self.follow(argument, &caller, None));
            }
        }
    }

    /// `block` is the resource whose `each` and `count` are meant.
    fn follow(&mut self, expr: &'g Expr, from: &Point, block: Option<usize>) {
        expr.for_each_chain(&mut |chain| self.refer(&chain, from, block));
    }

    fn refer(&mut self, chain: &Chain<'_>, from: &Point, block: Option<usize>) {
        let here = |what| Point { path: from.path.clone(), at: from.at, what };
        let named = |reference| self.graph.find(from.at, reference);
        match chain.reference {
            reference @ Reference::Var(_) => {
                if let Some(block) = named(reference) {
                    self.visit(here(What::Variable(block)));
                }
            }
            reference @ Reference::Local(_) => {
                if let Some(block) = named(reference) {
                    self.visit(here(What::Local(block)));
                }
            }
            Reference::EachKey | Reference::EachValue | Reference::CountIndex => {
                if let Some(block) = block {
                    self.visit(here(What::Repetition(block)));
                }
            }
            reference @ Reference::Resource { mode, kind, name } => {
                let Some(block) = named(reference) else { return };
                let (key, rest) = split_key(&chain.steps);
                let module = from.path.clone();
                let (mode, kind, name) = (*mode, kind.clone(), name.clone());
                let argument = match rest.first() {
                    Some(ChainStep::Attribute(name)) => Some(Arc::clone(name)),
                    Some(ChainStep::Index(key)) => key.as_str().map(Arc::from),
                    None => None,
                };
                let taken = rest.iter().fold(Path::root(), |path, step| match step {
                    ChainStep::Attribute(name) => path.attribute(Arc::clone(name)),
                    ChainStep::Index(key) => match instance_key(key) {
                        Some(InstanceKey::Index(index)) => path.index(index),
                        Some(InstanceKey::Key(key)) => path.step(PathStep::Attribute(key)),
                        None => path,
                    },
                });
                self.found.insert((ResourceAddress { module, mode, kind, name, key }, taken));
                self.visit(here(What::Resource(block, argument)));
            }
            reference @ Reference::Module(name) => {
                let Some(call) = named(reference) else { return };
                let Some(at) = self.graph.child(from.at, call) else { return };
                let (key, rest) = split_key(&chain.steps);
                let path = from.path.child(name.clone(), key);
                let outputs = &self.graph.modules[at].module.outputs;
                let wanted = match rest.first() {
                    Some(ChainStep::Attribute(name)) => Some(&***name),
                    Some(ChainStep::Index(key)) => key.as_str(),
                    None => None,
                };
                for (block, output) in outputs.iter().enumerate() {
                    if wanted.is_none_or(|wanted| *output.name.name == *wanted) {
                        self.visit(Point { path: path.clone(), at, what: What::Output(block) });
                    }
                }
            }
            Reference::Path(_)
            | Reference::Terraform(_)
            | Reference::Tofu(_)
            | Reference::Itself
            | Reference::Shared(_)
            | Reference::Slot(_) => {}
        }
    }
}

fn parent_of(path: &ModulePath) -> Option<ModulePath> {
    let (_, outer) = path.steps().split_last()?;
    Some(outer.iter().fold(ModulePath::root(), |path, step| path.child(step.name.clone(), step.key.clone())))
}

/// The key that an instance is chosen by, and what is taken of that.
fn split_key<'s, 'e>(steps: &'s [ChainStep<'e>]) -> (Option<InstanceKey>, &'s [ChainStep<'e>]) {
    match steps.split_first() {
        Some((ChainStep::Index(key), rest)) => (instance_key(key), rest),
        _ => (None, steps),
    }
}

fn instance_key(key: &Value) -> Option<InstanceKey> {
    match key.as_number() {
        Some(number) => Some(InstanceKey::Index(usize::try_from(number.as_i64()?).ok()?)),
        None => Some(InstanceKey::Key(key.as_str()?.into())),
    }
}

/// What an argument of a body, or a block in it, is set to.
fn argument_of<'e>(body: &'e Expr, name: &str) -> Option<&'e Expr> {
    let ExprKind::Object(items) = &body.kind else { return None };
    let is_it = |key: &Expr| matches!(&key.kind, ExprKind::Literal(key) if key.as_str() == Some(name));
    items.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value)
}
