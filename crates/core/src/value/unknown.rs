//! What is known of a value before the value is.
//!
//! Guarantees: whatever an apply brings is within what is said here; what is
//! known so well that it leaves nothing open is a known value.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation as _;

use super::{Kind, Number, Type, Value};

/// The longest list that is made of unknown elements because its length is
/// known.
const LONGEST: usize = 1024;

/// What is known of a value that is not known yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// Its type; `Dynamic` when even that is open.
    pub ty: Type,
    /// It will not be null.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_null: bool,
    /// A string will start with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Arc<str>>,
    /// How many elements a collection will have.
    #[serde(default, skip_serializing_if = "Bounds::are_open")]
    pub lengths: Bounds<usize>,
    /// Between what a number will be.
    #[serde(default, skip_serializing_if = "Bounds::are_open")]
    pub numbers: Bounds<Number>,
}

/// The least and the most that something can be; both are possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds<T> {
    /// No less than this.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub least: Option<T>,
    /// No more than this.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub most: Option<T>,
}

fn none<T>() -> Option<T> {
    None
}

impl<T> Default for Bounds<T> {
    fn default() -> Self {
        Bounds { least: None, most: None }
    }
}

impl<T: Ord + Clone> Bounds<T> {
    /// From `least`, without an end.
    pub fn from(least: T) -> Self {
        Bounds { least: Some(least), most: None }
    }

    /// From `least` to `most`.
    pub fn within(least: T, most: T) -> Self {
        Bounds { least: Some(least), most: Some(most) }
    }

    /// This and nothing else.
    pub fn exactly(only: T) -> Self {
        Bounds::within(only.clone(), only)
    }

    fn are_open(&self) -> bool {
        self.least.is_none() && self.most.is_none()
    }

    /// The one thing that is possible.
    fn only(&self) -> Option<&T> {
        self.least.as_ref().filter(|least| Some(*least) == self.most.as_ref())
    }

    /// What holds for whatever keeps to one of the two.
    fn either(&self, other: &Self) -> Self {
        let both = |a: &Option<T>, b: &Option<T>| a.clone().zip(b.clone());
        Bounds {
            least: both(&self.least, &other.least).map(|(a, b)| a.min(b)),
            most: both(&self.most, &other.most).map(|(a, b)| a.max(b)),
        }
    }

    /// Whether all of these are less than all of `other`.
    pub fn are_below(&self, other: &Self) -> bool {
        matches!((&self.most, &other.least), (Some(a), Some(b)) if a < b)
    }

    /// Whether none of these is more than any of `other`.
    pub fn are_up_to(&self, other: &Self) -> bool {
        matches!((&self.most, &other.least), (Some(a), Some(b)) if a <= b)
    }
}

impl Unknown {
    /// Of a type, with nothing else known.
    pub fn of(ty: Type) -> Self {
        Unknown { ty, ..Unknown::default() }
    }

    /// Of a type, and not null.
    pub fn not_null(ty: Type) -> Self {
        Unknown { ty, not_null: true, ..Unknown::default() }
    }

    /// A string that begins with what is sure of `text`, whatever follows it.
    pub fn beginning(text: &str) -> Self {
        let sure = sure_beginning(text);
        let prefix = (!sure.is_empty()).then(|| sure.into());
        Unknown { prefix, ..Unknown::not_null(Type::String) }
    }

    /// One of two values, of a type that both have; which one is open.
    pub fn either(ty: Type, a: &Value, b: &Value) -> Self {
        let (a, b) = (a.known(), b.known());
        Unknown {
            ty,
            not_null: a.not_null && b.not_null,
            prefix: None,
            lengths: a.lengths.either(&b.lengths),
            numbers: a.numbers.either(&b.numbers),
        }
    }

    /// The value, when nothing about it is open but its elements.
    pub(super) fn settled(&self) -> Option<Value> {
        if !self.not_null {
            return None;
        }
        let element = |ty: &Arc<Type>| ((**ty).clone(), Value::unknown((**ty).clone()));
        match (&self.ty, self.lengths.only()) {
            (Type::Number, _) => self.numbers.only().cloned().map(Value::from),
            (Type::List(ty), Some(&length)) if length <= LONGEST => {
                let (ty, unknown) = element(ty);
                Some(Value::list(ty, vec![unknown; length]))
            }
            (Type::Set(ty), Some(&length)) if length <= 1 => {
                let (ty, unknown) = element(ty);
                Some(Value::set(ty, vec![unknown; length]))
            }
            (Type::Map(ty), Some(0)) => Some(Value::map((**ty).clone(), [])),
            _ => None,
        }
    }
}

