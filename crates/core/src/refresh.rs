//! Stored state to refreshed state: the real objects, read in bulk.
//!
//! Guarantees: one read call for all objects of a type and connection, and
//! another one for those that the service was too busy for; an object that
//! could not be read is an error, never taken for gone.
//! Must not: change anything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cancel::Cancel;
use crate::diag::{Diagnostic, Diagnostics};
use crate::provider::{
    Author, ErrorClass, ProviderError, ReadObject, ReadOutcome, Registry, SharedProvider, Timed, Words,
};
use crate::retry::{BUSY, Retry, Tried};
use crate::state::{RecordChange, RecordKey, ResourceRecord, WorkspaceState};
use crate::value::Value;

/// What somebody else did to an object since the last run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Drift {
    /// Which object.
    #[serde(flatten)]
    pub key: RecordKey,
    /// As recorded.
    pub before: Value,
    /// As found; `NULL` when it is gone.
    pub after: Value,
    /// Who did it, where the service knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Author>,
}

/// What refresh found.
#[derive(Debug, Default)]
pub struct Refreshed {
    /// Differences to what was recorded.
    pub drift: Vec<Drift>,
    /// Records that follow from them.
    pub changes: Vec<RecordChange>,
}

/// An object that is otherwise than recorded, or gone, and who did it.
type Found = (RecordKey, Option<Value>, Vec<Author>);

/// What could not be read.
#[derive(Debug, Default)]
pub struct Unread {
    /// Why.
    pub problems: Diagnostics,
    /// Objects whose recorded credentials are not taken any more.
    pub denied: Vec<RecordKey>,
}

/// How reads are made again.
pub struct Patience<'a> {
    /// Stop requests.
    pub cancel: &'a Cancel,
    /// Who hears of a failed attempt, with the first of the objects.
    pub told: &'a (dyn Fn(&RecordKey, u32, Duration, &ProviderError) + Sync),
}

/// What is read together: of one provider and type, at one place.
type Group = (Arc<str>, Arc<str>, Arc<str>);

/// Reads those objects of a workspace that are `wanted`, and takes what was
/// found into `state`.
///
/// # Errors
/// Objects that could not be read.
pub async fn refresh(
    registry: &Registry,
    state: &mut WorkspaceState,
    wanted: &(dyn Fn(&RecordKey) -> bool + Sync),
    patience: &Patience<'_>,
) -> Result<Refreshed, Unread> {
    let mut groups: BTreeMap<Group, Vec<&ResourceRecord>> = BTreeMap::new();
    // Of most neighbours it is the same.
    let mut last: Option<(&Value, Arc<str>)> = None;
    for record in state.resources.values().filter(|record| wanted(&record.key)) {
        let connection = match &last {
            Some((same, text)) if *same == &record.connection => text.clone(),
            // The whole value, secrets included: Debug would take two clusters
            // with hidden parts for one.
            _ => serde_json::to_string(&record.connection).unwrap_or_default().into(),
        };
        last = Some((&record.connection, connection.clone()));
        let kind = record.key.address.kind.clone();
        groups.entry((record.provider.clone(), kind, connection)).or_default().push(record);
    }
    let mut unread = Unread::default();
    let mut found: Vec<Found> = Vec::new();
    for ((provider_name, kind, _), records) in groups {
        let Some(provider) = registry.get(&provider_name) else {
            unread.problems.push(unknown_provider(&provider_name));
            continue;
        };
        let limit = limit(provider, &kind, &records);
        let reading = read(provider, &kind, state, &records, patience);
        let outcomes = match tokio::time::timeout(limit, reading).await {
            Ok(outcomes) => outcomes,
            Err(_) => records.iter().map(|_| ReadOutcome::Failed(late(limit))).collect(),
        };
        for (record, outcome) in records.iter().zip(outcomes) {
            match outcome {
                ReadOutcome::Found(value) if value == record.attributes => {}
                ReadOutcome::Found(value) => found.push((record.key.clone(), Some(value), Vec::new())),
                ReadOutcome::Changed(value, by) => found.push((record.key.clone(), Some(value), by)),
                ReadOutcome::Gone => found.push((record.key.clone(), None, Vec::new())),
                ReadOutcome::Failed(error) => {
                    if error.class == ErrorClass::Denied {
                        unread.denied.push(record.key.clone());
                    }
                    unread.problems.push(failed(&error, &format!("{}:{}", state.name, record.key)));
                }
            }
        }
    }
    if unread.problems.has_errors() {
        return Err(unread);
    }
    Ok(take_in(state, found))
}

