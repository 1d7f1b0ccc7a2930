//! The plan: what will be done and why, as plain data that leaves the apply
//! nothing to decide.
//!
//! A plan holds every instance's change (no-ops too, since later steps read
//! their values), the execution graph as numbered steps, and the expressions
//! that only the apply can finish, closed over everything already known: they
//! refer to nothing but the plan's own table of [`Slot`]s.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::change::{Action, Change};
use super::checks::Pending;
use super::deferred::Deferred;
use super::policies::PendingPolicy;
use crate::addr::{InstanceKey, ResourceAddress, WorkspaceName};
use crate::config::passed_on;
use crate::diag::Diagnostics;
use crate::expr::{Constraint, Expr};
use crate::refresh::Drift;
use crate::state::Checks;
use crate::value::{Path, Value};

/// What kind of plan it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanMode {
    /// Make the world follow the configuration.
    #[default]
    Normal,
    /// Remove everything.
    Destroy,
    /// Take into state what changed, and change nothing.
    RefreshOnly,
}

/// A plan for one workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The workspace it is for.
    pub workspace: WorkspaceName,
    /// The tenant, unless it is the only workspace of a plain root.
    pub tenant: Option<String>,
    /// The tenant's tier.
    pub tier: Option<String>,
    /// The tenant's environment, when the platform declares any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Lineage of the state it was made from; empty when there was none.
    pub lineage: String,
    /// Serial of the state it was made from.
    pub serial: u64,
    /// Its kind.
    pub mode: PlanMode,
    /// When it was made, RFC 3339.
    pub timestamp: String,
    /// Of all configuration files it was made from.
    pub config_digest: String,
    /// Names of the providers that were simulated, so that what was planned on
    /// simulated objects is not done to real ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub simulate: Vec<String>,
    /// Schemas of the types in it, by `provider` and type, as they were.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub schemas: BTreeMap<String, PlannedSchema>,
    /// What the root module's variables were given, or came to where a platform
    /// gives them; ephemeral ones left out.
    pub variables: BTreeMap<Arc<str>, Value>,
    /// Ephemeral variables of the root module, which an apply must be given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ephemeral: BTreeMap<Arc<str>, EphemeralVariable>,
    /// One for each object, in address order.
    pub changes: Vec<Change>,
    /// Objects that do not change and were left out of `changes`, as
    /// [`Plan::brief`] does.
    #[serde(skip)]
    pub unchanged: usize,
    /// Of the root module, by name.
    pub outputs: BTreeMap<Arc<str>, OutputChange>,
    /// What others changed since the last run, in address order.
    pub drift: Vec<Drift>,
    /// The execution graph, in an order that respects itself.
    pub steps: Vec<Step>,
    /// What residual expressions refer to.
    pub slots: Vec<Slot>,
    /// Records to be written before any step, in one entry of the journal:
    /// moved, refreshed and imported objects.
    pub refreshed: Vec<crate::state::RecordChange>,
    /// What cannot be planned yet, in the configuration's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deferred: Vec<Deferred>,
    /// What all conditions came to.
    #[serde(default, skip_serializing_if = "Checks::is_empty")]
    pub checks: Checks,
    /// What of them the state has otherwise: an apply records it, also where
    /// there is nothing else to do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rechecked: bool,
    /// What of checks and of outputs' preconditions only the apply can tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<Pending>,
    /// Policies about it as a whole that only the apply can tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PendingPolicy>,
    /// It is about a part of the configuration only: `-target` or `-exclude`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Attributes of objects that its changes come from, when it was to say
    /// so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relevant: Vec<(ResourceAddress, Path)>,
    /// What is wrong with settings of tenants that refer to this platform, by
    /// setting: those tenants' problem, not the platform's.
    #[serde(skip)]
    pub unpassed: BTreeMap<Arc<str>, Diagnostics>,
    /// Configuration for imported objects that have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generated: Vec<Generated>,
}

/// A block made for an imported object that has none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Generated {
    /// Of which object.
    pub address: ResourceAddress,
    /// The id that it is imported by.
    pub id: String,
    /// The block.
    pub text: String,
}

/// A variable whose value is in no plan file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EphemeralVariable {
    /// Its type and the defaults inside it.
    pub constraint: Arc<Constraint>,
    /// Its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Never shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
    /// Its value, while the plan is in memory.
    #[serde(skip)]
    pub given: Option<Value>,
}

/// What tells a type's schema from another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSchema {
    /// The schema's own number.
    pub version: u32,
    /// Of all that it says.
    pub digest: String,
}

/// What happens to an output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OutputChange {
    /// As recorded; `NULL` when there is none.
    pub before: Value,
    /// As it will be, partly unknown; what is null is not recorded.
    pub after: Value,
    /// The expression that only the apply can finish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residual: Option<Expr>,
    /// Not to be shown.
    pub sensitive: bool,
    /// The configuration has no such output any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// The plan is not about it: it stays as it is recorded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stays: bool,
}

impl OutputChange {
    /// What becomes of a value that is known.
    pub fn known(before: Value, after: Value, sensitive: bool) -> Self {
        OutputChange { before, after, residual: None, sensitive, gone: false, stays: false }
    }
}