impl Value {
    /// What is known of a value, be it known itself or not.
    pub fn known(&self) -> Unknown {
        let mut known = match self.kind() {
            Kind::Unknown(unknown) => return (**unknown).clone(),
            Kind::Null(ty) => return Unknown::of(ty.clone()),
            _ => Unknown::not_null(self.ty()),
        };
        match self.kind() {
            Kind::String(text) => known.prefix = Some(text.clone()),
            Kind::Number(number) => known.numbers = Bounds::exactly(number.clone()),
            // Elements that are not known yet may turn out to be the same.
            Kind::Set(set) if set.items.len() > 1 && !self.is_wholly_known() => {
                known.lengths = Bounds::within(1, set.items.len());
            }
            Kind::List(elements) | Kind::Set(elements) => {
                known.lengths = Bounds::exactly(elements.items.len());
            }
            Kind::Map(map) => known.lengths = Bounds::exactly(map.items.len()),
            _ => {}
        }
        known
    }

    /// Whether what is known of two values is enough to say that they differ,
    /// whatever the unknown one of them turns out to be. Their types are one.
    pub fn is_apart(&self, other: &Value) -> bool {
        let begins = |text: &str, prefix: &Option<Arc<str>>| {
            prefix.as_ref().is_none_or(|prefix| text.starts_with(&**prefix))
        };
        match (self.kind(), other.kind()) {
            (Kind::Unknown(unknown), Kind::Null(_)) | (Kind::Null(_), Kind::Unknown(unknown)) => {
                unknown.not_null
            }
            (Kind::Unknown(unknown), Kind::String(text)) | (Kind::String(text), Kind::Unknown(unknown)) => {
                !begins(text, &unknown.prefix)
            }
            (Kind::Unknown(_) | Kind::Set(_), _) | (_, Kind::Unknown(_)) => {
                let (a, b) = (self.known(), other.known());
                // Both may be null, which is the same.
                let prefixes = a.prefix.as_ref().zip(b.prefix.as_ref());
                let unlike = prefixes.is_some_and(|(x, y)| !x.starts_with(&**y) && !y.starts_with(&**x));
                let outside = a.numbers.are_below(&b.numbers)
                    || b.numbers.are_below(&a.numbers)
                    || a.lengths.are_below(&b.lengths)
                    || b.lengths.are_below(&a.lengths);
                (a.not_null || b.not_null) && (unlike || outside)
            }
            _ => false,
        }
    }
}

/// What stays of a text whatever comes after it: a letter may become another
/// one by an accent.
fn sure_beginning(text: &str) -> &str {
    let stays = |c: char| c == ' ' || c.is_ascii_punctuation() && !matches!(c, '<' | '=' | '>');
    match text.chars().next_back() {
        Some(last) if !stays(last) => {
            let end = text.grapheme_indices(true).next_back().map_or(0, |(at, _)| at);
            &text[..end]
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(known: &str) -> Value {
        Value::refined(Unknown::beginning(known))
    }

    #[test]
    fn an_accent_may_still_come() {
        assert_eq!(sure_beginning("abc"), "ab");
        assert_eq!(sure_beginning("abc-"), "abc-");
        assert_eq!(sure_beginning("a="), "a");
        assert_eq!(sure_beginning("é"), "");
        assert!(text("a-").is_apart(&"b".into()) && text("a-").is_apart(&"a".into()));
        assert!(!text("a-").is_apart(&"a-b".into()) && !text("e").is_apart(&"é".into()));
        assert!(text("a-").is_apart(&text("b-")) && !text("a-").is_apart(&text("a-b-")));
    }

    #[test]
    fn what_leaves_nothing_open_is_known() {
        let list = Unknown { lengths: Bounds::exactly(2), ..Unknown::not_null(Type::list(Type::Bool)) };
        assert_eq!(Value::refined(list.clone()).as_items().map(<[Value]>::len), Some(2));
        assert!(!Value::refined(Unknown { not_null: false, ..list }).is_known());
        let number = |a: i64, b: i64| Unknown::either(Type::Number, &Value::from(a), &Value::from(b));
        assert_eq!(Value::refined(number(3, 3)), Value::from(3i64));
        assert!(Value::refined(number(1, 3)).is_apart(&Value::from(4i64)));
        assert!(!Value::refined(number(1, 3)).is_apart(&Value::from(2i64)));
        assert!(!Value::refined(number(1, 3)).is_apart(&Value::unknown(Type::Number)));
    }

    #[test]
    fn what_is_known_is_kept_in_files() {
        let unknown = Unknown {
            numbers: Bounds::within(Number::from(1i64), "0.5e40".parse().expect("a number")),
            lengths: Bounds::from(2),
            ..Unknown::beginning("a-")
        };
        let json = serde_json::to_string(&Value::refined(unknown.clone())).expect("written");
        let read: Value = serde_json::from_str(&json).expect("read");
        assert_eq!(read, Value::refined(unknown), "{json}");
        // As it was written once.
        let old: Value = serde_json::from_str(r#"{"$unknown":{"ty":"string","length":2}}"#).expect("read");
        assert_eq!(old, Value::unknown(Type::String));
    }
}
