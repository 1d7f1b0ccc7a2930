//! The local store: the conformance suite, and what its files can suffer.

use std::fs;

use tempfile::TempDir;

use super::super::conformance::{self, Place, begin, info, load, name, outputs, put, record, run};
use super::super::model::{Entry, FORMAT_VERSION, RecordChange};
use super::*;

struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Directory(tempfile::tempdir().expect("directory"))
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("state")
    }

    fn store(&self) -> LocalStore {
        LocalStore::open(&self.root(), Arc::new(Sealer::new(&[1; 32]))).expect("opens")
    }

    fn journal(&self, workspace: &str) -> PathBuf {
        self.root().join("workspaces").join(workspace).join("journal")
    }

    fn load_error(&self) -> StateError {
        self.store().load(&[name("acme")]).expect("store loads").remove(0).expect_err("damaged")
    }
}

impl Place for Directory {
    fn open(&self) -> Box<dyn StateStore> {
        Box::new(self.store())
    }

    fn stored(&self) -> Vec<Vec<u8>> {
        fn collect(dir: &Path, into: &mut Vec<Vec<u8>>) {
            for entry in fs::read_dir(dir).into_iter().flatten() {
                let path = entry.expect("entry").path();
                match path.is_dir() {
                    true => collect(&path, into),
                    false => into.push(fs::read(&path).expect("reads")),
                }
            }
        }
        let mut files = Vec::new();
        collect(&self.root(), &mut files);
        files
    }
}

fn place() -> Box<dyn Place> {
    Box::new(Directory::new())
}

#[tokio::test]
async fn conforms() {
    conformance::check(&place).await;
}

#[test]
fn conforms_in_random_histories() {
    conformance::check_random_histories(&place, 32);
}

/// Three entries in three commits; gives the state before the last one.
async fn three_commits(dir: &Directory) -> WorkspaceState {
    let entries = vec![Entry::Records(vec![put("x.a", "a")]), begin(1, "x.b")];
    let before = run(&dir.store(), "acme", entries, false).await;
    let store = dir.store();
    let lock = store.lock(&name("acme"), &info("apply")).expect("locks");
    let journal = store.journal(&*lock, &before).expect("journal opens");
    journal.append(Entry::End { id: 1, changes: vec![put("x.b", "b")] }).await.expect("appends");
    before
}

fn last_line_start(bytes: &[u8]) -> usize {
    let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
    ends.rev().nth(1).expect("two lines")
}

#[tokio::test]
async fn a_tail_torn_anywhere_is_cut() {
    let dir = Directory::new();
    let before = three_commits(&dir).await;
    let path = dir.journal("acme");
    let whole = fs::read(&path).expect("reads");
    let start = last_line_start(&whole);
    // Who dies in the middle of a line does not come to say what was last.
    fs::write(path.with_file_name("lock"), "").expect("writes");
    for len in start..whole.len() {
        fs::write(&path, &whole[..len]).expect("writes");
        assert_eq!(load(&dir.store(), "acme"), before, "cut at {len}");
    }
    fs::write(&path, &whole[..whole.len() - 9]).expect("writes");
    let store = dir.store();
    let lock = store.lock(&name("acme"), &info("apply")).expect("locks");
    let journal = store.journal(&*lock, &before).expect("journal opens");
    assert!(store.notices().concat().contains("incomplete line"));
    assert_eq!(fs::read(&path).expect("reads"), whole[..start]);
    journal.append(Entry::End { id: 1, changes: vec![] }).await.expect("appends");
    assert!(load(&store, "acme").open.is_empty());
}

#[tokio::test]
async fn a_flipped_byte_before_the_last_line_is_damage() {
    let dir = Directory::new();
    three_commits(&dir).await;
    let path = dir.journal("acme");
    let whole = fs::read(&path).expect("reads");
    for at in 0..last_line_start(&whole) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x04;
        fs::write(&path, damaged).expect("writes");
        let error = dir.load_error().to_string();
        assert!(error.contains("journal is damaged in line"), "byte {at}: {error}");
    }
}

