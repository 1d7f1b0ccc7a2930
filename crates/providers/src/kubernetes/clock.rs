//! Time limits of waits, as data that survives the process.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tenantctl_core::provider::Value;

use super::wait::seconds;

const DEFAULT: u64 = 600;
/// How long a status that names no generation may be of the one before.
const SETTLING: u64 = 3;
/// A watch that is silent for so long may be dead.
const LONGEST_WATCH: u64 = 30;

/// A wait that started at some time and has so long, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Limit {
    since: u64,
    seconds: u64,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

impl Limit {
    /// The limit that a resource's `timeouts` set for an action, from now on.
    pub(super) fn of(config: &Value, action: &str) -> Self {
        let text = config.get("timeouts").and_then(|t| t.get(action));
        let limit = text.and_then(|t| t.as_str().and_then(seconds)).unwrap_or(DEFAULT);
        Limit { since: now(), seconds: limit }
    }

    fn elapsed(self) -> u64 {
        now().saturating_sub(self.since)
    }

    /// Whether a controller has had the time to look at what was applied.
    pub(super) fn is_settled(self) -> bool {
        self.elapsed() >= SETTLING
    }

    /// Whether the time is up.
    pub(super) fn is_over(self) -> bool {
        self.elapsed() >= self.seconds
    }

    /// When to look again: soon at first, then at leisure.
    pub(super) fn pause(self) -> Duration {
        match self.elapsed() {
            0..=9 => Duration::from_secs(1),
            10..=59 => Duration::from_secs(2),
            _ => Duration::from_secs(5),
        }
    }

    /// When to look again at the latest, if the server tells of changes.
    pub(super) fn watched(self) -> Duration {
        Duration::from_secs(self.seconds.saturating_sub(self.elapsed()).clamp(1, LONGEST_WATCH))
    }

    /// The time allowed, in words.
    pub(super) fn text(self) -> String {
        match (self.seconds / 60, self.seconds % 60) {
            (0, s) => format!("{s} s"),
            (m, 0) => format!("{m} min"),
            (m, s) => format!("{m} min {s} s"),
        }
    }
}
