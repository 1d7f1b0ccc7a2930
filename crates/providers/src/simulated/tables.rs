//! What the logs of a cloud hold: the objects of a workspace, and which
//! workspace holds the object of a name.
//!
//! Guarantees: entries of objects are sealed as a whole; entries of names hold
//! a digest of the name and the workspace, neither of them secret.
//! Must not: touch files.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tenantctl_core::provider::{Block, Value};
use uuid::Uuid;

use super::log::Table;
use super::script::Operation;
use super::{CloudError, Sealer};

/// An object as the cloud has it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Record {
    /// The token of its creation.
    pub(super) token: Arc<str>,
    /// What it is, or will be when the work on it is done, without nulls: the
    /// text that was written. Most objects of a fleet are as they were when
    /// last looked at, which shows without reading it.
    value: Arc<RawValue>,
    /// A long operation that goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) work: Option<Work>,
}

impl Record {
    pub(super) fn new(token: Arc<str>, value: &Value, work: Option<Work>) -> Result<Self, CloudError> {
        Ok(Record { token, value: written(value)?, work })
    }

    /// What it is, of a type with this schema, if there is one.
    pub(super) fn value(&self, schema: Option<&Block>) -> Result<Value, CloudError> {
        let value: Value = serde_json::from_str(self.value.get()).map_err(|_| CloudError::Damaged)?;
        Ok(match schema {
            Some(schema) => value.completed(schema.unset()),
            None => value,
        })
    }

    /// Makes it another.
    pub(super) fn set_value(&mut self, value: &Value) -> Result<(), CloudError> {
        self.value = written(value)?;
        Ok(())
    }

    /// Whether it is this one: one value is always written alike.
    pub(super) fn is(&self, value: &Value) -> bool {
        let mut left = Left(self.value.get().as_bytes());
        serde_json::to_writer(&mut left, &value.without_nulls()).is_ok() && left.0.is_empty()
    }
}

fn written(value: &Value) -> Result<Arc<RawValue>, CloudError> {
    let text = serde_json::value::to_raw_value(&value.without_nulls());
    Ok(text.map_err(|e| CloudError::Unstorable(e.to_string()))?.into())
}

/// What is left of a text that is written a second time; fails where it is not
/// the same.
struct Left<'t>(&'t [u8]);

impl io::Write for Left<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(bytes).ok_or(io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A long operation.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Work {
    /// Create, update or delete.
    pub(super) operation: Operation,
    /// How many polls it still takes.
    pub(super) polls: u32,
    /// What the service says meanwhile.
    pub(super) message: String,
    /// When to ask next.
    pub(super) after_ms: u64,
}

/// A change to the objects of a workspace.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum ObjectEntry {
    /// The object of this key is now this.
    Put(Arc<str>, Record),
    /// There is no object of this key.
    Delete(Arc<str>),
}

/// The objects of one workspace.
pub(super) struct Objects {
    sealer: Arc<dyn Sealer>,
    by_key: HashMap<Arc<str>, Record>,
    by_token: HashMap<Arc<str>, Arc<str>>,
}

impl Objects {
    pub(super) fn new(sealer: Arc<dyn Sealer>) -> Self {
        Objects { sealer, by_key: HashMap::new(), by_token: HashMap::new() }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Record> {
        self.by_key.get(key)
    }

    pub(super) fn by_token(&self, token: &str) -> Option<(&Arc<str>, &Record)> {
        let key = self.by_token.get(token)?;
        Some((key, self.by_key.get(key)?))
    }

    fn forget(&mut self, key: &str) {
        if let Some(old) = self.by_key.remove(key)
            && self.by_token.get(&old.token).is_some_and(|k| &**k == key)
        {
            self.by_token.remove(&old.token);
        }
    }
}

fn encode(sealer: &dyn Sealer, entry: &ObjectEntry) -> Result<Vec<u8>, CloudError> {
    let plain = serde_json::to_vec(entry).map_err(|e| CloudError::Unstorable(e.to_string()))?;
    sealer.seal(&plain).map_err(CloudError::Sealer)
}

fn decode(sealer: &dyn Sealer, bytes: &[u8]) -> Result<ObjectEntry, CloudError> {
    let plain = sealer.unseal(bytes).map_err(CloudError::Sealer)?;
    serde_json::from_slice(&plain).map_err(|_| CloudError::Damaged)
}

impl Table for Objects {
    type Entry = ObjectEntry;

    fn encode(&self, entry: &ObjectEntry) -> Result<Vec<u8>, CloudError> {
        encode(&*self.sealer, entry)
    }