#[tokio::test]
async fn an_older_journal_is_noticed() {
    let dir = Directory::new();
    run(&dir.store(), "acme", vec![outputs("1".into())], true).await;
    let old = fs::read(dir.journal("acme")).expect("reads");
    let state = run(&dir.store(), "acme", vec![outputs("2".into())], true).await;
    let new = fs::read(dir.journal("acme")).expect("reads");
    fs::write(dir.journal("acme"), old).expect("writes");
    assert!(dir.load_error().to_string().contains("journal is an older copy"));
    fs::remove_file(dir.journal("acme")).expect("removes");
    assert!(dir.load_error().to_string().contains("is gone"));
    run(&dir.store(), "globex", vec![outputs("3".into())], true).await;
    let other = String::from_utf8(fs::read(dir.journal("globex")).expect("reads")).expect("text");
    let (_, json) = other.trim_end().split_once(" {").expect("a line");
    let json = format!("{{{json}").replace("globex", "acme");
    let line = format!("{:08x} {} {json}\n", crc32fast::hash(json.as_bytes()), json.len());
    fs::write(dir.journal("acme"), line).expect("writes");
    assert!(dir.load_error().to_string().contains("it is another workspace's"));
    fs::write(dir.journal("acme"), new).expect("writes");
    assert_eq!(load(&dir.store(), "acme"), state);
    // Who was not let to say what it wrote last is believed.
    fs::write(dir.root().join("workspaces/acme/lock"), "7").expect("writes");
    assert_eq!(load(&dir.store(), "acme"), state);
}

/// A journal is begun anew when it has grown by more than it began with; the
/// one before tells of the past.
#[tokio::test]
async fn a_grown_journal_is_begun_anew_and_the_past_stays() {
    let dir = Directory::new();
    let filler = "x".repeat(40_000);
    let mut sizes = Vec::new();
    for round in 1..=20u64 {
        let change = vec![put("x.a", &format!("{round} {filler}")), put("x.b", "b")];
        run(&dir.store(), "acme", vec![Entry::Records(change), begin(round, "x.c")], true).await;
        sizes.push(fs::metadata(dir.journal("acme")).expect("there").len());
    }
    assert!(sizes.windows(2).any(|pair| pair[1] < pair[0]), "never begun anew: {sizes:?}");
    assert!(sizes.iter().all(|size| *size < 3 * super::compact::LEAST_GROWTH), "{sizes:?}");
    let store = dir.store();
    let now = load(&store, "acme");
    assert_eq!((now.serial, now.open.len()), (20, 20));
    assert_eq!(store.check(&name("acme")).expect("checks"), Vec::<String>::new());
    let runs = store.history(&name("acme")).expect("tells");
    let serials: Vec<u64> = runs.iter().map(|run| run.serial).collect();
    let first = serials[0];
    assert_eq!(serials, (first..=20).collect::<Vec<_>>());
    assert!(serials.len() > 5, "{serials:?}");
    let made = runs.last().and_then(|run| run.run.clone()).expect("known");
    assert_eq!((made.operation.as_str(), made.who.as_str()), ("apply", "ada@example"));
    for serial in serials {
        let past = store.past(&name("acme"), serial).expect("there");
        let attributes = &past.resources[&record("x.a", "").key].attributes;
        assert_eq!(attributes.get("name"), Some(format!("{serial} {filler}").as_str().into()));
        assert_eq!(past.open.len() as u64, serial);
    }
    assert!(matches!(store.past(&name("acme"), 21), Err(StateError::Refused(_))));
    assert_eq!(load(&dir.store(), "acme"), now);
}

/// What a crash leaves of a change of two workspaces, wherever it falls after
/// the file of the change was written.
#[tokio::test]
async fn a_change_of_two_workspaces_is_whole_after_any_crash() {
    for (first, second) in [(false, false), (true, false), (false, true), (true, true)] {
        let dir = Directory::new();
        run(&dir.store(), "acme", vec![Entry::Records(vec![put("x.a", "a"), put("x.b", "b")])], true).await;
        let store = dir.store();
        let names = [name("acme"), name("globex")];
        let states: Vec<_> =
            store.load(&names).expect("loads").into_iter().map(|s| s.expect("sound")).collect();
        let locks = names.each_ref().map(|name| {
            LocalLock::take(&store.dir_of(name), name, &info("mv"), &store.names).expect("locks")
        });
        let changes = [RecordChange::Remove(record("x.a", "").key), put("x.a", "a")];
        let lines: Vec<_> = (0..2)
            .map(|i| {
                let header = locks[i].journal.header(&states[i]);
                let entry = store.sealer.to_json(&Entry::Records(vec![changes[i].clone()])).expect("json");
                (header.clone(), format::line(Some(&header), &[entry]).expect("line"))
            })
            .collect();
        pending::write(&store.dir, &lines).expect("writes");
        for i in (0..2).filter(|i| [first, second][*i]) {
            let mut seen = store.seen(&names[i]).expect("loaded");
            locks[i].journal.continue_from(&mut seen, &lines[i..=i], &store.notices).expect("appends");
        }
        drop((locks, store));
        // Whoever only looks sees it done, and so does whoever goes on.
        let held = |workspace: &str| load(&dir.store(), workspace).resources.len();
        assert_eq!((held("acme"), held("globex")), (1, 1));
        assert_eq!(dir.store().list().expect("lists"), names);
        for workspace in ["globex", "acme"] {
            let serial = load(&dir.store(), workspace).serial;
            let after = run(&dir.store(), workspace, vec![outputs("1".into())], true).await;
            assert_eq!((after.resources.len(), after.serial), (1, serial + 1));
        }
        assert_eq!(fs::read_dir(dir.root().join("pending")).expect("lists").count(), 0);
        assert_eq!((held("acme"), held("globex")), (1, 1));
    }
}

