//! Configuration and refreshed state to a plan.
//!
//! Walks the graph: `objects` plans one object, `conditions` judges what must
//! hold, `removals` plans what the configuration does not have any more,
//! `imports` what is taken in.
//!
//! Guarantees: pure and repeatable; every mistake of an instance is reported
//! together; a plan that would remove a protected object is refused.
//! Must not: await, touch disk, read the clock.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::change::{Action, Change};
use super::checks::{Judgements, Pending, sets_conditions};
use super::deferred::{Deferral, Waiting};
use super::dependencies::create_first;
use super::ephemeral::{ephemeral_variables, forget_opened};
use super::evaluate::{Evaluated, Evaluation, root_outputs, root_variables};
use super::expand::Expansion;
use super::imports::Wanted;
use super::input::{Needs, PlanInput, Planned};
use super::model::{Generated, OutputChange, Plan, PlanMode, Shape, Slot, Step, StepAction};
use super::moves::check_instances;
use super::order;
use super::providers::Configurations;
use super::relevant::relevant;
use super::targets::without_keys;
use crate::addr::{InstanceKey, ModulePath, ResourceAddress, ResourceMode};
use crate::config::{Repetition, Resource};
use crate::diag::{Diagnostic, Diagnostics};
use crate::graph::NodeKind;
use crate::state::{RecordChange, RecordKey, ResourceRecord};
use crate::value::{Type, Value};

/// Makes a plan.
///
/// # Errors
/// Everything that is wrong with the instance.
pub fn plan(input: PlanInput<'_>) -> Result<Planned, Diagnostics> {
    let mut planner = Planner::new(&input);
    planner.requested_imports();
    planner.walk();
    if planner.evaluation.diagnostics.has_errors() {
        return Err(planner.evaluation.diagnostics.sorted());
    }
    if !planner.needs.data.is_empty() || !planner.needs.opens.is_empty() {
        return Ok(Planned::Needs(planner.needs));
    }
    if input.mode != PlanMode::Destroy {
        planner.imports_without_block();
    }
    if !input.is_trial {
        let unsettled = std::mem::take(&mut planner.unsettled);
        planner.evaluation.diagnostics.extend(unsettled);
    }
    if !planner.needs.imports.is_empty() && !planner.evaluation.diagnostics.has_errors() {
        return Ok(Planned::Needs(planner.needs));
    }
    planner.deferral.calls(&planner.evaluation);
    planner.moved_instances();
    if input.mode != PlanMode::RefreshOnly {
        planner.removals();
    }
    let outputs = planner.outputs();
    if planner.evaluation.diagnostics.has_errors() {
        return Err(planner.evaluation.diagnostics.sorted());
    }
    let (plan, warnings) = settled(planner, outputs);
    Ok(Planned::Plan(Box::new(plan), warnings))
}

/// The plan that a walk without mistakes comes to, and its warnings.
fn settled(mut planner: Planner<'_>, outputs: BTreeMap<Arc<str>, OutputChange>) -> (Plan, Diagnostics) {
    let input = planner.input;
    if planner.changes.iter().any(Change::acts) {
        let looking = std::mem::take(&mut planner.looking);
        planner.assertions.extend(looking);
    }
    let mut steps =
        order::steps(input.graph, &planner.changes, &planner.instances, &planner.evaluation, input.state);
    // What nothing needs is not opened.
    let looks = |step: &Step| planner.changes.get(step.change as usize).is_some_and(Change::is_looking);
    let opens_only =
        steps.iter().all(|step| matches!(step.action, StepAction::Open | StepAction::Join) || looks(step));
    if opens_only && planner.assertions.is_empty() {
        steps.clear();
    }
    let ephemeral = ephemeral_variables(&planner.evaluation);
    planner.changes.iter_mut().for_each(forget_opened);
    let Planner {
        evaluation, mut changes, deferral, checks, assertions, unpassed, generated, records, ..
    } = planner;
    // A fleet's plans are held together, and most of their changes are none:
    // nobody asks any more what such an object is configured with.
    for change in changes
        .iter_mut()
        .filter(|change| !change.acts() && !matches!(change.action, Action::Open | Action::Read))
    {
        change.config = Value::NULL;
        change.residual = None;
    }
    let variables = root_variables(&evaluation);
    let checks = checks.of(input.graph);
    let relevant = match input.relevant {
        true => relevant(&evaluation, &changes, &outputs),
        false => Vec::new(),
    };
    let refreshed = input.refreshed.iter().cloned().chain(records).collect();
    let seated = input.instance.seated.as_deref();
    let plan = Plan {
        workspace: input.instance.workspace.clone(),
        tenant: seated.map(|seated| seated.tenant.to_string()),
        tier: seated.map(|seated| seated.tier.to_string()),
        environment: seated.and_then(|seated| Some(seated.environment.as_ref()?.to_string())),
        lineage: input.state.lineage.clone(),
        serial: input.state.serial,
        mode: input.mode,
        timestamp: input.timestamp.into(),
        config_digest: input.config_digest.into(),
        simulate: Vec::new(),
        schemas: BTreeMap::new(),
        variables,
        ephemeral,
        changes,
        unchanged: 0,
        outputs,
        drift: input.drift.to_vec(),
        steps,
        slots: evaluation.slots,
        refreshed,
        deferred: deferral.all,
        rechecked: checks != input.state.checks,
        checks,
        assertions,
        policies: Vec::new(),
        partial: input.chosen.is_partial(),
        relevant,
        unpassed,
        generated,
    };
    (plan, evaluation.diagnostics)
}

