//! Configuration to a graph: what must be known before what.
//!
//! The graph is over blocks, not instances, so that all tenants of one
//! blueprint share one.
//!
//! Guarantees: a reference to nothing and a cycle are diagnostics with places;
//! [`Graph::order`] respects every edge.
//! Must not: evaluate, or decide actions.

mod cycles;
mod providers;

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::addr::{ModulePath, ModuleStep, ResourceAddress, ResourceMode};
use crate::config::{Module, Repetition, Resource, Rule};
use crate::diag::{Diagnostic, Diagnostics};
use crate::expr::{Expr, ExprKind, Reference};

pub use providers::ProviderHop;

/// A block, by its place in its module's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// `variable`
    Variable(usize),
    /// The `validation` blocks of a variable.
    Validation(usize),
    /// A local value.
    Local(usize),
    /// `output`
    Output(usize),
    /// `resource` or `data`
    Resource(usize),
    /// `module`: how many instances there are.
    Call(usize),
    /// `provider`
    Provider(usize),
    /// `import`, which the resource that it is for depends on.
    Import(usize),
    /// `check`
    Check(usize),
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Index of the module, see [`Graph::modules`].
    pub module: usize,
    /// Which block.
    pub kind: NodeKind,
    /// Nodes it refers to.
    pub dependencies: Vec<usize>,
    /// Resource nodes that it refers to, through anything but resources.
    pub resources: Vec<usize>,
}

/// A module as called from one place.
#[derive(Clone, Debug)]
pub struct ModuleNode {
    /// The module.
    pub module: Arc<Module>,
    /// The caller's index and which of its calls.
    pub parent: Option<(usize, usize)>,
}

/// The graph.
#[derive(Debug)]
pub struct Graph {
    /// Modules by place of call; the root first.
    pub modules: Vec<ModuleNode>,
    /// All nodes.
    pub nodes: Vec<Node>,
    /// Node indexes, dependencies first.
    pub order: Vec<usize>,
    /// Whether something in it gives values that are never stored.
    pub has_ephemeral: bool,
    index: FxHashMap<(usize, NodeKind), usize>,
    children: FxHashMap<(usize, usize), usize>,
    /// Position of each named block in its module's list.
    names: Vec<FxHashMap<Reference, usize>>,
}

/// Names of one module's blocks.
#[derive(Default)]
struct Names<'a> {
    variables: FxHashMap<&'a str, usize>,
    locals: FxHashMap<&'a str, usize>,
    outputs: FxHashMap<&'a str, usize>,
    calls: FxHashMap<&'a str, usize>,
    resources: FxHashMap<(ResourceMode, &'a str, &'a str), usize>,
}

/// What is said of an output that a module does not have.
const NO_OUTPUT: &str = "Unsupported attribute";

impl Graph {
    /// Builds the graph of a root module.
    ///
    /// # Errors
    /// References to nothing and cycles, all of them.
    pub fn build(root: &Arc<Module>) -> Result<Graph, Diagnostics> {
        match Graph::sketch(root) {
            (Some(graph), problems) if !problems.has_errors() => Ok(graph),
            (_, problems) => Err(problems),
        }
    }

    /// The graph as far as it goes, to look for more mistakes by, and those in
    /// it; none where blocks go in circles.
    pub fn sketch(root: &Arc<Module>) -> (Option<Graph>, Diagnostics) {
        let mut graph = Graph {
            modules: vec![ModuleNode { module: root.clone(), parent: None }],
            nodes: Vec::new(),
            order: Vec::new(),
            has_ephemeral: false,
            index: FxHashMap::default(),
            children: FxHashMap::default(),
            names: Vec::new(),
        };
        graph.enumerate();
        graph.has_ephemeral = graph.modules.iter().any(|m| {
            m.module.variables.iter().any(|variable| variable.ephemeral)
                || m.module.resources.iter().any(|block| block.mode == ResourceMode::Ephemeral)
                || m.module.outputs.iter().any(|output| output.ephemeral)
                || m.module.expressions().any(|expr| {
                    let mut found = false;
                    expr.for_each_reference(&mut |reference, _| found |= reference.is_applying());
                    found
                })
        });
        graph.names = graph.modules.iter().map(|m| positions(&m.module)).collect();
        let mut diagnostics = Diagnostics::new();
        graph.connect(&mut diagnostics);
        graph.sort(&mut diagnostics);
        let is_ordered = graph.order.len() == graph.nodes.len();
        (is_ordered.then_some(graph), diagnostics.sorted())
    }

