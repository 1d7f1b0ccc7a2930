//! `import` blocks: objects that are there already, taken under management.

use std::sync::Arc;

use super::change::{Action, Change};
use super::expand::Expansion;
use super::generate;
use super::model::Generated;
use super::planner::Planner;
use crate::addr::{ModulePath, ModuleStep, ResourceAddress};
use crate::config::{Import, ProviderRef, Repetition, instance_key};
use crate::diag::{Diagnostic, Span};
use crate::expr::{EvalError, Expr, evaluate};
use crate::provider::SharedProvider;
use crate::state::RecordKey;
use crate::value::{Type, Value};

/// An object that must be read by its id before planning can go on.
#[derive(Clone, Debug)]
pub struct ImportRead {
    /// Its address to be.
    pub address: ResourceAddress,
    /// Its provider's name.
    pub provider: Arc<str>,
    /// The connection.
    pub connection: Value,
    /// What the service calls it.
    pub id: String,
    /// Where that was asked for.
    pub span: Option<Span>,
}

/// What is asked to be imported.
pub(super) struct Wanted {
    pub id: String,
    pub span: Option<Span>,
    pub provider: Option<ProviderRef>,
}

impl Planner<'_> {
    /// Takes what the user asked for on the command line.
    pub(super) fn requested_imports(&mut self) {
        for (address, id) in self.input.imports {
            self.imports.insert(address.clone(), Wanted { id: id.clone(), span: None, provider: None });
        }
    }

    /// Settles addresses and ids of an `import` block.
    pub(super) fn import(&mut self, index: usize) {
        let graph = self.input.graph;
        let import = &graph.modules[0].module.imports[index];
        let instances = match &import.for_each {
            None => Expansion::Instances(vec![(None, super::evaluate::Repeated::default())]),
            Some(each) => self.evaluation.expand(0, 0, &Repetition::ForEach(Box::new(each.clone()))),
        };
        let instances = match instances {
            Expansion::Instances(instances) => instances,
            Expansion::Waits(_) => return self.unsettled.push(unknown("for_each", import)),
            Expansion::Failed => return,
        };
        for (_, repeated) in instances {
            let at = self.evaluation.at(0, 0, &repeated);
            let provider = import.provider.as_ref().map(|named| {
                let literal =
                    |key: &Expr| Ok::<_, EvalError>(Expr::literal(evaluate(key, &at)?, key.span).into());
                let key = named.key.as_deref().map(literal);
                Ok::<_, EvalError>(ProviderRef { key: key.transpose()?, ..named.clone() })
            });
            let settled = evaluate(&import.id, &at).and_then(|id| {
                let keys = import.keys.iter().map(|key| key.as_ref().map(|k| evaluate(k, &at)).transpose());
                Ok((id, keys.collect::<Result<Vec<_>, _>>()?, provider.transpose()?))
            });
            let (id, keys, provider) = match settled {
                Ok(settled) => settled,
                Err(error) => {
                    self.evaluation.diagnostics.push(*error);
                    continue;
                }
            };
            if !id.is_known() || keys.iter().flatten().any(|key| !key.is_known()) {
                self.unsettled.push(unknown("id", import));
                continue;
            }
            if id.is_marked() {
                let detail = "The id is secret, and the ids of what is imported are shown.";
                let problem = Diagnostic::error("Invalid import", detail).at(import.id.span);
                self.evaluation
                    .diagnostics
                    .push(problem.hint("If it is no secret, say so: nonsensitive(…)."));
                continue;
            }
            let text = id.convert(&Type::String).ok().and_then(|id| Some(id.as_str()?.to_owned()));
            let (Some(id), Some(address)) = (text.filter(|id| !id.is_empty()), keyed(&import.to, &keys))
            else {
                let detail = "The id must be text that is not empty, and keys numbers or text.";
                self.evaluation
                    .diagnostics
                    .push(Diagnostic::error("Invalid import", detail).at(import.id.span));
                continue;
            };
            let wanted = Wanted { id, span: Some(import.span), provider };
            if let Some(first) = self.imports.insert(address.clone(), wanted) {
                let detail = format!("{address} is imported twice.");
                let mut error = Diagnostic::error("Duplicate import", detail).at(import.span);
                error.related.extend(first.span.map(|span| (span, "the other one".to_owned())));
                self.evaluation.diagnostics.push(error);
            }
        }
    }

    /// Imports whose address has no block: with a configuration to be made for
    /// them, or mistakes.
    pub(super) fn imports_without_block(&mut self) {
        let left = std::mem::take(&mut self.imports);
        for (address, wanted) in left {
            let recorded = self.input.state.resources.contains_key(&RecordKey::current(address.clone()));
            // A block may still be made for it.
            let block = self.input.graph.resource(&address).is_some();
            if self.seen.contains(&address) || recorded && block || self.input.is_trial {
                continue;
            }
            if self.input.generate && !block && address.module.is_root() && address.key.is_none() {
                self.generated(address, &wanted);
                continue;
            }
            let detail = if block {
                format!("The configuration of {} has no instance {address}.", address.without_key())
            } else {
                format!("There is no configuration of {address}, which is to be imported.")
            };
            let mut error = Diagnostic::error("Configuration for import target does not exist", detail)
                .hint("Write a resource block for it, or let -generate-config-out=FILE write one.");
            error.span = wanted.span;
            self.evaluation.diagnostics.push(error);
        }
    }

    fn generated(&mut self, address: ResourceAddress, wanted: &Wanted) {
        let Some(provider) = self.input.registry.of_type(&address.kind).cloned() else {
            let detail = format!("No provider of this build has the type {:?}.", address.kind);
            let mut error = Diagnostic::error("Unknown resource type", detail);
            error.span = wanted.span;
            self.evaluation.diagnostics.push(error);
            return;
        };
        let Some(schema) = provider.schema().resources.get(&*address.kind) else { return };
        let default = ProviderRef::default_of(provider.name(), wanted.span.unwrap_or_default());
        let named = wanted.provider.as_ref().unwrap_or(&default);
        let nothing = super::evaluate::Repeated::default();
        let Some((provider_value, _)) = self.provider_config(0, 0, &nothing, named) else { return };
        let connection = match provider.connection(&provider_value, &schema.block.empty()) {
            Ok(connection) => connection,
            Err(problem) => {
                let mut error = Diagnostic::error(problem.summary, problem.detail).address(&address);
                error.span = wanted.span;
                self.evaluation.diagnostics.push(error);
                return;
            }
        };
        let Some(value) = self.imported(&address, &provider, &connection, wanted) else { return };
        let text = generate::block(&address, wanted.provider.as_ref(), &schema.block, &value);
        self.generated.push(Generated { address: address.clone(), id: wanted.id.clone(), text });
        let change = Change {
            before: value.clone(),
            after: value,
            importing: Some(wanted.id.clone()),
            connection,
            ..Change::of(RecordKey::current(address.clone()), &provider.name().into(), Action::NoOp)
        };
        self.seen.insert(address);
        self.changes.push(change);
    }

    /// An object that was read by its id; `None` while it must be.
    pub(super) fn imported(
        &mut self,
        address: &ResourceAddress,
        provider: &SharedProvider,
        connection: &Value,
        wanted: &Wanted,
    ) -> Option<Value> {
        if let Some(value) = self.input.imported.get(address) {
            return Some(value.clone());
        }
        if !connection.is_wholly_known() {
            let detail = format!("The connection of {address} is known only after apply.");
            let mut error = Diagnostic::error("Import not possible yet", detail);
            error.span = wanted.span;
            self.unsettled.push(error);
            return None;
        }
        self.needs.imports.push(ImportRead {
            address: address.clone(),
            provider: provider.name().into(),
            connection: connection.clone(),
            id: wanted.id.clone(),
            span: wanted.span,
        });
        None
    }
}

fn unknown(what: &str, import: &Import) -> Diagnostic {
    let detail = format!("The {what} of an import must be known when the plan is made.");
    let each = import.for_each.as_ref().filter(|_| what == "for_each");
    Diagnostic::error("Import not possible yet", detail).at(each.unwrap_or(&import.id).span)
}

/// The address with its keys put in.
fn keyed(to: &ResourceAddress, keys: &[Option<Value>]) -> Option<ResourceAddress> {
    let keys = keys.iter().map(|key| match key {
        None => Some(None),
        Some(value) => instance_key(value).map(Some),
    });
    let mut keys = keys.collect::<Option<Vec<_>>>()?;
    let key = keys.pop()?;
    let steps = to.module.steps().iter().zip(keys);
    let module = ModulePath::of(steps.map(|(step, key)| ModuleStep { name: step.name.clone(), key }));
    Some(ResourceAddress { module, key, ..to.clone() })
}
