//! What attributes mean, whatever a type calls them: where an object is,
//! whether what it holds is encrypted, for how long that is kept.
//!
//! A type's schema says it as data, so that a policy asks objects of all types
//! the same. Guarantees: of several attributes that say one thing, the one that
//! says most against the object counts; what is not known yet is unknown, never
//! left out.
//! Must not: judge.

use std::collections::BTreeMap;

use super::Block;
use crate::value::{Path, Type, Value};

/// Something that policies ask of any object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// Where it is.
    Region,
    /// What it holds is encrypted at rest.
    Encrypted,
    /// For how many days data, its versions or backups are kept.
    RetentionDays,
    /// For how many days what was removed can be brought back.
    RecoveryDays,
    /// What is removed cannot be purged at once.
    Protected,
    /// Anybody may read it.
    Public,
    /// Labels or tags, by name.
    Labels,
}

impl Aspect {
    /// All of them.
    pub const ALL: [Aspect; 7] = [
        Aspect::Region,
        Aspect::Encrypted,
        Aspect::RetentionDays,
        Aspect::RecoveryDays,
        Aspect::Protected,
        Aspect::Public,
        Aspect::Labels,
    ];

    /// What policies call it: `self.region`.
    pub fn name(self) -> &'static str {
        match self {
            Aspect::Region => "region",
            Aspect::Encrypted => "encrypted",
            Aspect::RetentionDays => "retention_days",
            Aspect::RecoveryDays => "recovery_days",
            Aspect::Protected => "protected",
            Aspect::Public => "public",
            Aspect::Labels => "labels",
        }
    }

    /// What it says, in a few words.
    pub fn words(self) -> &'static str {
        match self {
            Aspect::Region => "where it is",
            Aspect::Encrypted => "what it holds is encrypted at rest",
            Aspect::RetentionDays => "for how many days data, versions or backups are kept, at least",
            Aspect::RecoveryDays => "for how many days what was removed can be brought back",
            Aspect::Protected => "what was removed cannot be purged before that",
            Aspect::Public => "anybody may read it",
            Aspect::Labels => "labels or tags, by name",
        }
    }

    /// What it holds.
    pub fn ty(self) -> Type {
        match self {
            Aspect::Region => Type::String,
            Aspect::Encrypted | Aspect::Protected | Aspect::Public => Type::Bool,
            Aspect::RetentionDays | Aspect::RecoveryDays => Type::Number,
            Aspect::Labels => Type::map(Type::String),
        }
    }

    /// Whether the second value says more against an object than the first.
    fn is_worse(self, first: &Value, second: &Value) -> bool {
        match self {
            Aspect::Region | Aspect::Labels => false,
            Aspect::Encrypted | Aspect::Protected | Aspect::Public => {
                let bad = Some(self == Aspect::Public);
                first.as_bool() != bad && (second.as_bool() == bad || !second.is_known())
            }
            Aspect::RetentionDays | Aspect::RecoveryDays => match (first.as_number(), second.as_number()) {
                (Some(first), Some(second)) => second < first,
                (first, _) => first.is_some(),
            },
        }
    }
}

/// How an attribute says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As it stands.
    Plain,
    /// By its opposite.
    Opposite,
    /// By being set, to whatever.
    Presence,
    /// As a time in days, weeks or months: `30d`, `4w`, `6m`.
    Period,
}

/// One attribute that means something.
#[derive(Clone, Debug)]
pub struct Meaning {
    /// What it is about.
    pub aspect: Aspect,
    /// The way to the attribute; every element of a list on it counts.
    pub path: &'static [&'static str],
    /// How it says it.
    pub reading: Reading,
    /// Attributes and what they must be for it to count; with `*` at the end,
    /// what they must begin with.
    pub only: Vec<(&'static [&'static str], &'static str)>,
    /// What holds where it is not set; nothing is said without it.
    pub unset: Option<Value>,
}

