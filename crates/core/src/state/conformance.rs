//! What every state store must do. A store's tests call [`check`] and
//! [`check_random_histories`] with a way to make fresh places.
//!
//! Guarantees: nothing here knows how a store keeps things; it only counts
//! and searches the bytes that it stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::addr::WorkspaceName;
use crate::timeouts::Timeouts;
use crate::value::{Type, Value};

/// Somewhere that states are kept, for one check.
pub(crate) trait Place {
    /// Another handle to the same states, as another process would have.
    fn open(&self) -> Box<dyn StateStore>;
    /// All that is stored there, wherever.
    fn stored(&self) -> Vec<Vec<u8>>;
}

/// All checks but the random ones.
pub(crate) async fn check(place: &dyn Fn() -> Box<dyn Place>) {
    lock_excludes_and_names_the_holder(&*place());
    unknown_workspace_is_empty_and_leaves_nothing(&*place());
    two_workspaces_run_at_once(&*place()).await;
    entries_survive_as_they_are(&*place()).await;
    compacting_changes_nothing_that_is_seen(&*place()).await;
    open_begins_survive(&*place()).await;
    serial_and_lineage_follow_rules(&*place()).await;
    emptied_workspace_keeps_its_lineage(&*place()).await;
    misuse_is_refused(&*place()).await;
    concurrent_appends_all_survive(&*place()).await;
    compacting_during_a_run_loses_nothing(&*place()).await;
    cost_follows_the_change(&*place()).await;
    commits_change_all_or_nothing(&*place()).await;
    commits_keep_serial_and_lineage_rules(&*place());
    secrets_are_stored_nowhere(&*place()).await;
}

pub(crate) fn name(text: &str) -> WorkspaceName {
    text.parse().expect("workspace name")
}

pub(crate) fn info(operation: &str) -> LockInfo {
    LockInfo {
        id: "7f".into(),
        operation: operation.into(),
        who: "ada@example".into(),
        version: "0.1.0".into(),
        created: "2026-01-01T00:00:00Z".into(),
        pid: 1,
    }
}

pub(crate) fn record(address: &str, content: &str) -> ResourceRecord {
    ResourceRecord {
        key: RecordKey::current(address.parse().expect("address")),
        provider: "simulated".into(),
        schema_version: 1,
        attributes: Value::object([("name", Value::from(content)), ("size", Value::from(3i64))]),
        connection: Value::NULL,
        token: "t".into(),
        dependencies: Vec::new(),
        create_before_destroy: false,
        keep: false,
        timeouts: Timeouts::default(),
        tainted: false,
    }
}

pub(crate) fn put(address: &str, content: &str) -> RecordChange {
    RecordChange::Put(Box::new(record(address, content)))
}

pub(crate) fn begin(id: u64, address: &str) -> Entry {
    let mut record = record(address, "planned");
    record.attributes = Value::object([("id", Value::unknown(Type::String))]);
    Entry::Begin(Box::new(Begin { id, verb: Verb::Create, record, operation: None }))
}

pub(crate) fn outputs(text: Value) -> Entry {
    Entry::Outputs(BTreeMap::from([(Arc::from("url"), text)]))
}

pub(crate) fn load(store: &dyn StateStore, workspace: &str) -> WorkspaceState {
    let mut loaded = store.load(&[name(workspace)]).expect("store loads");
    loaded.remove(0).expect("workspace loads")
}

/// One run: lock, load, append, and compact if asked for. Gives what is then loaded.
pub(crate) async fn run(
    store: &dyn StateStore,
    workspace: &str,
    entries: Vec<Entry>,
    compact: bool,
) -> WorkspaceState {
    let lock = store.lock(&name(workspace), &info("apply")).expect("locks");
    let journal = store.journal(&*lock, &load(store, workspace)).expect("journal opens");
    for entry in entries {
        journal.append(entry).await.expect("appends");
    }
    drop(journal);
    if compact {
        store.compact(&*lock).expect("compacts");
    }
    load(store, workspace)
}

