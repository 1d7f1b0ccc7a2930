//! What must never be stored: ephemeral variables and objects, attributes that
//! are only written, and where ephemeral values may stand.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::change::{Action, Change, Reason};
use super::evaluate::Evaluation;
use super::model::{EphemeralVariable, Plan};
use super::planner::Planner;
use crate::addr::{ResourceAddress, ResourceMode};
use crate::config::{Resource, span_of};
use crate::diag::{Diagnostic, Diagnostics, SourceMap, Span};
use crate::expr::{
    Constraint, DiskFiles, EvalResult, FunctionContext, Reference, Scope, evaluate, fill_defaults,
};
use crate::fmt::LANGUAGE;
use crate::provider::{Block, PlanResponse, SharedProvider};
use crate::syntax::parse_expression;
use crate::value::{Kind, Marks, Path, Type, Value};

/// An ephemeral object that must be opened before planning can go on.
#[derive(Clone, Debug)]
pub struct OpenRead {
    /// Which.
    pub address: ResourceAddress,
    /// Its provider's name.
    pub provider: Arc<str>,
    /// The connection.
    pub connection: Value,
    /// Its configuration, wholly known.
    pub config: Value,
}

impl Planner<'_> {
    /// A configuration as it may be stored: what is ephemeral or only written
    /// is unknown in it. `None` when something ephemeral stands where it would
    /// have to be stored, which is reported.
    pub(super) fn storable(
        &mut self,
        block: &Resource,
        address: &ResourceAddress,
        provider: &SharedProvider,
        config: &Value,
    ) -> Option<Value> {
        let schema = match block.mode {
            ResourceMode::Managed => provider.schema().resources.get(&*block.kind),
            ResourceMode::Data | ResourceMode::Ephemeral => None,
        };
        let is_written = |name: &str| {
            schema.and_then(|schema| schema.block.attributes.get(name)).is_some_and(|a| a.write_only)
        };
        let writes_only = schema.is_some_and(|schema| schema.block.attributes.values().any(|a| a.write_only));
        let is_ephemeral = self.evaluation.is_ephemeral(config);
        let Kind::Object(attributes) = config.kind() else { return Some(config.clone()) };
        if !writes_only && !is_ephemeral {
            return Some(config.clone());
        }
        let mut misplaced = false;
        let mut kept = Vec::with_capacity(attributes.len());
        for (name, value) in attributes.iter() {
            let has_ephemeral = value.deep_marks().contains(Marks::EPHEMERAL);
            if has_ephemeral && block.mode != ResourceMode::Ephemeral && !is_written(name) {
                misplaced = true;
                let detail = format!(
                    "The attribute {name:?} of {address} is stored, so it takes no ephemeral values."
                );
                let at = span_of(&block.body, &Path::root().attribute(name.clone()));
                self.evaluation.diagnostics.push(
                    Diagnostic::error("Ephemeral value not allowed", detail)
                        .at(at)
                        .address(address)
                        .hint("Ephemeral values are for provider blocks, provisioners, ephemeral blocks and write-only attributes."),
                );
            }
            let value = if is_written(name) && !value.is_null() {
                Value::unknown(value.ty())
            } else {
                without_content(value)
            };
            kept.push((name.clone(), value));
        }
        (!misplaced).then(|| Value::object(kept).with_marks(config.marks().without(Marks::EPHEMERAL)))
    }

    /// An ephemeral object: opened now if that is possible, and again by the
    /// apply. `None` while it must be opened first.
    pub(super) fn ephemeral(
        &mut self,
        mut change: Change,
        config: Value,
        address: ResourceAddress,
    ) -> Option<Change> {
        change.action = Action::Open;
        if let Some(value) = self.input.opened.get(&address) {
            change.after = value.clone().with_marks(Marks::EPHEMERAL);
            return Some(change);
        }
        let pending = change.dependencies.iter().any(|d| self.changing.contains(d));
        if config.is_wholly_known() && change.connection.is_wholly_known() && !pending {
            let (provider, connection) = (change.provider, change.connection);
            self.needs.opens.push(OpenRead { address, provider, connection, config });
            return None;
        }
        change.reason = Some(if pending { Reason::DependencyPending } else { Reason::ConfigUnknown });
        change.after = Value::unknown(Type::Dynamic).with_marks(Marks::EPHEMERAL);
        Some(change)
    }
}

impl EphemeralVariable {
    /// Its value, or its default.
    pub fn value(&self) -> Option<Value> {
        let value = self.given.clone().or_else(|| self.default.clone())?;
        Some(if self.sensitive { value.sensitive() } else { value })
    }
}

