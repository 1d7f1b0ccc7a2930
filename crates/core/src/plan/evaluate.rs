//! One instance's configuration, evaluated in the graph's order.
//!
//! Keeps what each block came to, per module instance. A value that is not
//! wholly known also has a [`Slot`]: the expression that the apply finishes,
//! closed over everything known.
//!
//! Must not: decide actions.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use super::expand::Expansion;
use super::model::Slot;
use super::resolve::close;
use crate::addr::{InstanceKey, ModulePath};
use crate::config::{Instance, Variable, passed_on};
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::expr::{Expr, ExprKind, Reference, evaluate};
use crate::graph::Graph;
use crate::value::{Marks, Type, Value};

/// What something came to.
#[derive(Clone, Debug)]
pub(super) struct Evaluated {
    pub value: Value,
    /// Its entry among the plan's slots, when not wholly known.
    pub slot: Option<u32>,
}

impl Evaluated {
    pub(super) fn known(value: Value) -> Self {
        Evaluated { value, slot: None }
    }

    /// As a closed expression.
    pub(super) fn closed(&self, span: Span) -> Expr {
        match self.slot {
            Some(slot) => Expr { kind: ExprKind::Reference(Reference::Slot(slot)), span },
            None => Expr::literal(self.value.clone(), span),
        }
    }
}

/// What `each` and `count` stand for in one instance of a block.
#[derive(Clone, Debug, Default)]
pub(super) struct Repeated {
    pub each: Option<(Value, Evaluated)>,
    pub index: Option<usize>,
}

/// One instance of a module.
#[derive(Debug)]
pub(super) struct ModuleInstance {
    pub path: ModulePath,
    /// Which instance of the calling module.
    pub parent: usize,
    pub repeated: Repeated,
    pub variables: Vec<Option<Evaluated>>,
    pub locals: Vec<Option<Evaluated>>,
    pub outputs: Vec<Option<Evaluated>>,
    pub resources: Vec<Option<Evaluated>>,
    /// Keys and instances of each call; `None` while nobody knows which.
    pub calls: Vec<Option<CallInstances>>,
}

/// Keys of a call and the module instances that they stand for.
type CallInstances = Vec<(Option<InstanceKey>, usize)>;

/// A module call whose instances are not known yet.
#[derive(Debug)]
pub(super) struct WaitingCall {
    /// The module instance that calls.
    pub path: ModulePath,
    /// The call.
    pub name: Arc<str>,
    /// The module that is called.
    pub child: usize,
    /// What must be known first.
    pub waits_for: Vec<String>,
}

/// What whole module calls came to, by module, its instance and call: the value
/// and when it was made.
type CallValues = HashMap<(usize, usize, usize), (u64, Value)>;

/// The evaluation as it goes.
pub(super) struct Evaluation<'a> {
    pub graph: &'a Graph,
    pub instance: &'a Instance,
    pub timestamp: &'a str,
    /// The present moment, when not planning.
    pub now: Option<&'a str>,
    /// Instances of each module of the graph.
    pub modules: Vec<Vec<ModuleInstance>>,
    /// Module calls whose instances are not known yet.
    pub waiting: Vec<WaitingCall>,
    pub slots: Vec<Slot>,
    /// What the platform passes on, by name.
    pub shared: BTreeMap<Arc<str>, Evaluated>,
    pub diagnostics: Diagnostics,
    /// By module: raised by each new instance or output.
    pub(super) changed: Vec<u64>,
    /// Asked for by each instance of what refers to a call.
    pub(super) call_values: Mutex<CallValues>,
}

