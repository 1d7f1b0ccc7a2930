//! An instance as its state has it: for looking at, not for planning.
//!
//! Guarantees: calls no provider and changes nothing; what is not in the state
//! is unknown, as it is before the first apply.

use std::collections::BTreeMap;

use super::evaluate::{Evaluated, Evaluation, Repeated};
use crate::addr::{InstanceKey, ModulePath};
use crate::config::{Instance, Repetition};
use crate::diag::{Diagnostic, Diagnostics};
use crate::expr::{EvalResult, Expr, Reference, evaluate};
use crate::graph::{Graph, NodeKind};
use crate::state::WorkspaceState;
use crate::value::{Type, Value};

/// An instance's names and what they stand for, in its root module.
pub struct Inspection<'a> {
    evaluation: Evaluation<'a>,
}

impl<'a> Inspection<'a> {
    /// Evaluates everything that the state does not hold.
    pub fn new(graph: &'a Graph, instance: &'a Instance, state: &WorkspaceState, timestamp: &'a str) -> Self {
        let mut evaluation = Evaluation::new(graph, instance, timestamp);
        evaluation.now = Some(timestamp);
        let objects = objects(state);
        for &at in &graph.order {
            let node = &graph.nodes[at];
            match node.kind {
                NodeKind::Variable(i) => evaluation.variable(node.module, i),
                NodeKind::Local(i) => evaluation.local(node.module, i),
                NodeKind::Output(i) => evaluation.output(node.module, i),
                NodeKind::Call(i) => evaluation.call(node.module, i),
                NodeKind::Provider(_) => {}
                NodeKind::Resource(i) => {
                    let block = &graph.modules[node.module].module.resources[i];
                    let name = Reference::Resource {
                        mode: block.mode,
                        kind: block.kind.clone(),
                        name: block.name.clone(),
                    };
                    for made in &mut evaluation.modules[node.module] {
                        let found = objects.get(&(made.path.clone(), name.clone()));
                        let value = found
                            .map_or(Value::unknown(Type::Dynamic), |found| whole(&block.repetition, found));
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
        let mut misplaced = Diagnostics::new();
        expr.for_each_reference(&mut |reference, span| {
            if *reference == Reference::Itself {
                let detail = "There is no object here that \"self\" could stand for.";
                misplaced.push(Diagnostic::error("Invalid reference", detail).at(span));
            }
        });
        if misplaced.has_errors() {
            return Err(misplaced);
        }
        let nothing = Repeated::default();
        let value: EvalResult = evaluate(expr, &self.evaluation.at(0, 0, &nothing));
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

type Instances = BTreeMap<Option<InstanceKey>, Value>;

/// The state's current objects by module instance and name.
fn objects(state: &WorkspaceState) -> BTreeMap<(ModulePath, Reference), Instances> {
    let mut objects: BTreeMap<_, Instances> = BTreeMap::new();
    for record in state.resources.values().filter(|record| record.key.deposed.is_none()) {
        let address = &record.key.address;
        let name = Reference::Resource {
            mode: address.mode,
            kind: address.kind.clone(),
            name: address.name.clone(),
        };
        let instances = objects.entry((address.module.clone(), name)).or_default();
        instances.insert(address.key.clone(), record.attributes.clone());
    }
    objects
}

/// All instances of a resource as references see them.
fn whole(repetition: &Repetition, found: &Instances) -> Value {
    match repetition {
        Repetition::None => found.get(&None).cloned().unwrap_or(Value::unknown(Type::Dynamic)),
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
