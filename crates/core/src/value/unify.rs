//! The one type that values of several types convert to, as Terraform finds it.
//!
//! Guarantees: the answer does not depend on values; work is linear in the
//! number of types, of which only distinct ones are compared.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Type;

/// The one type that values of all these types convert to; `None` when there
/// is none. No types at all unify to `Dynamic`.
pub fn unify(types: impl IntoIterator<Item = Type>) -> Option<Type> {
    let mut distinct: Vec<Type> = Vec::new();
    for ty in types {
        if !distinct.contains(&ty) {
            distinct.push(ty);
        }
    }
    match distinct.len() {
        0 => Some(Type::Dynamic),
        1 => distinct.pop(),
        _ => unify_distinct(&distinct),
    }
}

fn unify_distinct(types: &[Type]) -> Option<Type> {
    let count = |is: fn(&Type) -> bool| types.iter().filter(|t| is(t)).count();
    let open = count(|t| matches!(t, Type::Dynamic));
    let lists = count(|t| matches!(t, Type::List(_)));
    let sets = count(|t| matches!(t, Type::Set(_)));
    let maps = count(|t| matches!(t, Type::Map(_)));
    let tuples = count(|t| matches!(t, Type::Tuple(_)));
    let objects = count(|t| matches!(t, Type::Object(_)));
    let all = types.len() - open;
    let alike = [lists, sets, maps, tuples, objects].into_iter().any(|kind| kind > 0 && kind == all);
    if alike && open > 0 {
        // What is open may turn out to have another shape.
        return Some(Type::Dynamic);
    }
    if maps == all {
        return unify(elements(types)).map(Type::map);
    }
    if lists == all {
        return unify(elements(types)).map(Type::list);
    }
    if sets == all {
        return unify(elements(types)).map(Type::set);
    }
    if objects == all {
        return unify_objects(types);
    }
    if tuples == all {
        return unify_tuples(types);
    }
    if objects > 0 && tuples > 0 {
        return None;
    }
    if maps > 0 && maps + objects == all {
        let whole = collected(types, Type::map);
        if let Some(whole @ Type::Map(_)) = whole.and_then(|whole| unify(replaced(types, &whole))) {
            return Some(whole);
        }
    }
    if lists > 0 && lists + tuples == all {
        let whole = collected(types, Type::list);
        if let Some(whole @ Type::List(_)) = whole.and_then(|whole| unify(replaced(types, &whole))) {
            return Some(whole);
        }
    }
    preferred(types)
}

/// The element types of collections.
fn elements(types: &[Type]) -> Vec<Type> {
    let element = |ty: &Type| match ty {
        Type::List(t) | Type::Set(t) | Type::Map(t) => Some((**t).clone()),
        _ => None,
    };
    types.iter().filter_map(element).collect()
}

/// The collection that all the tuples or objects among these types fit in.
fn collected(types: &[Type], collection: fn(Type) -> Type) -> Option<Type> {
    let parts = types.iter().flat_map(|ty| match ty {
        Type::Tuple(parts) => parts.to_vec(),
        Type::Object(object) => object.attributes.values().cloned().collect(),
        _ => Vec::new(),
    });
    let whole = collection(unify(parts)?);
    let structural = types.iter().filter(|ty| matches!(ty, Type::Tuple(_) | Type::Object(_)));
    structural.clone().all(|ty| ty.converts_to(&whole)).then_some(whole)
}

/// The same types, with `whole` in place of tuples and objects.
fn replaced(types: &[Type], whole: &Type) -> Vec<Type> {
    let replace = |ty: &Type| if matches!(ty, Type::Tuple(_) | Type::Object(_)) { whole } else { ty }.clone();
    types.iter().map(replace).collect()
}

