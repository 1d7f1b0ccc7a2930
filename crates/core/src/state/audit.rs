//! The record of who did what to which workspace, when, from which plan.

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
    /// Whether all of it was done.
    pub complete: bool,
}
