//! Conversion between types.
//!
//! Rules as Terraform has them: numbers and bools turn into strings and back,
//! tuples into lists and sets, objects into maps and back where the shape
//! fits; `optional()` attributes fill with null.

use std::sync::Arc;

use super::{Bounds, Entries, Kind, Number, ObjectType, Path, Type, Unknown, Value, unify};

/// Why a value does not convert. `path` leads to the part that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConvertError {
    /// The part at fault; the root when it is the whole.
    pub path: Path,
    /// What was wanted there: "a number is required".
    pub message: String,
}

fn required(ty: &Type, path: &Path) -> ConvertError {
    let name = ty.friendly();
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    ConvertError { path: path.clone(), message: format!("{article} {name} is required") }
}

/// Whether a collection takes elements of any one type.
fn open(want: &Type) -> bool {
    matches!(want, Type::List(t) | Type::Set(t) if **t == Type::Dynamic)
}

fn mixed(path: &Path) -> ConvertError {
    ConvertError { path: path.clone(), message: "all elements must have the same type".into() }
}

impl Value {
    /// The value as `want`. Marks stay.
    ///
    /// # Errors
    /// Where a part cannot be what is wanted.
    pub fn convert(&self, want: &Type) -> Result<Value, ConvertError> {
        convert(self, want, &Path::root())
    }
}

fn convert(value: &Value, want: &Type, path: &Path) -> Result<Value, ConvertError> {
    let marks = value.marks();
    let converted = match (value.kind(), want) {
        (_, Type::Dynamic) => return Ok(value.clone()),
        (Kind::Null(have), _) if have.converts_to(want) => Value::null(replace_dynamic(have, want)),
        (Kind::Unknown(unknown), _) => convert_unknown(unknown, want, path)?,
        (Kind::Bool(_), Type::Bool) | (Kind::Number(_), Type::Number) | (Kind::String(_), Type::String) => {
            return Ok(value.clone());
        }
        (Kind::Bool(b), Type::String) => Value::from(if *b { "true" } else { "false" }),
        (Kind::Number(n), Type::String) => n.to_string().into(),
        (Kind::String(s), Type::Number) => {
            s.parse::<Number>().map(Value::from).map_err(|()| required(want, path))?
        }
        (Kind::String(s), Type::Bool) => match &**s {
            "true" | "1" => true.into(),
            "false" | "0" => false.into(),
            _ => return Err(required(want, path)),
        },
        (Kind::Set(l), Type::List(_)) if l.items.len() > 1 && !value.is_wholly_known() => {
            // How many there will be is open.
            convert_unknown(&Arc::new(value.known()), want, path)?
        }
        (Kind::List(l) | Kind::Set(l), Type::List(element)) => {
            sequence(&l.items, &l.element, element, path, Value::list)?
        }
        (Kind::Tuple(_), Type::List(_) | Type::Set(_)) if open(want) && !value.ty().converts_to(want) => {
            return Err(mixed(path));
        }
        (Kind::Tuple(items), Type::List(element)) => {
            sequence(items, &Type::Dynamic, element, path, Value::list)?
        }
        (Kind::List(l) | Kind::Set(l), Type::Set(element)) => {
            sequence(&l.items, &l.element, element, path, Value::set)?
        }
        (Kind::Tuple(items), Type::Set(element)) => {
            sequence(items, &Type::Dynamic, element, path, Value::set)?
        }
        (Kind::Tuple(items), Type::Tuple(types)) => tuple(items, types, want, path)?,
        (Kind::Map(m), Type::Map(element)) => mapping(&m.items, &m.element, element, path)?,
        (Kind::Object(o), Type::Map(element)) => mapping(o, &Type::Dynamic, element, path)?,
        (Kind::Map(m), Type::Object(_)) => object(&m.items, want, path)?,
        (Kind::Object(o), Type::Object(_)) => object(o, want, path)?,
        _ => return Err(required(want, path)),
    };
    Ok(converted.with_marks(marks))
}

fn convert_unknown(unknown: &Arc<Unknown>, want: &Type, path: &Path) -> Result<Value, ConvertError> {
    let have = &unknown.ty;
    if !have.converts_to(want) {
        return Err(required(want, path));
    }
    // Elements of a set may turn out to be the same.
    let distinct =
        |lengths: Bounds<usize>| Bounds { least: lengths.least.map(|least| least.min(1)), ..lengths };
    let lengths = match (have, want) {
        (Type::Tuple(parts), Type::List(_)) => Bounds::exactly(parts.len()),
        (Type::Tuple(parts), Type::Set(_)) => distinct(Bounds::exactly(parts.len())),
        (Type::Object(object), Type::Map(_)) => Bounds::exactly(object.attributes.len()),
        (_, Type::Set(_)) if !matches!(have, Type::Set(_)) => distinct(unknown.lengths.clone()),
        _ => unknown.lengths.clone(),
    };
    let prefix = unknown.prefix.clone().filter(|_| *want == Type::String);
    let numbers = if *want == Type::Number { unknown.numbers.clone() } else { Bounds::default() };
    let ty = replace_dynamic(have, want);
    Ok(Value::refined(Unknown { ty, not_null: unknown.not_null, prefix, lengths, numbers }))
}

