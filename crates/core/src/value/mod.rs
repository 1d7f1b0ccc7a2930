//! Values of the language: data with types, unknowns and marks.
//!
//! Guarantees: an unknown carries its type and what is known about it; a
//! sensitive value never shows its content through `Debug` or [`Value::show`];
//! cloning is cheap, since everything large is shared.
//! Must not: know expressions, files or providers.

mod convert;
mod digits;
pub mod exact;
mod float;
mod make;
mod marks;
mod number;
mod path;
mod plain;
mod secrets;
mod set;
mod tagged;
mod types;
mod unify;
mod unknown;

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use litemap::LiteMap;

pub use convert::ConvertError;
pub use marks::Marks;
pub use number::Number;
pub use path::{Path, PathStep};
pub use plain::PlainJsonError;
pub use secrets::Secrets;
pub use types::{ObjectType, Type};
pub use unify::unify;
pub use unknown::{Bounds, Unknown};

/// Names to values, sorted by name. A sorted vector, since most objects have a
/// few attributes and there are very many of them.
pub type Entries = LiteMap<Arc<str>, Value>;

/// A value, with the marks that travel with it.
#[derive(Clone)]
pub struct Value {
    kind: Kind,
    marks: Marks,
}

/// What a value is, apart from its marks.
#[derive(Clone)]
pub enum Kind {
    /// No value, of a type that may be `Dynamic`.
    Null(Type),
    /// A value that an apply will bring.
    Unknown(Arc<Unknown>),
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    String(Arc<str>),
    /// Elements of one type, in order.
    List(Arc<Elements>),
    /// Distinct elements of one type, in the order that Terraform gives them.
    Set(Arc<Elements>),
    /// String keys to elements of one type.
    Map(Arc<MapElements>),
    /// Elements, each with a type of its own.
    Tuple(Arc<[Value]>),
    /// Named attributes, each with a type of its own.
    Object(Arc<Entries>),
}

/// The content of a list or set.
#[derive(Clone)]
pub struct Elements {
    /// The type of every element (kept for empty ones).
    pub element: Type,
    /// The elements.
    pub items: Vec<Value>,
}

/// The content of a map.
#[derive(Clone)]
pub struct MapElements {
    /// The type of every element (kept for empty ones).
    pub element: Type,
    /// The elements by key.
    pub items: Entries,
}

impl Value {
    /// What it is, marks aside.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Marks of the value itself; nested values may have more.
    pub fn marks(&self) -> Marks {
        self.marks
    }

    /// Marks of the value and of everything in it.
    pub fn deep_marks(&self) -> Marks {
        let with = |marks: Marks, part: &Value| marks.union(part.deep_marks());
        match &self.kind {
            Kind::List(l) | Kind::Set(l) => l.items.iter().fold(self.marks, with),
            Kind::Tuple(items) => items.iter().fold(self.marks, with),
            Kind::Map(m) => m.items.values().fold(self.marks, with),
            Kind::Object(o) => o.values().fold(self.marks, with),
            Kind::Null(_) | Kind::Unknown(_) | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => {
                self.marks
            }
        }
    }

    /// Whether it or a part of it has a mark.
    pub fn is_marked(&self) -> bool {
        self.marks != Marks::NONE
            || match &self.kind {
                Kind::List(l) | Kind::Set(l) => l.items.iter().any(Value::is_marked),
                Kind::Tuple(items) => items.iter().any(Value::is_marked),
                Kind::Map(m) => m.items.values().any(Value::is_marked),
                Kind::Object(o) => o.values().any(Value::is_marked),
                Kind::Null(_) | Kind::Unknown(_) | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => false,
            }
    }

    /// The same value with these marks added.
    #[must_use]
    pub fn with_marks(mut self, marks: Marks) -> Self {
        self.marks = self.marks.union(marks);
        self
    }

    /// The same value, marked sensitive.
    #[must_use]
    pub fn sensitive(self) -> Self {
        self.with_marks(Marks::SENSITIVE)
    }

    /// The same value without marks of its own; nested marks stay.
    #[must_use]
    pub fn unmark(mut self) -> Self {
        self.marks = Marks::NONE;
        self
    }

    /// The same value without any mark at any depth.
    #[must_use]
    pub fn unmark_deep(self) -> Self {
        if !self.is_marked() {
            return self;
        }
        self.map_children(&|child| child.clone().unmark_deep()).unmark()
    }