/// The number of a step: its place in [`Plan::steps`].
pub type StepId = u32;

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepAction {
    /// Makes the object of the change.
    Create,
    /// Changes it in place.
    Update,
    /// Removes the object that there was before.
    Delete,
    /// Sets the object aside, so that its successor can be made first.
    Depose,
    /// Reads a data source.
    Read,
    /// Opens an ephemeral object.
    Open,
    /// Forgets the record.
    Forget,
    /// Nothing but the conditions of an object that does not change.
    Check,
    /// Nothing: joins many dependencies into one.
    Join,
}

/// One step of the execution graph.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// What it does.
    pub action: StepAction,
    /// Index into [`Plan::changes`]; meaningless for a join.
    pub change: u32,
    /// Steps that must have succeeded before.
    pub after: Vec<StepId>,
}

/// How the instances of a resource make up its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// One object.
    Single,
    /// `count`: a tuple of objects.
    Count,
    /// `for_each`: objects by key.
    Each,
}

/// Something that residual expressions refer to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// The value of a resource.
    Resource {
        /// How its instances make it up.
        shape: Shape,
        /// Instances: key and index into [`Plan::changes`]; without that, what
        /// the plan does not know.
        instances: Vec<(Option<InstanceKey>, Option<u32>)>,
    },
    /// An expression over other slots: a local, a variable, a module's outputs.
    Expression(Expr),
    /// What the platform's apply passes on under this name.
    Shared(Arc<str>),
    /// A variable or output that has marks of its own.
    Marked {
        /// What it comes to without them.
        expr: Expr,
        /// Never shown.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        sensitive: bool,
        /// Never stored.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ephemeral: bool,
    },
    /// The root module's ephemeral variable of this name.
    Given(Arc<str>),
}

/// How many objects a plan adds, changes, destroys, imports and forgets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Created, replacements included.
    pub add: usize,
    /// Updated.
    pub change: usize,
    /// Deleted, replacements included.
    #[serde(rename = "remove")]
    pub destroy: usize,
    /// Taken in from the service.
    #[serde(default)]
    pub import: usize,
    /// No longer managed.
    #[serde(default)]
    pub forget: usize,
}

impl Plan {
    /// What it adds, changes, destroys, imports and forgets.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for change in &self.changes {
            counts.import += usize::from(change.importing.is_some());
            match change.action {
                Action::Create => counts.add += 1,
                Action::Update => counts.change += 1,
                Action::Delete => counts.destroy += 1,
                Action::Forget => counts.forget += 1,
                Action::DeleteThenCreate | Action::CreateThenDelete => {
                    counts.add += 1;
                    counts.destroy += 1;
                }
                Action::ForgetThenCreate => {
                    counts.add += 1;
                    counts.forget += 1;
                }
                Action::NoOp | Action::Read | Action::Open => {}
            }
        }
        counts
    }

    /// Outputs that are for the user, not for tenants.
    pub fn user_outputs(&self) -> impl Iterator<Item = (&Arc<str>, &OutputChange)> {
        self.outputs.iter().filter(|(name, _)| Self::setting_of(name).is_none())
    }

    /// The setting of tenants that an output is for; `None` for the user's.
    pub fn setting_of(output: &str) -> Option<&str> {
        passed_on(output)
    }

    /// Those of them that it is about.
    pub fn shown_outputs(&self) -> impl Iterator<Item = (&Arc<str>, &OutputChange)> {
        self.user_outputs().filter(|(_, output)| !output.stays)
    }

    /// What it needs of the platform's apply.
    pub fn needs(&self) -> impl Iterator<Item = &Arc<str>> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Shared(name) => Some(name),
            _ => None,
        })
    }

    /// Whether applying it would do anything beyond taking drift in.
    pub fn has_changes(&self) -> bool {
        self.changes.iter().any(Change::acts)
            || self.outputs.values().any(|o| o.residual.is_some() || o.before != o.after)
    }

    /// The same plan without objects that do not change, where nothing is to be
    /// done: plans of a large fleet are mostly that.
    #[must_use]
    pub fn brief(mut self) -> Plan {
        // Slots number the changes, and what is recorded has its type's schema
        // compared.
        let is_empty = self.steps.is_empty() && self.slots.is_empty() && self.refreshed.is_empty();
        if is_empty && self.drift.is_empty() && !self.has_changes() {
            let all = self.changes.len();
            self.changes.retain(|change| change.action != Action::NoOp);
            self.changes.shrink_to_fit();
            self.slots.shrink_to_fit();
            // Nothing of their types is recorded.
            self.schemas.clear();
            self.unchanged += all - self.changes.len();
        }
        self
    }

    /// The same plan with nothing left but what is imported and moved.
    #[must_use]
    pub fn without_steps(mut self) -> Plan {
        self.steps.clear();
        self.assertions.clear();
        self.policies.clear();
        self.outputs.values_mut().for_each(|output| {
            *output = OutputChange::known(output.before.clone(), output.before.clone(), output.sensitive);
        });
        self
    }
}

impl std::ops::Add for Counts {
    type Output = Counts;

    fn add(self, other: Counts) -> Counts {
        Counts {
            add: self.add + other.add,
            change: self.change + other.change,
            destroy: self.destroy + other.destroy,
            import: self.import + other.import,
            forget: self.forget + other.forget,
        }
    }
}
