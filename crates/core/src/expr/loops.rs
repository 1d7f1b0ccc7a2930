//! What is done for each element: `for` in its forms, splats, blocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::{Expr, ForExpr, SPLAT};
use super::eval::{Env, EvalError, EvalResult, Evaluator, fail};
use crate::diag::{Diagnostic, Span};
use crate::value::{Kind, Marks, Type, Value};

impl Evaluator<'_> {
    pub(super) fn splat(&self, source: &Expr, each: &Expr, env: Option<&Env<'_>>) -> EvalResult {
        let value = self.eval(source, env)?;
        let marks = value.marks();
        if value.is_null() {
            if matches!(value.ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_)) {
                let detail =
                    format!("The value is a {} that is null, and has no elements to take.", value.ty());
                return fail("Splat of a null list", detail, source.span);
            }
            return Ok(Value::tuple([]).with_marks(marks));
        }
        if !value.is_known() {
            return match value.ty() {
                Type::List(element) | Type::Set(element) => {
                    let element = Value::unknown((*element).clone());
                    let each = self.eval(each, Some(&Env { name: SPLAT, value: &element, outer: env }))?;
                    Ok(Value::unknown_not_null(Type::list(each.ty())).with_marks(marks))
                }
                // It may still be null, which has no elements at all.
                Type::Tuple(types) => {
                    let element = |ty: &Type| -> Result<Type, EvalError> {
                        let element = Value::unknown(ty.clone());
                        Ok(self.eval(each, Some(&Env { name: SPLAT, value: &element, outer: env }))?.ty())
                    };
                    let types = types.iter().map(element).collect::<Result<_, _>>()?;
                    Ok(Value::unknown(Type::Tuple(types)).with_marks(marks))
                }
                // One that is not null is the one element.
                Type::Bool | Type::Number | Type::String if is_not_null(&value) => {
                    let each = self.eval(each, Some(&Env { name: SPLAT, value: &value, outer: env }))?;
                    Ok(Value::tuple([each]).with_marks(marks))
                }
                ty @ (Type::Bool | Type::Number | Type::String) => {
                    let element = Value::unknown(ty);
                    self.eval(each, Some(&Env { name: SPLAT, value: &element, outer: env }))?;
                    Ok(Value::unknown(Type::Dynamic).with_marks(marks))
                }
                _ => Ok(Value::unknown(Type::Dynamic).with_marks(marks)),
            };
        }
        let lone = [value.clone().unmark()];
        let items = value.as_items().unwrap_or(&lone);
        let results = items
            .iter()
            .map(|item| self.eval(each, Some(&Env { name: SPLAT, value: item, outer: env })))
            .collect::<Result<Vec<_>, _>>()?;
        let listed = matches!(value.kind(), Kind::List(_) | Kind::Set(_)).then(|| {
            let mut types = results.iter().map(Value::ty);
            let first = types.next().unwrap_or_else(|| self.element_type(&value.ty(), each, env));
            types.all(|ty| ty == first).then_some(first)
        });
        Ok(match listed.flatten() {
            Some(element) => Value::list(element, results),
            None => Value::tuple(results),
        }
        .with_marks(marks))
    }

    /// The type of what is taken of each element where there is none.
    fn element_type(&self, ty: &Type, each: &Expr, env: Option<&Env<'_>>) -> Type {
        let (Type::List(element) | Type::Set(element)) = ty else { return Type::Dynamic };
        let element = Value::unknown((**element).clone());
        let taken = self.eval(each, Some(&Env { name: SPLAT, value: &element, outer: env }));
        taken.map_or(Type::Dynamic, |value| value.ty())
    }

    pub(super) fn for_expr(&self, f: &ForExpr, env: Option<&Env<'_>>, span: Span) -> EvalResult {
        let collection = self.eval(&f.collection, env)?;
        let mut marks = collection.marks();
        let unknown = |marks| Ok(Value::unknown_not_null(Type::Dynamic).with_marks(marks));
        if let Kind::Unknown(found) = collection.kind() {
            if matches!(found.ty, Type::Bool | Type::Number | Type::String) {
                return Err(not_iterable(&found.ty, f.collection.span));
            }
            return unknown(marks);
        }
        if let Some(condition) = &f.condition {
            // A condition of a wrong type is a mistake even if nothing is gone through.
            let any = Value::unknown(Type::Dynamic);
            let outer = Env { name: f.key_name.as_deref().unwrap_or_default(), value: &any, outer: env };
            let inner = Env { name: &f.value_name, value: &any, outer: Some(&outer) };
            self.boolean(condition, Some(&inner), "The condition of a for expression")?;
        }
        let mut list = Vec::new();
        let mut map: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        let mut groups: BTreeMap<Arc<str>, Vec<Value>> = BTreeMap::new();
        let mut open = false;
        for (key, value) in elements(&collection, f.collection.span)? {
            self.spent.round(f.collection.span)?;
            let outer = Env { name: f.key_name.as_deref().unwrap_or_default(), value: &key, outer: env };
            let inner = Env { name: &f.value_name, value: &value, outer: Some(&outer) };
            if let Some(condition) = &f.condition {
                let keep = self.boolean(condition, Some(&inner), "The condition of a for expression")?;
                marks = marks.union(keep.marks());
                match keep.as_bool() {
                    Some(true) => {}
                    Some(false) => continue,
                    None => {
                        open = true;
                        continue;
                    }
                }
            }
            let result = self.eval(&f.value, Some(&inner))?;
            let Some(key_expr) = &f.key else {
                list.push(result);
                continue;
            };
            let key = self.eval(key_expr, Some(&inner))?;
            marks = marks.union(key.marks());
            match object_key(&key, key_expr.span)? {
                None => open = true,
                Some(key) if f.group => groups.entry(key).or_default().push(result),
                Some(key) => {
                    if map.insert(key.clone(), result).is_some() {
                        let detail = format!("Two elements give the key {key:?}.");
                        return Err(Box::new(
                            Diagnostic::error("Duplicate object key", detail)
                                .at(key_expr.span)
                                .hint("Write ... after the value to group the values of one key."),
                        ));
                    }
                }
            }
        }
        let _ = span;
        if open {
            return unknown(marks);
        }
        Ok(match (&f.key, f.group) {
            (None, _) => Value::tuple(list),
            (Some(_), false) => Value::object(map),
            (Some(_), true) => Value::object(groups.into_iter().map(|(k, v)| (k, Value::tuple(v)))),
        }
        .with_marks(marks))
    }

    pub(super) fn template_for(&self, f: &ForExpr, env: Option<&Env<'_>>, span: Span) -> EvalResult {
        let pieces = self.for_expr(f, env, span)?;
        let marks = pieces.deep_marks();
        let Some(items) = pieces.as_items().filter(|items| items.iter().all(Value::is_known)) else {
            return Ok(Value::unknown_not_null(Type::String).with_marks(marks));
        };
        Ok(Value::from(items.iter().filter_map(Value::as_str).collect::<String>()).with_marks(marks))
    }

    pub(super) fn blocks(&self, parts: &[Expr], env: Option<&Env<'_>>) -> EvalResult {
        let mut all = Vec::new();
        let mut marks = Marks::NONE;
        for part in parts {
            let value = self.eval(part, env)?;
            marks = marks.union(value.marks());
            match value.as_items() {
                Some(items) => all.extend_from_slice(items),
                None => return Ok(Value::unknown_not_null(Type::Dynamic).with_marks(marks)),
            }
        }
        Ok(Value::tuple(all).with_marks(marks))
    }
}