fn lock_excludes_and_names_the_holder(place: &dyn Place) {
    let (one, other) = (place.open(), place.open());
    let held = one.lock(&name("acme"), &info("apply")).expect("locks");
    assert_eq!(held.workspace(), &name("acme"));
    for store in [&one, &other] {
        match store.lock(&name("acme"), &info("plan")).err() {
            Some(StateError::Locked { workspace, holder: Some(holder) }) => {
                assert_eq!((workspace, *holder), (name("acme"), info("apply")));
            }
            unexpected => panic!("locked twice or without saying by whom: {unexpected:?}"),
        }
    }
    other.lock(&name("acme/eu"), &info("plan")).expect("another workspace is free");
    drop(held);
    other.lock(&name("acme"), &info("plan")).expect("free again");
}

fn unknown_workspace_is_empty_and_leaves_nothing(place: &dyn Place) {
    let store = place.open();
    assert_eq!(load(&*store, "acme"), WorkspaceState::empty(name("acme")));
    assert_eq!(store.list().expect("lists"), []);
    assert_eq!(place.stored(), Vec::<Vec<u8>>::new());
}

async fn two_workspaces_run_at_once(place: &dyn Place) {
    let (one, other) = (place.open(), place.open());
    let lock = one.lock(&name("a"), &info("apply")).expect("locks");
    let journal = one.journal(&*lock, &load(&*one, "a")).expect("journal opens");
    journal.append(begin(1, "x.a")).await.expect("appends");
    let b = run(&*other, "a-b", vec![Entry::Records(vec![put("x.b", "b")])], true).await;
    let end = Entry::End { id: 1, changes: vec![put("x.a", "a")] };
    journal.append(end).await.expect("appends");
    one.compact(&*lock).expect("compacts");
    assert_eq!(load(&*other, "a").resources.len(), 1);
    assert_eq!(load(&*one, "a-b"), b);
    assert_eq!(one.list().expect("lists"), [name("a"), name("a-b")]);
}

async fn entries_survive_as_they_are(place: &dyn Place) {
    let entries = vec![
        begin(1, "x.a"),
        Entry::End { id: 1, changes: vec![put("x.a", "made")] },
        Entry::Records(vec![put("x.b[0]", "seen"), put("module.m[\"k\"].x.c", "seen")]),
        outputs("there".into()),
    ];
    let state = run(&*place.open(), "acme/eu", entries, false).await;
    assert_eq!(state.resources.len(), 3);
    assert_eq!(load(&*place.open(), "acme/eu"), state);
    assert_eq!(place.open().list().expect("lists"), [name("acme/eu")]);
}

async fn compacting_changes_nothing_that_is_seen(place: &dyn Place) {
    let store = place.open();
    let mut old = record("x.a", "old");
    old.key.deposed = Some("d1".into());
    let entries = vec![
        Entry::Records(vec![put("x.a", "new"), RecordChange::Put(Box::new(old.clone())), put("x.b", "b")]),
        outputs("there".into()),
    ];
    let before = run(&*store, "acme", entries, false).await;
    let lock = store.lock(&name("acme"), &info("apply")).expect("locks");
    for _ in 0..2 {
        store.compact(&*lock).expect("compacts");
        assert_eq!(load(&*place.open(), "acme"), before);
    }
    drop(lock);
    let gone = Entry::Records(vec![RecordChange::Remove(old.key)]);
    let after = run(&*store, "acme", vec![gone], true).await;
    assert_eq!((after.resources.len(), after.outputs), (2, before.outputs));
}

async fn open_begins_survive(place: &dyn Place) {
    let entries =
        vec![begin(1, "x.a"), begin(2, "x.b"), Entry::End { id: 1, changes: vec![put("x.a", "made")] }];
    let first = run(&*place.open(), "acme", entries, true).await;
    assert_eq!(first.open.iter().map(|b| b.id).collect::<Vec<_>>(), [2]);
    let again = run(&*place.open(), "acme", vec![], true).await;
    assert_eq!(again, first, "a run that writes nothing changes nothing");
    let operation = |n: u32| OpenOperation { handle: serde_json::json!({ "poll": n }) };
    let goes_on = |id, n| Entry::Pending { id, operation: Box::new(operation(n)) };
    let pending = run(&*place.open(), "acme", vec![goes_on(2, 1), goes_on(2, 2)], true).await;
    assert_eq!(pending.open[0].operation.as_deref(), Some(&operation(2)), "the last one counts");
    let end = Entry::End { id: 2, changes: vec![] };
    let ended = run(&*place.open(), "acme", vec![end], true).await;
    assert!(ended.open.is_empty());
    assert_eq!((ended.resources.len(), ended.serial), (1, 3));
}

