//! Fault scripts: what goes wrong in a simulated cloud, and when.
//!
//! A script is JSON:
//!
//! ```json
//! {
//!   "version": 1,
//!   "rules": [
//!     { "match": { "type": "*", "operation": "any" }, "latency_ms": 20 },
//!     { "match": { "type": "kubernetes_*", "name": "acme/*", "operation": "create" },
//!       "nth": [1], "per": "object",
//!       "then": { "fail": { "class": "transient", "message": "connection reset" } } }
//!   ]
//! }
//! ```
//!
//! - `match`: `type` and `name` are globs of `*` and `?` (default `*`); `name`
//!   is the object's identity, else its attribute `name`, else its `id`;
//!   `operation` is one of [`Operation`] or `any` (default).
//! - `nth`: which of the matching calls: `"all"` (default), `[1, 3]`,
//!   `{"every": 3}` or `{"from": 3}`; calls count from 1 and anew in each
//!   process, over the rule as a whole or, with `"per": "object"`, for each
//!   object (which parallel calls cannot reorder).
//! - `latency_ms`: how long the call takes until its work is done, or it fails.
//! - `latency_after_ms`: how long the answer takes once the work is done.
//! - `then`: one [`Effect`]. Of several rules for one call latencies add up,
//!   all of `vanish` and `change` happen, and the first other effect counts.
//!
//! A field that is not known is an error, so a new one needs no new version:
//! no program passes over what it does not understand.
//!
//! Guarantees: no chance and no clock: the same calls meet the same faults.
//! Must not: know where objects live.

use std::collections::HashMap;
use std::path::Path as FilePath;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tenantctl_core::provider::{ErrorClass, Path};

/// The version of the format that this module reads.
const VERSION: u32 = 1;

/// A parsed script.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    version: u32,
    #[serde(default)]
    rules: Vec<Rule>,
}

/// Why a script cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("the fault script cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It is not a script.
    #[error("the fault script is malformed: {0}")]
    Json(#[from] serde_json::Error),
    /// It is of another version.
    #[error("the fault script is of version {0}; this program reads version {VERSION}")]
    Version(u32),
}

impl Script {
    /// Parses a script.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let script: Script = serde_json::from_str(text)?;
        if script.version == VERSION { Ok(script) } else { Err(ScriptError::Version(script.version)) }
    }

    /// Reads a script from a file.
    ///
    /// # Errors
    /// When the file cannot be read or is no script.
    pub fn load(path: &FilePath) -> Result<Self, ScriptError> {
        Self::parse(&std::fs::read_to_string(path)?)
    }
}

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Making an object.
    Create,
    /// Reading an object, a data source or an object to import.
    Read,
    /// Changing an object.
    Update,
    /// Removing an object.
    Delete,
    /// Looking for an object after a crash.
    Find,
    /// Asking how a long operation goes.
    Poll,
}

/// What a rule does to a call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Nothing is done and the call fails.
    Fail {
        /// The class by which the engine decides what to do.
        class: Class,
        /// The service's words.
        message: String,
    },
    /// Nothing is done: too many requests.
    Throttle {
        /// The service's hint.
        #[serde(default)]
        retry_after_ms: Option<u64>,
    },
    /// Nothing is done and no answer ever comes.
    Hang,
    /// The work is done and the answer is lost.
    LoseReply,
    /// Before the call somebody else deletes the object.
    Vanish,
    /// Before the call somebody else changes the object.
    Change {
        /// Attribute names and element numbers from the outside in.
        path: Path,
        /// The new value, as plain JSON.
        value: serde_json::Value,
    },
    /// A write takes long; the n-th poll finds it done.
    Pending {
        /// How many polls it takes; a write that has to wait for it counts too.
        polls: u32,
        /// What the service says meanwhile.
        #[serde(default)]
        message: String,
        /// When to ask next.
        #[serde(default = "one_second")]
        after_ms: u64,
    },
}

fn one_second() -> u64 {
    1000
}

/// Classes of errors, as scripts name them.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// [`ErrorClass::Transient`].
    Transient,
    /// [`ErrorClass::Throttled`] without a hint.
    Throttled,
    /// [`ErrorClass::Busy`] without a hint.
    Busy,
    /// [`ErrorClass::Indeterminate`].
    Indeterminate,
    /// [`ErrorClass::Conflict`].
    Conflict,
    /// [`ErrorClass::NotFound`].
    NotFound,
    /// [`ErrorClass::Denied`].
    Denied,
    /// [`ErrorClass::Invalid`].
    Invalid,
}

impl From<Class> for ErrorClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Transient => ErrorClass::Transient,
            Class::Throttled => ErrorClass::Throttled(None),
            Class::Busy => ErrorClass::Busy(None),
            Class::Indeterminate => ErrorClass::Indeterminate,
            Class::Conflict => ErrorClass::Conflict,
            Class::NotFound => ErrorClass::NotFound,
            Class::Denied => ErrorClass::Denied,
            Class::Invalid => ErrorClass::Invalid,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(default, rename = "match")]
    pattern: Pattern,
    #[serde(default)]
    nth: Nth,
    #[serde(default)]
    per: Per,
    #[serde(default)]
    latency_ms: u64,
    #[serde(default)]
    latency_after_ms: u64,
    #[serde(default)]
    then: Option<Effect>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Pattern {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    operation: Which,
}

