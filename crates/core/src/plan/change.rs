//! What a plan does to one object, and why.
//!
//! Must not: decide; the planner has.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::checks::Pending;
use super::policies::PendingPolicy;
use super::provisioners::PlannedCommand;
use crate::addr::ResourceAddress;
use crate::expr::Expr;
use crate::provider::Timeouts;
use crate::state::RecordKey;
use crate::value::{Path, Value};

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing.
    NoOp,
    /// Made.
    Create,
    /// A data source read at apply.
    Read,
    /// An ephemeral object opened by each run.
    Open,
    /// Changed in place.
    Update,
    /// Removed, then made anew.
    DeleteThenCreate,
    /// Made anew, then the old one removed.
    CreateThenDelete,
    /// No longer managed, then made anew; the old object stays.
    ForgetThenCreate,
    /// Removed.
    Delete,
    /// No longer managed; the object stays.
    Forget,
}

impl Action {
    /// A new object takes the place of another.
    pub fn is_replace(self) -> bool {
        matches!(self, Action::DeleteThenCreate | Action::CreateThenDelete | Action::ForgetThenCreate)
    }

    /// Whether an object is deleted.
    pub fn deletes(self) -> bool {
        matches!(self, Action::Delete | Action::DeleteThenCreate | Action::CreateThenDelete)
    }
}

/// Why that is done, where the difference alone does not say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The last run left it half made.
    Tainted,
    /// The user asked with `-replace`.
    ReplaceByRequest,
    /// `replace_triggered_by` names something that changes.
    ReplaceByTriggers,
    /// Attributes whose change needs a new object.
    CannotUpdate(Vec<Path>),
    /// There is no such resource block any more.
    NotInConfig,
    /// `count` is smaller.
    CountIndex,
    /// The block has `count` or `for_each` now, or has it no more.
    WrongRepetition,
    /// `enabled` is false.
    NotEnabled,
    /// `for_each` has no such key.
    EachKey(Arc<str>),
    /// Its module instance is gone.
    NoModule,
    /// The whole workspace is destroyed.
    Destroying,
    /// An earlier replacement left it.
    Deposed,
    /// A data source whose configuration is not known yet.
    ConfigUnknown,
    /// A data source that depends on something that changes.
    DependencyPending,
    /// A data source of a check, which is to see the world after the apply.
    CheckNested,
    /// It was there, and somebody removed it.
    Missing,
    /// `destroy = false` in the block.
    Kept,
    /// `destroy = false` in the block before that went.
    KeptBefore,
    /// A `removed` block says so.
    Removed,
}

/// What happens to one object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    /// Which object.
    #[serde(flatten)]
    pub key: RecordKey,
    /// Its provider.
    pub provider: Arc<str>,
    /// What is done.
    pub action: Action,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The object as it stands, refreshed; `NULL` when there is none.
    pub before: Value,
    /// The object as it will be, partly unknown; `NULL` when there is none.
    pub after: Value,
    /// The configuration as far as it is known.
    pub config: Value,
    /// The whole configuration as a closed expression, when `config` is not
    /// wholly known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residual: Option<Box<Expr>>,
    /// Parts that stay as they are once `residual` is finished too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<Path>,
    /// The connection; may be unknown.
    pub connection: Value,
    /// The provider block's value, for settling the connection when that is
    /// unknown; may itself be a residual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_config: Option<Box<Expr>>,
    /// Direct dependencies, for the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<ResourceAddress>,
    /// Where the object was recorded before a move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<ResourceAddress>>,
    /// What the service calls an object that is imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub importing: Option<String>,
    /// Preconditions that only the apply can tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preconditions: Vec<Pending>,
    /// Postconditions that only the apply can tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub postconditions: Vec<Pending>,
    /// Policies that only the apply can tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PendingPolicy>,
    /// What is run when the object is made, or before it is removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provisioners: Vec<PlannedCommand>,
    /// The record's `keep`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
    /// The data source of this check: its failure is a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Arc<str>>,
    /// The record's `create_before_destroy`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create_before_destroy: bool,
    /// Deadlines that the block sets.
    #[serde(default, skip_serializing_if = "Timeouts::is_empty")]
    pub timeouts: Timeouts,
    /// Where the block stands, for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<crate::diag::Span>,
}

impl Change {
    /// A change with nothing in it but what is done to which object.
    pub fn of(key: RecordKey, provider: &Arc<str>, action: Action) -> Self {
        Change {
            key,
            provider: provider.clone(),
            action,
            reason: None,
            before: Value::NULL,
            after: Value::NULL,
            config: Value::NULL,
            residual: None,
            ignored: Vec::new(),
            connection: Value::NULL,
            provider_config: None,
            dependencies: Vec::new(),
            previous: None,
            importing: None,
            preconditions: Vec::new(),
            postconditions: Vec::new(),
            policies: Vec::new(),
            provisioners: Vec::new(),
            keep: false,
            scope: None,
            create_before_destroy: false,
            timeouts: Timeouts::default(),
            span: None,
        }
    }

    /// Whether it is only for a check to look at what the apply did.
    pub fn is_looking(&self) -> bool {
        self.reason == Some(Reason::CheckNested)
    }

    /// Whether an apply would do or record anything for it.
    pub fn acts(&self) -> bool {
        !matches!(self.action, Action::NoOp | Action::Open) && !self.is_looking()
            || self.previous.is_some()
            || self.importing.is_some()
    }
}
