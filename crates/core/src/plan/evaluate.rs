//! One instance's configuration, evaluated in the graph's order.
//!
//! Keeps what each block came to, per module instance. A value that is not
//! wholly known also has a [`Slot`]: the expression that the apply finishes,
//! closed over everything known.
//!
//! Must not: decide actions.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::expand::Expansion;
use super::model::Slot;
use crate::addr::{InstanceKey, ModulePath};
use crate::config::{Instance, PASSED_ON, Repetition, instance_key};
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::expr::{
    DiskFiles, EvalResult, Expr, ExprKind, FunctionContext, Reference, Scope, evaluate, functions,
};
use crate::graph::Graph;
use crate::syntax::parse_template;
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
    changed: Vec<u64>,
    /// Asked for by each instance of what refers to a call.
    call_values: Mutex<CallValues>,
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
            slots: Vec::new(),
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
    fn above(&self, module: usize, instance: usize, wanted: usize) -> Option<usize> {
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
                Some(given) if given.value.is_null() && !variable.nullable => default().unwrap_or(given),
                Some(given) => given,
                None => match default() {
                    Some(default) => default,
                    None => continue,
                },
            };
            if !variable.ephemeral && self.is_ephemeral(&value.value) {
                let argument = parent.and_then(|(caller, call)| {
                    self.graph.modules[caller].module.calls[call].arguments.get(&variable.name.name)
                });
                let detail = format!(
                    "The variable {:?} is not declared to be ephemeral, so it takes no ephemeral values.",
                    variable.name.name
                );
                let mut error = Diagnostic::error("Ephemeral value not allowed", detail)
                    .related(variable.name.span, "declared here")
                    .hint("Set ephemeral = true in the variable if that is meant.");
                error.span = Some(argument.map_or(variable.name.span, |argument| argument.span));
                self.diagnostics.push(error);
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
            && *output.name.name != *PASSED_ON
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

impl At<'_, '_> {
    /// What a reference stands for here.
    pub(super) fn resolve(&self, reference: &Reference, span: Span) -> Result<Evaluated, Box<Diagnostic>> {
        let here = &self.evaluation.modules[self.module][self.instance];
        let module = &self.evaluation.graph.modules[self.module].module;
        let node = || self.evaluation.graph.find(self.module, reference);
        let found = match reference {
            Reference::Var(_) => node().and_then(|i| here.variables[i].clone()),
            Reference::Local(_) => node().and_then(|i| here.locals[i].clone()),
            Reference::Resource { .. } => node().and_then(|i| here.resources[i].clone()),
            Reference::Module(_) => node().map(|i| self.module_value(i)),
            Reference::EachKey | Reference::EachValue => {
                let each =
                    self.repeated.each.as_ref().ok_or_else(|| misplaced(reference, "for_each", span))?;
                Some(if *reference == Reference::EachKey {
                    Evaluated::known(each.0.clone())
                } else {
                    each.1.clone()
                })
            }
            Reference::CountIndex => {
                let index = self.repeated.index.ok_or_else(|| misplaced(reference, "count", span))?;
                Some(Evaluated::known(index.into()))
            }
            Reference::Path(which) => {
                let path = if &**which == "module" { &module.dir } else { &self.evaluation.instance.root };
                Some(Evaluated::known(path.to_string_lossy().into_owned().into()))
            }
            Reference::Terraform(_) => {
                Some(Evaluated::known(self.evaluation.instance.workspace.as_str().into()))
            }
            Reference::Itself => Some(self.itself.ok_or_else(|| no_self(span))?.clone()),
            Reference::Shared(name) => self.evaluation.shared.get(name).cloned(),
            Reference::Slot(_) => None,
        };
        // What failed was reported; what refers to it must not fail again.
        Ok(found.unwrap_or_else(|| Evaluated::known(Value::unknown(Type::Dynamic))))
    }

    /// The outputs of a module call's instances.
    fn module_value(&self, call: usize) -> Evaluated {
        let graph = self.evaluation.graph;
        let Some(child) = graph.child(self.module, call) else { return Evaluated::known(Value::NULL) };
        let (key, now) = ((self.module, self.instance, call), self.evaluation.changed[child]);
        let values = || self.evaluation.call_values.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, value)) = values().get(&key)
            && *made == now
        {
            return Evaluated::known(value.clone());
        }
        let made = self.call_value(call, child);
        values().insert(key, (now, made.clone()));
        Evaluated::known(made)
    }

    fn call_value(&self, call: usize, child: usize) -> Value {
        let graph = self.evaluation.graph;
        let outputs = &graph.modules[child].module.outputs;
        let one = |instance: usize| {
            let made = &self.evaluation.modules[child][instance];
            Value::object(outputs.iter().zip(&made.outputs).map(|(output, value)| {
                (
                    output.name.name.clone(),
                    value.as_ref().map_or(Value::unknown(Type::Dynamic), |v| v.value.clone()),
                )
            }))
        };
        let block = &graph.modules[self.module].module.calls[call];
        let Some(instances) = &self.evaluation.modules[self.module][self.instance].calls[call] else {
            return Value::unknown(Type::Dynamic);
        };
        match block.repetition {
            Repetition::Enabled(_) => instances.first().map_or(Value::NULL, |(_, i)| one(*i)),
            Repetition::None => instances.first().map_or(Value::unknown(Type::Dynamic), |(_, i)| one(*i)),
            Repetition::Count(_) => Value::tuple(instances.iter().map(|(_, i)| one(*i))),
            Repetition::ForEach(_) => Value::object(instances.iter().filter_map(|(key, i)| match key {
                Some(InstanceKey::Key(key)) => Some((key.clone(), one(*i))),
                _ => None,
            })),
        }
    }

    /// An output of one instance of a module call, when an expression is just
    /// that: a plan would grow with the square of the instances if each of them
    /// referred to all others.
    fn call_output(&self, expr: &Expr) -> Option<Evaluated> {
        let ExprKind::Attribute(source, name) = &expr.kind else { return None };
        let (source, key) = match &source.kind {
            ExprKind::Index(pair) => (&pair.0, Some(&pair.1)),
            _ => (&**source, None),
        };
        let ExprKind::Reference(reference @ Reference::Module(_)) = &source.kind else { return None };
        let graph = self.evaluation.graph;
        let call = graph.find(self.module, reference)?;
        let child = graph.child(self.module, call)?;
        let instances = self.evaluation.modules[self.module][self.instance].calls[call].as_ref()?;
        let key = match key {
            None => None,
            Some(key) => {
                let value =
                    evaluate(key, self).ok().filter(|key| key.is_known() && key.marks().is_empty())?;
                Some(instance_key(&value)?)
            }
        };
        // Keys of a call are in order.
        let at = instances.binary_search_by(|(other, _)| other.cmp(&key)).ok()?;
        let outputs = &graph.modules[child].module.outputs;
        let output = outputs.iter().position(|output| output.name.name == *name)?;
        self.evaluation.modules[child][instances[at].1].outputs[output].clone()
    }

    /// A module call as a closed expression.
    fn module_closed(&self, reference: &Reference, span: Span) -> Expr {
        let graph = self.evaluation.graph;
        let literal = |text: &str| Expr::literal(text.into(), span);
        let nothing = Expr::literal(Value::NULL, span);
        let Some(call) = graph.find(self.module, reference) else { return nothing };
        let Some(child) = graph.child(self.module, call) else { return nothing };
        let outputs = &graph.modules[child].module.outputs;
        let one = |instance: usize| Expr {
            kind: ExprKind::Object(
                outputs
                    .iter()
                    .zip(&self.evaluation.modules[child][instance].outputs)
                    .filter_map(|(output, value)| {
                        Some((literal(&output.name.name), value.as_ref()?.closed(span)))
                    })
                    .collect(),
            ),
            span,
        };
        let Some(instances) = &self.evaluation.modules[self.module][self.instance].calls[call] else {
            return Expr::literal(Value::unknown(Type::Dynamic), span);
        };
        let kind = match graph.modules[self.module].module.calls[call].repetition {
            Repetition::None | Repetition::Enabled(_) => {
                return instances.first().map_or(nothing, |(_, i)| one(*i));
            }
            Repetition::Count(_) => ExprKind::Tuple(instances.iter().map(|(_, i)| one(*i)).collect()),
            Repetition::ForEach(_) => ExprKind::Object(
                instances
                    .iter()
                    .filter_map(|(key, i)| match key {
                        Some(InstanceKey::Key(key)) => Some((literal(key), one(*i))),
                        _ => None,
                    })
                    .collect(),
            ),
        };
        Expr { kind, span }
    }
}