impl Meaning {
    /// Of an attribute that says it as it stands.
    pub fn of(aspect: Aspect, path: &'static [&'static str]) -> Self {
        Meaning { aspect, path, reading: Reading::Plain, only: Vec::new(), unset: None }
    }

    /// Said so.
    #[must_use]
    pub fn by(self, reading: Reading) -> Self {
        Meaning { reading, ..self }
    }

    /// Only where another attribute is this.
    #[must_use]
    pub fn only(mut self, path: &'static [&'static str], is: &'static str) -> Self {
        self.only.push((path, is));
        self
    }

    /// With what holds where it is not set.
    #[must_use]
    pub fn or(self, unset: impl Into<Value>) -> Self {
        Meaning { unset: Some(unset.into()), ..self }
    }

    fn told(&self, value: &Value, path: &Path, config: &Value) -> Option<Value> {
        let is_left = || config.at_path(path).is_some_and(|value| value.is_null());
        match &self.unset {
            Some(unset) if !value.is_known() && is_left() => Some(unset.clone()),
            _ => self.read(value),
        }
    }

    /// What the attribute says, in values of the aspect's type.
    fn read(&self, value: &Value) -> Option<Value> {
        let ty = self.aspect.ty();
        if !value.is_known() {
            return Some(Value::unknown(ty).with_marks(value.marks()));
        }
        if value.is_null() {
            return None;
        }
        let said = match self.reading {
            Reading::Plain => value.convert(&ty).ok()?,
            Reading::Opposite => (!value.convert(&ty).ok()?.as_bool()?).into(),
            Reading::Presence => true.into(),
            Reading::Period => days(value.as_str()?)?.into(),
        };
        Some(said.with_marks(value.deep_marks()))
    }
}

/// An attribute whose name suggests a meaning that it does not have.
#[derive(Clone, Debug)]
pub struct Meaningless {
    /// The way to the attribute.
    pub path: &'static [&'static str],
    /// Why it says nothing.
    pub why: &'static str,
}

/// What the attributes of a block mean.
#[derive(Clone, Debug, Default)]
pub struct Meanings {
    /// Those that say something.
    pub all: Vec<Meaning>,
    /// Those that look as if they did.
    pub none: Vec<Meaningless>,
}

/// What an object says of itself.
#[derive(Clone, Debug)]
pub struct Said {
    /// Of the aspect's type; unknown while the attribute is.
    pub value: Value,
    /// The attribute.
    pub path: Path,
}

impl Block {
    /// With an attribute that means something.
    #[must_use]
    pub fn meaning(mut self, meaning: Meaning) -> Self {
        self.meanings.all.push(meaning);
        self
    }

    /// With an attribute that does not mean what its name suggests.
    #[must_use]
    pub fn meaningless(mut self, path: &'static [&'static str], why: &'static str) -> Self {
        self.meanings.all.retain(|meaning| meaning.path != path);
        self.meanings.none.push(Meaningless { path, why });
        self
    }

    /// What an object of this schema says of itself. What it does not tell yet
    /// because `config` leaves it to the service is as the service has it.
    pub fn said(&self, object: &Value, config: &Value) -> BTreeMap<Aspect, Said> {
        let mut all: BTreeMap<Aspect, Said> = BTreeMap::new();
        for meaning in &self.meanings.all {
            let mut found = Found::default();
            found.look(object, &Path::root(), meaning.path, &meaning.only);
            let mut said: Vec<Said> = found
                .at
                .into_iter()
                .filter_map(|(path, value)| Some(Said { value: meaning.told(&value, &path, config)?, path }))
                .collect();
            if said.is_empty() && !found.is_ruled_out {
                let path = meaning.path.iter().fold(Path::root(), |path, step| path.attribute(*step));
                said.extend(meaning.unset.clone().map(|value| Said { value, path }));
            }
            for one in said {
                match all.get(&meaning.aspect) {
                    Some(before) if !meaning.aspect.is_worse(&before.value, &one.value) => {}
                    _ => drop(all.insert(meaning.aspect, one)),
                }
            }
        }
        all
    }
}

type Only = (&'static [&'static str], &'static str);

/// What a way leads to.
#[derive(Default)]
struct Found {
    at: Vec<(Path, Value)>,
    /// A condition does not hold of some object on the way.
    is_ruled_out: bool,
}

