//! Calls that begin and end in one run. Half of a journal's text are their
//! begins, of which nothing is left once their ends are taken in: they are
//! not read.
//!
//! Guarantees: the entries that come of a run have the same effect as all that
//! are written; a begin without an end in its run is read.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::super::model::Entry;
use super::super::seal::Sealer;
use super::super::store::StateError;

/// How the text of a begin starts, as [`super::journal`] writes it; the digits
/// of its number follow.
const BEGIN: &str = r#"{"begin":{"id":"#;

/// Begins of a run that have not ended so far, by their number.
pub(super) struct Begun<'b> {
    sealer: &'b Sealer,
    texts: BTreeMap<u64, &'b RawValue>,
}

impl<'b> Begun<'b> {
    /// None so far, of entries that this one has sealed.
    pub(super) fn new(sealer: &'b Sealer) -> Self {
        Begun { sealer, texts: BTreeMap::new() }
    }

    /// An entry as it was before it was sealed.
    pub(super) fn read(&self, text: &RawValue) -> Result<Entry, StateError> {
        self.sealer.from_json(text.get().as_bytes())
    }

    /// Takes an entry's text in; gives what has to be taken in for it.
    pub(super) fn take(&mut self, text: &'b RawValue, entries: &mut Vec<Entry>) -> Result<(), StateError> {
        match number(text.get()) {
            Some(id) if !self.texts.contains_key(&id) => {
                self.texts.insert(id, text);
                Ok(())
            }
            _ => self.pair(self.read(text)?, entries),
        }
    }

    /// Takes an entry in that was read.
    pub(super) fn pair(&mut self, entry: Entry, entries: &mut Vec<Entry>) -> Result<(), StateError> {
        let id = match &entry {
            Entry::Begin(begin) => begin.id,
            Entry::Pending { id, .. } | Entry::End { id, .. } => *id,
            Entry::Records(_) | Entry::Outputs(_) | Entry::Checks(_) => {
                entries.push(entry);
                return Ok(());
            }
        };
        match (self.texts.remove(&id), entry) {
            (Some(_), Entry::End { changes, .. }) => entries.push(Entry::Records(changes)),
            // A call that goes on, or a number that is used twice.
            (Some(begin), entry) => entries.extend([self.read(begin)?, entry]),
            (None, entry) => entries.push(entry),
        }
        Ok(())
    }

    /// What is left at the end of a run.
    pub(super) fn end(&mut self, entries: &mut Vec<Entry>) -> Result<(), StateError> {
        for text in std::mem::take(&mut self.texts).into_values() {
            entries.push(self.read(text)?);
        }
        Ok(())
    }
}

/// The number of a begin.
fn number(text: &str) -> Option<u64> {
    let rest = text.strip_prefix(BEGIN)?;
    rest.split_once(',')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(texts: &[&str]) -> String {
        let texts: Vec<Box<RawValue>> =
            texts.iter().map(|text| RawValue::from_string((*text).into()).expect("json")).collect();
        let sealer = Sealer::new(&[1; 32]);
        let (mut begun, mut entries) = (Begun::new(&sealer), Vec::new());
        texts.iter().for_each(|text| begun.take(text, &mut entries).expect("reads"));
        begun.end(&mut entries).expect("reads");
        let told = entries.iter().map(|entry| match entry {
            Entry::Begin(begin) => format!("begin {}", begin.id),
            Entry::Pending { id, .. } => format!("pending {id}"),
            Entry::End { id, changes } => format!("end {id} {}", changes.len()),
            Entry::Records(changes) => format!("records {}", changes.len()),
            Entry::Outputs(_) => "outputs".into(),
            Entry::Checks(_) => "checks".into(),
        });
        told.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_ended_is_its_changes() {
        let begin = |id: u64| {
            format!(
                r#"{{"begin":{{"id":{id},"verb":"delete","record":{{"address":"a.b","provider":"a","schema_version":0,"attributes":{{}},"connection":null,"token":""}}}}}}"#
            )
        };
        let end =
            |id: u64| format!(r#"{{"end":{{"id":{id},"changes":[{{"remove":{{"address":"a.b"}}}}]}}}}"#);
        let pending = r#"{"pending":{"id":1,"operation":{"handle":null}}}"#;
        let (first, second) = (begin(1), begin(2));
        let (one, two) = (end(1), end(2));
        let cases: [(&[&str], &str); 7] = [
            (&[&first, &second, &two, &one], "records 1, records 1"),
            (&[&first, &second, &one], "records 1, begin 2"),
            (&[&second, &first], "begin 1, begin 2"),
            (&[&first, pending, &one], "begin 1, pending 1, end 1 1"),
            // What a state refuses, it is to see.
            (&[&one], "end 1 1"),
            (&[&first, &first], "begin 1, begin 1"),
            (&[&first, &one, &one], "records 1, end 1 1"),
        ];
        for (texts, expected) in cases {
            assert_eq!(taken(texts), expected);
        }
    }
}