/// Where an expression stands.
pub(super) struct At<'e, 'a> {
    pub evaluation: &'e Evaluation<'a>,
    pub module: usize,
    pub instance: usize,
    pub repeated: &'e Repeated,
    /// What `self` stands for.
    pub itself: Option<&'e Evaluated>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(graph: &'a Graph, instance: &'a Instance, timestamp: &'a str) -> Self {
        let mut modules: Vec<Vec<ModuleInstance>> = graph.modules.iter().map(|_| Vec::new()).collect();
        modules[0].push(module_instance(graph, 0, ModulePath::root(), 0, Repeated::default()));
        let mut evaluation = Evaluation {
            graph,
            instance,
            timestamp,
            now: None,
            modules,
            waiting: Vec::new(),
            slots: Vec::with_capacity(graph.modules.iter().map(|m| m.module.resources.len()).sum()),
            shared: BTreeMap::new(),
            diagnostics: Diagnostics::new(),
            changed: vec![0; graph.modules.len()],
            call_values: Mutex::default(),
        };
        evaluation.take_shared();
        evaluation
    }

    /// What variables refer to of the platform: known, or a slot that its apply
    /// fills.
    fn take_shared(&mut self) {
        let instance = self.instance;
        let passed = instance.passed.as_entries();
        for expr in instance.shared.values() {
            expr.for_each_reference(&mut |reference, _| {
                let Reference::Shared(name) = reference else { return };
                if self.shared.contains_key(name) {
                    return;
                }
                let value = passed.and_then(|passed| passed.get(name).cloned());
                let value = value.unwrap_or_else(|| Value::unknown(Type::Dynamic));
                let slot = (!value.is_wholly_known()).then(|| self.slot(Slot::Shared(name.clone())));
                self.shared.insert(name.clone(), Evaluated { value, slot });
            });
        }
    }

    pub(super) fn at<'e>(&'e self, module: usize, instance: usize, repeated: &'e Repeated) -> At<'e, 'a> {
        At { evaluation: self, module, instance, repeated, itself: None }
    }

    /// Evaluates, and keeps the closed expression of what is not wholly known.
    pub(super) fn settle(
        &mut self,
        module: usize,
        instance: usize,
        repeated: &Repeated,
        expr: &Expr,
    ) -> Option<Evaluated> {
        let at = self.at(module, instance, repeated);
        let result = evaluate(expr, &at).map(|value| {
            let is_open = !value.is_wholly_known() || self.is_ephemeral(&value);
            let closed = is_open.then(|| close(expr, &at));
            (value, closed)
        });
        match result {
            Ok((value, closed)) => Some(self.keep(value, closed)),
            Err(error) => {
                self.diagnostics.push(*error);
                None
            }
        }
    }

    /// Whether something in a value must not be stored.
    pub(super) fn is_ephemeral(&self, value: &Value) -> bool {
        self.graph.has_ephemeral && value.deep_marks().contains(Marks::EPHEMERAL)
    }

    pub(super) fn keep(&mut self, value: Value, closed: Option<Expr>) -> Evaluated {
        let slot = closed.map(|expr| self.slot(Slot::Expression(expr)));
        Evaluated { value, slot }
    }

    pub(super) fn slot(&mut self, slot: Slot) -> u32 {
        self.slots.push(slot);
        u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
    }

    /// Makes the instances of a module call.
    pub(super) fn call(&mut self, module: usize, call: usize) {
        let Some(child) = self.graph.child(module, call) else { return };
        let block = &self.graph.modules[module].module.calls[call];
        for instance in 0..self.modules[module].len() {
            let keys = match self.expand(module, instance, &block.repetition) {
                Expansion::Instances(keys) => keys,
                Expansion::Failed => continue,
                Expansion::Waits(waits_for) => {
                    let path = self.modules[module][instance].path.clone();
                    self.modules[module][instance].calls[call] = None;
                    self.waiting.push(WaitingCall { path, name: block.name.name.clone(), child, waits_for });
                    continue;
                }
            };
            let mut made = Vec::with_capacity(keys.len());
            for (key, repeated) in keys {
                let path = self.modules[module][instance].path.child(block.name.name.clone(), key.clone());
                self.modules[child].push(module_instance(self.graph, child, path, instance, repeated));
                made.push((key, self.modules[child].len() - 1));
            }
            self.modules[module][instance].calls[call] = Some(made);
            self.changed[child] += 1;
        }
    }

    /// Instances of a module that something in an instance of another can mean.
    pub(super) fn visible(&self, module: usize, instance: usize, to: usize) -> Vec<usize> {
        let mut calls = Vec::new();
        let mut common = to;
        // Up from there to where both are in, and down again.
        let found = loop {
            if let Some(at) = self.above(module, instance, common) {
                break Some(at);
            }
            match self.graph.modules[common].parent {
                Some((parent, call)) => {
                    calls.push((parent, call));
                    common = parent;
                }
                None => break None,
            }
        };
        let mut found: Vec<usize> = found.into_iter().collect();
        for (parent, call) in calls.into_iter().rev() {
            let made = found.iter().flat_map(|&i| self.modules[parent][i].calls[call].iter().flatten());
            found = made.map(|(_, instance)| *instance).collect();
        }
        found
    }

    /// The instance of a module that an instance of another is in, or is.
    pub(super) fn above(&self, module: usize, instance: usize, wanted: usize) -> Option<usize> {
        let (mut module, mut instance) = (module, instance);
        while module != wanted {
            (module, instance) =
                (self.graph.modules[module].parent?.0, self.modules[module][instance].parent);
        }
        Some(instance)
    }

    /// A variable of every instance of a module.
    pub(super) fn variable(&mut self, module: usize, index: usize) {
        let variable = &self.graph.modules[module].module.variables[index];
        let parent = self.graph.modules[module].parent;
        for instance in 0..self.modules[module].len() {
            let given = match parent {
                None => match self.instance.shared.get(&variable.name.name) {
                    Some(expr) => {
                        let inner = Box::new(expr.clone());
                        let kind = ExprKind::Convert(inner, variable.constraint.clone());
                        let converted = Expr { kind, span: expr.span };
                        match self.settle(module, instance, &Repeated::default(), &converted) {
                            Some(value) => Some(value),
                            None => continue,
                        }
                    }
                    None => {
                        let given = self.instance.variables.get(&variable.name.name);
                        given.map(|(value, _)| Evaluated::known(value.clone()))
                    }
                },
                Some((caller, call)) => {
                    let argument =
                        self.graph.modules[caller].module.calls[call].arguments.get(&variable.name.name);
                    match argument {
                        None => None,
                        Some(argument) => {
                            let inner = Box::new(argument.clone());
                            let converted = Expr {
                                kind: ExprKind::Convert(inner, variable.constraint.clone()),
                                span: argument.span,
                            };
                            let repeated = self.modules[module][instance].repeated.clone();
                            let parent = self.modules[module][instance].parent;
                            match self.settle(caller, parent, &repeated, &converted) {
                                Some(value) => Some(value),
                                None => continue,
                            }
                        }
                    }
                }
            };
            let default = || variable.default.clone().map(Evaluated::known);
            let mut value = match given {
                Some(given) if given.value.is_null() && !variable.nullable => match default() {
                    Some(default) => default,
                    None => {
                        let detail = "is set to null, which is no value of it: nullable = false.";
                        let problem = self.refused(parent, variable, "Required variable not set", detail);
                        self.diagnostics.push(problem);
                        continue;
                    }
                },
                Some(given) => given,
                None => match default() {
                    Some(default) => default,
                    None => continue,
                },
            };
            if !variable.ephemeral && self.is_ephemeral(&value.value) {
                let detail = "is not declared to be ephemeral, so it takes no ephemeral values.";
                let problem = self.refused(parent, variable, "Ephemeral value not allowed", detail);
                let hint = "Set ephemeral = true in the variable if that is meant.";
                self.diagnostics.push(problem.hint(hint));
                continue;
            }
            if variable.ephemeral && parent.is_none() {
                value.slot = Some(self.slot(Slot::Given(variable.name.name.clone())));
                value.value = value.value.with_marks(Marks::EPHEMERAL);
            }
            value = self.marked(value, variable.sensitive, variable.ephemeral, variable.name.span);
            self.modules[module][instance].variables[index] = Some(value);
        }
    }

    /// That a variable does not take what it is set to: where a call sets it, if
    /// one does.
    fn refused(
        &self,
        caller: Option<(usize, usize)>,
        variable: &Variable,
        summary: &'static str,
        why: &str,
    ) -> Diagnostic {
        let name = &variable.name;
        let argument = caller.and_then(|(module, call)| {
            self.graph.modules[module].module.calls[call].arguments.get(&name.name)
        });
        Diagnostic::error(summary, format!("The variable {:?} {why}", name.name))
            .at(argument.map_or(name.span, |argument| argument.span))
            .related(name.span, "declared here")
    }

    /// A value with marks of its own, which the apply puts on it too.
    fn marked(&mut self, evaluated: Evaluated, sensitive: bool, ephemeral: bool, span: Span) -> Evaluated {
        if !sensitive && !ephemeral {
            return evaluated;
        }
        // What is known and may be stored has its marks with it.
        let slot = (ephemeral || evaluated.slot.is_some()).then(|| {
            let expr = evaluated.closed(span);
            self.slot(Slot::Marked { expr, sensitive, ephemeral })
        });
        let marks = |is_set, marks| if is_set { marks } else { Marks::NONE };
        let marks = marks(sensitive, Marks::SENSITIVE).union(marks(ephemeral, Marks::EPHEMERAL));
        Evaluated { value: evaluated.value.with_marks(marks), slot }
    }

    /// A local value of every instance of a module.
    pub(super) fn local(&mut self, module: usize, index: usize) {
        for instance in 0..self.modules[module].len() {
            let expr = &self.graph.modules[module].module.locals[index].1;
            let value = self.settle(module, instance, &Repeated::default(), expr);
            self.modules[module][instance].locals[index] = value;
        }
    }

    /// An output of an instance of a module.
    pub(super) fn output(&mut self, module: usize, instance: usize, index: usize) {
        let output = &self.graph.modules[module].module.outputs[index];
        let Some(mut value) = self.settle(module, instance, &Repeated::default(), &output.value) else {
            return;
        };
        let (is_ephemeral, name) = (self.is_ephemeral(&value.value), &output.name.name);
        let problem = match output.ephemeral {
            true if module == 0 => Some((
                format!("The output {name:?} of the root module is stored, so it cannot be ephemeral."),
                "Outputs of other modules can.",
            )),
            false if is_ephemeral => Some((
                format!(
                    "The output {name:?} is not declared to be ephemeral, so it takes no ephemeral values."
                ),
                "Set ephemeral = true in the output, unless it is one of the root module.",
            )),
            _ => None,
        };
        if let Some((detail, hint)) = problem {
            let error = Diagnostic::error("Ephemeral value not allowed", detail);
            self.diagnostics.push(error.at(output.value.span).hint(hint));
            return;
        }
        value = self.marked(value, output.sensitive, output.ephemeral, output.value.span);
        if !output.sensitive
            && module == 0
            && passed_on(&output.name.name).is_none()
            && value.value.deep_marks().contains(Marks::SENSITIVE)
        {
            self.diagnostics.push(
                Diagnostic::error(
                    "Output refers to sensitive values",
                    format!("The output {:?} would show what is sensitive.", output.name.name),
                )
                .at(output.value.span)
                .hint("Set sensitive = true in the output if that is meant."),
            );
        }
        self.modules[module][instance].outputs[index] = Some(value);
        self.changed[module] += 1;
    }
}