    fn decode(&self, bytes: &[u8]) -> Result<ObjectEntry, CloudError> {
        decode(&*self.sealer, bytes)
    }

    fn apply(&mut self, entry: ObjectEntry) {
        match entry {
            ObjectEntry::Put(key, record) => {
                self.forget(&key);
                self.by_token.insert(record.token.clone(), key.clone());
                self.by_key.insert(key, record);
            }
            ObjectEntry::Delete(key) => self.forget(&key),
        }
    }

    fn live(&self) -> usize {
        self.by_key.len()
    }

    fn entries(&self) -> Vec<ObjectEntry> {
        self.by_key.iter().map(|(key, record)| ObjectEntry::Put(key.clone(), record.clone())).collect()
    }

    fn clear(&mut self) {
        self.by_key.clear();
        self.by_token.clear();
    }
}

/// All that was done to the objects of one workspace, in order.
pub(super) struct History {
    sealer: Arc<dyn Sealer>,
    pub(super) entries: Vec<ObjectEntry>,
}

impl History {
    pub(super) fn new(sealer: Arc<dyn Sealer>) -> Self {
        History { sealer, entries: Vec::new() }
    }
}

impl Table for History {
    type Entry = ObjectEntry;

    fn encode(&self, entry: &ObjectEntry) -> Result<Vec<u8>, CloudError> {
        encode(&*self.sealer, entry)
    }

    fn decode(&self, bytes: &[u8]) -> Result<ObjectEntry, CloudError> {
        decode(&*self.sealer, bytes)
    }

    fn apply(&mut self, entry: ObjectEntry) {
        self.entries.push(entry);
    }

    fn live(&self) -> usize {
        self.entries.len()
    }

    fn entries(&self) -> Vec<ObjectEntry> {
        self.entries.clone()
    }

    fn clear(&mut self) {
        self.entries.clear();
    }
}

/// Which workspace is said to hold the object of a name. A crash can leave
/// the name of an object that is not there: look there before believing it.
#[derive(Default)]
pub(super) struct Names(HashMap<Uuid, Arc<str>>);

/// A change to the names: the name's digest, and its workspace or nothing.
pub(super) type NameEntry = (Uuid, Option<Arc<str>>);

impl Names {
    pub(super) fn owner(&self, name: Uuid) -> Option<Arc<str>> {
        self.0.get(&name).cloned()
    }
}

impl Table for Names {
    type Entry = NameEntry;

    fn encode(&self, (name, owner): &NameEntry) -> Result<Vec<u8>, CloudError> {
        let mut bytes = name.as_bytes().to_vec();
        bytes.extend_from_slice(owner.as_deref().unwrap_or_default().as_bytes());
        Ok(bytes)
    }

    fn decode(&self, bytes: &[u8]) -> Result<NameEntry, CloudError> {
        let (name, owner) = bytes.split_first_chunk::<16>().ok_or(CloudError::Damaged)?;
        let owner = std::str::from_utf8(owner).map_err(|_| CloudError::Damaged)?;
        Ok((Uuid::from_bytes(*name), (!owner.is_empty()).then(|| owner.into())))
    }

    fn apply(&mut self, (name, owner): NameEntry) {
        match owner {
            Some(owner) => self.0.insert(name, owner),
            None => self.0.remove(&name),
        };
    }

    fn live(&self) -> usize {
        self.0.len()
    }

    fn entries(&self) -> Vec<NameEntry> {
        self.0.iter().map(|(name, owner)| (*name, Some(owner.clone()))).collect()
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use tenantctl_core::provider::Type;

    use super::*;

    #[test]
    fn a_record_knows_its_object_without_being_read() {
        let object = |name: &str| {
            Value::object([
                ("name", name.into()),
                ("key", Value::from("x").sensitive()),
                ("size", 1i64.into()),
            ])
        };
        let record = Record::new("token".into(), &object("web"), None).expect("written");
        assert!(record.is(&object("web")));
        assert_eq!(record.value(None).expect("read"), object("web"));
        let others = [object("web2"), object("we"), Value::NULL, Value::object([("name", "web".into())])];
        for other in others {
            assert!(!record.is(&other), "{other:?}");
        }
        let unset = Value::object([("name", "web".into()), ("zone", Value::null(Type::String))]);
        let record = Record::new("token".into(), &unset, None).expect("written");
        assert!(record.is(&unset) && record.is(&unset.without_nulls()));
    }
}