    /// Whether the value itself is sensitive.
    pub fn is_sensitive(&self) -> bool {
        self.marks.contains(Marks::SENSITIVE)
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null(_))
    }

    /// Whether the value itself is known; nested ones may not be.
    pub fn is_known(&self) -> bool {
        !matches!(self.kind, Kind::Unknown(_))
    }

    /// Whether nothing at any depth is unknown.
    pub fn is_wholly_known(&self) -> bool {
        if !self.is_known() {
            return false;
        }
        let mut known = true;
        self.for_each_child(&mut |child| known = known && child.is_wholly_known());
        known
    }

    /// The text, when it is a known string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(s) => Some(s),
            _ => None,
        }
    }

    /// The truth value, when it is a known bool.
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// The number, when it is a known number.
    pub fn as_number(&self) -> Option<&Number> {
        match &self.kind {
            Kind::Number(n) => Some(n),
            _ => None,
        }
    }

    /// The elements of a known list, set or tuple.
    pub fn as_items(&self) -> Option<&[Value]> {
        match &self.kind {
            Kind::List(l) | Kind::Set(l) => Some(&l.items),
            Kind::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a known map or object.
    pub fn as_entries(&self) -> Option<&Entries> {
        match &self.kind {
            Kind::Map(m) => Some(&m.items),
            Kind::Object(o) => Some(o),
            _ => None,
        }
    }

    /// The attribute or map element of this name, with the marks of the whole
    /// handed down. Unknown wholes give unknown parts.
    pub fn get(&self, name: &str) -> Option<Value> {
        if let Kind::Unknown(unknown) = &self.kind {
            let part = match &unknown.ty {
                Type::Object(o) => o.attributes.get(name)?.clone(),
                Type::Map(t) => (**t).clone(),
                Type::Dynamic => Type::Dynamic,
                _ => return None,
            };
            return Some(Value::unknown(part).with_marks(self.marks));
        }
        let part = self.as_entries()?.get(name)?;
        Some(part.clone().with_marks(self.marks))
    }

    /// The element at a position of a list, set or tuple, marks handed down.
    pub fn at(&self, index: usize) -> Option<Value> {
        if let Kind::Unknown(unknown) = &self.kind {
            let part = match &unknown.ty {
                Type::List(t) | Type::Set(t) => (**t).clone(),
                Type::Tuple(ts) => ts.get(index)?.clone(),
                Type::Dynamic => Type::Dynamic,
                _ => return None,
            };
            return Some(Value::unknown(part).with_marks(self.marks));
        }
        Some(self.as_items()?.get(index)?.clone().with_marks(self.marks))
    }

    /// The type of the value.
    pub fn ty(&self) -> Type {
        match &self.kind {
            Kind::Null(ty) => ty.clone(),
            Kind::Unknown(u) => u.ty.clone(),
            Kind::Bool(_) => Type::Bool,
            Kind::Number(_) => Type::Number,
            Kind::String(_) => Type::String,
            Kind::List(l) => Type::list(l.element.clone()),
            Kind::Set(l) => Type::set(l.element.clone()),
            Kind::Map(m) => Type::map(m.element.clone()),
            Kind::Tuple(items) => Type::Tuple(items.iter().map(Value::ty).collect()),
            Kind::Object(o) => Type::object(o.iter().map(|(k, v)| (k.clone(), v.ty()))),
        }
    }

    /// Calls `f` with each direct child.
    pub fn for_each_child(&self, f: &mut dyn FnMut(&Value)) {
        match &self.kind {
            Kind::List(l) | Kind::Set(l) => l.items.iter().for_each(f),
            Kind::Tuple(items) => items.iter().for_each(f),
            Kind::Map(m) => m.items.values().for_each(f),
            Kind::Object(o) => o.values().for_each(f),
            Kind::Null(_) | Kind::Unknown(_) | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => {}
        }
    }

    /// The same value with each direct child replaced; `f` keeps types.
    #[must_use]
    pub fn map_children(&self, f: &dyn Fn(&Value) -> Value) -> Value {
        let kind = match &self.kind {
            Kind::List(l) => Kind::List(Arc::new(Elements {
                element: l.element.clone(),
                items: l.items.iter().map(f).collect(),
            })),
            Kind::Set(l) => {
                let set = Value::set(l.element.clone(), l.items.iter().map(f).collect());
                return set.with_marks(self.marks);
            }
            Kind::Map(m) => Kind::Map(Arc::new(MapElements {
                element: m.element.clone(),
                items: m.items.iter().map(|(k, v)| (k.clone(), f(v))).collect(),
            })),
            Kind::Tuple(items) => Kind::Tuple(items.iter().map(f).collect()),
            Kind::Object(o) => Kind::Object(Arc::new(o.iter().map(|(k, v)| (k.clone(), f(v))).collect())),
            leaf => leaf.clone(),
        };
        Value { kind, marks: self.marks }
    }

    /// The value at a path, marks handed down; `None` where there is none.
    pub fn at_path(&self, path: &Path) -> Option<Value> {
        let mut value = self.clone();
        for step in path.steps() {
            value = match step {
                PathStep::Attribute(name) => value.get(name)?,
                PathStep::Index(i) => value.at(*i)?,
            };
        }
        Some(value)
    }

    /// A total order over values of any types: for sets and for stable output.
    /// Marks do not count.
    pub fn total_cmp(&self, other: &Value) -> Ordering {
        fn rank(kind: &Kind) -> u8 {
            match kind {
                Kind::Null(_) => 10,
                Kind::Bool(_) => 1,
                Kind::Number(_) => 2,
                Kind::String(_) => 3,
                Kind::List(_) => 4,
                Kind::Set(_) => 5,
                Kind::Tuple(_) => 6,
                Kind::Map(_) => 7,
                Kind::Object(_) => 8,
                Kind::Unknown(_) => 9,
            }
        }
        fn seq(a: &[Value], b: &[Value]) -> Ordering {
            a.iter().zip(b).map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne()).unwrap_or(a.len().cmp(&b.len()))
        }
        fn entries(a: &Entries, b: &Entries) -> Ordering {
            a.iter()
                .zip(b)
                .map(|((ak, av), (bk, bv))| ak.cmp(bk).then_with(|| av.total_cmp(bv)))
                .find(|o| o.is_ne())
                .unwrap_or(a.len().cmp(&b.len()))
        }
        match (&self.kind, &other.kind) {
            (Kind::Bool(a), Kind::Bool(b)) => a.cmp(b),
            (Kind::Number(a), Kind::Number(b)) => a.cmp(b),
            (Kind::String(a), Kind::String(b)) => a.cmp(b),
            (Kind::List(a), Kind::List(b)) | (Kind::Set(a), Kind::Set(b)) => seq(&a.items, &b.items),
            (Kind::Tuple(a), Kind::Tuple(b)) => seq(a, b),
            (Kind::Map(a), Kind::Map(b)) => entries(&a.items, &b.items),
            (Kind::Object(a), Kind::Object(b)) => entries(a, b),
            (a, b) => rank(a).cmp(&rank(b)),
        }
    }

    /// Short text for messages: content for scalars, the kind for the rest,
    /// and never what is sensitive.
    pub fn show(&self) -> String {
        if self.is_sensitive() {
            return "(sensitive value)".into();
        }
        if self.marks.contains(Marks::EPHEMERAL) {
            return "(ephemeral value)".into();
        }
        match &self.kind {
            Kind::Null(_) => "null".into(),
            Kind::Unknown(_) => "(known after apply)".into(),
            Kind::Bool(b) => b.to_string(),
            Kind::Number(n) => n.to_string(),
            Kind::String(s) => format!("{s:?}"),
            Kind::List(l) => format!("{} with {} elements", self.ty().friendly(), l.items.len()),
            Kind::Set(l) => format!("{} with {} elements", self.ty().friendly(), l.items.len()),
            Kind::Map(m) => format!("{} with {} elements", self.ty().friendly(), m.items.len()),
            Kind::Tuple(items) => format!("tuple with {} elements", items.len()),
            Kind::Object(o) => format!("object with {} attributes", o.len()),
        }
    }
}