impl Default for Pattern {
    fn default() -> Self {
        Pattern { kind: "*".into(), name: "*".into(), operation: Which::Any(Any::Any) }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum Which {
    Any(Any),
    One(Operation),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Any {
    Any,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Per {
    #[default]
    Rule,
    Object,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Nth {
    All(All),
    Calls(Vec<u64>),
    Every { every: u64 },
    From { from: u64 },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum All {
    All,
}

impl Default for Nth {
    fn default() -> Self {
        Nth::All(All::All)
    }
}

impl Nth {
    fn contains(&self, call: u64) -> bool {
        match self {
            Nth::All(All::All) => true,
            Nth::Calls(calls) => calls.contains(&call),
            Nth::Every { every } => *every > 0 && call.is_multiple_of(*every),
            Nth::From { from } => call >= *from,
        }
    }
}

impl Pattern {
    fn matches(&self, operation: Operation, kind: &str, name: &str) -> bool {
        let operation = match self.operation {
            Which::Any(Any::Any) => true,
            Which::One(one) => one == operation,
        };
        operation && glob(&self.kind, kind) && glob(&self.name, name)
    }
}

/// What happens to one call.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// How long it takes until the work is done.
    pub(super) latency: Duration,
    /// How long the answer takes after that.
    pub(super) latency_after: Duration,
    /// What others do to the object first: vanish and change.
    pub(super) before: Vec<Effect>,
    /// What is done in place of a plain answer.
    pub(super) answer: Option<Effect>,
}

/// A script that runs: rules and how many calls each has seen.
#[derive(Default)]
pub(super) struct Faults {
    rules: Vec<Rule>,
    /// By rule, and by object where the rule counts so (else by "").
    calls: Mutex<HashMap<(usize, String), u64>>,
}

impl Faults {
    pub(super) fn new(script: Script) -> Self {
        Faults { rules: script.rules, calls: Mutex::default() }
    }

    /// Whether there is nothing to judge.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Counts a call and says what happens to it.
    pub(super) fn judge(&self, operation: Operation, kind: &str, name: &str) -> Verdict {
        let mut verdict = Verdict::default();
        for (i, rule) in self.rules.iter().enumerate() {
            if rule.pattern.matches(operation, kind, name) && rule.nth.contains(self.count(i, kind, name)) {
                verdict.add(rule);
            }
        }
        verdict
    }

    fn count(&self, rule: usize, kind: &str, name: &str) -> u64 {
        let object = match self.rules[rule].per {
            Per::Rule => String::new(),
            Per::Object => format!("{kind}\n{name}"),
        };
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let count = calls.entry((rule, object)).or_insert(0);
        *count += 1;
        *count
    }
}

impl Verdict {
    fn add(&mut self, rule: &Rule) {
        self.latency += Duration::from_millis(rule.latency_ms);
        self.latency_after += Duration::from_millis(rule.latency_after_ms);
        match &rule.then {
            Some(effect @ (Effect::Vanish | Effect::Change { .. })) => self.before.push(effect.clone()),
            Some(effect) if self.answer.is_none() => self.answer = Some(effect.clone()),
            _ => {}
        }
    }
}

/// Whether text fits a pattern of `*` (anything) and `?` (one character).
fn glob(pattern: &str, text: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on when the last star has to take one character more.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t + 1));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match retry {
                Some((after_star, next)) => {
                    (p, t) = (after_star, next);
                    retry = Some((after_star, next + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        let cases = [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("?b*", "abc", true),
            ("*/quota", "ns/quota", true),
            ("*a*b", "xaxxb", true),
            ("", "a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn malformed_scripts_are_refused() {
        let bad = [
            "{}",
            r#"{"version": 2}"#,
            r#"{"version": 1, "rules": [{"matches": {}}]}"#,
            r#"{"version": 1, "rules": [{"match": {"operation": "destroy"}}]}"#,
            r#"{"version": 1, "rules": [{"nth": "some"}]}"#,
            r#"{"version": 1, "rules": [{"then": {"fail": {"class": "bad", "message": ""}}}]}"#,
        ];
        for text in bad {
            assert!(Script::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_effect_has_its_form() {
        let effects = [
            r#"{"fail": {"class": "denied", "message": "no"}}"#,
            r#"{"throttle": {"retry_after_ms": 5}}"#,
            r#"{"throttle": {}}"#,
            r#""hang""#,
            r#""lose_reply""#,
            r#""vanish""#,
            r#"{"change": {"path": ["spec", "ports", 0], "value": 3}}"#,
            r#"{"pending": {"polls": 3, "message": "creating"}}"#,
        ];
        for effect in effects {
            let text = format!(r#"{{"version": 1, "rules": [{{"then": {effect}}}]}}"#);
            assert!(Script::parse(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn calls_are_counted() {
        let cases = [
            (r#""all""#, "rule", [true, true, true, true]),
            ("[1, 4]", "rule", [true, false, false, true]),
            (r#"{"every": 2}"#, "rule", [false, true, false, true]),
            (r#"{"from": 3}"#, "rule", [false, false, true, true]),
            ("[1]", "object", [true, true, false, false]),
        ];
        for (nth, per, expected) in cases {
            let text = format!(
                r#"{{"version": 1, "rules": [{{"match": {{"operation": "read"}}, "nth": {nth},
                "per": "{per}", "latency_ms": 7}}]}}"#
            );
            let faults = Faults::new(Script::parse(&text).expect("parses"));
            assert_eq!(faults.judge(Operation::Create, "t", "a").latency, Duration::ZERO);
            for (name, hit) in ["a", "b", "a", "b"].into_iter().zip(expected) {
                let latency = faults.judge(Operation::Read, "t", name).latency;
                assert_eq!(latency == Duration::from_millis(7), hit, "{nth} {per}");
            }
        }
    }
}