impl Type {
    /// Whether some value of this type could convert to `want`.
    pub fn converts_to(&self, want: &Type) -> bool {
        match (self, want) {
            (Type::Dynamic, _) | (_, Type::Dynamic) => true,
            (Type::Bool, Type::Number) | (Type::Number, Type::Bool) => false,
            (a, b) if a.is_primitive() && b.is_primitive() => true,
            (Type::List(a) | Type::Set(a), Type::List(b) | Type::Set(b)) | (Type::Map(a), Type::Map(b)) => {
                a.converts_to(b)
            }
            (Type::Tuple(parts), Type::List(element) | Type::Set(element)) => {
                fits_in(parts.iter(), element, false)
            }
            (Type::Object(object), Type::Map(element)) => fits_in(object.attributes.values(), element, true),
            (Type::Tuple(a), Type::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.converts_to(b))
            }
            (Type::Map(element), Type::Object(object)) => object
                .attributes
                .iter()
                .all(|(name, want)| element.converts_to(want) || object.optional.contains(name)),
            (Type::Object(a), Type::Object(b)) => {
                b.attributes.iter().all(|(name, want)| match a.attributes.get(name) {
                    Some(have) => have.converts_to(want),
                    None => b.optional.contains(name),
                })
            }
            _ => false,
        }
    }
}

/// Whether parts of these types can be elements of one collection.
fn fits_in<'t>(parts: impl Iterator<Item = &'t Type> + Clone, element: &Type, open: bool) -> bool {
    if *element != Type::Dynamic {
        return parts.clone().all(|part| part.converts_to(element));
    }
    match unify(parts.clone().cloned()) {
        None => false,
        Some(Type::Dynamic) => open || parts.clone().all(|part| *part == Type::Dynamic),
        Some(_) => true,
    }
}

/// What is wanted, with what is known of the value's own type put in where
/// anything will do.
fn replace_dynamic(have: &Type, want: &Type) -> Type {
    let joined =
        |parts: Vec<Type>, element: &Type| replace_dynamic(&unify(parts).unwrap_or_default(), element);
    match (have, want) {
        (_, want) if !want.has_dynamic() => want.clone(),
        (Type::Dynamic, want) => want.clone(),
        (have, Type::Dynamic) => have.clone(),
        (Type::Map(a), Type::Map(b)) => Type::map(replace_dynamic(a, b)),
        (Type::Object(a), Type::Map(b)) => Type::map(joined(a.attributes.values().cloned().collect(), b)),
        (Type::List(a) | Type::Set(a), Type::List(b)) => Type::list(replace_dynamic(a, b)),
        (Type::List(a) | Type::Set(a), Type::Set(b)) => Type::set(replace_dynamic(a, b)),
        (Type::Tuple(a), Type::List(b)) => Type::list(joined(a.to_vec(), b)),
        (Type::Tuple(a), Type::Set(b)) => Type::set(joined(a.to_vec(), b)),
        (Type::Tuple(a), Type::Tuple(b)) => {
            Type::Tuple(a.iter().zip(b.iter()).map(|(a, b)| replace_dynamic(a, b)).collect())
        }
        (have, Type::Object(object)) => {
            let part = |name: &Arc<str>, want: &Type| match have {
                Type::Map(element) => replace_dynamic(element, want),
                Type::Object(have) => {
                    have.attributes.get(name).map_or(want.clone(), |have| replace_dynamic(have, want))
                }
                _ => want.clone(),
            };
            let attributes = object.attributes.iter().map(|(name, want)| (name.clone(), part(name, want)));
            Type::Object(Arc::new(ObjectType { attributes: attributes.collect(), ..(**object).clone() }))
        }
        (_, want) => want.clone(),
    }
}

/// Elements that had the type `have` as elements of the type `want`.
fn sequence(
    items: &[Value],
    have: &Type,
    want: &Type,
    path: &Path,
    build: fn(Type, Vec<Value>) -> Value,
) -> Result<Value, ConvertError> {
    let mut converted = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        converted.push(convert(item, want, &path.index(i))?);
    }
    let (element, converted) = settle(have, want, converted, path)?;
    Ok(build(element, converted))
}