fn module_instance(
    graph: &Graph,
    module: usize,
    path: ModulePath,
    parent: usize,
    repeated: Repeated,
) -> ModuleInstance {
    let block = &graph.modules[module].module;
    ModuleInstance {
        path,
        parent,
        repeated,
        variables: vec![None; block.variables.len()],
        locals: vec![None; block.locals.len()],
        outputs: vec![None; block.outputs.len()],
        resources: vec![None; block.resources.len()],
        calls: vec![Some(Vec::new()); block.calls.len()],
    }
}

/// Variables of the root module by name, but for those that may not be kept:
/// as they are given, where a user gives them, else as the module has them.
pub(super) fn root_variables(evaluation: &Evaluation<'_>) -> BTreeMap<Arc<str>, Value> {
    let variables = &evaluation.graph.modules[0].module.variables;
    let values = variables.iter().zip(&evaluation.modules[0][0].variables);
    let instance = evaluation.instance;
    values
        .filter(|(variable, _)| !variable.ephemeral)
        .filter_map(|(variable, value)| {
            let name = &variable.name.name;
            if let Some(given) = instance.facts.value(name).filter(|_| instance.seated.is_none()) {
                return Some((name.clone(), if variable.sensitive { given.sensitive() } else { given }));
            }
            // A plan to destroy evaluates none.
            let settled = || instance.variables.get(name).map(|(value, _)| value.clone());
            Some((name.clone(), value.as_ref().map(|found| found.value.clone()).or_else(settled)?))
        })
        .filter(|(_, value)| !value.deep_marks().contains(Marks::EPHEMERAL))
        .collect()
}

/// Outputs of the root module by name.
pub(super) fn root_outputs(evaluation: &Evaluation<'_>) -> BTreeMap<Arc<str>, (Evaluated, bool, Span)> {
    let outputs = &evaluation.graph.modules[0].module.outputs;
    outputs
        .iter()
        .zip(&evaluation.modules[0][0].outputs)
        .filter_map(|(output, value)| {
            Some((output.name.name.clone(), (value.clone()?, output.sensitive, output.value.span)))
        })
        .collect()
}