async fn serial_and_lineage_follow_rules(place: &dyn Place) {
    let store = place.open();
    let first = run(&*store, "acme", vec![outputs("1".into())], false).await;
    assert_eq!(first.serial, 1);
    assert!(!first.lineage.is_empty());
    assert_eq!(run(&*store, "acme", vec![], true).await, first, "no write, no serial");
    for (compact, serial) in [(false, 2), (false, 3), (true, 4), (true, 5)] {
        let next = run(&*store, "acme", vec![outputs("2".into()), outputs("3".into())], compact).await;
        assert_eq!((next.serial, &next.lineage), (serial, &first.lineage));
    }
    let other = run(&*store, "other", vec![outputs("1".into())], true).await;
    assert_ne!(other.lineage, first.lineage);
}

async fn emptied_workspace_keeps_its_lineage(place: &dyn Place) {
    let store = place.open();
    let full = run(&*store, "acme", vec![Entry::Records(vec![put("x.a", "a")])], true).await;
    let key = record("x.a", "a").key;
    let entries = vec![Entry::Records(vec![RecordChange::Remove(key)]), Entry::Outputs(BTreeMap::new())];
    let empty = run(&*store, "acme", entries, true).await;
    assert!(empty.resources.is_empty());
    assert_eq!((empty.serial, empty.lineage), (2, full.lineage));
}

async fn misuse_is_refused(place: &dyn Place) {
    let store = place.open();
    let stale = load(&*store, "acme");
    run(&*store, "acme", vec![outputs("1".into())], false).await;
    let lock = store.lock(&name("acme"), &info("apply")).expect("locks");
    assert!(matches!(store.journal(&*lock, &stale).err(), Some(StateError::Refused(_))));
    assert!(matches!(store.journal(&*lock, &load(&*store, "b")).err(), Some(StateError::Refused(_))));
    let journal = store.journal(&*lock, &load(&*store, "acme")).expect("journal opens");
    let refused = |result| assert!(matches!(result, Err(StateError::Refused(_))), "{result:?}");
    refused(journal.append(Entry::End { id: 1, changes: vec![] }).await);
    let operation = Box::new(OpenOperation { handle: serde_json::Value::Null });
    refused(journal.append(Entry::Pending { id: 1, operation }).await);
    journal.append(begin(1, "x.a")).await.expect("appends");
    refused(journal.append(begin(1, "x.a")).await);
    refused(journal.append(outputs(Value::from("x").with_marks(crate::value::Marks::EPHEMERAL))).await);
    assert_eq!(load(&*store, "acme").open.len(), 1);
}

async fn concurrent_appends_all_survive(place: &dyn Place) {
    let store = place.open();
    let lock = store.lock(&name("acme"), &info("apply")).expect("locks");
    let journal = store.journal(&*lock, &load(&*store, "acme")).expect("journal opens");
    let one = |id: u64| {
        let journal = &journal;
        async move {
            let address = format!("x.a[{id}]");
            journal.append(begin(id, &address)).await?;
            journal.append(Entry::End { id, changes: vec![put(&address, "made")] }).await
        }
    };
    for result in futures::future::join_all((0..100).map(one)).await {
        result.expect("appends");
    }
    let state = load(&*place.open(), "acme");
    assert_eq!((state.resources.len(), state.open.len(), state.serial), (100, 0, 1));
}

async fn compacting_during_a_run_loses_nothing(place: &dyn Place) {
    let store = place.open();
    let lock = store.lock(&name("acme"), &info("apply")).expect("locks");
    let journal = store.journal(&*lock, &load(&*store, "acme")).expect("journal opens");
    for id in 0..6 {
        let address = format!("x.a[{id}]");
        journal.append(begin(id, &address)).await.expect("appends");
        store.compact(&*lock).expect("compacts");
        if id % 2 == 0 {
            let end = Entry::End { id, changes: vec![put(&address, "made")] };
            journal.append(end).await.expect("appends");
        }
    }
    let state = load(&*place.open(), "acme");
    assert_eq!((state.resources.len(), state.open.len(), state.serial), (3, 3, 1));
}

