//! Operators, with unknown operands, nulls and marks.

use super::ast::{BinaryOperator, Expr, UnaryOperator};
use super::eval::{Env, EvalError, EvalResult, Evaluator, fail};
use crate::diag::{Diagnostic, Span};
use crate::value::{Kind, Number, Type, Unknown, Value};

impl Evaluator<'_> {
    pub(super) fn binary(
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
        let number = |value: &Value, span: Span| -> Result<Value, EvalError> {
            match value.convert(&Type::Number) {
                Ok(n) if !n.is_null() => Ok(n),
                _ => {
                    let error = Diagnostic::error("Invalid operand", not_a(&Type::Number, value)).at(span);
                    let joins = operator == B::Add && value.as_str().is_some();
                    let hint = "Texts are joined in one: \"${a}${b}\".";
                    Err(Box::new(if joins { error.hint(hint) } else { error }))
                }
            }
        };
        let (a, b) = (number(&a, left.span)?, number(&b, right.span)?);
        let (Some(x), Some(y)) = (a.as_number(), b.as_number()) else {
            return Ok(before_known(operator, &a.known(), &b.known()).with_marks(marks));
        };
        let undefined = || {
            let detail = format!("There is no such number: {x} {} {y}.", operator.symbol());
            Box::new(Diagnostic::error("Undefined result", detail).at(left.span.to(right.span)))
        };
        let number = |result: Option<Number>| result.map(Value::from).ok_or_else(undefined);
        let result = match operator {
            B::Add => number(x.add(y))?,
            B::Subtract => number(x.sub(y))?,
            B::Multiply => number(x.mul(y))?,
            B::Divide => number(x.div(y))?,
            B::Modulo => number(x.rem(y))?,
            B::Less => x.compare(y).is_lt().into(),
            B::LessOrEqual => x.compare(y).is_le().into(),
            B::Greater => x.compare(y).is_gt().into(),
            _ => Value::from(x.compare(y).is_ge()),
        };
        Ok(result.with_marks(marks))
    }

    /// The operand that settles the result hides mistakes of the other, but
    /// for one of a wrong type. To `&&`, null is as good as false.
    fn logical(&self, and: bool, left: &Expr, right: &Expr, env: Option<&Env<'_>>) -> EvalResult {
        let settles = |v: &Value| v.as_bool() == Some(!and) || (and && v.is_null());
        let (a, b) = match (self.eval(left, env), self.eval(right, env)) {
            (Ok(a), Ok(b)) => (bool_operand(&a, left.span)?, bool_operand(&b, right.span)?),
            (Ok(one), Err(error)) | (Err(error), Ok(one)) => {
                let one = bool_operand(&one, left.span)?;
                let settled = Value::from(!and).with_marks(one.marks());
                return if settles(&one) { Ok(settled) } else { Err(error) };
            }
            (Err(error), Err(_)) => return Err(error),
        };
        let result = match (a.as_bool(), b.as_bool()) {
            _ if settles(&a) || settles(&b) => Value::from(!and),
            (Some(_), Some(_)) => Value::from(and),
            _ if !a.is_known() || !b.is_known() => Value::unknown_not_null(Type::Bool),
            _ => {
                let (value, span) = if a.is_null() { (&a, left.span) } else { (&b, right.span) };
                return fail("Invalid operand", not_a(&Type::Bool, value), span);
            }
        };
        Ok(result.with_marks(a.marks().union(b.marks())))
    }
}

