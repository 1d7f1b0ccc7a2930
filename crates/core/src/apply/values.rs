//! What residual expressions refer to, as the apply brings it.

use std::sync::Mutex;

use crate::addr::InstanceKey;
use crate::diag::{Diagnostic, Span};
use crate::expr::{DiskFiles, EvalResult, Expr, FunctionContext, Reference, Scope, evaluate};
use crate::fmt::LANGUAGE;
use crate::plan::{EphemeralVariable, Plan, Shape, Slot};
use crate::value::{Marks, Type, Value};

/// Values of objects, by the index of their change.
pub(super) struct Values<'a> {
    plan: &'a Plan,
    now: &'a str,
    /// What the platform passes on.
    passed: &'a Value,
    objects: Mutex<Vec<Value>>,
    slots: Mutex<Vec<Option<Value>>>,
}

impl<'a> Values<'a> {
    /// As planned, to begin with. `now` is the moment of the apply.
    pub(super) fn new(plan: &'a Plan, now: &'a str, passed: &'a Value) -> Self {
        Values {
            plan,
            now,
            passed,
            objects: Mutex::new(plan.changes.iter().map(|c| c.after.clone()).collect()),
            slots: Mutex::new(vec![None; plan.slots.len()]),
        }
    }

    /// An object is now this.
    pub(super) fn set(&self, change: u32, value: Value) {
        let mut objects = self.objects.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(place) = objects.get_mut(change as usize) {
            *place = value;
        }
    }

    /// Objects did not come to be what was planned: what refers to them is not
    /// known.
    pub(super) fn lose(&self, changes: impl Iterator<Item = u32>) {
        changes.for_each(|change| self.set(change, Value::unknown(Type::Dynamic)));
        self.slots.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fill(None);
    }

    /// Finishes an expression as far as the values go.
    pub(super) fn finish(&self, expr: &Expr) -> EvalResult {
        evaluate(expr, self)
    }

    /// An object as it is now; what the plan does not know stays unknown.
    pub(super) fn object(&self, change: Option<u32>) -> Value {
        let Some(change) = change else { return Value::unknown(Type::Dynamic) };
        let objects = self.objects.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        objects.get(change as usize).cloned().unwrap_or(Value::NULL)
    }

    fn slot(&self, slot: &Slot) -> EvalResult {
        match slot {
            Slot::Expression(expr) => evaluate(expr, self),
            Slot::Marked { expr, sensitive, ephemeral } => {
                let value = evaluate(expr, self)?;
                let value = if *sensitive { value.sensitive() } else { value };
                Ok(if *ephemeral { value.with_marks(Marks::EPHEMERAL) } else { value })
            }
            Slot::Given(name) => {
                let given = self.plan.ephemeral.get(name).and_then(EphemeralVariable::value);
                Ok(given.unwrap_or_else(|| Value::unknown(Type::Dynamic)).with_marks(Marks::EPHEMERAL))
            }
            Slot::Shared(name) => {
                let passed = self.passed.as_entries().and_then(|passed| passed.get(name));
                Ok(passed.cloned().unwrap_or_else(|| Value::unknown(Type::Dynamic)))
            }
            Slot::Resource { shape, instances } => Ok(match shape {
                Shape::Single => instances.first().map_or(Value::NULL, |(_, change)| self.object(*change)),
                Shape::Count => Value::tuple(instances.iter().map(|(_, change)| self.object(*change))),
                Shape::Each => Value::object(instances.iter().filter_map(|(key, change)| match key {
                    Some(InstanceKey::Key(key)) => Some((key.clone(), self.object(*change))),
                    _ => None,
                })),
            }),
        }
    }
}

impl Scope for Values<'_> {
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult {
        let broken = || {
            Box::new(
                Diagnostic::error(
                    "Plan is broken",
                    format!("The plan refers to {reference}, which it does not hold."),
                )
                .at(span),
            )
        };
        if reference.is_applying() {
            return Ok(Value::from(true).with_marks(Marks::EPHEMERAL));
        }
        let Reference::Slot(index) = reference else { return Err(broken()) };
        let index = *index as usize;
        let known = self
            .slots
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get(index)
            .cloned()
            .flatten();
        if let Some(value) = known {
            return Ok(value);
        }
        let value = self.slot(self.plan.slots.get(index).ok_or_else(broken)?)?;
        // Only a finished value may be kept: others still change.
        if value.is_wholly_known()
            && let Some(place) =
                self.slots.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_mut(index)
        {
            *place = Some(value.clone());
        }
        Ok(value)
    }

    fn functions(&self) -> FunctionContext<'_> {
        // Functions of files were settled when the plan was made.
        let here = std::path::Path::new(".");
        FunctionContext {
            module_dir: here,
            root_dir: here,
            timestamp: &self.plan.timestamp,
            now: Some(self.now),
            files: &DiskFiles,
            language: &LANGUAGE,
        }
    }
}