pub(super) struct Planner<'a> {
    pub(super) evaluation: Evaluation<'a>,
    pub(super) input: &'a PlanInput<'a>,
    pub(super) changes: Vec<Change>,
    /// Addresses that the configuration has.
    pub(super) seen: FxHashSet<ResourceAddress>,
    /// Type, connection and identity of each planned object, to find two blocks
    /// for one object.
    pub(super) identities: FxHashMap<(Arc<str>, Arc<str>, String), ResourceAddress>,
    /// The connection that was met last, and its text: mostly all have one.
    pub(super) connection: (Value, Arc<str>),
    /// What each `provider` block came to.
    pub(super) configurations: Configurations,
    /// Objects that somebody removed.
    pub(super) gone: HashSet<&'a RecordKey>,
    pub(super) needs: Needs,
    /// Changes of each resource node's module instance.
    instances: FxHashMap<(usize, usize), Vec<u32>>,
    /// Addresses, without key, of resources that change; nobody asks for them
    /// unless something is read.
    pub(super) changing: FxHashSet<ResourceAddress>,
    reads: bool,
    /// By node: replaced create-first, since something that depends on it is.
    pub(super) create_first: Vec<bool>,
    pub(super) deferral: Deferral,
    pub(super) checks: Judgements,
    pub(super) assertions: Vec<Pending>,
    /// Those of variables, by the node that judges and the module instance.
    pub(super) unjudged: FxHashMap<(usize, usize), Vec<Pending>>,
    /// Those of checks that read for themselves, for when there is anything to do.
    pub(super) looking: Vec<Pending>,
    pub(super) imports: BTreeMap<ResourceAddress, Wanted>,
    /// Mistakes, unless something that is still to be read settles them.
    pub(super) unsettled: Vec<Diagnostic>,
    /// What is wrong with what is passed on, by the setting of tenants.
    pub(super) unpassed: BTreeMap<Arc<str>, Diagnostics>,
    pub(super) generated: Vec<Generated>,
    /// Records of imported objects.
    pub(super) records: Vec<RecordChange>,
}

/// Where an object stands in configuration and graph.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub node: usize,
    pub module: usize,
    pub instance: usize,
    pub block: &'p Resource,
}

impl<'a> Planner<'a> {
    fn new(input: &'a PlanInput<'a>) -> Self {
        // Most blocks are one object.
        let expected = input.graph.modules.iter().map(|m| m.module.resources.len()).sum();
        let mut blocks = input.graph.modules.iter().flat_map(|m| &m.module.resources);
        Planner {
            evaluation: Evaluation::new(input.graph, input.instance, input.timestamp),
            input,
            changes: Vec::with_capacity(expected),
            seen: HashSet::with_capacity_and_hasher(expected, FxBuildHasher),
            identities: FxHashMap::default(),
            connection: (Value::NULL, "".into()),
            configurations: Configurations::new(),
            gone: input.drift.iter().filter(|d| d.after.is_null()).map(|d| &d.key).collect(),
            needs: Needs::default(),
            instances: HashMap::with_capacity_and_hasher(expected, FxBuildHasher),
            changing: FxHashSet::default(),
            reads: blocks.any(|block| block.mode != ResourceMode::Managed),
            create_first: create_first(input.graph),
            deferral: Deferral::default(),
            checks: Judgements::default(),
            assertions: Vec::new(),
            unjudged: FxHashMap::default(),
            looking: Vec::new(),
            imports: BTreeMap::new(),
            unsettled: Vec::new(),
            unpassed: BTreeMap::new(),
            generated: Vec::new(),
            records: Vec::new(),
        }
    }

