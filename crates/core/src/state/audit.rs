//! The record of who did what to which workspace, when, from which plan.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::addr::WorkspaceName;

/// One line of the record. Holds no values, so nothing secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AuditEntry {
    /// Of this line.
    pub format_version: u32,
    /// RFC 3339.
    pub at: String,
    /// `user@host`.
    pub who: String,
    /// `apply`, `state mv`, `show-sensitive`…
    pub operation: String,
    /// Which workspaces.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub workspaces: Vec<WorkspaceName>,
    /// The workspace's serial afterwards, where it is one workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<u64>,
    /// What tells the plan that was applied: lineage, serial and digest of its
    /// configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// What was done, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Addresses that were meant, where they were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Set by a look for drift: how many objects others changed, of the
    /// workspaces that have such; it was at `workspaces`, or at all there were
    /// when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<BTreeMap<String, usize>>"))]
    pub drifted: Option<BTreeMap<WorkspaceName, usize>>,
    /// Whether all of it was done.
    pub complete: bool,
}

/// What the record tells of a workspace as it is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing<'a> {
    /// When it was last applied.
    pub applied: Option<&'a str>,
    /// That run did not come to its end.
    pub incomplete: bool,
    /// That run took all away.
    pub destroyed: bool,
    /// When somebody last looked for drift, if that was since then.
    pub checked: Option<&'a str>,
    /// How many objects others had changed by then.
    pub drifted: usize,
}

/// What the record tells of all workspaces.
#[derive(Debug, Default)]
pub struct Standings<'a> {
    applied: HashMap<&'a WorkspaceName, (usize, &'a AuditEntry)>,
    checked: HashMap<&'a WorkspaceName, (usize, &'a AuditEntry)>,
    /// The last look at all that there were.
    all: Option<(usize, &'a AuditEntry)>,
}

impl<'a> Standings<'a> {
    /// Goes through the record once, oldest first.
    pub fn of(record: &'a [AuditEntry]) -> Self {
        let mut standings = Standings::default();
        for found in record.iter().enumerate() {
            let entry = found.1;
            let known = match (&entry.drifted, entry.operation.as_str()) {
                (Some(_), _) if entry.workspaces.is_empty() => {
                    standings.all = Some(found);
                    continue;
                }
                (Some(_), _) => &mut standings.checked,
                (None, "apply" | "destroy") => &mut standings.applied,
                (None, _) => continue,
            };
            known.extend(entry.workspaces.iter().map(|name| (name, found)));
        }
        standings
    }

    /// That of one workspace.
    pub fn get(&self, workspace: &WorkspaceName) -> Standing<'a> {
        let applied = self.applied.get(workspace).copied();
        let own = self.checked.get(workspace).copied();
        let checked = own.into_iter().chain(self.all).max_by_key(|(when, _)| *when);
        // A look from before the last apply says nothing of what there is now.
        let checked = checked.filter(|(when, _)| applied.is_none_or(|(applied, _)| *when > applied));
        let drifted = checked.and_then(|(_, entry)| entry.drifted.as_ref()?.get(workspace).copied());
        Standing {
            applied: applied.map(|(_, entry)| entry.at.as_str()),
            incomplete: applied.is_some_and(|(_, entry)| !entry.complete),
            destroyed: applied.is_some_and(|(_, entry)| entry.complete && entry.operation == "destroy"),
            checked: checked.map(|(_, entry)| entry.at.as_str()),
            drifted: drifted.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_a_workspace_counts() {
        let name = |text: &str| text.parse::<WorkspaceName>().expect("a name");
        let entry =
            |at: &str, operation: &str, workspaces: &[&str], drifted: Option<&[(&str, usize)]>| AuditEntry {
                at: at.into(),
                operation: operation.into(),
                complete: true,
                workspaces: workspaces.iter().map(|text| name(text)).collect(),
                drifted: drifted.map(|all| all.iter().map(|(text, n)| (name(text), *n)).collect()),
                ..AuditEntry::default()
            };
        let record = [
            entry("1", "apply", &["acme"], None),
            entry("2", "apply", &["globex"], None),
            entry("3", "plan", &["acme"], None),
            entry("4", "drift", &[], Some(&[("acme", 2), ("globex", 1)])),
            entry("5", "apply", &["globex"], None),
            entry("6", "drift", &["acme"], Some(&[])),
            entry("7", "drift", &["hooli"], Some(&[("hooli", 3)])),
        ];
        let standings = Standings::of(&record);
        let standing =
            |applied, checked, drifted| Standing { applied, checked, drifted, ..Standing::default() };
        for (workspace, expected) in [
            ("acme", standing(Some("1"), Some("6"), 0)),
            ("globex", standing(Some("5"), None, 0)),
            ("hooli", standing(None, Some("7"), 3)),
            ("initech", standing(None, Some("4"), 0)),
        ] {
            assert_eq!(standings.get(&name(workspace)), expected, "{workspace}");
        }
        let broken = [AuditEntry { complete: false, ..record[0].clone() }];
        let incomplete = Standing { incomplete: true, ..standing(Some("1"), None, 0) };
        assert_eq!(Standings::of(&broken).get(&name("acme")), incomplete);
        let gone = [entry("8", "destroy", &["acme"], None)];
        let destroyed = Standing { destroyed: true, ..standing(Some("8"), None, 0) };
        assert_eq!(Standings::of(&gone).get(&name("acme")), destroyed);
        assert_eq!(Standings::of(&record[..4]).get(&name("acme")), standing(Some("1"), Some("4"), 2));
    }
}