impl Found {
    fn look(&mut self, value: &Value, at: &Path, steps: &[&'static str], only: &[Only]) {
        if !value.is_known() {
            self.at.push((at.clone(), value.clone()));
            return;
        }
        if let Some(items) = value.as_items() {
            items.iter().enumerate().for_each(|(i, item)| self.look(item, &at.index(i), steps, only));
            return;
        }
        let Some((step, rest)) = steps.split_first() else {
            self.at.push((at.clone(), value.clone()));
            return;
        };
        // A condition is looked at where its way parts from this one.
        let goes_on = |(path, _): &Only| path.len() > 1 && path.first() == Some(step) && !rest.is_empty();
        let (further, here): (Vec<Only>, Vec<Only>) = only.iter().copied().partition(goes_on);
        match here.iter().map(|(path, is)| holds(value, path, is)).min().unwrap_or(Some(true)) {
            Some(true) => {}
            Some(false) => {
                self.is_ruled_out = true;
                return;
            }
            None => {
                self.at.push((at.clone(), Value::unknown(Type::Dynamic)));
                return;
            }
        }
        let further: Vec<Only> = further.into_iter().map(|(path, is)| (&path[1..], is)).collect();
        let Some(inner) = value.get(step) else { return };
        self.look(&inner, &at.attribute(*step), rest, &further);
    }
}

/// Whether an attribute is what a condition asks for; `None` while unknown.
fn holds(object: &Value, path: &[&str], is: &str) -> Option<bool> {
    let mut value = object.clone();
    for step in path {
        if !value.is_known() {
            return None;
        }
        value = value.get(step).unwrap_or(Value::NULL);
    }
    if !value.is_known() {
        return None;
    }
    let text = value.convert(&Type::String).ok();
    let text = text.as_ref().and_then(Value::as_str).unwrap_or_default();
    Some(match is.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == is,
    })
}

