//! What no message may hold.

use tenantctl_core::provider::{Marks, Value};

/// Texts that no message may hold.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({} secrets)", self.0.len())
    }
}

impl Secrets {
    /// All that is sensitive in some values.
    pub(super) fn of(values: &[&Value]) -> Self {
        fn collect(value: &Value, inherited: bool, into: &mut Vec<String>) {
            let sensitive = inherited || value.marks().contains(Marks::SENSITIVE);
            if sensitive && let Some(text) = value.as_str() {
                into.push(text.to_owned());
                into.extend(text.lines().filter(|l| l.len() >= 8).map(str::to_owned));
            }
            value.for_each_child(&mut |child| collect(child, sensitive, into));
        }
        let mut secrets = Vec::new();
        values.iter().for_each(|v| collect(v, false, &mut secrets));
        secrets.retain(|s| s.len() >= 3);
        secrets.sort_by_key(|s| std::cmp::Reverse(s.len()));
        secrets.dedup();
        Secrets(secrets)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text without them.
    pub(super) fn scrub(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "(sensitive value)"))
    }
}
