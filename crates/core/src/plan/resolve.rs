//! What references stand for where an expression stands, and expressions closed
//! over everything known.
//!
//! Guarantees: a closed expression refers to nothing but the plan's slots, and
//! needs no file of the configuration.
//! Must not: change the evaluation.

use std::sync::PoisonError;

use super::evaluate::{At, Evaluated};
use crate::addr::InstanceKey;
use crate::config::{Repetition, instance_key};
use crate::diag::{Diagnostic, Span};
use crate::expr::{
    DiskFiles, EvalResult, Expr, ExprKind, FunctionContext, Reference, Scope, evaluate, functions,
};
use crate::fmt::LANGUAGE;
use crate::value::{Marks, Type, Value};

impl At<'_, '_> {
    /// What a reference stands for here.
    pub(super) fn resolve(&self, reference: &Reference, span: Span) -> Result<Evaluated, Box<Diagnostic>> {
        let here = &self.evaluation.modules[self.module][self.instance];
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
            Reference::Path(which) => Some(Evaluated::known(self.functions().path(which, span)?)),
            reference if reference.is_applying() => {
                Some(Evaluated::known(Value::from(false).with_marks(Marks::EPHEMERAL)))
            }
            Reference::Terraform(_) | Reference::Tofu(_) => {
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
            language: &LANGUAGE,
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
        // The apply knows it by its name.
        if reference.is_applying() {
            return true;
        }
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
