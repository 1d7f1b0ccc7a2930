//! What conditions came to, by the block that sets them: told by `show` and
//! given out with the state without judging anything again.
//!
//! Guarantees: what is written of a change costs what changed, not what there
//! is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::addr::ResourceAddress;

/// What kind of block sets conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum CheckableKind {
    /// A resource or data source.
    Resource,
    /// An output.
    OutputValue,
    /// A `check` block.
    Check,
    /// A variable.
    #[serde(rename = "var")]
    Variable,
}

impl CheckableKind {
    /// What stands before the name in an address, unless that is the type.
    pub fn word(self) -> Option<&'static str> {
        match self {
            CheckableKind::Resource => None,
            CheckableKind::OutputValue => Some("output"),
            CheckableKind::Check => Some("check"),
            CheckableKind::Variable => Some("var"),
        }
    }
}

/// A block that sets conditions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Checkable {
    /// Its kind.
    pub kind: CheckableKind,
    /// Its address, without keys; of what is no resource, the word stands for
    /// the type: `module.m.check.health`.
    #[cfg_attr(test, schemars(with = "String"))]
    pub address: ResourceAddress,
}

/// What conditions came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum CheckStatus {
    /// They hold.
    #[default]
    Pass,
    /// They are not judged.
    Unknown,
    /// One does not hold.
    Fail,
    /// One cannot be judged.
    Error,
}

/// What the conditions of one instance came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckOutcome {
    /// All of them together.
    #[serde(default, skip_serializing_if = "is_pass")]
    pub status: CheckStatus,
    /// Messages of those that do not hold, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_pass(status: &CheckStatus) -> bool {
    *status == CheckStatus::Pass
}

impl CheckOutcome {
    /// Adds what more conditions of the same instance came to.
    pub fn join(&mut self, other: CheckOutcome) {
        self.status = self.status.max(other.status);
        self.problems.extend(other.problems);
        self.problems.sort();
    }
}

/// What the conditions of a block came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Which instances there are is not known.
    pub open: bool,
    /// By the address of the instance.
    pub instances: BTreeMap<ResourceAddress, CheckOutcome>,
}

impl Checked {
    /// All instances together.
    pub fn status(&self) -> CheckStatus {
        let none = if self.open { CheckStatus::Unknown } else { CheckStatus::Pass };
        self.instances.values().map(|outcome| outcome.status).max().unwrap_or(none)
    }
}

/// What becomes of the outcomes of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckChange {
    /// The block.
    #[serde(flatten)]
    pub block: Checkable,
    /// It sets no conditions any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// Which instances there are is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    /// Instances that came to something else, by address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, CheckOutcome>"))]
    pub judged: BTreeMap<ResourceAddress, CheckOutcome>,
    /// Instances that are no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub gone: Vec<ResourceAddress>,
}

/// What all conditions of a workspace came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<CheckChange>", into = "Vec<CheckChange>")]
pub struct Checks(pub BTreeMap<Checkable, Checked>);

impl Checks {
    /// Whether there are no conditions.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What makes these outcomes of others.
    pub fn changes_from(&self, before: &Checks) -> Vec<CheckChange> {
        let none = Checked::default();
        let change = |block: &Checkable, after: Option<&Checked>, before: Option<&Checked>| {
            let (removed, is_new) = (after.is_none(), before.is_none());
            let (after, before) = (after.unwrap_or(&none), before.unwrap_or(&none));
            if !removed && !is_new && after == before {
                return None;
            }
            let judged = after.instances.iter().filter(|(at, is)| before.instances.get(at) != Some(is));
            let gone = before.instances.keys().filter(|at| !removed && !after.instances.contains_key(at));
            Some(CheckChange {
                block: block.clone(),
                removed,
                open: after.open,
                judged: judged.map(|(at, is)| (at.clone(), is.clone())).collect(),
                gone: gone.cloned().collect(),
            })
        };
        let removed = before.0.keys().filter(|block| !self.0.contains_key(block));
        let removed = removed.filter_map(|block| change(block, None, Some(&none)));
        let kept = self.0.iter().filter_map(|(block, is)| change(block, Some(is), before.0.get(block)));
        removed.chain(kept).collect()
    }

    /// Takes changes in.
    pub fn take(&mut self, changes: Vec<CheckChange>) {
        for change in changes {
            if change.removed {
                self.0.remove(&change.block);
                continue;
            }
            let checked = self.0.entry(change.block).or_default();
            checked.open = change.open;
            change.gone.iter().for_each(|at| drop(checked.instances.remove(at)));
            checked.instances.extend(change.judged);
        }
    }
}

impl From<Vec<CheckChange>> for Checks {
    fn from(changes: Vec<CheckChange>) -> Self {
        let mut checks = Checks::default();
        checks.take(changes);
        checks
    }
}

impl From<Checks> for Vec<CheckChange> {
    fn from(checks: Checks) -> Self {
        let change = |(block, Checked { open, instances })| CheckChange {
            block,
            removed: false,
            open,
            judged: instances,
            gone: Vec::new(),
        };
        checks.0.into_iter().map(change).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `check.a:pass,fail` gives a block with instances 0 and 1.
    fn checks(blocks: &[(&str, &[&str])]) -> Checks {
        let all = blocks.iter().map(|(address, outcomes)| {
            let address: ResourceAddress = address.parse().expect("address");
            let instances = outcomes.iter().enumerate().map(|(i, status)| {
                let at: ResourceAddress = format!("{address}[{i}]").parse().expect("address");
                let status = serde_json::from_str(&format!("{status:?}")).expect("status");
                (at, CheckOutcome { status, problems: Vec::new() })
            });
            let checked = Checked { open: outcomes.is_empty(), instances: instances.collect() };
            (Checkable { kind: CheckableKind::Resource, address }, checked)
        });
        Checks(all.collect())
    }

    #[test]
    fn changes_lead_from_any_to_any() {
        let states = [
            checks(&[]),
            checks(&[("a.b", &[])]),
            checks(&[("a.b", &["pass", "pass"])]),
            checks(&[("a.b", &["pass", "fail"]), ("module.m.a.b", &["unknown"])]),
            checks(&[("module.m.a.b", &["error", "pass", "pass"])]),
        ];
        for before in &states {
            for after in &states {
                let changes = after.changes_from(before);
                assert_eq!(changes.is_empty(), before == after);
                let text = serde_json::to_string(&changes).expect("JSON");
                let mut there = before.clone();
                there.take(serde_json::from_str(&text).expect("reads"));
                assert_eq!(&there, after, "{text}");
            }
            let text = serde_json::to_string(before).expect("JSON");
            assert_eq!(&serde_json::from_str::<Checks>(&text).expect("reads"), before, "{text}");
        }
    }

    #[test]
    fn a_change_costs_what_changed() {
        let all: Vec<&str> = vec!["pass"; 1000];
        let mut one = all.clone();
        one[500] = "fail";
        let changes = checks(&[("a.b", &one)]).changes_from(&checks(&[("a.b", &all)]));
        assert_eq!(
            serde_json::to_string(&changes).expect("JSON"),
            r#"[{"kind":"resource","address":"a.b","judged":{"a.b[500]":{"status":"fail"}}}]"#
        );
    }
}
