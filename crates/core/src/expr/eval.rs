//! The evaluator: the only one, for plan and apply alike.
//!
//! Guarantees: unknown operands give typed unknown results, marks travel, an
//! error has the place of the smallest expression at fault.
//! Must not: look names up itself; a [`Scope`] does.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::{BinaryOperator, Call, Defaults, Expr, ExprKind, ForExpr, Reference, SPLAT, UnaryOperator};
use super::functions::{self, FunctionContext};
use crate::diag::{Diagnostic, Span};
use crate::value::{Entries, Kind, Marks, Number, Type, Value, unify};

/// An evaluation that failed; boxed, since success is the rule.
pub type EvalError = Box<Diagnostic>;

/// Result of evaluating.
pub type EvalResult = Result<Value, EvalError>;

/// What names stand for.
pub trait Scope {
    /// The value of a reference.
    ///
    /// # Errors
    /// When there is no such thing.
    fn lookup(&self, reference: &Reference, span: Span) -> EvalResult;

    /// What functions may know.
    fn functions(&self) -> FunctionContext<'_>;
}

/// Names bound inside the expression, innermost first.
#[derive(Clone, Copy)]
struct Env<'a> {
    name: &'a str,
    value: &'a Value,
    outer: Option<&'a Env<'a>>,
}

fn bound<'a>(mut env: Option<&'a Env<'a>>, name: &str) -> Option<&'a Value> {
    while let Some(frame) = env {
        if frame.name == name {
            return Some(frame.value);
        }
        env = frame.outer;
    }
    None
}

/// Evaluates an expression.
///
/// # Errors
/// The first mistake, at its place.
pub fn evaluate(expr: &Expr, scope: &dyn Scope) -> EvalResult {
    Evaluator { scope }.eval(expr, None)
}

fn fail<T>(summary: &str, detail: impl Into<String>, span: Span) -> Result<T, EvalError> {
    Err(Box::new(Diagnostic::error(summary, detail).at(span)))
}

struct Evaluator<'s> {
    scope: &'s dyn Scope,
}

