//! Known secrets, and texts without them.
//!
//! Values carry their marks, so nothing of ours ever shows a sensitive one.
//! Words of others do: a service that repeats what it was sent, a command that
//! prints what it was given. What they say goes through here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Kind, Marks, Value};

/// What stands in the place of a secret.
const HIDDEN: &str = "(sensitive value)";
/// Anything shorter is in every other word.
const SHORTEST: usize = 3;
/// Lines of a longer secret, such as those of a key, from this length on.
const SHORTEST_LINE: usize = 8;

/// Secrets that were met so far; clones share them.
#[derive(Clone, Default)]
pub struct Secrets(Arc<RwLock<Texts>>);

/// By length, so that the longest goes first.
type Texts = BTreeMap<usize, std::collections::BTreeSet<String>>;

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(hidden)")
    }
}

impl Secrets {
    /// Notes all that is sensitive in a value.
    pub fn learn(&self, value: &Value) {
        if !value.is_marked() {
            return;
        }
        let mut texts = Vec::new();
        collect(value, false, &mut texts);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for text in texts {
            known.entry(text.len()).or_default().insert(text);
        }
    }

    /// A text without the secrets that are known.
    pub fn scrub(&self, text: &str) -> String {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut scrubbed = text.to_owned();
        for (_, secrets) in known.range(..=text.len()).rev() {
            for secret in secrets.iter().filter(|secret| text.contains(secret.as_str())) {
                scrubbed = scrubbed.replace(secret.as_str(), HIDDEN);
            }
        }
        scrubbed
    }
}

fn collect(value: &Value, inherited: bool, into: &mut Vec<String>) {
    let is_secret = inherited || value.marks() != Marks::NONE;
    let text = match value.kind() {
        Kind::String(text) if is_secret => text.to_string(),
        Kind::Number(number) if is_secret => number.to_string(),
        _ => return value.for_each_child(&mut |child| collect(child, is_secret, into)),
    };
    if text.len() < SHORTEST {
        return;
    }
    into.extend(text.lines().filter(|line| line.len() >= SHORTEST_LINE).map(str::to_owned));
    // As a service quotes it.
    let quoted = serde_json::Value::from(text.as_str()).to_string();
    into.push(quoted.trim_matches('"').to_owned());
    into.push(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_are_and_nothing_else() {
        let secrets = Secrets::default();
        let object = Value::object([
            ("plain", Value::from("open")),
            ("deep", Value::tuple([Value::object([("key", Value::from("hunter22"))])]).sensitive()),
            ("longer", Value::from("hunter22-and-more").sensitive()),
            ("lines", Value::from("first line\nsecond \"line\"\nx").sensitive()),
            ("pin", Value::from(48_151i64).sensitive()),
            ("short", Value::from("a").sensitive()),
        ]);
        secrets.learn(&object);
        let hidden = |text: &str| secrets.scrub(text);
        assert_eq!(hidden("a plain open word"), "a plain open word");
        assert_eq!(hidden("hunter22-and-more, hunter22"), "(sensitive value), (sensitive value)");
        assert_eq!(hidden("bad: second \"line\"!"), "bad: (sensitive value)!");
        assert_eq!(hidden(r#"{"v":"first line\nsecond \"line\"\nx"}"#), r#"{"v":"(sensitive value)"}"#);
        assert_eq!(hidden("pin 48151 is wrong"), "pin (sensitive value) is wrong");
        assert!(!format!("{secrets:?}").contains("hunter"));
    }
}