    /// The node of a block.
    pub fn node(&self, module: usize, kind: NodeKind) -> Option<usize> {
        self.index.get(&(module, kind)).copied()
    }

    /// The module that a call calls.
    pub fn child(&self, module: usize, call: usize) -> Option<usize> {
        self.children.get(&(module, call)).copied()
    }

    /// The position of a named block in its module's list.
    pub fn find(&self, module: usize, reference: &Reference) -> Option<usize> {
        self.names[module].get(reference).copied()
    }

    /// The module that a path leads to, whatever the keys.
    pub fn module(&self, path: &ModulePath) -> Option<usize> {
        path.steps().iter().try_fold(0, |module, step| {
            self.child(module, self.find(module, &Reference::Module(step.name.clone()))?)
        })
    }

    /// What the instances of a module are to something in an instance of another
    /// one, whose path is given: of the calls that both are in its own, of those
    /// further down all.
    pub fn seen_from(&self, module: usize, path: &ModulePath, to: usize) -> ModulePath {
        if module == to {
            return path.clone();
        }
        let (own, other) = (self.line(module), self.line(to));
        let common = own.iter().zip(&other).take_while(|(a, b)| a == b).count();
        let further = other[common..].iter().filter_map(|&at| {
            let (parent, call) = self.modules[at].parent?;
            Some(ModuleStep { name: self.modules[parent].module.calls[call].name.name.clone(), key: None })
        });
        ModulePath::of(path.steps()[..common].iter().cloned().chain(further))
    }

    /// The modules that lead to one, from the root's first call down.
    fn line(&self, module: usize) -> Vec<usize> {
        let above = std::iter::successors(Some(module), |&at| self.modules[at].parent.map(|(up, _)| up));
        let mut line: Vec<usize> = above.filter(|&at| self.modules[at].parent.is_some()).collect();
        line.reverse();
        line
    }

    /// The module of a resource's block and its position there.
    pub fn position(&self, address: &ResourceAddress) -> Option<(usize, usize)> {
        let module = self.module(&address.module)?;
        let (kind, name) = (address.kind.clone(), address.name.clone());
        Some((module, self.find(module, &Reference::Resource { mode: address.mode, kind, name })?))
    }

    /// The node of a resource.
    pub fn resource_node(&self, address: &ResourceAddress) -> Option<usize> {
        let (module, index) = self.position(address)?;
        self.node(module, NodeKind::Resource(index))
    }

    /// A resource's block.
    pub fn resource(&self, address: &ResourceAddress) -> Option<&Resource> {
        let (module, index) = self.position(address)?;
        self.modules[module].module.resources.get(index)
    }

    /// Checks that every reference of an expression in a module is to something.
    ///
    /// # Errors
    /// References to nothing, all of them.
    pub fn check(&self, module: usize, expr: &Expr) -> Result<(), Diagnostics> {
        let names: Vec<Names<'_>> = self.modules.iter().map(|m| Names::of(&m.module)).collect();
        let mut diagnostics = Diagnostics::new();
        self.references(module, expr, &names, &mut BTreeSet::new(), &mut diagnostics);
        if diagnostics.has_errors() { Err(diagnostics.sorted()) } else { Ok(()) }
    }