/// What an operator over numbers gives while one of them is not known: a
/// comparison may be settled already by between what they will be.
fn before_known(operator: BinaryOperator, a: &Unknown, b: &Unknown) -> Value {
    use BinaryOperator as B;
    let less = |a: &Unknown, b: &Unknown| {
        let yes = a.numbers.are_below(&b.numbers).then_some(true);
        yes.or_else(|| b.numbers.are_up_to(&a.numbers).then_some(false))
    };
    let settled = match operator {
        B::Add | B::Subtract | B::Multiply | B::Divide | B::Modulo => {
            return Value::unknown_not_null(Type::Number);
        }
        _ if !a.not_null || !b.not_null => None,
        B::Less => less(a, b),
        B::Greater => less(b, a),
        B::LessOrEqual => less(b, a).map(|more| !more),
        _ => less(a, b).map(|less| !less),
    };
    settled.map_or_else(|| Value::unknown_not_null(Type::Bool), Value::from)
}

pub(super) fn unary(operator: UnaryOperator, value: &Value, span: Span) -> EvalResult {
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

/// Equality as `==` has it: values of different types differ, except that a
/// null equals any null. `None` while something unknown could still decide it.
fn equal(a: &Value, b: &Value) -> Option<bool> {
    match (a.is_null(), b.is_null()) {
        (true, true) => Some(true),
        (true, false) => {
            if is_never_null(b) {
                Some(false)
            } else {
                None
            }
        }
        (false, true) => {
            if is_never_null(a) {
                Some(false)
            } else {
                None
            }
        }
        (false, false) => same(a, b),
    }
}

/// Equality inside values, where the types of nulls count too.
pub(super) fn same(a: &Value, b: &Value) -> Option<bool> {
    let all = |mut pairs: &mut dyn Iterator<Item = (&Value, &Value)>| {
        let mut result = Some(true);
        for (a, b) in &mut pairs {
            match same(a, b) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => result = None,
            }
        }
        result
    };
    match (a.kind(), b.kind()) {
        (Kind::Unknown(_), _) | (_, Kind::Unknown(_)) => {
            let open = |v: &Value| matches!(v.kind(), Kind::Unknown(u) if u.ty.has_dynamic());
            let differ = !open(a) && !open(b) && (a.ty() != b.ty() || a.is_apart(b));
            differ.then_some(false)
        }
        (Kind::Null(a), Kind::Null(b)) => Some(a == b),
        (Kind::List(x), Kind::List(y))
            if x.element == y.element || x.element.has_dynamic() || y.element.has_dynamic() =>
        {
            if x.items.len() != y.items.len() {
                return Some(false);
            }
            all(&mut x.items.iter().zip(&y.items))
        }
        (Kind::Set(x), Kind::Set(y))
            if x.element == y.element || x.items.is_empty() || y.items.is_empty() =>
        {
            match a.is_wholly_known() && b.is_wholly_known() {
                true => Some(a == b),
                false => a.is_apart(b).then_some(false),
            }
        }
        (Kind::Tuple(x), Kind::Tuple(y)) if x.len() == y.len() => all(&mut x.iter().zip(y.iter())),
        (Kind::Map(x), Kind::Map(y))
            if x.element == y.element || x.element.has_dynamic() || y.element.has_dynamic() =>
        {
            if !x.items.keys().eq(y.items.keys()) {
                return Some(false);
            }
            all(&mut x.items.values().zip(y.items.values()))
        }
        (Kind::Object(x), Kind::Object(y)) if x.keys().eq(y.keys()) => all(&mut x.values().zip(y.values())),
        (Kind::Bool(_) | Kind::Number(_) | Kind::String(_), _) => Some(a == b),
        _ => Some(false),
    }
}

fn is_never_null(value: &Value) -> bool {
    match value.kind() {
        Kind::Unknown(unknown) => unknown.not_null,
        Kind::Null(_) => false,
        _ => true,
    }
}

fn not_a(ty: &Type, value: &Value) -> String {
    format!("A {} is required here, not {}.", ty.friendly(), value.show())
}

/// A bool, or a null or an unknown of that type.
fn bool_operand(value: &Value, span: Span) -> EvalResult {
    value.convert(&Type::Bool).or_else(|_| fail("Invalid operand", not_a(&Type::Bool, value), span))
}