/// The holder of a lock that was taken away cannot write any more; what it
/// wrote before counts.
#[tokio::test]
async fn force_unlock_keeps_its_holder_from_writing() {
    let dir = Directory::new();
    let store = dir.store();
    let lock = store.lock(&name("acme"), &info("apply")).expect("locks");
    let journal = store.journal(&*lock, &load(&store, "acme")).expect("journal opens");
    journal.append(begin(1, "x.a")).await.expect("appends");
    let [held] = &dir.store().locks().expect("lists")[..] else { panic!("one lock") };
    assert_eq!((held.held, held.holder.clone()), (true, Some(info("apply"))));
    let other = dir.store();
    assert!(other.force_unlock(&name("acme")).expect("unlocks").expect("held").held);
    assert_eq!(other.locks().expect("lists"), []);
    let state = run(&other, "acme", vec![Entry::End { id: 1, changes: vec![put("x.a", "a")] }], true).await;
    let error = journal.append(outputs("1".into())).await.expect_err("refused").to_string();
    assert!(error.contains("force-unlock"), "{error}");
    assert!(store.reseal(&*lock).is_err());
    // Its end takes nothing away from the next holder.
    let next = other.lock(&name("acme"), &info("plan")).expect("locks");
    drop(lock);
    assert!(matches!(dir.store().lock(&name("acme"), &info("x")), Err(StateError::Locked { .. })));
    drop(next);
    assert_eq!(load(&dir.store(), "acme"), state);
    assert_eq!(dir.store().force_unlock(&name("acme")).expect("nothing to do"), None);
}

#[tokio::test]
async fn a_deleted_workspace_leaves_nothing() {
    let dir = Directory::new();
    run(&dir.store(), "acme", vec![Entry::Records(vec![put("x.a", "a")])], true).await;
    run(&dir.store(), "globex", vec![Entry::Records(vec![put("x.b", "b")])], true).await;
    let store = dir.store();
    let lock = store.lock(&name("acme"), &info("workspace delete")).expect("locks");
    store.delete(&*lock).expect("deletes");
    drop(lock);
    assert_eq!(dir.store().list().expect("lists"), [name("globex")]);
    assert!(!dir.root().join("workspaces/acme").exists());
    assert_eq!(load(&dir.store(), "acme"), WorkspaceState::empty(name("acme")));
    assert_eq!(load(&dir.store(), "globex").resources.len(), 1);
}

#[tokio::test]
async fn audit_lines_are_added_after_a_torn_one() {
    let dir = Directory::new();
    let entry = |operation: &str| AuditEntry { operation: operation.into(), ..AuditEntry::default() };
    dir.store().record(&[entry("plan"), entry("apply")], true).expect("writes");
    let path = dir.root().join("audit");
    let whole = fs::read(&path).expect("reads");
    fs::write(&path, &whole[..whole.len() - 5]).expect("writes");
    dir.store().record(&[entry("state mv")], false).expect("writes");
    let told: Vec<_> = dir.store().audit().expect("reads").into_iter().map(|e| e.operation).collect();
    assert_eq!(told, ["plan", "state mv"]);
}