/// Structural equality. Marks do not count; two unknowns are equal when the
/// same is known of them; nulls are equal whatever their type.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Null(_), Kind::Null(_)) => true,
            (Kind::Unknown(a), Kind::Unknown(b)) => a == b,
            (Kind::Unknown(_), _) | (_, Kind::Unknown(_)) => false,
            (Kind::List(a), Kind::List(b)) | (Kind::Set(a), Kind::Set(b)) => {
                Arc::ptr_eq(a, b) || a.items == b.items
            }
            (Kind::Map(a), Kind::Map(b)) => Arc::ptr_eq(a, b) || a.items == b.items,
            (Kind::Tuple(a), Kind::Tuple(b)) => Arc::ptr_eq(a, b) || a == b,
            (Kind::Object(a), Kind::Object(b)) => Arc::ptr_eq(a, b) || a == b,
            (Kind::Bool(a), Kind::Bool(b)) => a == b,
            (Kind::Number(a), Kind::Number(b)) => a == b,
            (Kind::String(a), Kind::String(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.marks.is_empty() {
            return f.write_str("(sensitive value)");
        }
        match &self.kind {
            Kind::Null(_) => f.write_str("null"),
            Kind::Unknown(u) => write!(f, "unknown({})", u.ty),
            Kind::Bool(b) => b.fmt(f),
            Kind::Number(n) => n.fmt(f),
            Kind::String(s) => s.fmt(f),
            Kind::List(l) => f.debug_list().entries(&l.items).finish(),
            Kind::Set(l) => f.debug_set().entries(&l.items).finish(),
            Kind::Tuple(items) => f.debug_list().entries(items.iter()).finish(),
            Kind::Map(m) => f.debug_map().entries(&m.items).finish(),
            Kind::Object(o) => f.debug_map().entries(o.iter()).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_and_show_hide_what_is_sensitive() {
        let secret = Value::object([("password", Value::from("hunter2").sensitive())]);
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(Value::from("hunter2").sensitive().show(), "(sensitive value)");
    }

    #[test]
    fn marks_travel_into_parts() {
        let whole = Value::object([("a", Value::from(1i64))]).sensitive();
        assert!(whole.get("a").expect("there").is_sensitive());
    }

    #[test]
    fn sets_sort_and_drop_duplicates() {
        let set = Value::set(Type::String, vec!["b".into(), "a".into(), "b".into()]);
        assert_eq!(set.as_items().expect("set"), ["a".into(), "b".into()]);
    }
}