    fn walk(&mut self) {
        let destroy = self.input.mode == PlanMode::Destroy;
        // Destroying needs the configuration for nothing else.
        if destroy && !self.protects_by_expression() {
            return;
        }
        for &at in &self.input.graph.order {
            let node = &self.input.graph.nodes[at];
            if !destroy && !self.input.chosen.evaluates(at) {
                continue;
            }
            match node.kind {
                NodeKind::Variable(i) => self.evaluation.variable(node.module, i),
                NodeKind::Local(i) => self.evaluation.local(node.module, i),
                NodeKind::Call(i) => self.evaluation.call(node.module, i),
                _ if destroy => {}
                NodeKind::Validation(i) => self.validation(at, node.module, i),
                NodeKind::Output(i) => self.output(at, node.module, i),
                NodeKind::Provider(i) => self.configure(node.module, i),
                NodeKind::Import(i) => self.import(i),
                NodeKind::Check(i) => self.check(at, node.module, i),
                NodeKind::Resource(i) => {
                    let block = &self.input.graph.modules[node.module].module.resources[i];
                    for instance in 0..self.evaluation.modules[node.module].len() {
                        let place = Place { node: at, module: node.module, instance, block };
                        let evaluated = self.resource(place);
                        self.evaluation.modules[node.module][instance].resources[i] = Some(evaluated);
                    }
                }
            }
            if !destroy && sets_conditions(self.input.graph, at) {
                self.checks.visited(at, self.deferral.waits(&self.evaluation, at));
            }
        }
    }

    /// All instances of a resource in one module instance: their value.
    fn resource(&mut self, place: Place<'_>) -> Evaluated {
        let Place { node, module, instance, block } = place;
        let waiting = Evaluated::known(Value::unknown(Type::Dynamic));
        let waits_for = self.deferral.before(&self.evaluation, node, instance);
        if !waits_for.is_empty() {
            let reason = Waiting::DeferredPrereq;
            self.deferral.resource(&self.evaluation, node, instance, reason, waits_for);
            return waiting;
        }
        let keys = match self.evaluation.expand(module, instance, &block.repetition) {
            Expansion::Instances(keys) => keys,
            Expansion::Failed => return waiting,
            Expansion::Waits(waits_for) => {
                let reason = Waiting::InstanceCountUnknown;
                self.deferral.resource(&self.evaluation, node, instance, reason, waits_for);
                return waiting;
            }
        };
        let path = self.evaluation.modules[module][instance].path.clone();
        let dependencies = self.dependencies(node, instance);
        let mut values = Vec::with_capacity(keys.len());
        let mut made = Vec::with_capacity(keys.len());
        let mut changes = false;
        // Instances of a count that are left out, and that none follows yet.
        let mut absent = 0;
        for (key, repeated) in keys {
            let address = ResourceAddress {
                module: path.clone(),
                mode: block.mode,
                kind: block.kind.clone(),
                name: block.name.clone(),
                key: key.clone(),
            };
            let planned = self.input.chosen.plans(node, &address);
            let change = if planned {
                self.object(place, &repeated, address.clone(), dependencies.clone())
            } else {
                self.untouched(&address)
            };
            // What is neither there nor made by this plan is no instance yet.
            let is_made = |change: &Change| block.mode != ResourceMode::Managed || !change.after.is_null();
            if change.as_ref().map_or(!planned, |change| !is_made(change)) {
                if matches!(key, None | Some(InstanceKey::Index(_))) {
                    absent += usize::from(key.is_some());
                    values.push((key, Value::unknown(Type::Dynamic), None));
                }
                self.seen.insert(address);
                continue;
            }
            absent = 0;
            let index = change.is_some().then(|| u32::try_from(self.changes.len()).ok()).flatten();
            self.seen.insert(address);
            let Some(change) = change else {
                values.push((key, Value::unknown(Type::Dynamic), None));
                continue;
            };
            values.push((key, change.after.clone(), index));
            made.extend(index);
            let is_open = change.action == Action::Open && change.reason.is_none();
            changes |= change.action != Action::NoOp && !is_open && !change.is_looking();
            self.changes.push(change);
            self.provisioners(place, &repeated);
            self.postconditions(place, &repeated);
        }
        values.truncate(values.len() - absent);
        if changes && self.reads {
            let (kind, name) = (block.kind.clone(), block.name.clone());
            let address = ResourceAddress { module: path, mode: block.mode, kind, name, key: None };
            self.changing.extend(address.names());
        }
        self.instances.insert((node, instance), made);
        self.aggregate(&block.repetition, values, block.scope.is_some())
    }

