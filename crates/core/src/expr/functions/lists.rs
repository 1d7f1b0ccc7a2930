//! Functions that make lists of lists.
//!
//! Guarantees: lists stay lists of one type and tuples stay tuples; elements
//! keep their marks and their unknowns.

use std::collections::BTreeSet;

use super::FunctionContext;
use super::collections::{common, sequence};
use super::declare::Want::{Any, List, Number as Num, Sequence, Strings};
use super::declare::{
    Fault, Function, Param, Returns, check_count, conversion, failure, fault, integer, items, number, param,
    strings,
};
use super::sets::Ordered;
use crate::value::{Kind, Marks, Number, Type, Value, unify};

/// The most elements that `range` makes, as in Terraform.
const MAX_RANGE: usize = 1024;

const STRINGS: &[Param] = &[param("list", Strings)];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "chunklist",
        &[param("list", List).shallow(), param("size", Num)],
        Returns::Of(|args| Type::list(Type::list(common(args, 0)))),
        chunklist,
    ),
    Function::new("compact", STRINGS, Returns::Strings, |args, _| {
        let kept = items(args, 0).iter().filter(|v| v.as_str().is_some_and(|s| !s.is_empty()));
        Ok(strings(kept.cloned()))
    }),
    Function::new("concat", &[], Returns::Any, concat).rest(param("seqs", Any).unknown(), 1),
    Function::new("distinct", &[param("list", List)], Returns::Of(same_list), distinct),
    Function::new("flatten", &[param("list", Any).unknown()], Returns::Any, flatten),
    Function::new(
        "matchkeys",
        &[param("values", List).partial(), param("keys", List), param("searchset", List)],
        Returns::Of(same_list),
        matchkeys,
    ),
    Function::new("range", &[], Returns::Of(|_| Type::list(Type::Number)), range)
        .rest(param("params", Num), 1),
    Function::new("reverse", &[param("list", Sequence).shallow()], Returns::Of(reverse_type), reverse),
    Function::new(
        "slice",
        &[param("list", Any).shallow(), param("start_index", Num), param("end_index", Num)],
        Returns::Of(slice_type),
        slice,
    ),
    Function::new("sort", &[param("list", Strings).partial()], Returns::Strings, sort),
];

fn same_list(args: &[Value]) -> Type {
    Type::list(common(args, 0))
}

fn chunklist(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let (all, element) = (items(args, 0), common(args, 0));
    let size = usize::try_from(integer(args, 1)?).map_err(|_| fault(1, "must not be negative"))?;
    // A size of zero stands for one chunk of everything.
    let size = if size == 0 { all.len().max(1) } else { size };
    let chunks = all.chunks(size).map(|chunk| Value::list(element.clone(), chunk.to_vec())).collect();
    Ok(Value::list(Type::list(element), chunks))
}

fn concat(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let mut elements = Vec::new();
    let (mut all_lists, mut count) = (true, 0usize);
    for (i, arg) in args.iter().enumerate() {
        match arg.ty() {
            Type::List(element) => elements.push((*element).clone()),
            Type::Tuple(_) => all_lists = false,
            Type::Dynamic => return Ok(Value::unknown(Type::Dynamic)),
            Type::Set(_) => {
                return Err(fault(i, "a set has no order; turn it into a list with tolist first"));
            }
            _ => return Err(fault(i, "a list or tuple is required")),
        }
        count = count.saturating_add(arg.as_items().map_or(0, <[_]>::len));
        check_count(Some(count))?;
    }
    let list_of = if all_lists { unify(elements) } else { None };
    let Some(joined) = joined(args) else {
        return Ok(Value::unknown(list_of.map_or(Type::Dynamic, Type::list)));
    };
    match list_of {
        Some(element) => {
            let items = joined.iter().map(|v| v.convert(&element)).collect::<Result<_, _>>();
            Ok(Value::list(element, items.map_err(|e| failure(e.message))?))
        }
        None => Ok(Value::tuple(joined)),
    }
}

/// All elements in order; `None` when a length is not known.
fn joined(args: &[Value]) -> Option<Vec<Value>> {
    let mut all = Vec::new();
    for arg in args {
        match (arg.as_items(), arg.ty()) {
            (Some(items), _) => all.extend_from_slice(items),
            (None, Type::Tuple(types)) => all.extend(types.iter().cloned().map(Value::unknown)),
            _ => return None,
        }
    }
    Some(all)
}

fn distinct(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let mut seen = BTreeSet::new();
    let kept = items(args, 0).iter().filter(|v| seen.insert(Ordered(v))).cloned().collect();
    Ok(Value::list(common(args, 0), kept))
}

/// What `flatten` has met so far.
#[derive(Default)]
struct Flat {
    items: Vec<Value>,
    marks: Marks,
    visited: usize,
    open: bool,
}

