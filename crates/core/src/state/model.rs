//! What is kept of one workspace: records of objects, outputs, and what was
//! begun but not ended.
//!
//! Guarantees: plain data; a record holds all that refresh and destroy need
//! (connection, provider, direct dependencies), so that neither needs the
//! configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::checks::{CheckChange, Checks};
use crate::addr::{ResourceAddress, WorkspaceName};
use crate::timeouts::Timeouts;
use crate::value::{Kind, Value};

/// Raised when what is stored changes its meaning; `state::upgrade` then has a
/// step from the version before, and `formats/` files of both.
pub const FORMAT_VERSION: u32 = 3;

/// Which object: an instance's current one, or one that a replacement left to
/// be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RecordKey {
    /// The instance.
    #[cfg_attr(test, schemars(with = "String"))]
    pub address: ResourceAddress,
    /// Set for an object that was replaced and is still to be deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub deposed: Option<Arc<str>>,
}

impl RecordKey {
    /// The current object of an instance.
    pub fn current(address: ResourceAddress) -> Self {
        RecordKey { address, deposed: None }
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.deposed {
            Some(id) => write!(f, "{} (deposed object {id})", self.address),
            None => self.address.fmt(f),
        }
    }
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ResourceRecord {
    /// Which object.
    #[serde(flatten)]
    pub key: RecordKey,
    /// The provider's name.
    pub provider: Arc<str>,
    /// The version of the type's schema that `attributes` follow.
    pub schema_version: u32,
    /// The object, wholly known. Attributes that are null are not written: in
    /// most blocks most are. [`ResourceRecord::complete`] brings them back.
    #[serde(serialize_with = "without_nulls")]
    #[cfg_attr(test, schemars(with = "super::schema::Stored"))]
    pub attributes: Value,
    /// How it was reached, from the provider.
    #[cfg_attr(test, schemars(with = "super::schema::Stored"))]
    pub connection: Value,
    /// Its creation's token.
    pub token: String,
    /// Resources it directly depends on, without instance keys. Modules that
    /// it is in itself have those of its own instances, others stand for all of
    /// theirs: a list of these would be as long as there are instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub dependencies: Vec<ResourceAddress>,
    /// Replaced create-first, so that a destroy after the configuration is
    /// gone keeps that order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create_before_destroy: bool,
    /// The object stays when its block goes: `destroy = false`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
    /// Deadlines that the block set, in milliseconds.
    #[serde(default, skip_serializing_if = "Timeouts::is_empty")]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, u64>"))]
    pub timeouts: Timeouts,
    /// It may be half made, and is to be replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tainted: bool,
}

fn without_nulls<S: Serializer>(attributes: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    attributes.without_nulls().serialize(serializer)
}

impl ResourceRecord {
    /// Brings back the attributes that were not written: those of `unset`.
    pub fn complete(&mut self, unset: &[(Arc<str>, Value)]) {
        self.attributes = std::mem::replace(&mut self.attributes, Value::NULL).completed(unset);
    }
}

/// What a provider was about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Verb {
    /// Make the object.
    Create,
    /// Change it in place.
    Update,
    /// Remove it.
    Delete,
}

/// A call that is about to be made, durable before it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Begin {
    /// Pairs it with its end; unique in a journal.
    pub id: u64,
    /// What is done.
    pub verb: Verb,
    /// The record as it will be when the call succeeds: planned attributes
    /// (unknown parts stay unknown) for create and update, the prior ones for
    /// delete.
    pub record: ResourceRecord,
    /// What the service works on, once it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Box<OpenOperation>>,
}

/// A long-running operation of a service, to be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OpenOperation {
    /// What its provider needs to ask for it. Holds no secrets.
    pub handle: serde_json::Value,
}

/// A change of the records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum RecordChange {
    /// The record is now this.
    Put(Box<ResourceRecord>),
    /// There is no such record any more.
    Remove(RecordKey),
}

