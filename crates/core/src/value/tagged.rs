//! Values as tagged JSON, the form that state, journal and plan files keep.
//!
//! Scalars, tuples and objects are plain JSON; everything that JSON cannot say
//! is an object with one key that starts with `$` (`$null`, `$unknown`,
//! `$number`, `$list`, `$set`, `$map`, `$sensitive`). A real key that starts
//! with `$` gets one more. Reading it back needs no schema. Written and read
//! as a stream: states hold many thousand values.
//!
//! Must not: write a sensitive value to disk. The tagged form holds it in the
//! clear under `$sensitive`; `state::seal` replaces that before anything is
//! written. An ephemeral value refuses to be serialised at all.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Elements, Entries, Kind, MapElements, Marks, Number, Type, Unknown, Value};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.marks.contains(Marks::EPHEMERAL) {
            return Err(S::Error::custom("an ephemeral value must not be stored"));
        }
        if self.is_sensitive() {
            return tagged(serializer, "$sensitive", &Unmarked(&self.kind));
        }
        Unmarked(&self.kind).serialize(serializer)
    }
}

impl Value {
    /// An object as it is kept: without those of its attributes that are null,
    /// which in most objects most are. [`Value::completed`] brings them back.
    #[must_use]
    pub fn without_nulls(&self) -> Value {
        let Kind::Object(entries) = &self.kind else { return self.clone() };
        let is_set = |value: &Value| !value.is_null() || !value.marks().is_empty();
        let set = entries.iter().filter(|(_, value)| is_set(value));
        let set: Entries = set.map(|(name, value)| (name.clone(), value.clone())).collect();
        Value::from(Kind::Object(Arc::new(set))).with_marks(self.marks)
    }

    /// An object with those of `unset` that it lacks.
    #[must_use]
    pub fn completed(self, unset: &[(Arc<str>, Value)]) -> Value {
        let Value { kind, marks } = self;
        let Kind::Object(mut entries) = kind else { return Value { kind, marks } };
        for (name, value) in unset {
            if !entries.contains_key(name) {
                // What was just read is nobody else's, so that nothing is copied.
                Arc::make_mut(&mut entries).insert(name.clone(), value.clone());
            }
        }
        Value { kind: Kind::Object(entries), marks }
    }
}

/// A value without its own marks.
struct Unmarked<'a>(&'a Kind);

impl Serialize for Unmarked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Kind::Null(Type::Dynamic) => serializer.serialize_unit(),
            Kind::Null(ty) => tagged(serializer, "$null", ty),
            Kind::Unknown(unknown) => tagged(serializer, "$unknown", &**unknown),
            Kind::Bool(b) => serializer.serialize_bool(*b),
            Kind::Number(n) => match n.as_i64() {
                Some(i) => serializer.serialize_i64(i),
                None => tagged(serializer, "$number", &n.to_exact()),
            },
            Kind::String(s) => serializer.serialize_str(s),
            Kind::Tuple(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| seq.serialize_element(item))?;
                seq.end()
            }
            Kind::Object(entries) => Named(entries).serialize(serializer),
            Kind::List(l) => tagged(serializer, "$list", &(&l.element, &l.items)),
            Kind::Set(l) => tagged(serializer, "$set", &(&l.element, &l.items)),
            Kind::Map(m) => tagged(serializer, "$map", &(&m.element, Named(&m.items))),
        }
    }
}

fn tagged<S: Serializer>(serializer: S, tag: &str, content: &impl Serialize) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(tag, content)?;
    map.end()
}

/// Entries with their keys escaped.
struct Named<'a>(&'a Entries);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0 {
            if key.starts_with('$') {
                map.serialize_entry(&format!("${key}"), value)?;
            } else {
                map.serialize_entry(&**key, value)?;
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tagged)
    }
}

struct Tagged;