/// Whether an unknown value is known to be something.
fn is_not_null(value: &Value) -> bool {
    matches!(value.kind(), Kind::Unknown(unknown) if unknown.not_null)
}

/// An object key as text; `None` while unknown.
pub(super) fn object_key(key: &Value, span: Span) -> Result<Option<Arc<str>>, EvalError> {
    match key.convert(&Type::String) {
        Ok(key) => match key.kind() {
            Kind::String(s) => Ok(Some(s.clone())),
            Kind::Unknown(_) => Ok(None),
            _ => fail("Invalid object key", "A key must not be null.", span),
        },
        Err(_) => fail("Invalid object key", format!("A key must be text, not {}.", key.show()), span),
    }
}

/// Keys and values of what a `for` goes through.
fn elements(collection: &Value, span: Span) -> Result<Vec<(Value, Value)>, EvalError> {
    if let Some(entries) = collection.as_entries() {
        return Ok(entries.iter().map(|(k, v)| (Value::from(k.clone()), v.clone())).collect());
    }
    match (collection.kind(), collection.as_items()) {
        (Kind::Set(_), Some(items)) => Ok(items.iter().map(|v| (v.clone(), v.clone())).collect()),
        (_, Some(items)) => Ok(items.iter().enumerate().map(|(i, v)| (Value::from(i), v.clone())).collect()),
        _ if collection.is_null() => {
            fail("Invalid for collection", "A list, set, map or object is required, not null.", span)
        }
        _ => Err(not_iterable(&collection.ty(), span)),
    }
}

fn not_iterable(ty: &Type, span: Span) -> EvalError {
    let detail = format!("A list, set, map or object is required, not a {}.", ty.friendly());
    Box::new(Diagnostic::error("Invalid for collection", detail).at(span))
}