    fn enumerate(&mut self) {
        let mut at = 0;
        while at < self.modules.len() {
            let module = self.modules[at].module.clone();
            let kinds = (0..module.variables.len())
                .map(NodeKind::Variable)
                .chain(
                    (0..module.variables.len())
                        .filter(|&i| !module.variables[i].validations.is_empty())
                        .map(NodeKind::Validation),
                )
                .chain((0..module.locals.len()).map(NodeKind::Local))
                .chain((0..module.outputs.len()).map(NodeKind::Output))
                .chain((0..module.resources.len()).map(NodeKind::Resource))
                .chain((0..module.calls.len()).map(NodeKind::Call))
                .chain((0..module.providers.len()).map(NodeKind::Provider))
                .chain((0..if at == 0 { module.imports.len() } else { 0 }).map(NodeKind::Import))
                .chain((0..module.checks.len()).map(NodeKind::Check));
            for kind in kinds {
                self.index.insert((at, kind), self.nodes.len());
                self.nodes.push(Node { module: at, kind, dependencies: Vec::new(), resources: Vec::new() });
            }
            for (i, call) in module.calls.iter().enumerate() {
                self.children.insert((at, i), self.modules.len());
                self.modules.push(ModuleNode { module: call.module.clone(), parent: Some((at, i)) });
            }
            at += 1;
        }
    }

    fn connect(&mut self, diagnostics: &mut Diagnostics) {
        let modules = self.modules.clone();
        let names: Vec<Names<'_>> = modules.iter().map(|m| Names::of(&m.module)).collect();
        let imported = self.imported();
        for import in modules.iter().skip(1).flat_map(|m| &m.module.imports) {
            let detail = "An import block stands in the root module, whatever module it imports into.";
            diagnostics.push(Diagnostic::error("Misplaced import block", detail).at(import.span));
        }
        for at in 0..self.nodes.len() {
            let (module, kind) = (self.nodes[at].module, self.nodes[at].kind);
            let mut wanted = BTreeSet::new();
            let mut refer = |this: &Self, from: usize, expr: &Expr| {
                this.references(from, expr, &names, &mut wanted, diagnostics);
            };
            let here = &modules[module].module;
            match kind {
                NodeKind::Variable(i) => {
                    if let Some((parent, call)) = modules[module].parent
                        && let Some(argument) =
                            modules[parent].module.calls[call].arguments.get(&here.variables[i].name.name)
                    {
                        refer(self, parent, argument);
                    }
                }
                NodeKind::Validation(i) => {
                    Rule::expressions(&here.variables[i].validations).for_each(|e| refer(self, module, e));
                    wanted.remove(&at);
                    wanted.extend(self.node(module, NodeKind::Variable(i)));
                }
                NodeKind::Local(i) => refer(self, module, &here.locals[i].1),
                NodeKind::Provider(i) => {
                    let block = &here.providers[i];
                    std::iter::once(&block.config)
                        .chain(&block.for_each)
                        .for_each(|e| refer(self, module, e));
                }
                NodeKind::Output(i) => {
                    let output = &here.outputs[i];
                    std::iter::once(&output.value)
                        .chain(&output.depends_on)
                        .chain(Rule::expressions(&output.preconditions))
                        .for_each(|e| refer(self, module, e));
                }
                NodeKind::Resource(i) => {
                    let resource = &here.resources[i];
                    resource.expressions().for_each(|e| refer(self, module, e));
                    wanted.extend(imported.get(&at).into_iter().flatten());
                    wanted.extend(self.provider_node(module, &resource.configuration, diagnostics));
                }
                NodeKind::Call(i) => {
                    let call = &here.calls[i];
                    let keys = call.providers.iter().filter_map(|(_, outer)| outer.key.as_deref());
                    let all = call.repetition.expr().into_iter().chain(&call.depends_on).chain(keys);
                    all.for_each(|e| refer(self, module, e));
                    for (_, outer) in call.providers.iter().filter(|(_, outer)| outer.alias.is_some()) {
                        self.provider_node(module, outer, diagnostics);
                    }
                }
                NodeKind::Import(i) => {
                    let import = &here.imports[i];
                    let keys = import.keys.iter().flatten();
                    std::iter::once(&import.id)
                        .chain(&import.for_each)
                        .chain(import.provider.iter().filter_map(|provider| provider.key.as_deref()))
                        .chain(keys)
                        .for_each(|e| refer(self, module, e));
                    let provider = import.provider.as_ref();
                    wanted.extend(provider.and_then(|p| self.provider_node(0, p, diagnostics)));
                }
                NodeKind::Check(i) => {
                    Rule::expressions(&here.checks[i].asserts).for_each(|e| refer(self, module, e));
                }
            }
            if let Some((parent, call)) = modules[module].parent {
                wanted.extend(self.node(parent, NodeKind::Call(call)));
            }
            self.nodes[at].dependencies = wanted.into_iter().collect();
            self.check_scope(at, diagnostics);
        }
    }

