//! One object: configuration and what there is to what is done.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;

use super::change::{Action, Change, Reason};
use super::diff::{Ignored, decide, ignore_changes, ignored_parts, mark_sensitive, proposed};
use super::ephemeral::without_write_only;
use super::evaluate::Repeated;
use super::input::DataRead;
use super::model::PlanMode;
use super::planner::{Place, Planner, imported_record};
use super::removals::{protected, unsure_protection};
use super::resolve::close;
use crate::addr::{InstanceKey, ResourceAddress, ResourceMode};
use crate::config::{Resource, instance_key, own_timeouts, span_of, timeouts};
use crate::diag::Diagnostic;
use crate::expr::{Expr, ExprKind, Reference, evaluate};
use crate::graph::NodeKind;
use crate::provider::{AttributeError, Block, PlanRequest, SharedProvider, Timeouts};
use crate::state::{RecordChange, RecordKey, ResourceRecord};
use crate::value::{Path, PathStep, Type, Value};

/// What is to be done with a managed object.
struct Decided {
    action: Action,
    reason: Option<Reason>,
    /// The configuration that counts: what is ignored is as it is.
    config: Value,
    /// `None` where nothing changes, so that before and after are one value: a
    /// fleet's plans are held together.
    after: Option<Value>,
}

impl Planner<'_> {
    /// What happens to one object. `None` after an error, or while something
    /// must be read first.
    pub(super) fn object(
        &mut self,
        place: Place<'_>,
        repeated: &Repeated,
        address: ResourceAddress,
        dependencies: Vec<ResourceAddress>,
    ) -> Option<Change> {
        let Place { module, instance, block, .. } = place;
        let provider = self.input.registry.get(&block.provider).cloned()?;
        let preconditions = self.preconditions(place, repeated, &address)?;
        let at = self.evaluation.at(module, instance, repeated);
        let config = match evaluate(&block.body, &at) {
            Ok(config) => config,
            Err(error) => {
                self.evaluation.diagnostics.push(*error);
                return None;
            }
        };
        let (config, given) = (self.storable(block, &address, &provider, &config)?, config);
        let at = self.evaluation.at(module, instance, repeated);
        let residual = (!config.is_wholly_known()).then(|| Box::new(close(&block.body, &at)));
        let timeouts = match self.timeouts(place, repeated, &provider, &given) {
            Ok(timeouts) => timeouts,
            Err(error) => {
                self.evaluation.diagnostics.push(error.address(&address));
                return None;
            }
        };
        let (connection, provider_config) = self.reached(place, repeated, &provider, &given, &address)?;
        let mut change = Change {
            config,
            residual,
            provider_config: provider_config.map(Box::new),
            connection,
            dependencies,
            previous: self.input.moves.previous.get(&address).cloned().map(Box::new),
            preconditions,
            keep: block.lifecycle.keep,
            scope: block.scope.clone(),
            create_before_destroy: self.create_first[place.node],
            timeouts,
            span: Some(block.span),
            ..Change::of(RecordKey::current(address.clone()), &block.provider, Action::NoOp)
        };
        if block.mode == ResourceMode::Data {
            return self.data(&provider, change, &address);
        }
        if block.mode == ResourceMode::Ephemeral {
            return self.ephemeral(change, given, address);
        }
        match self.managed(&provider, place, repeated, &mut change) {
            Ok(true) => Some(change),
            Ok(false) => None,
            Err(error) => {
                self.evaluation.diagnostics.push(*error);
                None
            }
        }
    }

    /// How an object is reached, and the provider's configuration where the
    /// apply still needs that. `None` after an error, also in what the block
    /// says.
    fn reached(
        &mut self,
        place: Place<'_>,
        repeated: &Repeated,
        provider: &SharedProvider,
        given: &Value,
        address: &ResourceAddress,
    ) -> Option<(Value, Option<Expr>)> {
        let Place { module, instance, block, .. } = place;
        let (value, config) = match *block.configuration.name == *block.provider {
            true => self.provider_config(module, instance, repeated, &block.configuration)?,
            // What stands in for a provider needs no configuration.
            false => (Value::NULL, None),
        };
        let mut problems = provider.validate(&block.kind, given);
        let mut connection = Value::NULL;
        if problems.is_empty() {
            match provider.connection(&value, given) {
                Ok(settled) => connection = settled,
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            let problems = problems.into_iter().map(|problem| refused(problem, block, address));
            self.evaluation.diagnostics.extend(problems);
            return None;
        }
        let is_ephemeral = block.mode == ResourceMode::Ephemeral;
        if self.evaluation.is_ephemeral(&connection) && !is_ephemeral {
            let detail = format!(
                "{address} would be reached by an ephemeral value, but how it is reached is kept with it, so that it can be read and removed later."
            );
            let error = Diagnostic::error("Ephemeral value in a connection", detail).at(block.span);
            let hint = "Let the provider find its credentials itself: by a file, by the environment or by a command.";
            self.evaluation.diagnostics.push(error.address(address).hint(hint));
            return None;
        }
        let config = config.filter(|_| is_ephemeral || !connection.is_wholly_known());
        Some((connection, config))
    }

    fn data(
        &mut self,
        provider: &SharedProvider,
        mut change: Change,
        address: &ResourceAddress,
    ) -> Option<Change> {
        let schema = &provider.schema().data_sources.get(&*address.kind)?.block;
        if let Some(value) = self.input.data.get(address) {
            change.after = mark_sensitive(value.clone(), schema);
            if change.scope.is_some() {
                change.action = Action::Read;
                change.reason = Some(Reason::CheckNested);
            } else {
                change.before = change.after.clone();
            }
            return Some(change);
        }
        if self.input.unread.contains(address) {
            change.action = Action::Read;
            change.reason = Some(Reason::CheckNested);
            change.after = mark_sensitive(proposed(schema, &change.config, None), schema);
            return Some(change);
        }
        let pending = change.dependencies.iter().any(|d| self.changing.contains(d));
        let is_known = change.config.is_wholly_known() && change.connection.is_wholly_known();
        if is_known && !pending {
            self.needs.data.push(DataRead {
                address: address.clone(),
                provider: change.provider,
                connection: change.connection,
                config: change.config,
                in_check: change.scope.is_some(),
                span: change.span,
            });
            return None;
        }
        change.action = Action::Read;
        change.reason = Some(if is_known { Reason::DependencyPending } else { Reason::ConfigUnknown });
        change.after = mark_sensitive(proposed(schema, &change.config, None), schema);
        Some(change)
    }

    /// Plans a managed object: fills in action, reason, before and after;
    /// false while it must be read first.
    fn managed(
        &mut self,
        provider: &SharedProvider,
        place: Place<'_>,
        repeated: &Repeated,
        change: &mut Change,
    ) -> Result<bool, Box<Diagnostic>> {
        let block = place.block;
        let Some(schema) = provider.schema().resources.get(&*block.kind) else { return Ok(true) };
        let record = self.input.state.resources.get(&change.key);
        let wanted = self.imports.remove(&change.key.address).filter(|_| record.is_none());
        let mut imported = None;
        if let Some(wanted) = wanted {
            let connection = change.connection.clone();
            let Some(value) = self.imported(&change.key.address, provider, &connection, &wanted) else {
                return Ok(false);
            };
            change.importing = Some(wanted.id);
            imported = Some(mark_sensitive(value, &schema.block));
        }
        let prior = record.map(|r| &r.attributes).or(imported.as_ref());
        let Decided { action, reason, config, after } =
            self.decided((provider, &schema.block), place, repeated, change, prior)?;
        change.action = action;
        change.reason = reason;
        change.before = mark_sensitive(prior.cloned().unwrap_or(Value::NULL), &schema.block);
        change.after = match after {
            Some(after) => mark_sensitive(after, &schema.block),
            None => change.before.clone(),
        };
        if config != change.config {
            change.residual = change.residual.take().filter(|_| !config.is_wholly_known());
            if let Some(residual) = &mut change.residual {
                pin(residual, &config);
            }
            change.config = config;
        }
        if change.action == Action::Update && change.residual.is_some() {
            change.ignored = ignored_parts(&block.lifecycle, &change.config);
        }
        if change.importing.is_some() {
            self.records.push(imported_record(change, schema.version));
        } else if let Some(record) = record {
            self.keep_in_step(record, change);
        }
        self.check_identity(provider, block, change)?;
        Ok(true)
    }

    /// What is to be done with a managed object, now that it is known what
    /// there is.
    fn decided(
        &self,
        (provider, schema): (&SharedProvider, &Block),
        place: Place<'_>,
        repeated: &Repeated,
        change: &Change,
        prior: Option<&Value>,
    ) -> Result<Decided, Box<Diagnostic>> {
        let block = place.block;
        let address = &change.key.address;
        let ignored = ignored_parts(&block.lifecycle, &change.config);
        let ignored = if block.lifecycle.ignore_all { Ignored::All } else { Ignored::Parts(&ignored) };
        let mut config = match prior {
            Some(prior) => ignore_changes(&change.config, prior, schema, ignored),
            None => change.config.clone(),
        };
        let request = |prior: Option<&Value>, config: &Value| {
            let (kind, connection, proposed) =
                (&block.kind, &change.connection, &proposed(schema, config, prior));
            provider
                .plan(PlanRequest { kind, prior, config, connection, proposed })
                .map(|response| without_write_only(response, schema))
                .map_err(|problem| Box::new(refused(problem, block, address)))
        };
        let response = request(prior, &config)?;
        let asked = self.input.replace.contains(address);
        let triggered = self.triggered(place, repeated)?;
        let tainted = self.input.state.resources.get(&change.key).is_some_and(|record| record.tainted);
        let replace = match (block.lifecycle.keep, change.create_before_destroy) {
            (true, _) => Action::ForgetThenCreate,
            (false, true) => Action::CreateThenDelete,
            (false, false) => Action::DeleteThenCreate,
        };
        let (action, reason) = decide(prior, tainted, &response, asked, triggered, replace);
        let action = if self.input.mode == PlanMode::RefreshOnly { Action::NoOp } else { action };
        let reason = match (action, reason) {
            (Action::Create, _) if self.gone.contains(&change.key) => Some(Reason::Missing),
            (_, reason) => reason,
        };
        if action.is_replace() && action != Action::ForgetThenCreate {
            self.check_protection(place, repeated, address)?;
        } else {
            self.protection(place, repeated, address)?;
        }
        let after = match action {
            Action::NoOp => None,
            _ if action.is_replace() => {
                // A new object has no changes to ignore.
                config.clone_from(&change.config);
                Some(request(None, &config)?.planned)
            }
            _ => Some(response.planned),
        };
        Ok(Decided { action, reason, config, after })
    }

    /// What the block says of an object that does not change is recorded too,
    /// since it counts once the block is gone. That is also how the object is
    /// reached: credentials that were rotated are no change of it.
    fn keep_in_step(&mut self, record: &ResourceRecord, change: &Change) {
        if change.action != Action::NoOp || self.input.mode != PlanMode::Normal {
            return;
        }
        let settled = Some(&change.connection).filter(|connection| connection.is_wholly_known());
        let connection = settled.unwrap_or(&record.connection);
        let (keep, create_before_destroy, timeouts) =
            (change.keep, change.create_before_destroy, &change.timeouts);
        let (now, was) = (&change.dependencies, &record.dependencies);
        let is_same = now == was || BTreeSet::from_iter(now) == BTreeSet::from_iter(was);
        if (keep, create_before_destroy, timeouts, connection, is_same)
            != (record.keep, record.create_before_destroy, &record.timeouts, &record.connection, true)
        {
            let (timeouts, connection) = (timeouts.clone(), connection.clone());
            let dependencies = now.clone();
            let now = ResourceRecord {
                keep,
                create_before_destroy,
                timeouts,
                connection,
                dependencies,
                ..record.clone()
            };
            self.records.push(RecordChange::Put(Box::new(now)));
        }
    }

    /// Deadlines that the block sets; those that a type has among its own
    /// arguments are its provider's, which is to be heard first.
    fn timeouts(
        &self,
        place: Place<'_>,
        repeated: &Repeated,
        provider: &SharedProvider,
        config: &Value,
    ) -> Result<Timeouts, Box<Diagnostic>> {
        let schema = provider.schema().resources.get(&*place.block.kind);
        match (&place.block.timeouts, schema) {
            (Some(expr), Some(schema)) => {
                let value = evaluate(expr, &self.evaluation.at(place.module, place.instance, repeated))?;
                // In a trial it may be anything yet.
                let is_open = self.input.is_trial && !value.is_wholly_known();
                if is_open { Ok(Timeouts::default()) } else { timeouts(expr, &value, &schema.block) }
            }
            _ => Ok(own_timeouts(config)),
        }
    }

    /// Two blocks must not describe one object. While it is open where objects
    /// will be, nothing is said: the same name in two clusters is two objects.
    fn check_identity(
        &mut self,
        provider: &SharedProvider,
        block: &Resource,
        change: &Change,
    ) -> Result<(), Box<Diagnostic>> {
        let Some(identity) = provider.identity(&block.kind, &change.after) else { return Ok(()) };
        if !change.connection.is_wholly_known() {
            return Ok(());
        }
        if self.connection.0 != change.connection {
            let text = serde_json::to_string(&change.connection).unwrap_or_default();
            self.connection = (change.connection.clone(), text.into());
        }
        let address = &change.key.address;
        // Parts of one thing, such as a bucket and its policy, have one name.
        match self.identities.entry((block.kind.clone(), self.connection.1.clone(), identity)) {
            Entry::Vacant(free) => drop(free.insert(address.clone())),
            Entry::Occupied(taken) => {
                let (other, identity) = (taken.get(), &taken.key().2);
                let detail = format!("{address} and {other} both describe {identity}.");
                let error = Diagnostic::error("Two resources for one object", detail);
                return Err(Box::new(error.at(block.span).address(address)));
            }
        }
        Ok(())
    }

    /// Refuses to remove an object whose block says that it must stay.
    pub(super) fn check_protection(
        &self,
        place: Place<'_>,
        repeated: &Repeated,
        address: &ResourceAddress,
    ) -> Result<(), Box<Diagnostic>> {
        let at = place.block.lifecycle.prevent_destroy.as_ref().map(|expr| expr.span);
        match (self.protection(place, repeated, address)?, at) {
            (Some(true), _) => Err(Box::new(protected(address).at(place.block.span))),
            (None, Some(at)) => Err(Box::new(unsure_protection(address).at(at))),
            _ => Ok(()),
        }
    }

    /// Whether a block says that an object must stay; none while that is not
    /// known.
    fn protection(
        &self,
        place: Place<'_>,
        repeated: &Repeated,
        address: &ResourceAddress,
    ) -> Result<Option<bool>, Box<Diagnostic>> {
        let Some(expr) = &place.block.lifecycle.prevent_destroy else { return Ok(Some(false)) };
        let value = evaluate(expr, &self.evaluation.at(place.module, place.instance, repeated))?;
        if value.is_marked() {
            let detail = "The value is secret, and whether an object may be destroyed is shown.";
            let problem = Diagnostic::error("Invalid prevent_destroy", detail).at(expr.span);
            return Err(Box::new(problem.hint("If it is no secret, say so: nonsensitive(…).")));
        }
        match value.convert(&Type::Bool) {
            Ok(value) if value.is_null() => Ok(Some(false)),
            Ok(value) => Ok(value.as_bool()),
            _ => Err(Box::new(unsure_protection(address).at(expr.span))),
        }
    }

    /// Whether something in `replace_triggered_by` changes.
    fn triggered(&self, place: Place<'_>, repeated: &Repeated) -> Result<bool, Box<Diagnostic>> {
        for expr in &place.block.lifecycle.replace_triggered_by {
            let Some(trigger) = self.trigger(place, repeated, expr)? else { continue };
            let whole = trigger.path.steps().is_empty();
            let one = |change: &Change| match whole {
                true => {
                    matches!(change.action, Action::Create | Action::Update) || change.action.is_replace()
                }
                false => change.before.at_path(&trigger.path) != change.after.at_path(&trigger.path),
            };
            let meant = self.named_by(place, &trigger).map_err(|problem| Box::new(problem.at(expr.span)))?;
            if meant.iter().any(|&i| one(&self.changes[i as usize])) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What the plan does to what a trigger names.
    fn named_by(&self, place: Place<'_>, trigger: &Trigger) -> Result<&[u32], Diagnostic> {
        let graph = self.input.graph;
        let node = graph.find(place.module, &trigger.resource);
        let node = node.and_then(|i| graph.node(place.module, NodeKind::Resource(i)));
        let Some(made) = node.and_then(|node| self.instances_of(node, place.instance)) else {
            return Ok(&[]);
        };
        let Some(key) = &trigger.key else { return Ok(made) };
        // Keys of one block are in order.
        let found = made.binary_search_by(|&i| self.changes[i as usize].key.address.key.cmp(&trigger.key));
        match found {
            Ok(at) => Ok(&made[at..=at]),
            // What is left out or failed is not there either.
            Err(_) if self.input.chosen.is_partial() || self.evaluation.diagnostics.has_errors() => Ok(&[]),
            Err(_) => {
                let detail = format!("There is no {}{key}.", trigger.resource);
                Err(Diagnostic::error("Invalid replace_triggered_by", detail))
            }
        }
    }

    /// The resource, instance and attribute that a trigger names.
    fn trigger(
        &self,
        place: Place<'_>,
        repeated: &Repeated,
        expr: &Expr,
    ) -> Result<Option<Trigger>, Box<Diagnostic>> {
        Ok(match &expr.kind {
            ExprKind::Reference(resource @ Reference::Resource { .. }) => {
                Some(Trigger { resource: resource.clone(), key: None, path: Path::root() })
            }
            ExprKind::Attribute(source, name) => self
                .trigger(place, repeated, source)?
                .map(|t| Trigger { path: t.path.attribute(name.clone()), ..t }),
            ExprKind::Index(pair) => {
                let key = evaluate(&pair.1, &self.evaluation.at(place.module, place.instance, repeated))?;
                let Some(trigger) = self.trigger(place, repeated, &pair.0)? else { return Ok(None) };
                let repeats = self.repeats(place.module, &trigger.resource);
                let Some(key) = instance_key(&key) else { return Ok(None) };
                Some(if trigger.path.steps().is_empty() && trigger.key.is_none() && repeats {
                    Trigger { key: Some(key), ..trigger }
                } else {
                    let step = match key {
                        InstanceKey::Index(index) => PathStep::Index(index),
                        InstanceKey::Key(name) => PathStep::Attribute(name),
                    };
                    Trigger { path: trigger.path.step(step), ..trigger }
                })
            }
            _ => None,
        })
    }

    fn repeats(&self, module: usize, resource: &Reference) -> bool {
        use crate::config::Repetition;
        let graph = self.input.graph;
        let block = graph.find(module, resource).map(|i| &graph.modules[module].module.resources[i]);
        block.is_some_and(|b| matches!(b.repetition, Repetition::Count(_) | Repetition::ForEach(_)))
    }
}

struct Trigger {
    resource: Reference,
    key: Option<InstanceKey>,
    path: Path,
}

/// Puts the known attributes of a configuration in the place of what the
/// block says of them: ignored ones are not what it says.
fn pin(residual: &mut Expr, config: &Value) {
    let ExprKind::Object(items) = &mut residual.kind else { return };
    for (key, value) in items {
        let ExprKind::Literal(name) = &key.kind else { continue };
        let known = name.as_str().and_then(|name| config.get(name)).filter(Value::is_wholly_known);
        if let Some(known) = known {
            *value = Expr::literal(known, value.span);
        }
    }
}

/// A provider's refusal as a diagnostic, at the attribute.
fn refused(problem: AttributeError, block: &Resource, address: &ResourceAddress) -> Diagnostic {
    let mut error = Diagnostic::error(problem.summary, problem.detail)
        .at(span_of(&block.body, &problem.path))
        .address(address);
    error.hint = problem.hint;
    error
}
