//! An instance as its state has it: for looking at, not for planning.
//!
//! Guarantees: calls no provider and changes nothing; what is not in the state
//! is unknown, as it is before the first apply.

use std::collections::BTreeMap;

use super::evaluate::{Evaluated, Evaluation, Repeated};
use super::model::Plan;
use crate::addr::{InstanceKey, ModulePath, ResourceMode};
use crate::config::{Instance, Repetition, Resource};
use crate::diag::Diagnostics;
use crate::expr::{EvalResult, Expr, Reference, Scope as _, evaluate};
use crate::graph::{Graph, NodeKind};
use crate::provider::Registry;
use crate::state::{RecordKey, WorkspaceState};
use crate::value::{Type, Value};

/// An instance's names and what they stand for, in its root module.
pub struct Inspection<'a> {
    evaluation: Evaluation<'a>,
}

impl<'a> Inspection<'a> {
    /// Evaluates everything that the state does not hold.
    pub fn new(
        graph: &'a Graph,
        instance: &'a Instance,
        registry: &Registry,
        state: &WorkspaceState,
        timestamp: &'a str,
    ) -> Self {
        let absent = |block: &Resource| absent(block, registry);
        Self::with(graph, instance, &objects(state), &absent, timestamp)
    }

    /// The instance as a plan will have it.
    pub fn planned(graph: &'a Graph, instance: &'a Instance, plan: &Plan, timestamp: &'a str) -> Self {
        let mut objects = BTreeMap::new();
        plan.changes.iter().for_each(|change| add(&mut objects, &change.key, &change.after));
        Self::with(graph, instance, &objects, &|_| Value::unknown(Type::Dynamic), timestamp)
    }

    /// The instance as its state has it after this plan, which has the data
    /// sources that it read itself.
    pub fn applied(
        graph: &'a Graph,
        instance: &'a Instance,
        plan: &Plan,
        state: &WorkspaceState,
        timestamp: &'a str,
    ) -> Self {
        let mut objects = objects(state);
        for change in plan.changes.iter().filter(|c| c.key.address.mode == ResourceMode::Data) {
            if change.after.is_wholly_known() {
                add(&mut objects, &change.key, &change.after);
            }
        }
        Self::with(graph, instance, &objects, &|_| Value::unknown(Type::Dynamic), timestamp)
    }

    fn with(
        graph: &'a Graph,
        instance: &'a Instance,
        objects: &Objects,
        absent: &dyn Fn(&Resource) -> Value,
        timestamp: &'a str,
    ) -> Self {
        let mut evaluation = Evaluation::new(graph, instance, timestamp);
        evaluation.now = Some(timestamp);
        for &at in &graph.order {
            let node = &graph.nodes[at];
            match node.kind {
                NodeKind::Variable(i) => evaluation.variable(node.module, i),
                NodeKind::Local(i) => evaluation.local(node.module, i),
                NodeKind::Output(i) => {
                    for instance in 0..evaluation.modules[node.module].len() {
                        evaluation.output(node.module, instance, i);
                    }
                }
                NodeKind::Call(i) => evaluation.call(node.module, i),
                NodeKind::Validation(_)
                | NodeKind::Provider(_)
                | NodeKind::Import(_)
                | NodeKind::Check(_) => {}
                NodeKind::Resource(i) => {
                    let block = &graph.modules[node.module].module.resources[i];
                    let name = Reference::Resource {
                        mode: block.mode,
                        kind: block.kind.clone(),
                        name: block.name.clone(),
                    };
                    for made in &mut evaluation.modules[node.module] {
                        let found = objects.get(&(made.path.clone(), name.clone()));
                        let value =
                            found.map_or_else(|| absent(block), |found| whole(&block.repetition, found));
                        made.resources[i] = Some(Evaluated::known(value));
                    }
                }
            }
        }
        Inspection { evaluation }
    }

    /// What was found wrong while evaluating.
    pub fn diagnostics(&self) -> &Diagnostics {
        &self.evaluation.diagnostics
    }

