//! What `provider` blocks come to, and which of them an object is made with.

use std::collections::HashMap;

use super::evaluate::Repeated;
use super::expand::Expansion;
use super::planner::Planner;
use super::resolve::close;
use crate::addr::InstanceKey;
use crate::config::{ProviderRef, Repetition};
use crate::diag::Diagnostic;
use crate::expr::{Expr, evaluate};
use crate::graph::ProviderHop;
use crate::value::{Type, Value};

/// What a configuration came to, and the closed expression that says the same;
/// nothing where there is no block.
pub(super) type Settled = (Value, Option<Expr>);

/// Configurations of a block in one instance of its module, by the keys of its
/// `for_each`; `None` after a mistake.
type Configured = Option<Vec<(Option<InstanceKey>, Settled)>>;

/// What all blocks came to so far: by module, block and module instance.
pub(super) type Configurations = HashMap<(usize, usize, usize), Configured>;

/// A configuration: its block's module, module instance and index, and which
/// element of its `for_each`.
struct Found {
    module: usize,
    instance: usize,
    block: usize,
    key: Option<InstanceKey>,
}

impl Planner<'_> {
    /// Evaluates a `provider` block in all instances of its module.
    pub(super) fn configure(&mut self, module: usize, block: usize) {
        for instance in 0..self.evaluation.modules[module].len() {
            if !self.configurations.contains_key(&(module, block, instance)) {
                let configured = self.configured(module, block, instance);
                self.configurations.insert((module, block, instance), configured);
            }
        }
    }

    fn configured(&mut self, module: usize, block: usize, instance: usize) -> Configured {
        let block = &self.input.graph.modules[module].module.providers[block];
        let instances = match &block.for_each {
            None => vec![(None, Repeated::default())],
            Some(each) => {
                match self.evaluation.expand(module, instance, &Repetition::ForEach(Box::new(each.clone()))) {
                    Expansion::Instances(instances) => instances,
                    Expansion::Failed => return None,
                    Expansion::Waits(waits_for) => {
                        let detail = format!(
                            "Which configurations of a provider there are must be known when the plan is made. Not known is: {}.",
                            waits_for.join(", ")
                        );
                        let error = Diagnostic::error("Invalid for_each argument", detail).at(each.span);
                        self.unsettled.push(error);
                        return None;
                    }
                }
            }
        };
        let mut all = Vec::with_capacity(instances.len());
        for (key, repeated) in instances {
            let at = self.evaluation.at(module, instance, &repeated);
            match evaluate(&block.config, &at) {
                Ok(value) => {
                    let closed = close(&block.config, &at);
                    all.push((key, (value, Some(closed))));
                }
                Err(error) => {
                    self.evaluation.diagnostics.push(*error);
                    return None;
                }
            }
        }
        Some(all)
    }

    /// The configuration that is named in a module instance; `None` after a
    /// mistake, which is reported.
    pub(super) fn provider_config(
        &mut self,
        module: usize,
        instance: usize,
        repeated: &Repeated,
        wanted: &ProviderRef,
    ) -> Option<Settled> {
        let found = match self.provider_at(module, instance, repeated, wanted) {
            Ok(Some(found)) => found,
            Ok(None) => return Some((Value::NULL, None)),
            Err(error) => {
                self.evaluation.diagnostics.push(*error);
                return None;
            }
        };
        let Found { module, instance, block, key } = found;
        self.configure(module, block);
        let configured = self.configurations.get(&(module, block, instance))?.as_ref()?;
        if let Some((_, settled)) = configured.iter().find(|(other, _)| *other == key) {
            return Some(settled.clone());
        }
        let named = &self.input.graph.modules[module].module.providers[block];
        let (summary, detail) = match (&key, &named.for_each) {
            (None, _) => (
                "Provider instance key required",
                format!("{wanted} has for_each, so one of its configurations must be chosen: {wanted}[KEY]."),
            ),
            (Some(_), None) => {
                ("Unexpected provider instance key", format!("{wanted} has no for_each to be chosen from."))
            }
            (Some(key), Some(_)) => {
                ("Provider instance not present", format!("There is no configuration {wanted}{key}."))
            }
        };
        let keys = configured.iter().filter_map(|(key, _)| match key {
            Some(InstanceKey::Key(key)) => Some(&**key),
            _ => None,
        });
        let error =
            Diagnostic::error(summary, detail).at(wanted.span).related(named.name.span, "declared here");
        let error = match &key {
            Some(InstanceKey::Key(key)) => error.suggest(key, keys),
            _ => error,
        };
        self.evaluation.diagnostics.push(error);
        None
    }

    fn provider_at(
        &self,
        mut module: usize,
        mut instance: usize,
        repeated: &Repeated,
        wanted: &ProviderRef,
    ) -> Result<Option<Found>, Box<Diagnostic>> {
        let mut key = self.provider_key(module, instance, repeated, wanted)?;
        let mut wanted = wanted;
        loop {
            match self.input.graph.provider_hop(module, &wanted.name, wanted.alias.as_ref()) {
                ProviderHop::Here(block) => return Ok(Some(Found { module, instance, block, key })),
                ProviderHop::Nowhere => return Ok(None),
                ProviderHop::Inherited | ProviderHop::Given(_)
                    if self.input.graph.modules[module].parent.is_none() =>
                {
                    return Ok(None);
                }
                hop => {
                    let own = &self.evaluation.modules[module][instance];
                    let parent = self.input.graph.modules[module].parent.map_or(0, |(parent, _)| parent);
                    if let ProviderHop::Given(outer) = hop {
                        key = self.provider_key(parent, own.parent, &own.repeated, outer)?.or(key);
                        wanted = outer;
                    }
                    (module, instance) = (parent, own.parent);
                }
            }
        }
    }

    fn provider_key(
        &self,
        module: usize,
        instance: usize,
        repeated: &Repeated,
        wanted: &ProviderRef,
    ) -> Result<Option<InstanceKey>, Box<Diagnostic>> {
        let Some(expr) = &wanted.key else { return Ok(None) };
        let value = evaluate(expr, &self.evaluation.at(module, instance, repeated))?;
        match value.convert(&Type::String).ok().filter(|_| !value.is_sensitive()) {
            Some(key) if key.as_str().is_some() => Ok(key.as_str().map(|key| InstanceKey::Key(key.into()))),
            _ => {
                let detail =
                    format!("A key must be text that is known when the plan is made, not {}.", value.show());
                Err(Box::new(Diagnostic::error("Invalid provider instance key", detail).at(expr.span)))
            }
        }
    }
}