    /// An object that the plan is not about: as it is recorded.
    fn untouched(&self, address: &ResourceAddress) -> Option<Change> {
        let key = RecordKey::current(address.clone());
        let record = self.input.state.resources.get(&key)?;
        Some(Change {
            before: record.attributes.clone(),
            after: record.attributes.clone(),
            connection: record.connection.clone(),
            dependencies: record.dependencies.clone(),
            ..Change::of(key, &record.provider, Action::NoOp)
        })
    }

    /// Changes of a resource of the same module instance.
    pub(super) fn instances_of(&self, node: usize, instance: usize) -> Option<&[u32]> {
        self.instances.get(&(node, instance)).map(Vec::as_slice)
    }

    /// Objects that are moved away from instances that there are.
    fn moved_instances(&mut self) {
        let moves = self.input.graph.modules.iter().any(|m| !m.module.moves.is_empty());
        if !moves || self.input.mode == PlanMode::Destroy {
            return;
        }
        let modules = |names: &[Arc<str>]| -> Vec<ModulePath> {
            let all = self.evaluation.modules.iter().flatten().map(|made| made.path.clone());
            all.filter(|path| without_keys(path) == names).collect()
        };
        let declared = |address: &ResourceAddress| self.seen.contains(address);
        let found = check_instances(self.input.graph, &modules, &declared);
        self.evaluation.diagnostics.extend(found);
    }

    /// The value of a resource as references see it. What is read anew is not
    /// taken for granted.
    fn aggregate(
        &mut self,
        repetition: &Repetition,
        values: Vec<(Option<InstanceKey>, Value, Option<u32>)>,
        read_anew: bool,
    ) -> Evaluated {
        let known = !read_anew
            && values.iter().all(|(_, v, _)| v.is_wholly_known() && !self.evaluation.is_ephemeral(v));
        let shape = match repetition {
            Repetition::None | Repetition::Enabled(_) => Shape::Single,
            Repetition::Count(_) => Shape::Count,
            Repetition::ForEach(_) => Shape::Each,
        };
        let slot = (!known).then(|| {
            let instances = values.iter().map(|(k, _, i)| (k.clone(), *i)).collect();
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

    fn outputs(&mut self) -> BTreeMap<Arc<str>, OutputChange> {
        let before = |name: &str| self.input.state.outputs.get(name).cloned().unwrap_or(Value::NULL);
        let mut outputs = BTreeMap::new();
        if self.input.mode != PlanMode::Destroy {
            for (name, (value, sensitive, span)) in root_outputs(&self.evaluation) {
                let residual = value.slot.map(|_| value.closed(span));
                let change = OutputChange::known(before(&name), value.value, sensitive);
                outputs.insert(name, OutputChange { residual, ..change });
            }
        }
        // Those that the plan is not about stay as they are.
        let declared: HashSet<&str> =
            self.input.graph.modules[0].module.outputs.iter().map(|o| &*o.name.name).collect();
        for (name, value) in &self.input.state.outputs {
            let stays = self.input.chosen.is_partial()
                && (self.input.mode == PlanMode::Destroy || declared.contains(&**name));
            let after = if stays { value.clone() } else { Value::NULL };
            let change = || OutputChange {
                gone: !stays,
                stays,
                ..OutputChange::known(value.clone(), after, value.is_sensitive())
            };
            outputs.entry(name.clone()).or_insert_with(change);
        }
        outputs
    }
}

/// The record of an imported object.
pub(super) fn imported_record(change: &Change, schema_version: u32) -> RecordChange {
    RecordChange::Put(Box::new(ResourceRecord {
        key: change.key.clone(),
        provider: change.provider.clone(),
        schema_version,
        attributes: change.before.clone(),
        connection: change.connection.clone(),
        token: String::new(),
        dependencies: change.dependencies.clone(),
        create_before_destroy: change.create_before_destroy,
        keep: change.keep,
        timeouts: change.timeouts.clone(),
        tainted: false,
    }))
}