async fn cost_follows_the_change(place: &dyn Place) {
    let store = place.open();
    let size = || place.stored().iter().map(Vec::len).sum::<usize>();
    let filler = "x".repeat(2000);
    let all = (0..2000).map(|i| put(&format!("x.a[{i}]"), &filler)).collect();
    run(&*store, "acme", vec![Entry::Records(all)], true).await;
    let lock = store.lock(&name("acme"), &info("apply")).expect("locks");
    let journal = store.journal(&*lock, &load(&*store, "acme")).expect("journal opens");
    let before = size();
    journal.append(Entry::Records(vec![put("x.a[7]", "changed")])).await.expect("appends");
    let grown = size() - before;
    assert!(grown < 2000, "one small record made the journal {grown} bytes longer");
    store.compact(&*lock).expect("compacts");
    let grown = size() - before;
    assert!(grown < 2000, "one small record made 4 MB of state {grown} bytes longer");
    assert_eq!(load(&*store, "acme").resources.len(), 2000);
}

async fn commits_change_all_or_nothing(place: &dyn Place) {
    let store = place.open();
    run(&*store, "a", vec![Entry::Records(vec![put("x.a", "a"), put("x.b", "b")])], true).await;
    let states = [load(&*store, "a"), load(&*store, "b")];
    let locks = ["a", "b"].map(|ws| store.lock(&name(ws), &info("state mv")).expect("locks"));
    let commit = |i: usize, entries| Commit {
        lock: &*locks[i],
        state: &states[i],
        entries,
        lineage: None,
        serial: None,
        replace: false,
    };
    let remove = || vec![Entry::Records(vec![RecordChange::Remove(record("x.a", "").key)])];
    let bad = vec![Entry::End { id: 9, changes: vec![] }];
    assert!(matches!(store.commit(&[commit(0, remove()), commit(1, bad)]), Err(StateError::Refused(_))));
    assert_eq!([load(&*store, "a"), load(&*store, "b")], states, "nothing was done");
    let add = vec![Entry::Records(vec![put("x.a", "a")])];
    store.commit(&[commit(0, remove()), commit(1, add)]).expect("commits");
    assert!(matches!(store.commit(&[commit(0, remove())]), Err(StateError::Refused(_))), "loaded before");
    let (a, b) = (load(&*place.open(), "a"), load(&*place.open(), "b"));
    assert_eq!((a.resources.len(), a.serial, b.resources.len(), b.serial), (1, 2, 1, 1));
    locks.iter().for_each(|lock| store.compact(&**lock).expect("compacts"));
    assert_eq!((load(&*place.open(), "a"), load(&*place.open(), "b")), (a, b));
}

fn commits_keep_serial_and_lineage_rules(place: &dyn Place) {
    let store = place.open();
    let lock = store.lock(&name("a"), &info("state push")).expect("locks");
    let empty = load(&*store, "a");
    let commit = |state, lineage: &str, serial| {
        let entries = vec![Entry::Records(vec![put("x.a", "a")])];
        let lineage = Some(lineage.into());
        store.commit(&[Commit { lock: &*lock, state, entries, lineage, serial, replace: false }])
    };
    commit(&empty, "taken-over", Some(41)).expect("commits");
    let state = load(&*store, "a");
    assert_eq!((state.serial, state.lineage.as_str()), (41, "taken-over"));
    assert!(matches!(commit(&state, "another", None), Err(StateError::Refused(_))));
    commit(&state, "taken-over", Some(7)).expect("commits");
    let state = load(&*store, "a");
    assert_eq!(state.serial, 42, "a serial never falls");
    let replace = |state: &WorkspaceState, lineage: &str, serial: u64| {
        let entries = vec![Entry::Records(vec![put("x.other", "o")])];
        let (lineage, serial) = (Some(lineage.into()), Some(serial));
        store.commit(&[Commit { lock: &*lock, state, entries, lineage, serial, replace: true }])
    };
    replace(&state, "another", 3).expect("replaces");
    let other = load(&*store, "a");
    assert_eq!((other.serial, other.lineage.as_str(), other.resources.len()), (3, "another", 1));
    replace(&other, "another", 1).expect("replaces");
    store.compact(&*lock).expect("compacts");
    assert_eq!(load(&*store, "a").serial, 4, "of one lineage");
    let serials: Vec<u64> = store.history(&name("a")).expect("tells").iter().map(|run| run.serial).collect();
    assert_eq!(serials, [41, 42, 3, 4]);
    assert_eq!(store.past(&name("a"), 42).expect("kept").lineage, "taken-over");
}