impl Plan {
    /// Gives an ephemeral variable its value, as text from outside; false when
    /// there is no such variable.
    ///
    /// # Errors
    /// Text that is no value of the variable's type.
    pub fn give(&mut self, name: &str, text: &str, sources: &SourceMap) -> Result<bool, Diagnostics> {
        let Some(variable) = self.ephemeral.get_mut(name) else { return Ok(false) };
        let Constraint { ty, defaults } = &*variable.constraint;
        let is_text = matches!(ty, Type::String | Type::Number | Type::Bool)
            || *ty == Type::Dynamic && !text.starts_with(['[', '{', '"']);
        let value = if is_text {
            Value::from(text)
        } else {
            let file = sources.add(format!("<value for var.{name}>"), text);
            let mut diagnostics = Diagnostics::new();
            match parse_expression(file, text, &mut diagnostics) {
                Some(expr) => evaluate(&expr, &Nothing).map_err(|problem| Diagnostics::from(*problem))?,
                None => return Err(diagnostics),
            }
        };
        let value = fill_defaults(&value, defaults).convert(ty).map_err(|error| {
            let detail = format!("The value does not suit the variable {name:?}: {error}.");
            Diagnostics::from(Diagnostic::error("Wrong type", detail))
        })?;
        variable.given = Some(value);
        Ok(true)
    }

    /// Whether the apply opens something.
    pub fn opens(&self) -> bool {
        self.changes.iter().any(|change| change.action == Action::Open)
    }

    /// Ephemeral variables that have no value: those of a plan that was saved
    /// are in no file.
    pub fn ungiven(&self) -> impl Iterator<Item = &Arc<str>> {
        self.ephemeral.iter().filter(|(_, variable)| variable.value().is_none()).map(|(name, _)| name)
    }
}

/// A scope with no names.
struct Nothing;

impl Scope for Nothing {
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult {
        let detail = format!("{reference} cannot be used here: a plain value is needed.");
        Err(Box::new(Diagnostic::error("References not allowed", detail).at(span)))
    }

    fn functions(&self) -> FunctionContext<'_> {
        let here = std::path::Path::new(".");
        FunctionContext {
            module_dir: here,
            root_dir: here,
            timestamp: "",
            now: None,
            files: &DiskFiles,
            language: &LANGUAGE,
        }
    }
}

/// The same value, unknown where it is ephemeral.
fn without_content(value: &Value) -> Value {
    if value.marks().contains(Marks::EPHEMERAL) {
        return Value::unknown(value.ty()).with_marks(value.marks().without(Marks::EPHEMERAL));
    }
    if !value.deep_marks().contains(Marks::EPHEMERAL) {
        return value.clone();
    }
    value.map_children(&without_content)
}

/// Takes out of a planned change what the plan may not hold.
pub(super) fn forget_opened(change: &mut Change) {
    if change.action == Action::Open {
        change.before = Value::NULL;
        change.after = Value::unknown(Type::Dynamic);
        if change.connection.deep_marks().contains(Marks::EPHEMERAL) {
            change.connection = Value::unknown(Type::Dynamic);
        }
    }
}

/// Ephemeral variables of the root module.
pub(super) fn ephemeral_variables(evaluation: &Evaluation<'_>) -> BTreeMap<Arc<str>, EphemeralVariable> {
    let variables = evaluation.graph.modules[0].module.variables.iter();
    let values = variables.zip(&evaluation.modules[0][0].variables);
    values
        .filter(|(variable, _)| variable.ephemeral)
        .map(|(variable, value)| {
            let given = value.as_ref().map(|value| value.value.clone());
            let (constraint, default) = (variable.constraint.clone(), variable.default.clone());
            let sensitive = variable.sensitive;
            (variable.name.name.clone(), EphemeralVariable { constraint, default, sensitive, given })
        })
        .collect()
}

/// A plan in which attributes that are only written are null, as they are kept.
pub(crate) fn without_write_only(mut response: PlanResponse, schema: &Block) -> PlanResponse {
    response.planned = null_write_only(response.planned, schema);
    response
}

/// The object with attributes that are only written null.
pub(crate) fn null_write_only(value: Value, schema: &Block) -> Value {
    if !schema.attributes.values().any(|attribute| attribute.write_only) {
        return value;
    }
    let Kind::Object(attributes) = value.kind() else { return value };
    let kept = attributes.iter().map(|(name, value)| match schema.attributes.get(&**name) {
        Some(attribute) if attribute.write_only => (name.clone(), Value::null(attribute.ty.clone())),
        _ => (name.clone(), value.clone()),
    });
    Value::object(kept).with_marks(value.marks())
}