impl<'de> Visitor<'de> for Tagged {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::NULL)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(b.into())
    }

    fn visit_i64<E>(self, i: i64) -> Result<Value, E> {
        Ok(Number::written(i).into())
    }

    fn visit_u64<E: serde::de::Error>(self, u: u64) -> Result<Value, E> {
        number(&u.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, f: f64) -> Result<Value, E> {
        number(&f.to_string())
    }

    fn visit_str<E>(self, s: &str) -> Result<Value, E> {
        Ok(s.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items: Vec<Value> = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(1024));
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::tuple(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let Some(key) = map.next_key_seed(Key)? else { return Ok(Value::object::<Arc<str>>([])) };
        let value = match key {
            Name::Plain(first) => Kind::Object(Arc::new(entries(first, map)?)).into(),
            Name::Tag(tag) => {
                let value = from_tag(&tag, &mut map)?;
                if map.next_key_seed(Key)?.is_some() {
                    return Err(A::Error::custom(format!("something beside the value tag {tag:?}")));
                }
                value
            }
        };
        Ok(value)
    }
}

fn from_tag<'de, A: MapAccess<'de>>(tag: &str, map: &mut A) -> Result<Value, A::Error> {
    Ok(match tag {
        "$sensitive" => map.next_value::<Value>()?.sensitive(),
        "$null" => Value::null(shared(map.next_value()?)),
        "$unknown" => Value::refined(map.next_value::<Unknown>()?),
        "$number" => number(&map.next_value::<String>()?)?,
        "$list" | "$set" => {
            let (element, items): (Type, Vec<Value>) = map.next_value()?;
            let elements = Arc::new(Elements { element: shared(element), items });
            if tag == "$list" { Kind::List(elements).into() } else { Kind::Set(elements).into() }
        }
        "$map" => {
            let (element, Owned(items)): (Type, Owned) = map.next_value()?;
            Kind::Map(Arc::new(MapElements { element, items })).into()
        }
        "$sealed" => return Err(A::Error::custom("a sealed value was read without its key")),
        other => return Err(A::Error::custom(format!("unknown value tag {other:?}"))),
    })
}

fn number<E: serde::de::Error>(text: &str) -> Result<Value, E> {
    Number::from_exact(text).map(Value::from).ok_or_else(|| E::custom(format!("malformed number {text:?}")))
}

// Objects of one kind have the same names and the same types of what they lack,
// and a fleet has very many of them: what was read lately is shared by all.
thread_local! {
    static NAMES: RefCell<FxHashSet<Arc<str>>> = RefCell::default();
    static TYPES: RefCell<Vec<Type>> = const { RefCell::new(Vec::new()) };
}

/// Names and types that are remembered at most.
const NAMES_KEPT: usize = 4096;
const TYPES_KEPT: usize = 32;

/// A name, in memory once.
fn known(name: &str) -> Arc<str> {
    NAMES.with_borrow_mut(|names| {
        if let Some(name) = names.get(name) {
            return name.clone();
        }
        // Keys of maps can be anything.
        if names.len() >= NAMES_KEPT {
            names.clear();
        }
        let name: Arc<str> = name.into();
        names.insert(name.clone());
        name
    })
}

/// A type, in memory once.
fn shared(ty: Type) -> Type {
    if matches!(ty, Type::Dynamic | Type::Bool | Type::Number | Type::String) {
        return ty;
    }
    TYPES.with_borrow_mut(|types| {
        if let Some(same) = types.iter().find(|one| **one == ty) {
            return same.clone();
        }
        if types.len() >= TYPES_KEPT {
            types.clear();
        }
        types.push(ty.clone());
        ty
    })
}

/// What is left of an object whose first key was read.
fn entries<'de, A: MapAccess<'de>>(first: Arc<str>, mut map: A) -> Result<Entries, A::Error> {
    let mut entries = Vec::with_capacity(map.size_hint().unwrap_or(7).min(1024) + 1);
    entries.push((first, map.next_value()?));
    while let Some(key) = map.next_key_seed(Key)? {
        match key {
            Name::Plain(name) => entries.push((name, map.next_value()?)),
            Name::Tag(tag) => return Err(A::Error::custom(format!("a value tag {tag:?} among names"))),
        }
    }
    Ok(super::make::entries(entries))
}

/// Entries that stand inside a tag.
struct Owned(Entries);

impl<'de> Deserialize<'de> for Owned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Owned;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("entries of a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Owned, A::Error> {
                match map.next_key_seed(Key)? {
                    None => Ok(Owned(Entries::new())),
                    Some(Name::Plain(first)) => Ok(Owned(entries(first, map)?)),
                    Some(Name::Tag(tag)) => Err(A::Error::custom(format!("a value tag {tag:?} among names"))),
                }
            }
        }
        deserializer.deserialize_map(Map)
    }
}

/// A key of a JSON object.
enum Name {
    Plain(Arc<str>),
    Tag(String),
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Name, E> {
        Ok(match key.strip_prefix('$') {
            None => Name::Plain(known(key)),
            Some(name) if name.starts_with('$') => Name::Plain(known(name)),
            Some(_) => Name::Tag(key.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tagged_form_round_trips() {
        let value = Value::object([
            ("$odd", Value::from("x")),
            ("$$odder", Value::from("1.5")),
            ("list", Value::list(Type::Number, vec![1i64.into()])),
            ("set", Value::set(Type::String, vec!["a".into()])),
            ("map", Value::map(Type::Bool, [("$k".into(), true.into())])),
            ("none", Value::map(Type::Bool, [])),
            ("big", Value::from("0.3".parse::<Number>().expect("number"))),
            ("huge", Value::from("123456789012345678901234567890".parse::<Number>().expect("number"))),
            ("null", Value::null(Type::String)),
            ("later", Value::unknown(Type::list(Type::String))),
            ("secret", Value::from("s").sensitive()),
            ("object", Value::object([("a", Value::tuple([Value::NULL, Value::object::<Arc<str>>([])]))])),
        ]);
        let text = serde_json::to_string(&value).expect("serialises");
        for back in [
            serde_json::from_str::<Value>(&text).expect("parses"),
            serde_json::from_value(serde_json::to_value(&value).expect("serialises")).expect("parses"),
        ] {
            assert_eq!(back, value);
            assert_eq!(back.ty(), value.ty());
            assert!(back.get("secret").expect("there").is_sensitive());
        }
    }

    #[test]
    fn malformed_values_are_refused() {
        for text in [
            r#"{"$what":1}"#,
            r#"{"$sealed":"x"}"#,
            r#"{"$number":"x"}"#,
            r#"{"$null":"string","b":1}"#,
            r#"{"a":1,"$null":"string"}"#,
            r#"{"$list":[]}"#,
        ] {
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ephemeral_values_refuse_to_be_stored() {
        assert!(serde_json::to_string(&Value::from("x").with_marks(Marks::EPHEMERAL)).is_err());
    }
}