fn no_self(span: Span) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::error(
            "Invalid reference",
            "self stands for the object that a postcondition is about; there is none here.",
        )
        .at(span),
    )
}

fn misplaced(reference: &Reference, argument: &str, span: Span) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::error(
            "Invalid reference",
            format!("{reference} can be used only in a block with {argument:?}."),
        )
        .at(span),
    )
}

impl Scope for At<'_, '_> {
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult {
        self.resolve(reference, span).map(|evaluated| evaluated.value)
    }

    fn functions(&self) -> FunctionContext<'_> {
        FunctionContext {
            module_dir: &self.evaluation.graph.modules[self.module].module.dir,
            root_dir: &self.evaluation.instance.root,
            timestamp: self.evaluation.timestamp,
            now: self.evaluation.now,
            files: &DiskFiles,
            templates: parse_template,
        }
    }
}

/// The same expression with every reference replaced: by its value where that
/// is wholly known, else by a slot of the plan. Known parts are folded.
pub(super) fn close(expr: &Expr, at: &At<'_, '_>) -> Expr {
    let mut closed = expr.clone();
    replace(&mut closed, at);
    closed
}

/// Returns whether the expression still depends on slots or bound names.
fn replace(expr: &mut Expr, at: &At<'_, '_>) -> bool {
    if let Some(found) = at.call_output(expr) {
        *expr = found.closed(expr.span);
        return found.slot.is_some();
    }
    if let ExprKind::Reference(reference) = &expr.kind {
        let span = expr.span;
        let Ok(found) = at.resolve(reference, span) else { return false };
        // Whether a value is known was found when it was made: looking through
        // all instances again for each of them would take forever.
        let known = match reference {
            Reference::Module(_) => {
                found.value.is_wholly_known() && !at.evaluation.is_ephemeral(&found.value)
            }
            _ => found.slot.is_none(),
        };
        if known {
            *expr = Expr::literal(found.value, span);
            return false;
        }
        *expr = match (reference, found.slot) {
            (Reference::Module(_), _) => at.module_closed(reference, span),
            (Reference::EachValue, Some(slot)) => {
                let key = at.repeated.each.as_ref().map_or(Value::NULL, |(key, _)| key.clone());
                let whole = Expr { kind: ExprKind::Reference(Reference::Slot(slot)), span };
                Expr { kind: ExprKind::Index(Box::new((whole, Expr::literal(key, span)))), span }
            }
            (_, _) => found.closed(span),
        };
        return true;
    }
    if matches!(expr.kind, ExprKind::Variable(_)) {
        return true;
    }
    let mut open = false;
    expr.for_each_child_mut(&mut |child| open |= replace(child, at));
    if open {
        read_template(expr, at);
    }
    // Functions may read files and paths of this module: settle them here.
    if !open
        && !matches!(expr.kind, ExprKind::Literal(_))
        && let Ok(value) = evaluate(expr, at)
    {
        // Such as a timestamp, which only the apply has.
        if !value.is_wholly_known() {
            return true;
        }
        *expr = Expr::literal(value, expr.span);
    }
    open
}

/// Puts the text of a template file in the place of its name, so that the
/// apply needs no file.
fn read_template(expr: &mut Expr, at: &At<'_, '_>) {
    let ExprKind::Call(call) = &mut expr.kind else { return };
    if &*call.name == "templatefile"
        && let Some(first) = call.args.first_mut()
        && let ExprKind::Literal(path) = &first.kind
        && let Ok(text) = functions::call("file", std::slice::from_ref(path), &at.functions())
    {
        *first = Expr::literal(text, first.span);
        call.name = "templatestring".into();
    }
}

/// Variables of the root module by name, but for those that may not be kept.
pub(super) fn root_variables(evaluation: &Evaluation<'_>) -> BTreeMap<Arc<str>, Value> {
    let variables = &evaluation.graph.modules[0].module.variables;
    let values = variables.iter().zip(&evaluation.modules[0][0].variables);
    values
        .filter_map(|(variable, value)| {
            let name = &variable.name.name;
            // A plan to destroy evaluates none.
            let given = || evaluation.instance.variables.get(name).map(|(value, _)| value.clone());
            Some((name.clone(), value.as_ref().map(|found| found.value.clone()).or_else(given)?))
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