/// A period such as `30d` in days; a month has 30.
fn days(text: &str) -> Option<i64> {
    let (at, unit) = text.char_indices().next_back()?;
    let unit = match unit {
        'd' => 1,
        'w' => 7,
        'm' => 30,
        _ => return None,
    };
    text[..at].parse::<i64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Marks;

    fn value(json: &str) -> Value {
        Value::from_plain_json(&serde_json::from_str(json).expect("JSON"))
    }

    fn said(meanings: impl IntoIterator<Item = Meaning>, object: &Value) -> Option<String> {
        let block = meanings.into_iter().fold(Block::default(), Block::meaning);
        let said = block.said(object, object).into_values().next()?;
        let shown = if said.value.is_known() { said.value.show() } else { "unknown".into() };
        Some(format!("{shown} at {}", said.path))
    }

    #[test]
    fn what_says_most_against_an_object_counts() {
        let days =
            || Meaning::of(Aspect::RetentionDays, &["rule", "keep", "days"]).only(&["rule", "on"], "yes");
        let region = || Meaning::of(Aspect::Region, &["place"]);
        let encrypted = || Meaning::of(Aspect::Encrypted, &["disk", "key"]).by(Reading::Presence).or(false);
        let public = || {
            let paths: [&'static [&'static str]; 2] = [&["a"], &["b"]];
            paths.map(|path| Meaning::of(Aspect::Public, path).by(Reading::Opposite))
        };
        let period = || {
            Meaning::of(Aspect::RetentionDays, &["m", "spec", "keep"])
                .by(Reading::Period)
                .only(&["m", "kind"], "Cluster")
                .only(&["m", "api"], "db.example/*")
        };
        for (meanings, object, expected) in [
            (vec![region()], r#"{"place": "eu"}"#, Some(r#""eu" at place"#)),
            (vec![region()], r#"{"place": null}"#, None),
            (vec![region()], "{}", None),
            (
                vec![days()],
                r#"{"rule": [{"on": "yes", "keep": [{"days": 90}]}, {"on": "yes", "keep": [{"days": 7}]}]}"#,
                Some("7 at rule[1].keep[0].days"),
            ),
            (
                vec![days()],
                r#"{"rule": [{"on": "no", "keep": [{"days": 7}]}, {"on": "yes", "keep": [{"days": 90}]}]}"#,
                Some("90 at rule[1].keep[0].days"),
            ),
            (vec![days()], r#"{"rule": [{"on": "yes", "keep": []}]}"#, None),
            (vec![encrypted()], r#"{"disk": [{"key": "k"}]}"#, Some("true at disk[0].key")),
            (vec![encrypted()], r#"{"disk": []}"#, Some("false at disk.key")),
            (public().into(), r#"{"a": true, "b": true}"#, Some("false at a")),
            (public().into(), r#"{"a": true, "b": false}"#, Some("true at b")),
            (public().into(), r#"{"a": "neither"}"#, None),
            (
                vec![period()],
                r#"{"m": {"kind": "Cluster", "api": "db.example/v1", "spec": {"keep": "4w"}}}"#,
                Some("28 at m.spec.keep"),
            ),
            (vec![period()], r#"{"m": {"kind": "Cluster", "api": "x/v1", "spec": {"keep": "4w"}}}"#, None),
            (vec![period().or(0_i64)], r#"{"m": {"kind": "Pod", "api": "db.example/v1"}}"#, None),
            (
                vec![period().or(0_i64)],
                r#"{"m": {"kind": "Cluster", "api": "db.example/v1"}}"#,
                Some("0 at m.spec.keep"),
            ),
            (
                vec![period()],
                r#"{"m": {"kind": "Cluster", "api": "db.example/v1", "spec": {"keep": "soon"}}}"#,
                None,
            ),
        ] {
            assert_eq!(said(meanings, &value(object)).as_deref(), expected, "{object}");
        }
    }

    #[test]
    fn what_is_not_known_yet_is_unknown() {
        let open = || Value::unknown(Type::String);
        let region = Meaning::of(Aspect::Region, &["place"]);
        let object = Value::object([("place", open())]);
        assert_eq!(said([region.clone()], &object).as_deref(), Some("unknown at place"));
        assert_eq!(said([region], &Value::unknown(Type::Dynamic)).as_deref(), Some("unknown at "));
        let only = Meaning::of(Aspect::Encrypted, &["key"]).only(&["kind"], "a");
        let object = Value::object([("key", Value::from(true)), ("kind", open())]);
        assert_eq!(said([only], &object).as_deref(), Some("unknown at "));
        // What is left to the service is as the service has it.
        let block = Block::default().meaning(Meaning::of(Aspect::Encrypted, &["key"]).or(false));
        let object = Value::object([("key", Value::unknown(Type::Bool))]);
        for (config, expected) in [(Value::NULL, Some(false)), (Value::unknown(Type::Bool), None)] {
            let said = block.said(&object, &Value::object([("key", config)]));
            assert_eq!(said[&Aspect::Encrypted].value.as_bool(), expected);
        }
        // One that is known to be wrong decides, whatever the other is.
        let both = [Meaning::of(Aspect::Encrypted, &["a"]), Meaning::of(Aspect::Encrypted, &["b"])];
        for (a, b, expected) in [
            (Value::from(false), open(), "false at a"),
            (open(), Value::from(false), "false at b"),
            (Value::from(true), open(), "unknown at b"),
        ] {
            let object = Value::object([("a", a), ("b", b)]);
            assert_eq!(said(both.clone(), &object).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_secret_stays_one() {
        let block = Block::default().meaning(Meaning::of(Aspect::Region, &["place"]));
        let object = Value::object([("place", Value::from("hidden").sensitive())]);
        let said = block.said(&object, &object);
        assert!(said[&Aspect::Region].value.marks().contains(Marks::SENSITIVE));
    }

    #[test]
    fn periods_are_days() {
        for (text, expected) in [
            ("30d", Some(30)),
            ("2w", Some(14)),
            ("12m", Some(360)),
            ("d", None),
            ("", None),
            ("3é", None),
            ("1h", None),
        ] {
            assert_eq!(days(text), expected, "{text}");
        }
    }
}