fn flatten(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let list = args.first().unwrap_or(&Value::NULL);
    if !matches!(list.ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_) | Type::Dynamic) {
        return Err(fault(0, "a list, set or tuple is required"));
    }
    let mut flat = Flat::default();
    flat.take(list)?;
    let value = if flat.open { Value::unknown(Type::Dynamic) } else { Value::tuple(flat.items) };
    Ok(value.with_marks(flat.marks))
}

impl Flat {
    fn take(&mut self, value: &Value) -> Result<(), Fault> {
        self.visited += 1;
        check_count(Some(self.visited))?;
        match value.kind() {
            Kind::Set(set) if set.items.len() > 1 && !value.is_wholly_known() => self.open = true,
            Kind::List(_) | Kind::Set(_) | Kind::Tuple(_) => {
                // The marks of a list say something of its length.
                self.marks = self.marks.union(value.marks());
                for item in value.as_items().unwrap_or_default() {
                    self.take(item)?;
                }
            }
            Kind::Unknown(u) => match &u.ty {
                Type::Tuple(types) => {
                    self.marks = self.marks.union(value.marks());
                    for ty in types.iter() {
                        self.take(&Value::unknown(ty.clone()))?;
                    }
                }
                Type::Dynamic | Type::List(_) | Type::Set(_) => {
                    self.marks = self.marks.union(value.marks());
                    self.open = true;
                }
                _ => self.items.push(value.clone()),
            },
            _ => self.items.push(value.clone()),
        }
        Ok(())
    }
}

fn matchkeys(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let (values, keys) = (items(args, 0), items(args, 1));
    if values.len() != keys.len() {
        let message = format!("there are {} values but {} keys", values.len(), keys.len());
        return Err(failure(message));
    }
    let common_key = unify([common(args, 1), common(args, 2)]);
    let ty = Type::list(common_key.ok_or_else(|| fault(2, "must have the element type of keys"))?);
    let converted =
        |i: usize| args.get(i).unwrap_or(&Value::NULL).convert(&ty).map_err(|e| conversion(i, &e));
    let (keys, wanted) = (converted(1)?, converted(2)?);
    let wanted: BTreeSet<_> = wanted.as_items().unwrap_or_default().iter().map(Ordered).collect();
    let pairs = values.iter().zip(keys.as_items().unwrap_or_default());
    let kept = pairs.filter(|(_, key)| wanted.contains(&Ordered(key))).map(|(value, _)| value.clone());
    Ok(Value::list(common(args, 0), kept.collect()))
}

fn range(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let zero = Number::from(0i64);
    let (start, end) = match args.len() {
        1 => (zero.clone(), number(args, 0)),
        2 | 3 => (number(args, 0), number(args, 1)),
        _ => return Err(failure("it takes one, two or three arguments")),
    };
    let down = end < start;
    let step = match args.len() {
        3 => number(args, 2),
        _ => Number::from(if down { -1i64 } else { 1 }),
    };
    if step == zero {
        return Err(fault(2, "must not be zero"));
    }
    if start != end && down != (step < zero) {
        let direction = if down { "negative" } else { "positive" };
        return Err(fault(2, format!("must be {direction} to lead from the start to the end")));
    }
    let mut all = Vec::new();
    let mut next = start;
    while if down { next > end } else { next < end } {
        if all.len() >= MAX_RANGE {
            return Err(failure(format!(
                "it would make more than {MAX_RANGE} numbers; use a smaller range or a larger step"
            )));
        }
        all.push(next.clone().into());
        next = next.add(&step).ok_or_else(|| failure("the step is not finite"))?;
    }
    Ok(Value::list(Type::Number, all))
}

fn reverse(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let reversed = sequence(args, 0)?.iter().rev().cloned();
    Ok(match args.first().map(Value::kind) {
        Some(Kind::Tuple(_)) => Value::tuple(reversed),
        _ => Value::list(common(args, 0), reversed.collect()),
    })
}

fn reverse_type(args: &[Value]) -> Type {
    match args.first().map(Value::ty) {
        Some(Type::Tuple(types)) => Type::Tuple(types.iter().rev().cloned().collect()),
        Some(Type::List(_) | Type::Set(_)) => Type::list(common(args, 0)),
        _ => Type::Dynamic,
    }
}

fn slice(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let kind = args.first().map(Value::kind);
    let all = match kind {
        Some(Kind::List(_) | Kind::Tuple(_)) => sequence(args, 0)?,
        Some(Kind::Set(_)) => {
            return Err(fault(0, "a set has no order; turn it into a list with tolist first"));
        }
        _ => return Err(fault(0, "a list or tuple is required")),
    };
    let position =
        |i: usize| usize::try_from(integer(args, i)?).map_err(|_| fault(i, "must not be negative"));
    let (start, end) = (position(1)?, position(2)?);
    if end > all.len() {
        return Err(fault(2, format!("must not be greater than the length of the list, {}", all.len())));
    }
    let part = all.get(start..end).ok_or_else(|| fault(1, "must not be greater than the end index"))?;
    Ok(match kind {
        Some(Kind::Tuple(_)) => Value::tuple(part.iter().cloned()),
        _ => Value::list(common(args, 0), part.to_vec()),
    })
}

