//! What a plan is made of, and what must be read before it can be made.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::ephemeral::OpenRead;
use super::imports::ImportRead;
use super::model::{Plan, PlanMode};
use super::moves::Moves;
use super::targets::Chosen;
use crate::addr::ResourceAddress;
use crate::config::Instance;
use crate::diag::{Diagnostics, Span};
use crate::graph::Graph;
use crate::provider::Registry;
use crate::refresh::Drift;
use crate::state::{RecordChange, WorkspaceState};
use crate::value::Value;

/// What a plan is made of.
pub struct PlanInput<'a> {
    /// The instance's configuration.
    pub instance: &'a Instance,
    /// Its graph.
    pub graph: &'a Graph,
    /// The workspace, its objects moved and refreshed.
    pub state: &'a WorkspaceState,
    /// What refresh found changed.
    pub drift: &'a [Drift],
    /// Records that moves and refresh change.
    pub refreshed: &'a [RecordChange],
    /// The providers.
    pub registry: &'a Registry,
    /// The kind of plan.
    pub mode: PlanMode,
    /// `-replace`.
    pub replace: &'a [ResourceAddress],
    /// `-target` and `-exclude`.
    pub chosen: &'a Chosen,
    /// The root's variables stand for any value: what a plan must know is not
    /// asked for.
    pub is_trial: bool,
    /// What was moved.
    pub moves: &'a Moves,
    /// Objects to be imported besides those of `import` blocks.
    pub imports: &'a [(ResourceAddress, String)],
    /// Whether imported objects without configuration get one.
    pub generate: bool,
    /// Whether the plan says which attributes its changes come from.
    pub relevant: bool,
    /// Now, RFC 3339.
    pub timestamp: &'a str,
    /// Of the configuration files.
    pub config_digest: &'a str,
    /// Data sources read so far.
    pub data: &'a BTreeMap<ResourceAddress, Value>,
    /// Data sources of checks that could not be read.
    pub unread: &'a HashSet<ResourceAddress>,
    /// Objects read by their id so far.
    pub imported: &'a BTreeMap<ResourceAddress, Value>,
    /// Ephemeral objects opened so far.
    pub opened: &'a BTreeMap<ResourceAddress, Value>,
}

/// A data source that must be read before planning can go on.
#[derive(Clone, Debug)]
pub struct DataRead {
    /// Which.
    pub address: ResourceAddress,
    /// Its provider's name.
    pub provider: Arc<str>,
    /// The connection.
    pub connection: Value,
    /// Its configuration, wholly known.
    pub config: Value,
    /// It stands in a check: failing to read it is a warning.
    pub in_check: bool,
    /// Where its block stands.
    pub span: Option<Span>,
}

/// What must be read before planning can go on.
#[derive(Debug, Default)]
pub struct Needs {
    /// Data sources.
    pub data: Vec<DataRead>,
    /// Objects to be imported.
    pub imports: Vec<ImportRead>,
    /// Ephemeral objects to be opened.
    pub opens: Vec<OpenRead>,
}

/// What planning came to.
pub enum Planned {
    /// A plan, with warnings.
    Plan(Box<Plan>, Diagnostics),
    /// Read these and plan again.
    Needs(Needs),
}
