//! Values of all kinds, made of what Rust has.

use std::sync::{Arc, OnceLock};

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

use super::{Elements, Entries, Kind, MapElements, Marks, Number, Type, Unknown, Value, set};

/// Entries of pairs in any order, without room to spare; of pairs of one name
/// the last one counts.
pub(super) fn entries(mut pairs: Vec<(Arc<str>, Value)>) -> Entries {
    if !pairs.is_sorted_by(|(a, _), (b, _)| a < b) {
        pairs.reverse();
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        pairs.dedup_by(|(a, _), (b, _)| a == b);
    }
    pairs.shrink_to_fit();
    Entries::from_sorted_store_unchecked(pairs)
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Value { kind, marks: Marks::NONE }
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Kind::Bool(b).into()
    }
}

impl From<i64> for Value {
    fn from(i: i64) -> Self {
        Kind::Number(i.into()).into()
    }
}

impl From<usize> for Value {
    fn from(i: usize) -> Self {
        Kind::Number(i.into()).into()
    }
}

impl From<Number> for Value {
    fn from(n: Number) -> Self {
        Kind::Number(n).into()
    }
}

/// Text is kept in Unicode's normal form C, whatever form it comes in.
impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Kind::String(normal(s).map_or_else(|| s.into(), Into::into)).into()
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Kind::String(normal(&s).unwrap_or(s).into()).into()
    }
}

impl From<Arc<str>> for Value {
    fn from(s: Arc<str>) -> Self {
        Kind::String(normal(&s).map_or(s, Into::into)).into()
    }
}

/// The text in normal form C; `None` when it is so already.
fn normal(text: &str) -> Option<String> {
    (!text.is_ascii() && is_nfc_quick(text.chars()) != IsNormalized::Yes).then(|| text.nfc().collect())
}

static DYNAMIC: OnceLock<Arc<Unknown>> = OnceLock::new();
static STRING: OnceLock<Arc<Unknown>> = OnceLock::new();
static SOME_STRING: OnceLock<Arc<Unknown>> = OnceLock::new();

impl Value {
    /// The null of no particular type.
    pub const NULL: Value = Value { kind: Kind::Null(Type::Dynamic), marks: Marks::NONE };

    /// A null of a type.
    pub fn null(ty: Type) -> Self {
        Kind::Null(ty).into()
    }

    /// An unknown of a type, with nothing else known.
    pub fn unknown(ty: Type) -> Self {
        let unknown = match ty {
            // In memory once: every object has some before it is made.
            Type::Dynamic => DYNAMIC.get_or_init(|| Arc::new(Unknown::of(ty))).clone(),
            Type::String => STRING.get_or_init(|| Arc::new(Unknown::of(ty))).clone(),
            ty => Arc::new(Unknown::of(ty)),
        };
        Kind::Unknown(unknown).into()
    }

    /// An unknown of a type that will not be null.
    pub fn unknown_not_null(ty: Type) -> Self {
        let unknown = match ty {
            Type::String => SOME_STRING.get_or_init(|| Arc::new(Unknown::not_null(ty))).clone(),
            ty => Arc::new(Unknown::not_null(ty)),
        };
        Kind::Unknown(unknown).into()
    }

    /// An unknown with all that is known about it; a known value when that
    /// leaves nothing open.
    pub fn refined(unknown: Unknown) -> Self {
        unknown.settled().unwrap_or_else(|| Kind::Unknown(Arc::new(unknown)).into())
    }

    /// An object of these attributes.
    pub fn object<K: Into<Arc<str>>>(attributes: impl IntoIterator<Item = (K, Value)>) -> Self {
        Kind::Object(Arc::new(entries(attributes.into_iter().map(|(k, v)| (k.into(), v)).collect()))).into()
    }

    /// A tuple of these elements.
    pub fn tuple(items: impl IntoIterator<Item = Value>) -> Self {
        Kind::Tuple(items.into_iter().collect()).into()
    }

    /// A list; the caller has converted every item to `element`.
    pub fn list(element: Type, items: Vec<Value>) -> Self {
        Kind::List(Arc::new(Elements { element, items })).into()
    }

    /// A map; the caller has converted every item to `element`.
    pub fn map(element: Type, items: impl IntoIterator<Item = (Arc<str>, Value)>) -> Self {
        Kind::Map(Arc::new(MapElements { element, items: entries(items.into_iter().collect()) })).into()
    }

    /// A set: sorts and drops duplicates. Marks of elements move to the whole.
    /// With an unknown element the set is itself unknown in length, which
    /// callers see through [`Value::is_wholly_known`].
    pub fn set(element: Type, items: Vec<Value>) -> Self {
        let mut marks = Marks::NONE;
        let mut items: Vec<Value> = items
            .into_iter()
            .map(|v| {
                marks = marks.union(v.deep_marks());
                v.unmark_deep()
            })
            .collect();
        set::sort(&mut items);
        items.dedup_by(|a, b| a.is_wholly_known() && a == b);
        Value::from(Kind::Set(Arc::new(Elements { element, items }))).with_marks(marks)
    }
}
