//! How long operations on an object may take.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An operation that may be given a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timed {
    /// Making an object.
    Create,
    /// Reading it.
    Read,
    /// Changing it in place.
    Update,
    /// Removing it.
    Delete,
}

impl Timed {
    /// All of them.
    pub const ALL: [Timed; 4] = [Timed::Create, Timed::Read, Timed::Update, Timed::Delete];

    /// As configurations name it.
    pub fn name(self) -> &'static str {
        match self {
            Timed::Create => "create",
            Timed::Read => "read",
            Timed::Update => "update",
            Timed::Delete => "delete",
        }
    }

    /// The operation of a name.
    pub fn of(name: &str) -> Option<Timed> {
        Timed::ALL.into_iter().find(|timed| timed.name() == name)
    }
}

/// Deadlines by operation: those that a type has usually, or those that a
/// block sets. Most objects have none, and there are many objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Given", into = "Given")]
pub struct Timeouts(Option<Box<Given>>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Given {
    #[serde(with = "milliseconds", skip_serializing_if = "Option::is_none")]
    create: Option<Duration>,
    #[serde(with = "milliseconds", skip_serializing_if = "Option::is_none")]
    read: Option<Duration>,
    #[serde(with = "milliseconds", skip_serializing_if = "Option::is_none")]
    update: Option<Duration>,
    #[serde(with = "milliseconds", skip_serializing_if = "Option::is_none")]
    delete: Option<Duration>,
}

impl From<Given> for Timeouts {
    fn from(given: Given) -> Self {
        Timeouts((given != Given::default()).then(|| Box::new(given)))
    }
}

impl From<Timeouts> for Given {
    fn from(timeouts: Timeouts) -> Self {
        timeouts.0.map_or_else(Given::default, |given| *given)
    }
}

impl Timeouts {
    /// So many minutes to create, to update and to delete.
    pub fn minutes(create: u64, update: u64, delete: u64) -> Self {
        let minutes = |minutes: u64| Some(Duration::from_secs(minutes * 60));
        Given { create: minutes(create), read: None, update: minutes(update), delete: minutes(delete) }.into()
    }

    /// The deadline of an operation.
    pub fn get(&self, timed: Timed) -> Option<Duration> {
        let given = self.0.as_ref()?;
        match timed {
            Timed::Create => given.create,
            Timed::Read => given.read,
            Timed::Update => given.update,
            Timed::Delete => given.delete,
        }
    }

    /// Sets the deadline of an operation, or none.
    pub fn set(&mut self, timed: Timed, limit: Option<Duration>) {
        let mut given = Given::from(std::mem::take(self));
        *match timed {
            Timed::Create => &mut given.create,
            Timed::Read => &mut given.read,
            Timed::Update => &mut given.update,
            Timed::Delete => &mut given.delete,
        } = limit;
        *self = given.into();
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The operations that have one.
    pub fn operations(&self) -> impl Iterator<Item = (Timed, Duration)> {
        Timed::ALL.into_iter().filter_map(|timed| Some((timed, self.get(timed)?)))
    }
}

/// A duration as configurations write it: `1h30m`, `10s`, `250ms`.
pub struct Words(pub Duration);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.as_secs(), self.0.subsec_millis());
        let parts =
            [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s"), (u64::from(millis), "ms")];
        if parts.iter().all(|(number, _)| *number == 0) {
            return f.write_str("0s");
        }
        parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .try_for_each(|(number, unit)| write!(f, "{number}{unit}"))
    }
}

mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(limit: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        match limit {
            Some(limit) => to.serialize_u64(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Duration::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_words() {
        let cases = [(0, "0s"), (250, "250ms"), (90_000, "1m30s"), (5_400_000, "1h30m"), (3_600_000, "1h")];
        for (millis, words) in cases {
            assert_eq!(Words(Duration::from_millis(millis)).to_string(), words);
        }
    }

    #[test]
    fn what_is_not_set_is_not_written() {
        let mut timeouts = Timeouts::default();
        assert_eq!(serde_json::to_string(&timeouts).expect("JSON"), "{}");
        timeouts.set(Timed::Delete, Some(Duration::from_millis(1500)));
        let text = serde_json::to_string(&timeouts).expect("JSON");
        assert_eq!(text, r#"{"delete":1500}"#);
        assert_eq!(serde_json::from_str::<Timeouts>(&text).expect("read back"), timeouts);
    }
}