async fn secrets_are_stored_nowhere(place: &dyn Place) {
    let secret = || Value::from("canary-5cf1").sensitive();
    let mut with_secret = record("x.a", "a");
    with_secret.attributes = Value::object([("deep", Value::tuple([Value::object([("k", secret())])]))]);
    with_secret.connection = secret();
    let begun = Begin { id: 1, verb: Verb::Update, record: with_secret.clone(), operation: None };
    let entries = vec![
        Entry::Begin(Box::new(begun)),
        outputs(secret()),
        Entry::Records(vec![RecordChange::Put(Box::new(with_secret.clone()))]),
    ];
    let is_stored = |text: &str| place.stored().iter().any(|file| contains(file, text.as_bytes()));
    for compact in [false, true] {
        let entries = if compact { vec![] } else { entries.clone() };
        let state = run(&*place.open(), "acme", entries, compact).await;
        assert!(!is_stored("canary"), "after compacting: {compact}");
        assert!(is_stored("x.a"), "the search finds nothing at all");
        assert_eq!(state.resources[&with_secret.key], with_secret);
        assert_eq!(state.outputs["url"], secret());
        assert_eq!(state.open[0].record, with_secret);
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[derive(Clone, Debug)]
enum Move {
    Begin(u8),
    EndOldest(Vec<(u8, Option<u8>)>),
    Records(Vec<(u8, Option<u8>)>),
    Outputs(u8),
    Compact,
    Reload,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let changes = || proptest::collection::vec((0..6u8, proptest::option::of(any::<u8>())), 0..4);
    let one = prop_oneof![
        3 => (0..6u8).prop_map(Move::Begin),
        3 => changes().prop_map(Move::EndOldest),
        3 => changes().prop_map(Move::Records),
        1 => any::<u8>().prop_map(Move::Outputs),
        2 => Just(Move::Compact),
        2 => Just(Move::Reload),
    ];
    proptest::collection::vec(one, 1..25)
}

/// Random entries with compacting and new processes in between leave what taking
/// the entries in one after the other leaves.
pub(crate) fn check_random_histories(place: &dyn Fn() -> Box<dyn Place>, cases: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&moves(), |moves| {
        runtime.block_on(play(&*place(), moves));
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

async fn play(place: &dyn Place, moves: Vec<Move>) {
    let mut expected = WorkspaceState::empty(name("acme"));
    let mut next_id = 0;
    let mut moves = moves.into_iter().peekable();
    while moves.peek().is_some() {
        let store = place.open();
        let lock = store.lock(&name("acme"), &info("apply")).expect("locks");
        let journal = store.journal(&*lock, &load(&*store, "acme")).expect("journal opens");
        let mut has_written = false;
        for step in moves.by_ref() {
            let entry = match step {
                Move::Reload => break,
                Move::Compact => {
                    store.compact(&*lock).expect("compacts");
                    continue;
                }
                Move::Begin(at) => {
                    next_id += 1;
                    begin(next_id, &format!("x.a[{at}]"))
                }
                Move::EndOldest(changed) => match expected.open.first() {
                    Some(open) => Entry::End { id: open.id, changes: changes(changed) },
                    None => continue,
                },
                Move::Records(changed) => Entry::Records(changes(changed)),
                Move::Outputs(n) => outputs(i64::from(n).into()),
            };
            expected.replay(entry.clone()).expect("follows");
            journal.append(entry).await.expect("appends");
            has_written = true;
        }
        expected.serial += u64::from(has_written);
        let mut loaded = load(&*store, "acme");
        assert_eq!(loaded.lineage.is_empty(), expected.serial == 0);
        loaded.lineage.clear();
        assert_eq!(loaded, expected);
    }
}

fn changes(changed: Vec<(u8, Option<u8>)>) -> Vec<RecordChange> {
    let change = |(at, content): (u8, Option<u8>)| {
        let address = format!("x.a[{at}]");
        match content {
            Some(content) => put(&address, &content.to_string()),
            None => RecordChange::Remove(record(&address, "").key),
        }
    };
    changed.into_iter().map(change).collect()
}
