//! Configuration and refreshed state to a plan.
//!
//! Guarantees: pure and repeatable; every mistake of an instance is reported
//! together; a plan that would remove a protected object is refused.
//! Must not: await, touch disk, read the clock.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::diff::{decide, mark_sensitive, proposed};
use super::evaluate::{Evaluated, Evaluation, Repeated, close, root_outputs, root_variables};
use super::model::{Action, Change, OutputChange, Plan, PlanMode, Reason, Shape, Slot};
use super::order;
use crate::addr::{InstanceKey, ModulePath, ResourceAddress, ResourceMode};
use crate::config::{Instance, Repetition, Resource, span_of};
use crate::diag::{Diagnostic, Diagnostics};
use crate::expr::{Expr, evaluate};
use crate::graph::{Graph, NodeKind};
use crate::provider::{PlanRequest, Registry, SharedProvider};
use crate::refresh::Drift;
use crate::state::{RecordChange, RecordKey, WorkspaceState};
use crate::value::{Type, Value};

/// What a plan is made of.
pub struct PlanInput<'a> {
    /// The instance's configuration.
    pub instance: &'a Instance,
    /// Its graph.
    pub graph: &'a Graph,
    /// The workspace, refreshed.
    pub state: &'a WorkspaceState,
    /// What refresh found changed.
    pub drift: Vec<Drift>,
    /// Records that refresh changes.
    pub refreshed: Vec<RecordChange>,
    /// The providers.
    pub registry: &'a Registry,
    /// The kind of plan.
    pub mode: PlanMode,
    /// `-replace`.
    pub replace: &'a [ResourceAddress],
    /// Now, RFC 3339.
    pub timestamp: &'a str,
    /// Of the configuration files.
    pub config_digest: &'a str,
    /// Data sources read so far.
    pub data: &'a BTreeMap<ResourceAddress, Value>,
}

/// A data source that must be read before planning can go on.
#[derive(Clone, Debug)]
pub struct DataRead {
    /// Which.
    pub address: ResourceAddress,
    /// Its provider's name.
    pub provider: String,
    /// The connection.
    pub connection: Value,
    /// Its configuration, wholly known.
    pub config: Value,
}

/// What planning came to.
pub enum Planned {
    /// A plan, with warnings.
    Plan(Box<Plan>),
    /// Read these and plan again.
    Needs(Vec<DataRead>),
}

/// Makes a plan.
///
/// # Errors
/// Everything that is wrong with the instance.
pub fn plan(input: PlanInput<'_>) -> Result<Planned, Diagnostics> {
    let mut planner = Planner {
        evaluation: Evaluation::new(input.graph, input.instance, input.timestamp),
        input: &input,
        changes: Vec::new(),
        seen: HashSet::new(),
        identities: HashMap::new(),
        connection: (Value::NULL, String::new()),
        provider_configs: HashMap::new(),
        gone: input.drift.iter().filter(|d| d.after.is_null()).map(|d| &d.key).collect(),
        needs: Vec::new(),
        instances: HashMap::new(),
        changing: HashSet::new(),
    };
    if input.mode != PlanMode::Destroy {
        planner.walk();
    }
    if planner.evaluation.diagnostics.has_errors() {
        return Err(planner.evaluation.diagnostics.sorted());
    }
    if !planner.needs.is_empty() {
        return Ok(Planned::Needs(planner.needs));
    }
    if input.mode != PlanMode::RefreshOnly {
        planner.removals();
    }
    let outputs = planner.outputs();
    if planner.evaluation.diagnostics.has_errors() {
        return Err(planner.evaluation.diagnostics.sorted());
    }
    let steps =
        order::steps(input.graph, &planner.changes, &planner.instances, &planner.evaluation, input.state);
    let Planner { evaluation, changes, .. } = planner;
    let variables = root_variables(&evaluation);
    let mut plan = Plan {
        workspace: input.instance.workspace.clone(),
        tenant: input.instance.tenant.as_ref().map(|(t, _)| t.clone()),
        tier: input.instance.tenant.as_ref().map(|(_, t)| t.clone()),
        lineage: input.state.lineage.clone(),
        serial: input.state.serial,
        mode: input.mode,
        timestamp: input.timestamp.into(),
        config_digest: input.config_digest.into(),
        simulate: Vec::new(),
        variables,
        changes,
        outputs,
        drift: Vec::new(),
        steps,
        slots: evaluation.slots,
        refreshed: Vec::new(),
    };
    plan.drift = input.drift;
    plan.refreshed = input.refreshed;
    Ok(Planned::Plan(Box::new(plan)))
}

