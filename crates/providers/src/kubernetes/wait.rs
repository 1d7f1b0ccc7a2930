//! Whether an object has become what it is to be.
//!
//! Pure. Guarantees: a condition that speaks of an older generation counts for
//! nothing; a wait that cannot end well says so.

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tenantctl_core::provider::Value;

use super::fields;
use super::health::{condition, health, reason};

/// What to wait for after a write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wait {
    /// The object does what it is there for.
    pub(super) rollout: bool,
    /// Conditions, each with the status it must have.
    pub(super) conditions: Vec<(String, String)>,
    /// Paths of fields, each with the pattern that its value must fit.
    #[serde(default)]
    pub(super) fields: Vec<(String, String)>,
}

/// How far an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There.
    Ready,
    /// On the way.
    Waiting(String),
    /// It will not get there by itself.
    Failed(String),
}

impl Wait {
    /// What a resource's `wait` block asks for, and what its kind needs in any
    /// case: a definition is of no use until the server has taken it up.
    pub(super) fn of(config: &Value, kind: &str) -> Self {
        let block = config.get("wait").unwrap_or(Value::NULL);
        let rollout = block.get("rollout").and_then(|v| v.as_bool()) == Some(true);
        let conditions = block.get("condition").unwrap_or(Value::NULL);
        let mut conditions: Vec<(String, String)> = conditions
            .as_items()
            .unwrap_or_default()
            .iter()
            .filter_map(|c| {
                let text = |name: &str| c.get(name).and_then(|v| v.as_str().map(str::to_owned));
                Some((text("type")?, text("status").unwrap_or_else(|| "True".into())))
            })
            .collect();
        if kind == "CustomResourceDefinition" {
            conditions.push(("Established".into(), "True".into()));
        }
        let fields = block.get("fields").unwrap_or(Value::NULL);
        let fields = fields.as_entries().into_iter().flatten();
        let fields =
            fields.filter_map(|(path, v)| Some((path.to_string(), v.as_str()?.to_owned()))).collect();
        Wait { rollout, conditions, fields }
    }

    /// Whether there is anything to wait for.
    pub(super) fn is_nothing(&self) -> bool {
        !self.rollout && self.conditions.is_empty() && self.fields.is_empty()
    }

    /// How far the object is.
    pub(super) fn progress(&self, object: &Json) -> Progress {
        if self.rollout {
            let health = health(object);
            if health != Progress::Ready {
                return health;
            }
        }
        for (kind, status) in &self.conditions {
            match condition(object, kind) {
                Some(c) if c["status"] == status.as_str() => {}
                Some(c) => {
                    let is = c["status"].as_str().unwrap_or("unknown");
                    return Progress::Waiting(format!("condition {kind} is {is}{}", reason(c)));
                }
                None => return Progress::Waiting(format!("no condition {kind} yet")),
            }
        }
        for (path, pattern) in &self.fields {
            let found = fields::parse(path).map(|steps| fields::all_json(object, &steps)).unwrap_or_default();
            let is = match found.iter().find(|value| !fits(pattern, value)) {
                None if !found.is_empty() => continue,
                None | Some(Json::Null) => "not set".to_owned(),
                Some(value) => value.to_string(),
            };
            return Progress::Waiting(format!("{path} is {is}"));
        }
        Progress::Ready
    }
}

/// Whether a field has a value that fits: `*` is any, else a regular expression.
fn fits(pattern: &str, value: &Json) -> bool {
    let text = match value {
        Json::Null => return false,
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    pattern == "*" || Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(&text))
}

/// A duration such as `90s`, `10m` or `1h30m`, in seconds.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..end].parse().ok()?;
        let unit = match rest.as_bytes()[end] {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[end + 1..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_of_an_older_generation_do_not_count() {
        let wait = Wait { conditions: vec![("Ready".into(), "True".into())], ..Wait::default() };
        let object = |observed: i64| {
            json!({"metadata": {"generation": 2}, "status": {"conditions": [
                {"type": "Ready", "status": "True", "observedGeneration": observed}]}})
        };
        assert_eq!(wait.progress(&object(1)), Progress::Waiting("no condition Ready yet".into()));
        assert_eq!(wait.progress(&object(2)), Progress::Ready);
    }

    #[test]
    fn fields_are_compared_by_pattern() {
        let object = json!({"status": {"phase": "Running", "n": 2, "list": [{"ok": true}, {"ok": false}]}});
        let progress = |path: &str, pattern: &str| {
            Wait { fields: vec![(path.into(), pattern.into())], ..Wait::default() }.progress(&object)
        };
        let waiting = |text: &str| Progress::Waiting(text.into());
        let cases = [
            ("status.phase", "Running", Progress::Ready),
            ("status.phase", "^Run", Progress::Ready),
            ("status.phase", "*", Progress::Ready),
            ("status.phase", "^Failed$", waiting(r#"status.phase is "Running""#)),
            ("status.n", "2", Progress::Ready),
            ("status.list[0].ok", "true", Progress::Ready),
            ("status.list[*].ok", "true", waiting("status.list[*].ok is false")),
            ("status.other", "*", waiting("status.other is not set")),
        ];
        for (path, pattern, expected) in cases {
            assert_eq!(progress(path, pattern), expected, "{path} {pattern}");
        }
    }

    #[test]
    fn durations() {
        let cases =
            [("90s", Some(90)), ("1h30m", Some(5400)), ("10", None), ("", None), ("1d", None), ("m", None)];
        for (text, expected) in cases {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
