//! The evaluator: the only one, for plan and apply alike.
//!
//! Guarantees: unknown operands give typed unknown results, marks travel, an
//! error has the place of the smallest expression at fault.
//! Must not: look names up itself; a [`Scope`] does.

use std::cell::Cell;

use super::access::{attribute, fill_defaults, index};
use super::ast::{Call, Expr, ExprKind, Reference};
use super::functions::{self, FunctionContext};
use super::loops::object_key;
use super::operators::unary;
use super::template::MAX_TEMPLATE_HEIGHT;
use crate::diag::{Diagnostic, Span};
use crate::value::{Kind, Marks, PathStep, Type, Unknown, Value, unify};

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
pub(super) struct Env<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a Value,
    pub(super) outer: Option<&'a Env<'a>>,
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
    Evaluator { scope, room: MAX_TEMPLATE_HEIGHT, spent: &Spent::default() }.eval(expr, None)
}

/// "A list of string", "An object".
fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "An" } else { "A" };
    format!("{article} {noun}")
}

pub(super) fn fail<T>(summary: &str, detail: impl Into<String>, span: Span) -> Result<T, EvalError> {
    Err(Box::new(Diagnostic::error(summary, detail).at(span)))
}

pub(super) struct Evaluator<'s> {
    pub(super) scope: &'s dyn Scope,
    /// How high templates that are read while evaluating may still be.
    pub(super) room: u32,
    pub(super) spent: &'s Spent,
}

/// So many elements, those of inner loops included, may one expression go
/// through.
const MAX_ROUNDS: u32 = 10_000_000;

/// So many bytes may the texts have together that one expression makes.
const MAX_TEXT: usize = 512 * 1024 * 1024;

/// What an expression has used, so that none takes all memory.
#[derive(Default)]
pub(super) struct Spent {
    rounds: Cell<u32>,
    text: Cell<usize>,
}

impl Spent {
    /// Another element is gone through.
    pub(super) fn round(&self, span: Span) -> Result<(), EvalError> {
        self.rounds.set(self.rounds.get().saturating_add(1));
        if self.rounds.get() > MAX_ROUNDS {
            let detail = format!("This expression goes through more than {MAX_ROUNDS} elements.");
            return fail("Expression too large", detail, span);
        }
        Ok(())
    }

    /// A value was made.
    fn made(&self, value: &Value, span: Span) -> Result<(), EvalError> {
        let Some(text) = value.as_str() else { return Ok(()) };
        self.text.set(self.text.get().saturating_add(text.len()));
        if self.text.get() > MAX_TEXT {
            let detail = "The texts that this expression makes have more than 512 MiB together.";
            return fail("Expression too large", detail, span);
        }
        Ok(())
    }
}