pub(super) struct Planner<'a> {
    evaluation: Evaluation<'a>,
    input: &'a PlanInput<'a>,
    changes: Vec<Change>,
    /// Addresses that the configuration has.
    seen: HashSet<ResourceAddress>,
    /// Identity of each planned object, to find two blocks for one object.
    identities: HashMap<String, ResourceAddress>,
    /// The connection that was met last, and its text: mostly all have one.
    connection: (Value, String),
    /// What each `provider` block came to.
    provider_configs: HashMap<String, (Value, Option<Expr>)>,
    /// Objects that somebody removed.
    gone: HashSet<&'a RecordKey>,
    needs: Vec<DataRead>,
    /// Changes of each resource node's module instance.
    pub(super) instances: HashMap<(usize, usize), Vec<u32>>,
    /// Addresses, without key, of resources that change.
    changing: HashSet<ResourceAddress>,
}

impl Planner<'_> {
    fn walk(&mut self) {
        for &at in &self.input.graph.order {
            let node = &self.input.graph.nodes[at];
            match node.kind {
                NodeKind::Variable(i) => self.evaluation.variable(node.module, i),
                NodeKind::Local(i) => self.evaluation.local(node.module, i),
                NodeKind::Output(i) => self.evaluation.output(node.module, i),
                NodeKind::Call(i) => self.evaluation.call(node.module, i),
                NodeKind::Provider(_) => {}
                NodeKind::Resource(i) => {
                    for instance in 0..self.evaluation.modules[node.module].len() {
                        self.resource(at, node.module, instance, i);
                    }
                }
            }
        }
    }

    /// All instances of a resource in one module instance.
    fn resource(&mut self, node: usize, module: usize, instance: usize, index: usize) {
        let graph = self.input.graph;
        let block = &graph.modules[module].module.resources[index];
        let Some(provider) = self.input.registry.get(&block.provider).cloned() else { return };
        let Some(keys) = self.evaluation.expand(module, instance, &block.repetition) else { return };
        let path = self.evaluation.modules[module][instance].path.clone();
        let dependencies = self.dependencies(node, &path);
        let mut values = Vec::with_capacity(keys.len());
        let mut made = Vec::with_capacity(keys.len());
        for (key, repeated) in keys {
            let address = ResourceAddress {
                module: path.clone(),
                mode: block.mode,
                kind: block.kind.clone(),
                name: block.name.clone(),
                key: key.clone(),
            };
            let change = self.object(
                &provider,
                block,
                module,
                instance,
                &repeated,
                address.clone(),
                dependencies.clone(),
            );
            self.seen.insert(address);
            let Some(change) = change else {
                values.push((key, Value::unknown(Type::Dynamic), None));
                continue;
            };
            values.push((key, change.after.clone(), u32::try_from(self.changes.len()).ok()));
            made.extend(u32::try_from(self.changes.len()).ok());
            if change.action != Action::NoOp {
                self.changing.insert(change.key.address.without_key());
            }
            self.changes.push(change);
        }
        self.instances.insert((node, instance), made);
        let evaluated = self.aggregate(&block.repetition, values);
        self.evaluation.modules[module][instance].resources[index] = Some(evaluated);
    }

    /// The value of a resource as references see it.
    fn aggregate(
        &mut self,
        repetition: &Repetition,
        values: Vec<(Option<InstanceKey>, Value, Option<u32>)>,
    ) -> Evaluated {
        let known = values.iter().all(|(_, v, _)| v.is_wholly_known());
        let shape = match repetition {
            Repetition::None => Shape::Single,
            Repetition::Count(_) => Shape::Count,
            Repetition::ForEach(_) => Shape::Each,
        };
        let slot = (!known).then(|| {
            let instances =
                values.iter().filter_map(|(k, _, i)| Some((k.as_ref().map(Into::into), (*i)?))).collect();
            self.evaluation.slot(Slot::Resource { shape, instances })
        });
        let value = match shape {
            Shape::Single => values.into_iter().next().map_or(Value::NULL, |(_, v, _)| v),
            Shape::Count => Value::tuple(values.into_iter().map(|(_, v, _)| v)),
            Shape::Each => Value::object(values.into_iter().filter_map(|(k, v, _)| match k {
                Some(InstanceKey::Key(k)) => Some((k, v)),
                _ => None,
            })),
        };
        Evaluated { value, slot }
    }

    /// What happens to one object. `None` after an error, or while data must
    /// be read first.
    #[allow(clippy::too_many_arguments, reason = "the parts of one block's instance")]
    fn object(
        &mut self,
        provider: &SharedProvider,
        block: &Resource,
        module: usize,
        instance: usize,
        repeated: &Repeated,
        address: ResourceAddress,
        dependencies: Vec<ResourceAddress>,
    ) -> Option<Change> {
        let at = self.evaluation.at(module, instance, repeated);
        let config = match evaluate(&block.body, &at) {
            Ok(config) => config,
            Err(error) => {
                self.evaluation.diagnostics.push(*error);
                return None;
            }
        };
        let residual = (!config.is_wholly_known()).then(|| close(&block.body, &at));
        let (provider_value, provider_config) = self.provider_config(&block.provider);
        let problems = provider.validate(&block.kind, &config);
        let failed = !problems.is_empty();
        for problem in problems {
            let mut error = Diagnostic::error(problem.summary, problem.detail)
                .at(span_of(&block.body, &problem.path))
                .address(&address);
            error.hint = problem.hint;
            self.evaluation.diagnostics.push(error);
        }
        if failed {
            return None;
        }
        let connection = match provider.connection(&provider_value, &config) {
            Ok(connection) => connection,
            Err(problem) => {
                let mut error = Diagnostic::error(problem.summary, problem.detail)
                    .at(span_of(&block.body, &problem.path))
                    .address(&address);
                error.hint = problem.hint;
                self.evaluation.diagnostics.push(error);
                return None;
            }
        };
        let provider_config = provider_config.filter(|_| !connection.is_wholly_known());
        let mut change = Change {
            key: RecordKey::current(address.clone()),
            provider: block.provider.clone(),
            action: Action::NoOp,
            reason: None,
            before: Value::NULL,
            after: Value::NULL,
            config,
            residual,
            connection,
            provider_config,
            dependencies,
            create_before_destroy: block.lifecycle.create_before_destroy,
            span: Some(block.span),
        };
        if block.mode == ResourceMode::Data {
            return self.data(change, &address);
        }
        match self.managed(provider, block, &mut change) {
            Ok(()) => Some(change),
            Err(error) => {
                self.evaluation.diagnostics.push(*error);
                None
            }
        }
    }

    fn data(&mut self, mut change: Change, address: &ResourceAddress) -> Option<Change> {
        if let Some(value) = self.input.data.get(address) {
            change.before = value.clone();
            change.after = value.clone();
            return Some(change);
        }
        let pending = change.dependencies.iter().any(|d| self.changing.contains(d));
        if change.config.is_wholly_known() && change.connection.is_wholly_known() && !pending {
            self.needs.push(DataRead {
                address: address.clone(),
                provider: change.provider,
                connection: change.connection,
                config: change.config,
            });
            return None;
        }
        change.action = Action::Read;
        change.reason = Some(if pending { Reason::DependencyPending } else { Reason::ConfigUnknown });
        change.after = Value::unknown(Type::Dynamic);
        Some(change)
    }

    /// Plans a managed object: fills in action, reason, before and after.
    fn managed(
        &mut self,
        provider: &SharedProvider,
        block: &Resource,
        change: &mut Change,
    ) -> Result<(), Box<Diagnostic>> {
        let address = change.key.address.clone();
        let schema = provider.schema().resources.get(&*block.kind);
        let Some(schema) = schema else { return Ok(()) };
        let record = self.input.state.resources.get(&change.key);
        let prior = record.map(|r| &r.attributes);
        let config = match prior {
            Some(prior) => super::diff::ignore_changes(&change.config, prior, &block.lifecycle),
            None => change.config.clone(),
        };
        let request = |prior: Option<&Value>, proposed: &Value| {
            provider.plan(PlanRequest { kind: &block.kind, prior, config: &config, proposed }).map_err(
                |problem| {
                    let mut error = Diagnostic::error(problem.summary, problem.detail)
                        .at(span_of(&block.body, &problem.path))
                        .address(&address);
                    error.hint = problem.hint;
                    Box::new(error)
                },
            )
        };
        let response = request(prior, &proposed(&schema.block, &config, prior))?;
        let asked = self.input.replace.contains(&address);
        let triggered = self.triggered(block, &address.module);
        let (action, reason) =
            decide(record, &response, asked, triggered, block.lifecycle.create_before_destroy);
        let action = if self.input.mode == PlanMode::RefreshOnly { Action::NoOp } else { action };
        let reason = match (action, reason) {
            (Action::Create, None) if self.gone.contains(&change.key) => Some(Reason::Missing),
            (_, reason) => reason,
        };
        if action.is_replace() && block.lifecycle.prevent_destroy {
            return Err(Box::new(protected(&address).at(block.span)));
        }
        let after = match action {
            Action::NoOp => prior.cloned().unwrap_or(Value::NULL),
            Action::DeleteThenCreate | Action::CreateThenDelete => {
                request(None, &proposed(&schema.block, &config, None))?.planned
            }
            _ => response.planned,
        };
        change.action = action;
        change.reason = reason;
        change.before = mark_sensitive(prior.cloned().unwrap_or(Value::NULL), &schema.block);
        change.after = mark_sensitive(after, &schema.block);
        if config != change.config {
            change.config = config;
        }
        if let Some(identity) = provider.identity(&block.kind, &change.after) {
            if self.connection.0 != change.connection {
                let text = serde_json::to_string(&change.connection).unwrap_or_default();
                self.connection = (change.connection.clone(), text);
            }
            let whole = format!("{}\n{}\n{identity}", provider.name(), self.connection.1);
            if let Some(other) = self.identities.insert(whole, address.clone()) {
                return Err(Box::new(
                    Diagnostic::error(
                        "Two resources for one object",
                        format!("{address} and {other} both describe {identity}."),
                    )
                    .at(block.span)
                    .address(&address),
                ));
            }
        }
        Ok(())
    }

    fn triggered(&self, block: &Resource, module: &ModulePath) -> bool {
        let mut triggered = false;
        for expr in &block.lifecycle.replace_triggered_by {
            expr.for_each_reference(&mut |reference, _| {
                if let crate::expr::Reference::Resource { mode, kind, name } = reference {
                    let address = ResourceAddress {
                        module: module.clone(),
                        mode: *mode,
                        kind: kind.clone(),
                        name: name.clone(),
                        key: None,
                    };
                    triggered |= self.changing.contains(&address);
                }
            });
        }
        triggered
    }

    /// The `provider` block's value and its closed expression.
    fn provider_config(&mut self, name: &str) -> (Value, Option<Expr>) {
        if let Some(known) = self.provider_configs.get(name) {
            return known.clone();
        }
        let settled = self.settle_provider(name);
        self.provider_configs.insert(name.to_owned(), settled.clone());
        settled
    }

    fn settle_provider(&mut self, name: &str) -> (Value, Option<Expr>) {
        let providers = &self.input.graph.modules[0].module.providers;
        let Some((_, expr)) = providers.iter().find(|(n, _)| *n.name == *name) else {
            return (Value::NULL, None);
        };
        let nothing = Repeated::default();
        let at = self.evaluation.at(0, 0, &nothing);
        match evaluate(expr, &at) {
            Ok(value) => {
                let closed = close(expr, &at);
                (value, Some(closed))
            }
            Err(error) => {
                self.evaluation.diagnostics.push(*error);
                (Value::NULL, None)
            }
        }
    }

    /// Addresses of the resources that a node directly depends on, as seen
    /// from a module instance.
    fn dependencies(&self, node: usize, path: &ModulePath) -> Vec<ResourceAddress> {
        let graph = self.input.graph;
        let mut found = Vec::new();
        for &resource in &graph.nodes[node].resources {
            let NodeKind::Resource(i) = graph.nodes[resource].kind else { continue };
            let module = graph.nodes[resource].module;
            let block = &graph.modules[module].module.resources[i];
            for instance in &self.evaluation.modules[module] {
                if order::related(&instance.path, path) {
                    found.push(ResourceAddress {
                        module: instance.path.clone(),
                        mode: block.mode,
                        kind: block.kind.clone(),
                        name: block.name.clone(),
                        key: None,
                    });
                }
            }
        }
        found
    }

    /// Objects that the configuration does not have any more.
    fn removals(&mut self) {
        let modules: HashSet<ModulePath> = self.seen.iter().map(|seen| seen.module.clone()).collect();
        for (key, record) in &self.input.state.resources {
            let current = key.deposed.is_none();
            if current && self.seen.contains(&key.address) {
                continue;
            }
            let reason = if !current { Reason::Deposed } else { self.removal_reason(&key.address, &modules) };
            let block = self.block_of(&key.address);
            if current && block.is_some_and(|b| b.lifecycle.prevent_destroy) {
                let span = block.map(|b| b.span).unwrap_or_default();
                self.evaluation.diagnostics.push(protected(&key.address).at(span));
            }
            self.changes.push(Change {
                key: key.clone(),
                provider: record.provider.clone(),
                action: Action::Delete,
                reason: Some(reason),
                before: record.attributes.clone(),
                after: Value::NULL,
                config: Value::NULL,
                residual: None,
                connection: record.connection.clone(),
                provider_config: None,
                dependencies: record.dependencies.clone(),
                create_before_destroy: record.create_before_destroy,
                span: None,
            });
        }
    }

    fn block_of(&self, address: &ResourceAddress) -> Option<&Resource> {
        let mut module = 0;
        for step in address.module.steps() {
            let call = self.input.graph.find(module, &crate::expr::Reference::Module(step.name.clone()))?;
            module = self.input.graph.child(module, call)?;
        }
        let reference = crate::expr::Reference::Resource {
            mode: address.mode,
            kind: address.kind.clone(),
            name: address.name.clone(),
        };
        let index = self.input.graph.find(module, &reference)?;
        self.input.graph.modules[module].module.resources.get(index)
    }

    /// `modules` are the module instances that have objects.
    fn removal_reason(&self, address: &ResourceAddress, modules: &HashSet<ModulePath>) -> Reason {
        if self.input.mode == PlanMode::Destroy {
            return Reason::Destroying;
        }
        if self.block_of(address).is_none() {
            return Reason::NotInConfig;
        }
        match &address.key {
            _ if !modules.contains(&address.module) && !address.module.is_root() => Reason::NoModule,
            Some(InstanceKey::Key(key)) => Reason::EachKey(key.clone()),
            _ => Reason::CountIndex,
        }
    }

    fn outputs(&mut self) -> BTreeMap<Arc<str>, OutputChange> {
        let mut outputs = BTreeMap::new();
        if self.input.mode != PlanMode::Destroy {
            for (name, (value, sensitive, span)) in root_outputs(&self.evaluation) {
                let before = self.input.state.outputs.get(&name).cloned().unwrap_or(Value::NULL);
                let residual = value.slot.map(|_| value.closed(span));
                outputs.insert(name, OutputChange { before, after: value.value, residual, sensitive });
            }
        }
        for (name, before) in &self.input.state.outputs {
            if !outputs.contains_key(name) {
                let sensitive = before.is_sensitive();
                outputs.insert(
                    name.clone(),
                    OutputChange { before: before.clone(), after: Value::NULL, residual: None, sensitive },
                );
            }
        }
        outputs
    }
}

fn protected(address: &ResourceAddress) -> Diagnostic {
    Diagnostic::error(
        "Object is protected",
        format!("The plan would destroy {address}, whose lifecycle has prevent_destroy."),
    )
    .address(address)
    .hint("Take prevent_destroy out first, or change the configuration so that the object stays.")
}
