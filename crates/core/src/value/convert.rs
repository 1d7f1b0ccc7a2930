//! Conversion between types, and the one type that several values share.
//!
//! Rules as Terraform documents them: numbers and bools turn into strings and
//! back, tuples into lists and sets, objects into maps and the reverse where
//! the shape fits; `optional()` attributes fill with null.

use std::sync::Arc;

use super::{Entries, Kind, Number, Path, Type, Unknown, Value};

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
        (Kind::Null(_), _) => Value::null(want.clone()),
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
        (Kind::List(l) | Kind::Set(l), Type::List(element)) => {
            sequence(&l.items, element, path, Value::list)?
        }
        (Kind::Tuple(items), Type::List(element)) => sequence(items, element, path, Value::list)?,
        (Kind::List(l) | Kind::Set(l), Type::Set(element)) => sequence(&l.items, element, path, Value::set)?,
        (Kind::Tuple(items), Type::Set(element)) => sequence(items, element, path, Value::set)?,
        (Kind::List(l), Type::Tuple(types)) => tuple(&l.items, types, want, path)?,
        (Kind::Tuple(items), Type::Tuple(types)) => tuple(items, types, want, path)?,
        (Kind::Map(m), Type::Map(element)) => mapping(&m.items, element, path)?,
        (Kind::Object(o), Type::Map(element)) => mapping(o, element, path)?,
        (Kind::Map(m), Type::Object(_)) => object(&m.items, want, path)?,
        (Kind::Object(o), Type::Object(_)) => object(o, want, path)?,
        _ => return Err(required(want, path)),
    };
    Ok(converted.with_marks(marks))
}

fn convert_unknown(unknown: &Arc<Unknown>, want: &Type, path: &Path) -> Result<Value, ConvertError> {
    if !may_convert(&unknown.ty, want) {
        return Err(required(want, path));
    }
    let mut unknown = (**unknown).clone();
    unknown.ty = match want.has_dynamic() {
        // The element type will be whatever the value turns out to have.
        true if unknown.ty != Type::Dynamic
            && !matches!(want, Type::List(_) | Type::Set(_) | Type::Map(_)) =>
        {
            unknown.ty
        }
        _ => want.clone(),
    };
    Ok(Value::refined(unknown))
}

/// Whether some value of type `have` could convert to `want`.
fn may_convert(have: &Type, want: &Type) -> bool {
    match (have, want) {
        (Type::Dynamic, _) | (_, Type::Dynamic) => true,
        (Type::Bool, Type::Number) | (Type::Number, Type::Bool) => false,
        (a, b) if a.is_primitive() && b.is_primitive() => true,
        (Type::List(a) | Type::Set(a), Type::List(b) | Type::Set(b)) | (Type::Map(a), Type::Map(b)) => {
            may_convert(a, b)
        }
        (Type::Tuple(ts), Type::List(t) | Type::Set(t)) => ts.iter().all(|have| may_convert(have, t)),
        (Type::List(t), Type::Tuple(ts)) => ts.iter().all(|want| may_convert(t, want)),
        (Type::Tuple(a), Type::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| may_convert(a, b))
        }
        (Type::Object(o), Type::Map(t)) => o.attributes.values().all(|have| may_convert(have, t)),
        (Type::Map(t), Type::Object(o)) => o.attributes.values().all(|want| may_convert(t, want)),
        (Type::Object(a), Type::Object(b)) => {
            b.attributes.iter().all(|(name, want)| match a.attributes.get(name) {
                Some(have) => may_convert(have, want),
                None => b.optional.contains(name),
            })
        }
        _ => false,
    }
}

fn sequence(
    items: &[Value],
    element: &Type,
    path: &Path,
    build: fn(Type, Vec<Value>) -> Value,
) -> Result<Value, ConvertError> {
    let mut converted = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        converted.push(convert(item, element, &path.index(i))?);
    }
    let (element, converted) = settle(element, converted, path)?;
    Ok(build(element, converted))
}

fn mapping(items: &Entries, element: &Type, path: &Path) -> Result<Value, ConvertError> {
    let mut converted = Vec::with_capacity(items.len());
    for (key, item) in items {
        converted.push(convert(item, element, &path.attribute(key.clone()))?);
    }
    let (element, converted) = settle(element, converted, path)?;
    Ok(Value::map(element, items.keys().cloned().zip(converted)))
}

/// Gives the elements of a collection "of any" the one type they share.
fn settle(element: &Type, items: Vec<Value>, path: &Path) -> Result<(Type, Vec<Value>), ConvertError> {
    if !element.has_dynamic() {
        return Ok((element.clone(), items));
    }
    let common = unify(items.iter().map(Value::ty)).ok_or_else(|| ConvertError {
        path: path.clone(),
        message: "all elements must have the same type".into(),
    })?;
    let items = items.iter().map(|v| convert(v, &common, path)).collect::<Result<_, _>>()?;
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

/// The one type that values of all these types convert to; `None` when there
/// is none. No types at all unify to `Dynamic`.
pub fn unify(types: impl IntoIterator<Item = Type>) -> Option<Type> {
    let mut types = types.into_iter().filter(|t| *t != Type::Dynamic);
    let first = types.next().unwrap_or_default();
    types.try_fold(first, |a, b| unify_two(&a, &b))
}

fn unify_two(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (a, b) if a == b => Some(a.clone()),
        (Type::Dynamic, t) | (t, Type::Dynamic) => Some(t.clone()),
        (a, b) if a.is_primitive() && b.is_primitive() => match (a, b) {
            (Type::Bool, Type::Number) | (Type::Number, Type::Bool) => None,
            _ => Some(Type::String),
        },
        (Type::List(a), Type::List(b)) => unify_two(a, b).map(Type::list),
        (Type::Set(a), Type::Set(b)) => unify_two(a, b).map(Type::set),
        (Type::List(a), Type::Set(b)) | (Type::Set(a), Type::List(b)) => unify_two(a, b).map(Type::list),
        (Type::Map(a), Type::Map(b)) => unify_two(a, b).map(Type::map),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            a.iter().zip(b.iter()).map(|(a, b)| unify_two(a, b)).collect::<Option<_>>().map(Type::Tuple)
        }
        (Type::Tuple(a), Type::Tuple(b)) => unify(a.iter().chain(b.iter()).cloned()).map(Type::list),
        (Type::Tuple(ts), Type::List(t)) | (Type::List(t), Type::Tuple(ts)) => {
            unify(ts.iter().cloned().chain([(**t).clone()])).map(Type::list)
        }
        (Type::Tuple(ts), Type::Set(t)) | (Type::Set(t), Type::Tuple(ts)) => {
            unify(ts.iter().cloned().chain([(**t).clone()])).map(Type::set)
        }
        (Type::Object(a), Type::Object(b)) if a.attributes.keys().eq(b.attributes.keys()) => a
            .attributes
            .iter()
            .zip(b.attributes.values())
            .map(|((name, a), b)| Some((name.clone(), unify_two(a, b)?)))
            .collect::<Option<Vec<_>>>()
            .map(Type::object),
        (Type::Object(a), Type::Object(b)) => {
            unify(a.attributes.values().chain(b.attributes.values()).cloned()).map(Type::map)
        }
        (Type::Object(o), Type::Map(t)) | (Type::Map(t), Type::Object(o)) => {
            unify(o.attributes.values().cloned().chain([(**t).clone()])).map(Type::map)
        }
        _ => None,
    }
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