impl Evaluator<'_> {
    pub(super) fn eval(&self, expr: &Expr, env: Option<&Env<'_>>) -> EvalResult {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(value) => Ok(value.clone()),
            ExprKind::Template(parts) => {
                let value = self.template(parts, env)?;
                self.spent.made(&value, span)?;
                Ok(value)
            }
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
            ExprKind::Group(inner) => self.eval(inner, env),
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
                        let is_element = matches!(e.path.steps().first(), Some(PathStep::Index(_)));
                        format!("{} {}: ", if is_element { "element" } else { "attribute" }, e.path)
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
                        format!(
                            "{} cannot stand in text; a string is needed.",
                            with_article(&value.ty().friendly())
                        ),
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
        let value = if known { Value::from(text) } else { Value::refined(Unknown::beginning(&text)) };
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

    /// Both results are looked at, since they have one type; a mistake in the
    /// one that is not taken does not count.
    pub(super) fn conditional(
        &self,
        three: &(Expr, Expr, Expr),
        env: Option<&Env<'_>>,
        span: Span,
    ) -> EvalResult {
        let condition = self.boolean(&three.0, env, "The condition")?;
        let (taken, other) = match condition.as_bool() {
            Some(true) => (self.eval(&three.1, env)?, self.eval(&three.2, env).ok()),
            Some(false) => (self.eval(&three.2, env)?, self.eval(&three.1, env).ok()),
            // What is wrong with a side counts once it is taken.
            None => {
                let unsure = |_| Value::unknown(Type::Dynamic);
                (
                    self.eval(&three.1, env).unwrap_or_else(unsure),
                    Some(self.eval(&three.2, env).unwrap_or_else(unsure)),
                )
            }
        };
        let marks = condition.marks();
        let Some(other) = other else { return Ok(taken.with_marks(marks)) };
        // Which one is taken may be a secret of either.
        let marks = marks.union(taken.marks()).union(other.marks());
        let ty = common_type(&taken, &other).ok_or_else(|| inconsistent(&taken, &other, span))?;
        if condition.is_known() || taken.is_null() && other.is_null() {
            let converted = taken.convert(&ty).map_err(|_| inconsistent(&taken, &other, span))?;
            return Ok(converted.with_marks(marks));
        }
        let both = (taken.convert(&ty).unwrap_or(taken), other.convert(&ty).unwrap_or(other));
        Ok(Value::refined(Unknown::either(ty, &both.0, &both.1)).with_marks(marks))
    }

    /// A known or unknown bool; null and other types are errors.
    pub(super) fn boolean(&self, expr: &Expr, env: Option<&Env<'_>>, what: &str) -> EvalResult {
        let value = self.eval(expr, env)?;
        match value.convert(&Type::Bool) {
            Ok(bool) if !bool.is_null() => Ok(bool),
            _ => {
                fail("Not a bool", format!("{what} must be true or false, not {}.", value.show()), expr.span)
            }
        }
    }

    fn call(&self, call: &Call, env: Option<&Env<'_>>, span: Span) -> EvalResult {
        let name = call.name.strip_prefix("core::").unwrap_or(&call.name);
        // A module may call a provider by another name; one has functions.
        let by_own_name =
            functions::of_provider(name).map(|function| format!("provider::terraform::{function}"));
        let name = by_own_name.as_deref().unwrap_or(name);
        match name {
            "try" => return self.try_call(call, env, span),
            "can" => return self.can_call(call, env, span),
            "templatefile" | "templatestring" => return self.template_call(name, call, env, span),
            _ => {}
        }
        let mut args = Vec::with_capacity(call.args.len());
        for (i, arg) in call.args.iter().enumerate() {
            let value = self.eval(arg, env)?;
            if !(call.expand && i + 1 == call.args.len()) {
                args.push(value);
            } else if let Some(items) = value.as_items() {
                args.extend(items.iter().map(|item| item.clone().with_marks(value.marks())));
            } else if matches!(value.kind(), Kind::Unknown(found) if found.ty == Type::Dynamic || is_sequence(&found.ty))
            {
                return Ok(Value::unknown(Type::Dynamic).with_marks(value.marks()));
            } else {
                return fail(
                    "Invalid expansion",
                    "The argument before ... must be a list, set or tuple.",
                    arg.span,
                );
            }
        }
        if !functions::exists(name) {
            return Err(Box::new(
                Diagnostic::error(
                    "Call to unknown function",
                    format!("There is no function named {:?}.", call.name),
                )
                .at(span)
                .suggest(name, functions::names()),
            ));
        }
        let value = functions::call(name, &args, &self.scope.functions()).map_err(|e| {
            let place = e.argument.and_then(|i| call.args.get(i)).map_or(span, |arg| arg.span);
            Box::new(Diagnostic::error("Error in function call", e.message).at(place))
        })?;
        self.spent.made(&value, span)?;
        Ok(value)
    }

    /// The first argument that can be evaluated. One that is not wholly known
    /// may still turn out to fail.
    fn try_call(&self, call: &Call, env: Option<&Env<'_>>, span: Span) -> EvalResult {
        let mut last = None;
        for arg in &call.args {
            match self.eval(arg, env) {
                Ok(value) if value.is_wholly_known() => return Ok(value),
                Ok(value) => return Ok(Value::unknown(Type::Dynamic).with_marks(value.deep_marks())),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| wrong_count("The function \"try\" needs an argument.", span)))
    }

    fn can_call(&self, call: &Call, env: Option<&Env<'_>>, span: Span) -> EvalResult {
        let [arg] = call.args.as_slice() else {
            return Err(wrong_count("The function \"can\" takes one argument.", span));
        };
        Ok(match self.eval(arg, env) {
            Ok(value) if value.is_wholly_known() => true.into(),
            Ok(_) => Value::unknown_not_null(Type::Bool),
            Err(_) => false.into(),
        })
    }
}

fn is_sequence(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::Set(_) | Type::Tuple(_))
}

/// The type of a conditional's result: what both convert to. A null of no type
/// takes the type of the other, and so does what may have any type.
fn common_type(a: &Value, b: &Value) -> Option<Type> {
    let untyped = |v: &Value| v.is_null() && v.ty() == Type::Dynamic;
    match (a.ty(), b.ty()) {
        (a, b) if a == b => Some(a),
        (_, other) if untyped(a) => Some(other),
        (other, _) if untyped(b) => Some(other),
        (Type::Dynamic, _) | (_, Type::Dynamic) => Some(Type::Dynamic),
        (a, b) => unify([a, b]),
    }
}

fn inconsistent(a: &Value, b: &Value, span: Span) -> EvalError {
    let detail = format!(
        "Both results must have one type, but one is {} and the other is {}.",
        a.ty().friendly(),
        b.ty().friendly()
    );
    Box::new(Diagnostic::error("Inconsistent conditional result types", detail).at(span))
}

fn wrong_count(detail: &str, span: Span) -> EvalError {
    Box::new(Diagnostic::error("Wrong number of arguments", detail).at(span))
}