/// How long the objects of a type may take to be read: the longest that one of
/// them was given.
fn limit(provider: &SharedProvider, kind: &str, records: &[&ResourceRecord]) -> Duration {
    let usual = provider.schema().resources.get(kind).and_then(|s| s.block.timeouts.get(Timed::Read));
    let limits = records.iter().map(|record| record.timeouts.get(Timed::Read).or(usual));
    limits.map(|limit| limit.unwrap_or(Duration::MAX)).max().unwrap_or(Duration::MAX)
}

fn late(limit: Duration) -> ProviderError {
    let detail = format!("Reading it was given {} and is not done.", Words(limit));
    ProviderError::new(ErrorClass::Transient, "Operation takes too long", detail)
        .hint("Give it more time with timeouts { read = \"…\" }.")
}

/// Reads objects of one type and connection, until no more come of it.
async fn read(
    provider: &SharedProvider,
    kind: &str,
    state: &WorkspaceState,
    records: &[&ResourceRecord],
    patience: &Patience<'_>,
) -> Vec<ReadOutcome> {
    let mut tried = Tried::default();
    let mut outcomes: Vec<Option<ReadOutcome>> = records.iter().map(|_| None).collect();
    let mut left: Vec<usize> = (0..records.len()).collect();
    loop {
        let objects: Vec<ReadObject<'_>> =
            left.iter().map(|at| ReadObject { prior: &records[*at].attributes }).collect();
        let found = provider.read(kind, &records[0].connection, state.name.as_str(), &objects).await;
        for (at, outcome) in left.iter().zip(found) {
            outcomes[*at] = Some(outcome);
        }
        let error_of = |at: usize| match &outcomes[at] {
            Some(ReadOutcome::Failed(error)) if error.class.is_retryable() => Some(error),
            _ => None,
        };
        left.retain(|at| error_of(*at).is_some());
        let Some((first, error)) = left.first().and_then(|at| Some((*at, error_of(*at)?))) else { break };
        let told = |attempt: u32, wait: Duration, error: &ProviderError| {
            (patience.told)(&records[first].key, attempt, wait, error);
        };
        if !(Retry { cancel: patience.cancel, busy: BUSY, told: &told }).again(&mut tried, error).await {
            break;
        }
    }
    let unread = || {
        ReadOutcome::Failed(ProviderError::new(
            ErrorClass::Invalid,
            "Object not read",
            "The provider gave no answer for it.",
        ))
    };
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unread)).collect()
}

fn take_in(state: &mut WorkspaceState, found: Vec<Found>) -> Refreshed {
    let mut refreshed = Refreshed::default();
    for (key, value, by) in found {
        let Some(record) = state.resources.get_mut(&key) else { continue };
        let before = record.attributes.clone();
        let after = value.clone().unwrap_or(Value::NULL);
        refreshed.drift.push(Drift { key: key.clone(), before, after, by });
        if let Some(value) = value {
            record.attributes = value;
            refreshed.changes.push(RecordChange::Put(Box::new(record.clone())));
        } else {
            state.resources.remove(&key);
            refreshed.changes.push(RecordChange::Remove(key));
        }
    }
    refreshed.drift.sort_by(|a, b| a.key.cmp(&b.key));
    refreshed
}

/// A provider's error as a diagnostic.
pub(crate) fn failed(error: &ProviderError, address: &str) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(error.summary.clone(), error.detail.clone()).address(address);
    diagnostic.hint = error.hint.clone();
    diagnostic.path = error.path.clone();
    diagnostic
}

pub(crate) fn unknown_provider(name: &str) -> Diagnostic {
    Diagnostic::error(
        "Unknown provider",
        format!("The state has objects of the provider {name:?}, which this build does not have."),
    )
}