#[tokio::test]
async fn every_write_gives_another_stamp() {
    let dir = Directory::new();
    let stamp = || dir.store().stamps(&[name("acme")]).expect("reads").remove(0);
    assert_eq!(stamp(), None, "never written");
    let mut seen = Vec::new();
    for (text, compact) in [("1", false), ("2", false), ("3", true)] {
        run(&dir.store(), "acme", vec![outputs(text.into())], compact).await;
        assert_eq!(stamp(), stamp());
        assert!(!seen.contains(&stamp()), "{seen:?}");
        seen.push(stamp());
    }
    let state = load(&dir.store(), "acme");
    drop(dir.store().lock(&name("acme"), &info("plan")).expect("locks"));
    assert_eq!(seen.last(), Some(&stamp()), "a lock writes nothing");
    let header = format::Header {
        format_version: FORMAT_VERSION,
        workspace: name("acme"),
        lineage: state.lineage,
        serial: state.serial + 1,
        base_serial: state.serial,
        base_lines: 0,
        run: None,
    };
    let line = format::line(Some(&header), &[]).expect("json");
    pending::write(&dir.root(), &[(header, line)]).expect("writes");
    assert_eq!(stamp(), None, "it has changed, and its journal does not say so yet");
}

#[test]
fn an_index_opens_with_its_key_and_name() {
    let dir = Directory::new();
    let store = dir.store();
    assert_eq!(store.index("claims"), None);
    store.keep_index("claims", b"shop.example.com").expect("writes");
    assert_eq!(dir.store().index("claims").as_deref(), Some(&b"shop.example.com"[..]));
    let kept = dir.root().join("cache/claims");
    assert!(!dir.stored().iter().any(|file| file.windows(4).any(|text| text == b"shop")), "sealed");
    let other = LocalStore::open(&dir.root(), Arc::new(Sealer::new(&[2; 32]))).expect("opens");
    assert_eq!(other.index("claims"), None);
    fs::rename(&kept, dir.root().join("cache/other")).expect("renames");
    assert_eq!(store.index("other"), None, "it is of another name");
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let dir = Directory::new();
    run(&dir.store(), "acme", vec![outputs("1".into())], false).await;
    let json = r#"{"header":{"format_version":99,"shape":"unknown"}}"#;
    let line = format!("{:08x} {} {json}\n", crc32fast::hash(json.as_bytes()), json.len());
    fs::write(dir.journal("acme"), line).expect("writes");
    assert!(matches!(dir.load_error(), StateError::TooNew { found: 99, .. }));
}

#[tokio::test]
async fn another_key_is_told_from_damage() {
    let dir = Directory::new();
    run(&dir.store(), "acme", vec![outputs(crate::value::Value::from("s").sensitive())], true).await;
    let other = LocalStore::open(&dir.root(), Arc::new(Sealer::new(&[2; 32]))).expect("opens");
    let error = other.load(&[name("acme")]).expect("store loads").remove(0).expect_err("sealed");
    assert!(matches!(error, StateError::Sealed(_)), "{error}");
}

#[test]
fn what_a_dead_holder_left_is_no_lock() {
    let dir = Directory::new();
    let files = dir.root().join("workspaces/acme");
    fs::create_dir_all(&files).expect("makes");
    fs::write(files.join("lock"), "").expect("writes");
    fs::write(files.join("lock.json"), serde_json::to_vec(&info("apply")).expect("json")).expect("writes");
    let told =
        || dir.store().locks().expect("reads").into_iter().map(|status| status.held).collect::<Vec<_>>();
    assert_eq!(told(), [false], "a dead holder is told of");
    drop(dir.store().lock(&name("acme"), &info("plan")).expect("locks"));
    assert_eq!(told(), [false; 0], "and nobody is when its holder let go");
}

#[tokio::test]
async fn after_a_failed_write_nothing_is_accepted() {
    let dir = Directory::new();
    let store = dir.store();
    let lock = store.lock(&name("acme"), &info("apply")).expect("locks");
    let journal = store.journal(&*lock, &load(&store, "acme")).expect("journal opens");
    fs::create_dir(dir.journal("acme")).expect("makes");
    let error = journal.append(outputs("1".into())).await.expect_err("fails").to_string();
    assert!(error.contains("acme/journal"), "{error}");
    fs::remove_dir(dir.journal("acme")).expect("removes");
    journal.append(outputs("2".into())).await.expect_err("poisoned");
    assert!(!dir.journal("acme").exists());
}

#[test]
fn errors_name_the_path() {
    let dir = Directory::new();
    fs::write(dir.root(), "a file").expect("writes");
    let opened = LocalStore::open(&dir.root(), Arc::new(Sealer::new(&[1; 32])));
    let error = opened.err().expect("refused").to_string();
    assert!(error.contains("state") && error.contains("directory"), "{error}");
}