/// An entry of a workspace's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Entry {
    /// A call is about to be made.
    Begin(Box<Begin>),
    /// The service works on what that begin was about, and can be asked for it.
    Pending {
        /// The begin.
        id: u64,
        /// What it can be asked by; the last one counts.
        operation: Box<OpenOperation>,
    },
    /// The call of that begin is over, and this came of it (nothing, when the
    /// call is known not to have done anything).
    End {
        /// The begin.
        id: u64,
        /// What came of it.
        changes: Vec<RecordChange>,
    },
    /// Records changed without a call: refreshed, moved, forgotten, tainted.
    Records(Vec<RecordChange>),
    /// The outputs are now these.
    Outputs(
        #[cfg_attr(test, schemars(with = "BTreeMap<String, super::schema::Stored>"))]
        BTreeMap<Arc<str>, Value>,
    ),
    /// Conditions came to this.
    Checks(Vec<CheckChange>),
}

/// One workspace as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceState {
    /// Its name.
    pub name: WorkspaceName,
    /// Made once, at the workspace's first write; tells apart two workspaces
    /// of one name. Empty before the first write.
    pub lineage: String,
    /// Raised by each run that writes.
    pub serial: u64,
    /// Outputs of the root module.
    pub outputs: BTreeMap<Arc<str>, Value>,
    /// All objects.
    pub resources: BTreeMap<RecordKey, ResourceRecord>,
    /// What conditions came to.
    #[serde(default, skip_serializing_if = "Checks::is_empty")]
    pub checks: Checks,
    /// Calls whose end is not recorded: the last run died in them.
    pub open: Vec<Begin>,
}

impl WorkspaceState {
    /// A workspace that was never written.
    pub fn empty(name: WorkspaceName) -> Self {
        WorkspaceState {
            name,
            lineage: String::new(),
            serial: 0,
            outputs: BTreeMap::new(),
            resources: BTreeMap::new(),
            checks: Checks::default(),
            open: Vec::new(),
        }
    }

    /// What contradicts itself in here, in words; nothing in a sound state.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, record) in &self.resources {
            if *key != record.key {
                problems.push(format!("{key} is kept as {}", record.key));
            }
            if !matches!(record.attributes.kind(), Kind::Object(_)) {
                problems.push(format!("the attributes of {key} are no object"));
            }
            if !record.attributes.is_wholly_known() || !record.connection.is_wholly_known() {
                problems.push(format!("{key} has values that are not known"));
            }
        }
        for (i, begin) in self.open.iter().enumerate() {
            if self.open[..i].iter().any(|other| other.id == begin.id) {
                problems.push(format!("two calls have the number {}", begin.id));
            }
        }
        problems
    }

    /// Takes a journal entry in.
    ///
    /// # Errors
    /// An entry that does not follow from what was before it; in words.
    pub fn replay(&mut self, entry: Entry) -> Result<(), String> {
        match entry {
            Entry::Begin(begin) => {
                if self.open.iter().any(|open| open.id == begin.id) {
                    return Err(format!("call {} begins twice", begin.id));
                }
                self.open.push(*begin);
            }
            Entry::Pending { id, operation } => {
                let open = self.open.iter_mut().find(|open| open.id == id);
                open.ok_or_else(|| format!("call {id} goes on but never began"))?.operation = Some(operation);
            }
            Entry::End { id, changes } => {
                let at = self.open.iter().position(|open| open.id == id);
                self.open.remove(at.ok_or_else(|| format!("call {id} ends but never began"))?);
                self.change(changes);
            }
            Entry::Records(changes) => self.change(changes),
            Entry::Outputs(outputs) => self.outputs = outputs,
            Entry::Checks(changes) => self.checks.take(changes),
        }
        Ok(())
    }

    fn change(&mut self, changes: Vec<RecordChange>) {
        for change in changes {
            match change {
                RecordChange::Put(record) => {
                    self.resources.insert(record.key.clone(), *record);
                }
                RecordChange::Remove(key) => {
                    self.resources.remove(&key);
                }
            }
        }
    }
}