fn mapping(items: &Entries, have: &Type, want: &Type, path: &Path) -> Result<Value, ConvertError> {
    let mut converted = Vec::with_capacity(items.len());
    for (key, item) in items {
        converted.push(convert(item, want, &path.attribute(key.clone()))?);
    }
    let (element, converted) = settle(have, want, converted, path)?;
    Ok(Value::map(element, items.keys().cloned().zip(converted)))
}

/// Gives the elements of a collection "of any" the one type they share.
fn settle(
    have: &Type,
    want: &Type,
    items: Vec<Value>,
    path: &Path,
) -> Result<(Type, Vec<Value>), ConvertError> {
    if items.is_empty() {
        return if have.converts_to(want) {
            Ok((replace_dynamic(have, want), items))
        } else {
            Err(required(want, path))
        };
    }
    if !want.has_dynamic() {
        return Ok((want.clone(), items));
    }
    let mut common = unify(items.iter().map(Value::ty)).ok_or_else(|| mixed(path))?;
    if common == Type::Dynamic {
        // Nulls of no type take on the type of the others.
        let others = items.iter().filter(|v| !(v.is_null() && v.ty() == Type::Dynamic)).map(Value::ty);
        common = unify(others).ok_or_else(|| mixed(path))?;
    }
    let all_as = |items: &[Value], ty: &Type| {
        items.iter().map(|v| convert(v, ty, path)).collect::<Result<Vec<_>, _>>()
    };
    let mut items = all_as(&items, &common)?;
    if common.has_dynamic() {
        common = unify(items.iter().map(Value::ty)).ok_or_else(|| mixed(path))?;
        items = all_as(&items, &common)?;
        let mut types = items.iter().map(Value::ty);
        let first = types.next().unwrap_or_default();
        return if types.all(|ty| ty == first) { Ok((first, items)) } else { Err(mixed(path)) };
    }
    Ok((common, items))
}

fn tuple(items: &[Value], types: &[Type], want: &Type, path: &Path) -> Result<Value, ConvertError> {
    if items.len() != types.len() {
        return Err(ConvertError {
            path: path.clone(),
            message: format!("a {} of {} elements is required", want.friendly(), types.len()),
        });
    }
    let items = items.iter().zip(types).enumerate();
    Ok(Value::tuple(items.map(|(i, (v, t))| convert(v, t, &path.index(i))).collect::<Result<Vec<_>, _>>()?))
}

fn object(items: &Entries, want: &Type, path: &Path) -> Result<Value, ConvertError> {
    let Type::Object(shape) = want else { return Err(required(want, path)) };
    let missing: Vec<_> = shape
        .attributes
        .keys()
        .filter(|name| !items.contains_key(*name) && !shape.optional.contains(*name))
        .map(|name| format!("{name:?}"))
        .collect();
    if !missing.is_empty() {
        let (noun, verb) = if missing.len() == 1 { ("attribute", "is") } else { ("attributes", "are") };
        return Err(ConvertError {
            path: path.clone(),
            message: format!("{noun} {} {verb} required", missing.join(", ")),
        });
    }
    let mut attributes = Entries::new();
    for (name, ty) in &shape.attributes {
        let value = match items.get(name) {
            Some(value) => convert(value, ty, &path.attribute(name.clone()))?,
            None => Value::null(ty.clone()),
        };
        attributes.insert(name.clone(), value);
    }
    Ok(Kind::Object(Arc::new(attributes)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions() {
        let cases: [(Value, Type, Option<Value>); 7] = [
            (true.into(), Type::String, Some("true".into())),
            ("12".into(), Type::Number, Some(12i64.into())),
            ("x".into(), Type::Number, None),
            (
                Value::tuple([1i64.into(), "a".into()]),
                Type::list(Type::Dynamic),
                Some(Value::list(Type::String, vec!["1".into(), "a".into()])),
            ),
            (
                Value::object([("a", 1i64.into())]),
                Type::map(Type::String),
                Some(Value::map(Type::String, [("a".into(), "1".into())])),
            ),
            (Value::object::<&str>([]), Type::object([("a", Type::String)]), None),
            (Value::NULL, Type::Number, Some(Value::null(Type::Number))),
        ];
        for (from, to, expected) in cases {
            assert_eq!(from.convert(&to).ok(), expected, "{from:?} to {to}");
        }
    }

    #[test]
    fn the_part_at_fault_is_named() {
        let error = Value::tuple([1i64.into(), "x".into()])
            .convert(&Type::list(Type::Number))
            .expect_err("no number");
        assert_eq!(error.path.to_string(), "[1]");
        assert_eq!(error.message, "a number is required");
    }
}