/// What each version wrote is read as it was meant, and says the same when it
/// is written anew.
#[tokio::test]
async fn what_older_versions_wrote_is_read() {
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/state/local/formats");
    let sealer = Arc::new(Sealer::new(&[7; 32]));
    let mut found = 0;
    for version in 1..=FORMAT_VERSION {
        let from = formats.join(version.to_string());
        let dir = Directory::new();
        let files = dir.root().join("workspaces/default");
        fs::create_dir_all(&files).expect("makes");
        for file in ["journal", "lock.json"] {
            fs::copy(from.join(file), files.join(file)).expect("there");
        }
        fs::copy(from.join("audit"), dir.root().join("audit")).expect("there");
        let store = LocalStore::open(&dir.root(), Arc::clone(&sealer)).expect("opens");
        let state = load(&store, "default");
        let told = serde_json::to_string_pretty(&told(&state)).expect("json") + "\n";
        let expected = fs::read_to_string(from.join("state.json")).unwrap_or_default();
        assert_eq!(told, expected, "version {version}");
        assert!(!store.audit().expect("reads").is_empty());
        assert!(store.locks().expect("reads")[0].holder.is_some());
        let serials: Vec<u64> =
            store.history(&name("default")).expect("tells").iter().map(|run| run.serial).collect();
        assert_eq!(serials, (1..=state.serial).collect::<Vec<_>>());
        let lock = store.lock(&name("default"), &info("state reencrypt")).expect("locks");
        store.reseal(&*lock).expect("reseals");
        assert_eq!(load(&store, "default"), state);
        // A run of this version goes on in a file of that one.
        drop(lock);
        fs::copy(from.join("journal"), files.join("journal")).expect("there");
        let after = run(&store, "default", vec![outputs("new".into())], false).await;
        assert_eq!((after.serial, after.resources), (state.serial + 1, state.resources));
        assert_eq!(load(&store, "default").outputs.len(), 1);
        found += 1;
    }
    assert_eq!(found, FORMAT_VERSION);
}

/// A state in words that do not change with how it is stored.
fn told(state: &WorkspaceState) -> serde_json::Value {
    serde_json::json!({
        "lineage": state.lineage,
        "serial": state.serial,
        "outputs": state.outputs,
        "resources": state.resources.values().collect::<Vec<_>>(),
        "checks": state.checks,
        "open": state.open,
    })
}

/// Version 1 said only that a run was whole.
#[test]
fn a_journal_begun_anew_by_version_1_is_read() {
    let json = r#"{"header":{"format_version":1,"workspace":"acme","lineage":"l","serial":7,"base_serial":7,"whole":true},"entries":[{"outputs":{"url":"there"}}]}"#;
    let line = |json: &str| format!("{:08x} {} {json}\n", crc32fast::hash(json.as_bytes()), json.len());
    let dir = Directory::new();
    fs::create_dir_all(dir.root().join("workspaces/acme")).expect("makes");
    fs::write(dir.journal("acme"), line(json)).expect("writes");
    let state = load(&dir.store(), "acme");
    assert_eq!((state.serial, state.outputs["url"].as_str()), (7, Some("there")));
    fs::write(dir.journal("acme"), line(&json.replace(":1,", ":0,"))).expect("writes");
    assert!(matches!(dir.load_error(), StateError::Corrupt(_)));
}

/// Clocks are for people: what came first is what was written first.
#[tokio::test]
async fn a_clock_that_goes_backwards_changes_no_order() {
    let dir = Directory::new();
    for (at, text) in
        [("2026-05-01T00:00:00Z", "1"), ("2019-01-01T00:00:00Z", "2"), ("2026-05-02T00:00:00Z", "3")]
    {
        let store = dir.store();
        let by = LockInfo { created: at.into(), ..info("apply") };
        let lock = store.lock(&name("acme"), &by).expect("locks");
        let journal = store.journal(&*lock, &load(&store, "acme")).expect("journal opens");
        journal.append(outputs(text.into())).await.expect("appends");
        let entry = AuditEntry { at: at.into(), ..AuditEntry::default() };
        store.record(&[entry], true).expect("records");
    }
    let store = dir.store();
    assert_eq!(load(&store, "acme").outputs["url"].as_str(), Some("3"));
    let years =
        |times: Vec<String>| -> Vec<String> { times.into_iter().map(|at| at[..4].to_owned()).collect() };
    let runs = store.history(&name("acme")).expect("tells").into_iter().map(|run| run.run.expect("known").at);
    assert_eq!(years(runs.collect()), ["2026", "2019", "2026"]);
    let told = store.audit().expect("reads").into_iter().map(|entry| entry.at);
    assert_eq!(years(told.collect()), ["2026", "2019", "2026"]);
    assert_eq!(store.past(&name("acme"), 2).expect("kept").outputs["url"].as_str(), Some("2"));
}