    /// Evaluates an expression as if it stood in the root module.
    ///
    /// # Errors
    /// References to nothing, all of them, or the first mistake.
    pub fn evaluate(&self, expr: &Expr) -> Result<Value, Diagnostics> {
        self.evaluation.graph.check(0, expr)?;
        let nothing = Repeated::default();
        let at = self.evaluation.at(0, 0, &nothing);
        let mut misplaced = Diagnostics::new();
        expr.for_each_reference(&mut |reference, span| {
            let is_local = matches!(
                reference,
                Reference::Itself | Reference::EachKey | Reference::EachValue | Reference::CountIndex
            );
            if is_local && let Err(problem) = at.lookup(reference, span) {
                misplaced.push(*problem);
            }
        });
        if misplaced.has_errors() {
            return Err(misplaced);
        }
        let value: EvalResult = evaluate(expr, &at);
        value.map_err(|error| (*error).into())
    }

    /// Names that an expression in the root module can begin with: `var.region`.
    pub fn names(&self) -> Vec<String> {
        let module = &self.evaluation.graph.modules[0].module;
        let variables = module.variables.iter().map(|v| Reference::Var(v.name.name.clone()));
        let locals = module.locals.iter().map(|(name, _)| Reference::Local(name.name.clone()));
        let calls = module.calls.iter().map(|call| Reference::Module(call.name.name.clone()));
        let resources = module.resources.iter().map(|r| Reference::Resource {
            mode: r.mode,
            kind: r.kind.clone(),
            name: r.name.clone(),
        });
        variables.chain(locals).chain(calls).chain(resources).map(|name| name.to_string()).collect()
    }
}

/// What stands for a resource that was never made: how many there are is not
/// looked at.
fn absent(block: &Resource, registry: &Registry) -> Value {
    let provider = registry.of_type(&block.kind).filter(|_| matches!(block.repetition, Repetition::None));
    let schema = provider.and_then(|provider| provider.schema().types(block.mode).get(&*block.kind));
    Value::unknown(schema.map_or(Type::Dynamic, |schema| schema.block.ty()))
}

type Instances = BTreeMap<Option<InstanceKey>, Value>;

/// Current objects by module instance and name.
type Objects = BTreeMap<(ModulePath, Reference), Instances>;

/// The state's current objects.
fn objects(state: &WorkspaceState) -> Objects {
    let mut objects = BTreeMap::new();
    state.resources.values().for_each(|record| add(&mut objects, &record.key, &record.attributes));
    objects
}

fn add(objects: &mut Objects, key: &RecordKey, object: &Value) {
    if key.deposed.is_some() || object.is_null() {
        return;
    }
    let address = &key.address;
    let name =
        Reference::Resource { mode: address.mode, kind: address.kind.clone(), name: address.name.clone() };
    let instances = objects.entry((address.module.clone(), name)).or_default();
    instances.insert(address.key.clone(), object.clone());
}

/// All instances of a resource as references see them.
fn whole(repetition: &Repetition, found: &Instances) -> Value {
    match repetition {
        Repetition::None => found.get(&None).cloned().unwrap_or(Value::unknown(Type::Dynamic)),
        Repetition::Enabled(_) => found.get(&None).cloned().unwrap_or(Value::NULL),
        Repetition::Count(_) => {
            let last = found.keys().filter_map(|key| match key {
                Some(InstanceKey::Index(i)) => Some(*i),
                _ => None,
            });
            let count = last.max().map_or(0, |last| last + 1);
            Value::tuple((0..count).map(|i| {
                let object = found.get(&Some(InstanceKey::Index(i))).cloned();
                object.unwrap_or(Value::unknown(Type::Dynamic))
            }))
        }
        Repetition::ForEach(_) => Value::object(found.iter().filter_map(|(key, object)| match key {
            Some(InstanceKey::Key(key)) => Some((key.clone(), object.clone())),
            _ => None,
        })),
    }
}