fn slice_type(args: &[Value]) -> Type {
    match args.first().map(Value::ty) {
        Some(list @ Type::List(_)) => list,
        _ => Type::Dynamic,
    }
}

fn sort(args: &[Value], _: &FunctionContext<'_>) -> Result<Value, Fault> {
    let mut sorted = items(args, 0).to_vec();
    if let Some(i) = sorted.iter().position(Value::is_null) {
        return Err(fault(0, format!("the element at {i} is null")));
    }
    if sorted.iter().any(|item| !item.is_known()) {
        // Only that there will be as many is known of where each comes to stand.
        return Ok(Value::list(Type::String, vec![Value::unknown(Type::String); sorted.len()]));
    }
    sorted.sort_by(Value::total_cmp);
    Ok(strings(sorted))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::call;
    use super::super::testing::{check, context};
    use super::*;

    #[test]
    fn cases() {
        check(&[
            ("chunklist", json!([["a", "b", "c"], 2]), Ok(json!([["a", "b"], ["c"]]))),
            ("chunklist", json!([["a", "b"], 0]), Ok(json!([["a", "b"]]))),
            ("chunklist", json!([["a"], i64::MAX]), Ok(json!([["a"]]))),
            ("chunklist", json!([["a"], -1]), Err("negative")),
            ("compact", json!([["a", "", null, "b"]]), Ok(json!(["a", "b"]))),
            ("compact", json!([{}]), Err("list of string")),
            ("concat", json!([["a"], [1, []]]), Ok(json!(["a", 1, []]))),
            ("concat", json!([["a"], "b"]), Err("a list or tuple")),
            ("distinct", json!([["b", "a", "b"]]), Ok(json!(["b", "a"]))),
            ("distinct", json!(["a"]), Err("a list")),
            ("flatten", json!([[["a", ["b"]], [], "c", {"x": []}]]), Ok(json!(["a", "b", "c", {"x": []}]))),
            ("flatten", json!(["a"]), Err("a list, set or tuple")),
            ("matchkeys", json!([["i1", "i2", "i3"], ["a", "b", "a"], ["a"]]), Ok(json!(["i1", "i3"]))),
            ("matchkeys", json!([["i1"], [], ["a"]]), Err("1 values but 0 keys")),
            ("range", json!([3]), Ok(json!([0, 1, 2]))),
            ("range", json!([1, 0.5, -0.25]), Ok(json!([1, 0.75]))),
            ("range", json!([4, 1]), Ok(json!([4, 3, 2]))),
            ("range", json!([2, 2]), Ok(json!([]))),
            ("range", json!([1_000_000_000_000_i64]), Err("more than 1024")),
            ("range", json!([0, 5, -1]), Err("must be positive")),
            ("range", json!([0, 5, 0]), Err("must not be zero")),
            ("range", json!([0, 5, 1, 1]), Err("one, two or three")),
            ("reverse", json!([[1, "a"]]), Ok(json!(["a", 1]))),
            ("reverse", json!(["a"]), Err("a list, set or tuple")),
            ("slice", json!([["a", "b", "c", "d"], 1, 3]), Ok(json!(["b", "c"]))),
            ("slice", json!([["a"], 0, 2]), Err("length of the list, 1")),
            ("slice", json!([["a"], 1, 0]), Err("greater than the end")),
            ("sort", json!([["e", "d", "é", "a"]]), Ok(json!(["a", "d", "e", "é"]))),
            ("sort", json!([[null]]), Err("null")),
        ]);
    }

    #[test]
    fn types_are_kept() {
        let list = |items: &[&str]| strings(items.iter().copied());
        let joined = call("concat", &[list(&["a"]), list(&["b"])], &context()).expect("concat");
        assert_eq!(joined.ty(), Type::list(Type::String));
        let flat = call("flatten", &[Value::tuple([list(&["a"])])], &context()).expect("flatten");
        assert_eq!(flat.ty(), Type::Tuple([Type::String].into()));
    }

    #[test]
    fn unknown_elements_pass_and_unknown_lengths_do_not() {
        let open = Value::unknown(Type::String);
        let tuple = Value::tuple(["a".into(), open.clone()]);
        for name in ["concat", "flatten"] {
            let made = call(name, &[Value::tuple([tuple.clone()])], &context()).expect(name);
            assert!(made.is_known() && !made.is_wholly_known(), "{name}");
        }
        let later = Value::unknown(Type::list(Type::String));
        let made = call("concat", &[strings(["a"]), later.clone()], &context()).expect("concat");
        assert_eq!(made, later);
        let made = call("flatten", &[Value::tuple([later])], &context()).expect("flatten");
        assert_eq!(made, Value::unknown(Type::Dynamic));
    }

    #[test]
    fn shared_structure_that_explodes_is_refused() {
        let mut value = Value::tuple([]);
        for _ in 0..40 {
            value = Value::tuple([value.clone(), value]);
        }
        let mut flat = Flat::default();
        assert!(flat.take(&value).is_err());
    }
}