    /// Import nodes by the node of the resource that they are for.
    fn imported(&self) -> FxHashMap<usize, Vec<usize>> {
        let mut imported: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        for (i, import) in self.modules[0].module.imports.iter().enumerate() {
            if let (Some(node), Some(by)) =
                (self.resource_node(&import.to), self.node(0, NodeKind::Import(i)))
            {
                imported.entry(node).or_default().push(by);
            }
        }
        imported
    }

    /// Reports a reference from outside to the data source of a check.
    fn check_scope(&self, at: usize, diagnostics: &mut Diagnostics) {
        let node = &self.nodes[at];
        let here = &self.modules[node.module].module;
        let own = match node.kind {
            NodeKind::Check(i) => Some(&here.checks[i].name.name),
            _ => None,
        };
        for &dependency in &node.dependencies {
            let NodeKind::Resource(i) = self.nodes[dependency].kind else { continue };
            let data = &self.modules[self.nodes[dependency].module].module.resources[i];
            if data.scope.is_some() && data.scope.as_ref() != own {
                let (name, span) = self.describe(at);
                let check = data.scope.as_deref().unwrap_or_default();
                let detail = format!(
                    "{name} refers to data.{}.{}, which only the check {check:?} can, since it stands there.",
                    data.kind, data.name
                );
                diagnostics.push(Diagnostic::error("Reference to scoped data source", detail).at(span));
            }
        }
    }