fn unify_tuples(types: &[Type]) -> Option<Type> {
    let parts: Vec<&Arc<[Type]>> =
        types.iter().filter_map(|t| if let Type::Tuple(parts) = t { Some(parts) } else { None }).collect();
    let length = parts.first().map_or(0, |first| first.len());
    if parts.iter().any(|other| other.len() != length) {
        return collected(types, Type::list);
    }
    let across = (0..length).map(|i| unify(parts.iter().map(|types| types[i].clone())));
    let whole = Type::Tuple(across.collect::<Option<_>>()?);
    if types.iter().all(|ty| ty.converts_to(&whole)) { Some(whole) } else { collected(types, Type::list) }
}

fn unify_objects(types: &[Type]) -> Option<Type> {
    let parts: Vec<&BTreeMap<Arc<str>, Type>> = types
        .iter()
        .filter_map(|t| if let Type::Object(object) = t { Some(&object.attributes) } else { None })
        .collect();
    let first = parts.first()?;
    if parts.iter().any(|other| !other.keys().eq(first.keys())) {
        return collected(types, Type::map);
    }
    let across = first.keys().map(|name| {
        let ty = unify(parts.iter().filter_map(|types| types.get(name).cloned()))?;
        Some((name.clone(), ty))
    });
    let whole = Type::object(across.collect::<Option<Vec<_>>>()?);
    if types.iter().all(|ty| ty.converts_to(&whole)) { Some(whole) } else { collected(types, Type::map) }
}

/// The first of the types, the more general ones first, that all others
/// convert to.
fn preferred(types: &[Type]) -> Option<Type> {
    let mut left: Vec<&Type> = types.iter().collect();
    while !left.is_empty() {
        let general = |ty: &&Type| left.iter().all(|other| generality(ty, other).is_le());
        let next = left.iter().position(general).unwrap_or(0);
        let candidate = left.remove(next);
        if types.iter().all(|ty| ty == candidate || ty.converts_to(candidate)) {
            return Some(candidate.clone());
        }
    }
    None
}

/// `Less` when `a` is to be tried before `b`.
fn generality(a: &Type, b: &Type) -> Ordering {
    let rank = |ty: &Type| match ty {
        Type::Dynamic => 5,
        Type::Set(_) => 3,
        Type::Tuple(_) | Type::Object(_) => 2,
        Type::List(_) | Type::Map(_) => 1,
        Type::String => 0,
        Type::Bool | Type::Number => 1,
    };
    let kin = |ty: &Type| match ty {
        Type::Dynamic => 0,
        Type::String | Type::Number | Type::Bool => 1,
        Type::List(_) | Type::Set(_) | Type::Tuple(_) => 2,
        Type::Map(_) | Type::Object(_) => 3,
    };
    match (a, b) {
        (Type::List(a), Type::List(b)) | (Type::Set(a), Type::Set(b)) | (Type::Map(a), Type::Map(b)) => {
            generality(a, b)
        }
        _ if *a == Type::Dynamic || *b == Type::Dynamic || kin(a) == kin(b) => rank(a).cmp(&rank(b)),
        _ => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_general_type_wins() {
        let list = || Type::list(Type::Number);
        let tuple = |parts: &[Type]| Type::Tuple(parts.into());
        let cases: [(&[Type], Option<Type>); 10] = [
            (&[], Some(Type::Dynamic)),
            (&[Type::Number, Type::Bool], None),
            (&[Type::Number, Type::Bool, Type::String], Some(Type::String)),
            (&[Type::Number, Type::Dynamic], Some(Type::Number)),
            (&[list(), Type::Dynamic], Some(Type::Dynamic)),
            (&[list(), Type::set(Type::String)], Some(Type::list(Type::Number))),
            (&[list(), tuple(&[Type::String])], Some(Type::list(Type::String))),
            (&[tuple(&[Type::Number]), tuple(&[])], Some(list())),
            (&[tuple(&[]), Type::set(Type::Bool)], Some(Type::set(Type::Bool))),
            (&[tuple(&[]), Type::object::<&str>([])], None),
        ];
        for (types, expected) in cases {
            assert_eq!(unify(types.iter().cloned()), expected, "{types:?}");
        }
    }
}
