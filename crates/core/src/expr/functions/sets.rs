//! Functions over sets.
//!
//! Guarantees: sets of different element types meet in the type they share;
//! work is linear or near it in the number of elements, and the size of a
//! product is checked before it is made.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::FunctionContext;
use super::collections::{common, sequence};
use super::declare::Want::{Any, Set};
use super::declare::{Fault, Function, Returns, check_count, conversion, failure, param};
use crate::value::{Kind, Type, Value, unify};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("setintersection", &[param("first_set", Set).open()], Returns::Of(set_type), intersection)
        .rest(param("other_sets", Set).open(), 0),
    Function::new("setproduct", &[], Returns::Of(product_type), product)
        .rest(param("sets", Any).shallow(), 2),
    Function::new(
        "setsubtract",
        &[param("a", Set).open(), param("b", Set).open()],
        Returns::Of(set_type),
        subtract,
    ),
    Function::new("setunion", &[param("first_set", Set).open()], Returns::Of(set_type), union)
        .rest(param("other_sets", Set).open(), 0),
];

/// A value under the total order, so that it can be looked up.
#[derive(Clone, Copy)]
pub(super) struct Ordered<'a>(pub(super) &'a Value);

impl Ord for Ordered<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(other.0)
    }
}

impl PartialOrd for Ordered<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered<'_> {}

/// The element type that all share; empty sets of no type have no say.
fn element(args: &[Value]) -> Option<Type> {
    let empty = |i: usize| args.get(i).and_then(Value::as_items).is_some_and(<[_]>::is_empty);
    let types: Vec<Type> = (0..args.len())
        .map(|i| (i, common(args, i)))
        .filter(|(i, ty)| *ty != Type::Dynamic || !empty(*i))
        .map(|(_, ty)| ty)
        .collect();
    let same = unify(types.iter().cloned())?;
    (same != Type::Dynamic || types.iter().all(|ty| *ty == Type::Dynamic)).then_some(same)
}

fn set_type(args: &[Value]) -> Type {
    Type::set(element(args).unwrap_or_default())
}

/// The sets with elements of the one type that all share.
fn alike(args: &[Value]) -> Result<(Type, Vec<Value>), Fault> {
    let element = element(args).ok_or_else(|| failure("all sets must have the same element type"))?;
    let ty = Type::set(element.clone());
    let sets = args.iter().enumerate().map(|(i, arg)| arg.convert(&ty).map_err(|e| conversion(i, &e)));
    Ok((element, sets.collect::<Result<_, _>>()?))
}

fn lookup(set: &Value) -> BTreeSet<Ordered<'_>> {
    set.as_items().unwrap_or_default().iter().map(Ordered).collect()
}

fn union(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    if !args.iter().all(Value::is_known) {
        return Ok(Value::unknown_not_null(set_type(args)));
    }
    let (element, sets) = alike(args)?;
    let all = sets.iter().filter_map(Value::as_items).flatten().cloned().collect();
    Ok(Value::set(element, all))
}

fn intersection(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let (element, sets) = alike(args)?;
    if !args.iter().all(Value::is_wholly_known) {
        return Ok(Value::unknown_not_null(Type::set(element)));
    }
    let Some((first, others)) = sets.split_first() else { return Ok(Value::set(element, Vec::new())) };
    let others: Vec<_> = others.iter().map(lookup).collect();
    let in_all = |item: &&Value| others.iter().all(|other| other.contains(&Ordered(item)));
    let kept = first.as_items().unwrap_or_default().iter().filter(in_all).cloned().collect();
    Ok(Value::set(element, kept))
}

fn subtract(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let (element, sets) = alike(args)?;
    if !args.iter().all(Value::is_wholly_known) {
        return Ok(Value::unknown_not_null(Type::set(element)));
    }
    let without = sets.get(1).map(lookup).unwrap_or_default();
    let from = sets.first().and_then(Value::as_items).unwrap_or_default();
    let kept = from.iter().filter(|item| !without.contains(&Ordered(item))).cloned().collect();
    Ok(Value::set(element, kept))
}

/// The type of a product before its sets are known.
fn product_type(args: &[Value]) -> Type {
    let element = args.iter().enumerate().map(|(i, arg)| match arg.ty() {
        Type::Tuple(types) => unify(types.iter().cloned()).unwrap_or_default(),
        _ => common(args, i),
    });
    let element = Type::Tuple(element.collect());
    let any_set = args.iter().any(|arg| matches!(arg.ty(), Type::Set(_)));
    if any_set { Type::set(element) } else { Type::list(element) }
}

/// All combinations: a set when an argument is one, else a list.
fn product(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let any_set = args.iter().any(|arg| matches!(arg.kind(), Kind::Set(_)));
    let mut lists = Vec::with_capacity(args.len());
    let mut count = Some(1usize);
    for (i, arg) in args.iter().enumerate() {
        sequence(args, i)?;
        let list = arg.convert(&Type::list(Type::Dynamic)).map_err(|e| conversion(i, &e))?;
        let length = list.as_items().map_or(0, <[_]>::len);
        count = if length == 0 { Some(0) } else { count.and_then(|n| n.checked_mul(length)) };
        lists.push(list);
        if length == 0 {
            break;
        }
    }
    check_count(count.and_then(|n| n.checked_mul(args.len())))?;
    let element = match product_type(args) {
        Type::Set(element) | Type::List(element) => (*element).clone(),
        other => other,
    };
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for list in &lists {
        let items = list.as_items().unwrap_or_default();
        rows = rows
            .iter()
            .flat_map(|row| items.iter().map(move |item| row.iter().chain([item]).cloned().collect()))
            .collect();
    }
    let rows = rows.into_iter().map(Value::tuple).collect();
    Ok(if any_set { Value::set(element, rows) } else { Value::list(element, rows) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::call;
    use super::super::testing::{check, context};
    use super::*;

    #[test]
    fn cases() {
        let wide: Vec<i64> = (0..2000).collect();
        check(&[
            ("setintersection", json!([["a", "b"], ["b", "c"], ["b"]]), Ok(json!(["b"]))),
            ("setintersection", json!(["a"]), Err("a set")),
            ("setproduct", json!([["a", "b"], [1, 2]]), Ok(json!([["a", 1], ["a", 2], ["b", 1], ["b", 2]]))),
            ("setproduct", json!([["a"], []]), Ok(json!([]))),
            ("setproduct", json!([["a"]]), Err("missing")),
            ("setproduct", json!([wide, wide, wide]), Err("larger than")),
            ("setsubtract", json!([["a", "b"], ["a"]]), Ok(json!(["b"]))),
            ("setsubtract", json!([["a"]]), Err("missing")),
            ("setunion", json!([["b"], ["a", 1]]), Ok(json!(["1", "a", "b"]))),
            ("setunion", json!([[true], [[]]]), Err("the same element type")),
        ]);
    }

    #[test]
    fn a_product_of_sets_is_a_set() {
        let set = Value::set(Type::String, vec!["a".into()]);
        let made = call("setproduct", &[set.clone(), set], &context()).expect("setproduct");
        assert!(matches!(made.kind(), Kind::Set(_)));
    }
}