    /// Collects what an expression refers to. An attribute of a module call
    /// refers to that output only.
    fn references(
        &self,
        module: usize,
        expr: &Expr,
        names: &[Names<'_>],
        wanted: &mut BTreeSet<usize>,
        diagnostics: &mut Diagnostics,
    ) {
        // What may fail is asked for on purpose.
        if let ExprKind::Call(call) = &expr.kind
            && matches!(&*call.name, "try" | "can")
        {
            let mut found = Diagnostics::new();
            expr.for_each_child(&mut |child| self.references(module, child, names, wanted, &mut found));
            diagnostics.extend(found.into_iter().filter(|problem| problem.summary != NO_OUTPUT));
            return;
        }
        if let ExprKind::Attribute(source, output) = &expr.kind
            && let Some(call) = called(source)
            && let Some(&call) = names[module].calls.get(call)
            && let Some(child) = self.child(module, call)
        {
            wanted.extend(self.node(module, NodeKind::Call(call)));
            match names[child].outputs.get(&**output) {
                Some(&i) => wanted.extend(self.node(child, NodeKind::Output(i))),
                None => {
                    let problem =
                        Diagnostic::error(NO_OUTPUT, format!("The module has no output {output:?}."));
                    let problem = problem.at(expr.span).suggest(output, names[child].outputs.keys().copied());
                    let is_many = matches!(source.kind, ExprKind::Reference(_))
                        && matches!(
                            self.modules[module].module.calls[call].repetition,
                            Repetition::ForEach(_)
                        );
                    let hint = format!("An instance is named by its key in brackets: [{output:?}].");
                    diagnostics.push(if is_many { problem.hint(hint) } else { problem });
                }
            }
            if let ExprKind::Index(pair) = &source.kind {
                self.references(module, &pair.1, names, wanted, diagnostics);
            }
            return;
        }
        if let ExprKind::Reference(reference) = &expr.kind {
            match self.target(module, reference, &names[module], wanted) {
                Ok(()) => {}
                Err(error) => diagnostics.push(error.at(expr.span)),
            }
        }
        expr.for_each_child(&mut |child| self.references(module, child, names, wanted, diagnostics));
    }

    /// All that a module makes and gives: what refers to the whole of it waits
    /// for that.
    fn inside(&self, module: usize) -> Vec<usize> {
        let block = &self.modules[module].module;
        let kinds = (0..block.outputs.len())
            .map(NodeKind::Output)
            .chain((0..block.resources.len()).map(NodeKind::Resource));
        let own = kinds.filter_map(|kind| self.node(module, kind));
        let called = (0..block.calls.len()).filter_map(|call| self.child(module, call));
        own.chain(called.flat_map(|child| self.inside(child))).collect()
    }

    fn target(
        &self,
        module: usize,
        reference: &Reference,
        names: &Names<'_>,
        wanted: &mut BTreeSet<usize>,
    ) -> Result<(), Diagnostic> {
        let found = match reference {
            Reference::Var(name) => names.variables.get(&**name).map(|i| {
                // Nothing is to use a value before it is judged.
                wanted.extend(self.node(module, NodeKind::Validation(*i)));
                NodeKind::Variable(*i)
            }),
            Reference::Local(name) => names.locals.get(&**name).map(|i| NodeKind::Local(*i)),
            Reference::Resource { mode, kind, name } => {
                names.resources.get(&(*mode, &**kind, &**name)).map(|i| NodeKind::Resource(*i))
            }
            Reference::Module(name) => names.calls.get(&**name).map(|i| {
                wanted.extend(self.child(module, *i).into_iter().flat_map(|child| self.inside(child)));
                NodeKind::Call(*i)
            }),
            _ => return Ok(()),
        };
        let here = &self.modules[module].module;
        match found {
            Some(kind) => wanted.extend(self.node(module, kind)),
            None if here.broken.contains(reference) => {}
            None => return Err(here.lacks(reference)),
        }
        Ok(())
    }
}

impl<'a> Names<'a> {
    fn of(module: &'a Module) -> Self {
        Names {
            variables: module.variables.iter().enumerate().map(|(i, v)| (&*v.name.name, i)).collect(),
            locals: module.locals.iter().enumerate().map(|(i, (n, _))| (&*n.name, i)).collect(),
            outputs: module.outputs.iter().enumerate().map(|(i, o)| (&*o.name.name, i)).collect(),
            calls: module.calls.iter().enumerate().map(|(i, c)| (&*c.name.name, i)).collect(),
            resources: module
                .resources
                .iter()
                .enumerate()
                .map(|(i, r)| ((r.mode, &*r.kind, &*r.name), i))
                .collect(),
        }
    }
}

/// Named blocks of a module that outlive it, by what refers to them.
fn positions(module: &Module) -> FxHashMap<Reference, usize> {
    let variables = module.variables.iter().map(|v| Reference::Var(v.name.name.clone())).enumerate();
    let locals = module.locals.iter().map(|(name, _)| Reference::Local(name.name.clone())).enumerate();
    let calls = module.calls.iter().map(|call| Reference::Module(call.name.name.clone())).enumerate();
    let resource = |r: &Resource| {
        let (kind, name) = (r.kind.clone(), r.name.clone());
        Reference::Resource { mode: r.mode, kind, name }
    };
    let resources = module.resources.iter().map(resource).enumerate();
    variables.chain(locals).chain(calls).chain(resources).map(|(at, name)| (name, at)).collect()
}

/// The module call that an expression is, indexed or not.
fn called(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Reference(Reference::Module(name)) => Some(name),
        ExprKind::Index(pair) => called(&pair.0),
        _ => None,
    }
}