impl Evaluator<'_> {
    fn eval(&self, expr: &Expr, env: Option<&Env<'_>>) -> EvalResult {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(value) => Ok(value.clone()),
            ExprKind::Template(parts) => self.template(parts, env),
            ExprKind::TemplateIf(three) => self.conditional(three, env, span),
            ExprKind::TemplateFor(f) => self.template_for(f, env, span),
            ExprKind::Tuple(items) => {
                Ok(Value::tuple(items.iter().map(|e| self.eval(e, env)).collect::<Result<Vec<_>, _>>()?))
            }
            ExprKind::Object(items) => self.object(items, env),
            ExprKind::Reference(reference) => self.scope.lookup(reference, span),
            ExprKind::Variable(name) => match bound(env, name) {
                Some(value) => Ok(value.clone()),
                None => fail("Invalid reference", format!("There is nothing named {name:?} here."), span),
            },
            ExprKind::Attribute(source, name) => attribute(&self.eval(source, env)?, name, span, source.span),
            ExprKind::Index(pair) => {
                let source = self.eval(&pair.0, env)?;
                index(&source, &self.eval(&pair.1, env)?, pair.1.span)
            }
            ExprKind::Splat(pair) => self.splat(&pair.0, &pair.1, env),
            ExprKind::Call(call) => self.call(call, env, span),
            ExprKind::Unary(operator, operand) => unary(*operator, &self.eval(operand, env)?, operand.span),
            ExprKind::Binary(operator, pair) => self.binary(*operator, &pair.0, &pair.1, env),
            ExprKind::Conditional(three) => self.conditional(three, env, span),
            ExprKind::For(f) => self.for_expr(f, env, span),
            ExprKind::Blocks(parts) => self.blocks(parts, env),
            ExprKind::Convert(inner, constraint) => {
                let value = self.eval(inner, env)?;
                let filled = fill_defaults(&value, &constraint.defaults);
                filled.convert(&constraint.ty).map_err(|e| {
                    let place = if e.path.steps().is_empty() {
                        String::new()
                    } else {
                        format!("attribute {}: ", e.path)
                    };
                    Box::new(
                        Diagnostic::error(
                            "Wrong type",
                            format!("The value is not suitable: {place}{}.", e.message),
                        )
                        .at(inner.span),
                    )
                })
            }
        }
    }

    fn template(&self, parts: &[Expr], env: Option<&Env<'_>>) -> EvalResult {
        let mut text = String::new();
        let mut marks = Marks::NONE;
        let mut known = true;
        for part in parts {
            let value = self.eval(part, env)?;
            marks = marks.union(value.marks());
            if value.is_null() {
                return fail("Invalid template", "The value is null; a template needs text.", part.span);
            }
            let converted = value.convert(&Type::String).map_err(|_| {
                Box::new(
                    Diagnostic::error(
                        "Invalid template",
                        format!("A {} cannot stand in text; a string is needed.", value.ty().friendly()),
                    )
                    .at(part.span)
                    .hint("Use jsonencode or join to make text of it."),
                )
            })?;
            match converted.as_str() {
                Some(part) if known => text.push_str(part),
                Some(_) => {}
                None => known = false,
            }
        }
        let value = if known {
            Value::from(text)
        } else {
            let prefix = (!text.is_empty() && marks.is_empty()).then(|| text.into());
            Value::refined(crate::value::Unknown { ty: Type::String, not_null: true, prefix, length: None })
        };
        Ok(value.with_marks(marks))
    }

    fn object(&self, items: &[(Expr, Expr)], env: Option<&Env<'_>>) -> EvalResult {
        let mut attributes = Vec::with_capacity(items.len());
        let mut marks = Marks::NONE;
        let mut open = false;
        for (key, value) in items {
            let name = self.eval(key, env)?;
            marks = marks.union(name.marks());
            let value = self.eval(value, env)?;
            match object_key(&name, key.span)? {
                Some(name) => attributes.push((name, value)),
                None => open = true,
            }
        }
        let object = if open { Value::unknown_not_null(Type::Dynamic) } else { Value::object(attributes) };
        Ok(object.with_marks(marks))
    }

    fn conditional(&self, three: &(Expr, Expr, Expr), env: Option<&Env<'_>>, span: Span) -> EvalResult {
        let condition = self.boolean(&three.0, env, "The condition")?;
        let marks = condition.marks();
        let result = match condition.as_bool() {
            Some(true) => self.eval(&three.1, env)?,
            Some(false) => self.eval(&three.2, env)?,
            None => {
                let (a, b) = (self.eval(&three.1, env)?, self.eval(&three.2, env)?);
                let Some(ty) = unify([a.ty(), b.ty()]) else {
                    return fail(
                        "Inconsistent conditional result types",
                        "Both results must have one type.",
                        span,
                    );
                };
                return Ok(Value::unknown(ty).with_marks(marks.union(a.marks()).union(b.marks())));
            }
        };
        Ok(result.with_marks(marks))
    }

    /// A known or unknown bool; null and other types are errors.
    fn boolean(&self, expr: &Expr, env: Option<&Env<'_>>, what: &str) -> EvalResult {
        let value = self.eval(expr, env)?;
        match value.convert(&Type::Bool) {
            Ok(bool) if !bool.is_null() => Ok(bool),
            _ => {
                fail("Not a bool", format!("{what} must be true or false, not {}.", value.show()), expr.span)
            }
        }
    }

    fn splat(&self, source: &Expr, each: &Expr, env: Option<&Env<'_>>) -> EvalResult {
        let value = self.eval(source, env)?;
        let marks = value.marks();
        if value.is_null() {
            return Ok(Value::tuple([]).with_marks(marks));
        }
        if !value.is_known() {
            return match value.ty() {
                Type::List(element) | Type::Set(element) => {
                    let element = Value::unknown((*element).clone());
                    let each = self.eval(each, Some(&Env { name: SPLAT, value: &element, outer: env }))?;
                    Ok(Value::unknown(Type::list(each.ty())).with_marks(marks))
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
        Ok(Value::tuple(results).with_marks(marks))
    }

    fn call(&self, call: &Call, env: Option<&Env<'_>>, span: Span) -> EvalResult {
        match &*call.name {
            "try" => return self.try_call(call, env, span),
            "can" => {
                let result = call.args.iter().map(|arg| self.eval(arg, env)).next_back();
                return Ok(Value::from(matches!(result, Some(Ok(_)))));
            }
            _ => {}
        }
        let mut args = Vec::with_capacity(call.args.len());
        for (i, arg) in call.args.iter().enumerate() {
            let value = self.eval(arg, env)?;
            if !(call.expand && i + 1 == call.args.len()) {
                args.push(value);
            } else if let Some(items) = value.as_items() {
                args.extend(items.iter().map(|item| item.clone().with_marks(value.marks())));
            } else if !value.is_known() {
                return Ok(Value::unknown(Type::Dynamic).with_marks(value.marks()));
            } else {
                return fail(
                    "Invalid expansion",
                    "The argument before ... must be a list, set or tuple.",
                    arg.span,
                );
            }
        }
        if !functions::exists(&call.name) {
            return Err(Box::new(
                Diagnostic::error(
                    "Call to unknown function",
                    format!("There is no function named {:?}.", call.name),
                )
                .at(span)
                .suggest(&call.name, functions::names()),
            ));
        }
        functions::call(&call.name, &args, &self.scope.functions()).map_err(|e| {
            let place = e.argument.and_then(|i| call.args.get(i)).map_or(span, |arg| arg.span);
            Box::new(Diagnostic::error("Error in function call", e.message).at(place))
        })
    }

    fn try_call(&self, call: &Call, env: Option<&Env<'_>>, span: Span) -> EvalResult {
        let mut last = None;
        for arg in &call.args {
            match self.eval(arg, env) {
                Ok(value) => return Ok(value),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| {
            Box::new(
                Diagnostic::error("Error in function call", "The function \"try\" needs an argument.")
                    .at(span),
            )
        }))
    }

    fn binary(
        &self,
        operator: BinaryOperator,
        left: &Expr,
        right: &Expr,
        env: Option<&Env<'_>>,
    ) -> EvalResult {
        use BinaryOperator as B;
        if matches!(operator, B::And | B::Or) {
            return self.logical(operator == B::And, left, right, env);
        }
        let (a, b) = (self.eval(left, env)?, self.eval(right, env)?);
        let marks = a.deep_marks().union(b.deep_marks());
        if matches!(operator, B::Equal | B::NotEqual) {
            return Ok(match equal(&a, &b) {
                Some(same) => Value::from(same == (operator == B::Equal)),
                None => Value::unknown_not_null(Type::Bool),
            }
            .with_marks(marks));
        }
        let number = |value: &Value, span: Span| -> Result<Option<Number>, EvalError> {
            match value.convert(&Type::Number) {
                Ok(n) if !n.is_null() => Ok(n.as_number().cloned()),
                _ => {
                    fail("Invalid operand", format!("A number is required here, not {}.", value.show()), span)
                }
            }
        };
        let ty = if matches!(operator, B::Add | B::Subtract | B::Multiply | B::Divide | B::Modulo) {
            Type::Number
        } else {
            Type::Bool
        };
        let (Some(x), Some(y)) = (number(&a, left.span)?, number(&b, right.span)?) else {
            return Ok(Value::unknown_not_null(ty).with_marks(marks));
        };
        let by_zero =
            || Box::new(Diagnostic::error("Division by zero", "The divisor is zero.").at(right.span));
        let result = match operator {
            B::Add => x.add(&y).into(),
            B::Subtract => x.sub(&y).into(),
            B::Multiply => x.mul(&y).into(),
            B::Divide => x.div(&y).ok_or_else(by_zero)?.into(),
            B::Modulo => x.rem(&y).ok_or_else(by_zero)?.into(),
            B::Less => (x < y).into(),
            B::LessOrEqual => (x <= y).into(),
            B::Greater => (x > y).into(),
            _ => Value::from(x >= y),
        };
        Ok(result.with_marks(marks))
    }

    fn logical(&self, and: bool, left: &Expr, right: &Expr, env: Option<&Env<'_>>) -> EvalResult {
        let a = self.boolean(left, env, "The operand")?;
        // The side that settles the result hides mistakes of the other.
        if a.as_bool() == Some(!and) {
            return Ok(a);
        }
        let b = self.boolean(right, env, "The operand")?;
        let marks = a.marks().union(b.marks());
        Ok(match (a.as_bool(), b.as_bool()) {
            (_, Some(b)) if b != and => Value::from(b),
            (Some(_), Some(b)) => Value::from(b),
            _ => Value::unknown_not_null(Type::Bool),
        }
        .with_marks(marks))
    }

    fn for_expr(&self, f: &ForExpr, env: Option<&Env<'_>>, span: Span) -> EvalResult {
        let collection = self.eval(&f.collection, env)?;
        let mut marks = collection.marks();
        let unknown = |marks| Ok(Value::unknown_not_null(Type::Dynamic).with_marks(marks));
        if !collection.is_known() {
            return unknown(marks);
        }
        let mut list = Vec::new();
        let mut map: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        let mut groups: BTreeMap<Arc<str>, Vec<Value>> = BTreeMap::new();
        let mut open = false;
        for (key, value) in elements(&collection, f.collection.span)? {
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

    fn template_for(&self, f: &ForExpr, env: Option<&Env<'_>>, span: Span) -> EvalResult {
        let pieces = self.for_expr(f, env, span)?;
        let marks = pieces.deep_marks();
        let Some(items) = pieces.as_items().filter(|items| items.iter().all(Value::is_known)) else {
            return Ok(Value::unknown_not_null(Type::String).with_marks(marks));
        };
        Ok(Value::from(items.iter().filter_map(Value::as_str).collect::<String>()).with_marks(marks))
    }

    fn blocks(&self, parts: &[Expr], env: Option<&Env<'_>>) -> EvalResult {
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

/// An object key as text; `None` while unknown.
fn object_key(key: &Value, span: Span) -> Result<Option<Arc<str>>, EvalError> {
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
        _ => fail(
            "Invalid for collection",
            format!("A list, set, map or object is required, not {}.", collection.show()),
            span,
        ),
    }
}

fn unary(operator: UnaryOperator, value: &Value, span: Span) -> EvalResult {
    let ty = if operator == UnaryOperator::Not { Type::Bool } else { Type::Number };
    let Some(converted) = value.convert(&ty).ok().filter(|v| !v.is_null()) else {
        return fail(
            "Invalid operand",
            format!("A {} is required here, not {}.", ty.friendly(), value.show()),
            span,
        );
    };
    let result = match converted.kind() {
        Kind::Bool(b) => Value::from(!b),
        Kind::Number(n) => Value::from(n.neg()),
        _ => Value::unknown_not_null(ty),
    };
    Ok(result.with_marks(value.marks()))
}

/// Equality as `==` has it: types count, except that a null equals any null;
/// `None` while something unknown could still decide it.
fn equal(a: &Value, b: &Value) -> Option<bool> {
    let not_null = |v: &Value| matches!(v.kind(), Kind::Unknown(u) if u.not_null);
    if (a.is_null() && not_null(b)) || (b.is_null() && not_null(a)) {
        return Some(false);
    }
    if a.is_wholly_known() && b.is_wholly_known() {
        return Some(a == b);
    }
    match (a.as_entries(), b.as_entries()) {
        (Some(x), Some(y)) if !x.keys().eq(y.keys()) => Some(false),
        _ => None,
    }
}

/// `source.name`, with what there is named when there is no such attribute.
fn attribute(source: &Value, name: &str, span: Span, source_span: Span) -> EvalResult {
    if let Some(value) = source.get(name) {
        return Ok(value);
    }
    if source.is_null() {
        return fail(
            "Attempt to get attribute from null value",
            format!("This value is null, so it has no attribute {name:?}."),
            source_span,
        );
    }
    if let Ok(index) = name.parse::<usize>()
        && let Some(value) = source.at(index)
    {
        return Ok(value);
    }
    let error = match source.as_entries() {
        Some(entries) => Diagnostic::error(
            "Unsupported attribute",
            format!("This {} has no attribute named {name:?}.", source.ty().friendly()),
        )
        .suggest(name, entries.keys().map(|k| &**k)),
        None => {
            let error = Diagnostic::error(
                "Unsupported attribute",
                format!("A {} has no attributes.", source.ty().friendly()),
            );
            match source.as_items() {
                Some(_) => {
                    error.hint(format!("Take one element first, as in [0].{name}, or all with [*].{name}."))
                }
                None => error,
            }
        }
    };
    Err(Box::new(error.at(span)))
}

fn index(source: &Value, key: &Value, span: Span) -> EvalResult {
    let marks = source.marks().union(key.marks());
    if source.is_null() {
        return fail("Attempt to index null value", "This value is null, so it has no elements.", span);
    }
    if !key.is_known() {
        let element = match source.ty() {
            Type::List(t) | Type::Map(t) => (*t).clone(),
            _ => Type::Dynamic,
        };
        return Ok(Value::unknown(element).with_marks(marks));
    }
    let by_name = matches!(source.ty(), Type::Map(_) | Type::Object(_));
    let found = if by_name {
        key.convert(&Type::String).ok().and_then(|k| source.get(k.as_str()?))
    } else {
        let position =
            key.convert(&Type::Number).ok().and_then(|k| usize::try_from(k.as_number()?.as_i64()?).ok());
        position.and_then(|i| source.at(i))
    };
    match found {
        Some(value) => Ok(value.with_marks(marks)),
        None if !source.is_known() && source.ty() == Type::Dynamic => {
            Ok(Value::unknown(Type::Dynamic).with_marks(marks))
        }
        None => fail(
            "Invalid index",
            format!(
                "The given key {} does not identify an element of this {}.",
                key.show(),
                source.ty().friendly()
            ),
            span,
        ),
    }
}

/// Puts in defaults of optional attributes that are absent or null.
pub(crate) fn fill_defaults(value: &Value, defaults: &Defaults) -> Value {
    if defaults.is_empty() || value.is_null() || !value.is_known() {
        return value.clone();
    }
    let child =
        |name: &str| defaults.children.iter().find(|(n, _)| &**n == name || &**n == "*").map(|(_, d)| d);
    let filled = match value.kind() {
        Kind::Map(_) | Kind::Object(_) => {
            let entries = value.as_entries().cloned().unwrap_or_default();
            let mut entries: Entries = entries
                .into_iter()
                .map(|(name, v)| {
                    let v = child(&name).map_or_else(|| v.clone(), |d| fill_defaults(&v, d));
                    (name, v)
                })
                .collect();
            for (name, default) in &defaults.attributes {
                let slot = entries.entry(name.clone()).or_insert(Value::NULL);
                if slot.is_null() {
                    *slot = child(name).map_or_else(|| default.clone(), |d| fill_defaults(default, d));
                }
            }
            Value::from(Kind::Object(Arc::new(entries)))
        }
        _ => match value.as_items() {
            Some(items) => Value::tuple(
                items
                    .iter()
                    .enumerate()
                    .map(|(i, v)| child(&i.to_string()).map_or_else(|| v.clone(), |d| fill_defaults(v, d))),
            ),
            None => return value.clone(),
        },
    };
    filled.with_marks(value.marks())
}
