//! The local store: the conformance suite, and what its files can suffer.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;

use super::super::conformance::{self, Place, begin, info, load, name, outputs, put, record, run};
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
async fn a_crash_between_index_and_journal_changes_nothing() {
    let dir = Directory::new();
    let entries =
        vec![Entry::Records(vec![put("x.a", "a"), put("x.b", "b")]), begin(1, "x.b"), outputs("o".into())];
    let state = run(&dir.store(), "acme", entries, false).await;
    let journal = fs::read(dir.journal("acme")).expect("reads");
    run(&dir.store(), "acme", vec![], true).await;
    fs::write(dir.journal("acme"), journal).expect("writes");
    assert_eq!(load(&dir.store(), "acme"), state);
    let key = record("x.a", "").key;
    let end = Entry::End { id: 1, changes: vec![RecordChange::Remove(key)] };
    let after = run(&dir.store(), "acme", vec![end], true).await;
    assert_eq!((after.serial, after.resources.len(), after.open.len()), (2, 1, 0));
}

#[tokio::test]
async fn a_lost_or_older_part_is_noticed() {
    let dir = Directory::new();
    run(&dir.store(), "acme", vec![outputs("1".into())], true).await;
    let old = fs::read(dir.journal("acme")).expect("reads");
    run(&dir.store(), "acme", vec![outputs("2".into())], true).await;
    let new = fs::read(dir.journal("acme")).expect("reads");
    fs::write(dir.journal("acme"), old).expect("writes");
    assert!(dir.load_error().to_string().contains("journal is an older copy"));
    fs::write(dir.journal("acme"), new).expect("writes");
    fs::remove_dir_all(dir.root().join("index")).expect("removes");
    assert!(dir.load_error().to_string().contains("index was lost"));
}

#[tokio::test]
async fn a_damaged_index_says_what_is_lost() {
    let dir = Directory::new();
    run(&dir.store(), "acme", vec![Entry::Records(vec![put("x.a", "a")])], true).await;
    fs::write(dir.root().join("index/conf"), "nonsense, and more of it").expect("writes");
    let error = dir.store().load(&[name("acme")]).expect_err("damaged");
    assert!(matches!(error, StateError::Corrupt(_)), "{error}");
    assert!(error.to_string().contains("journals in"), "{error}");
}

/// Wherever a stretch of an index file is overwritten or missing, a load gives
/// what was stored or an error, never something else.
#[tokio::test]
async fn a_damaged_index_never_passes_for_a_sound_one() {
    let dir = Directory::new();
    for round in 0..5 {
        let all = (0..20).map(|i| put(&format!("x.a[{i}]"), &format!("{round} of {i}"))).collect();
        run(&dir.store(), "acme", vec![Entry::Records(all)], true).await;
    }
    let index = dir.root().join("index");
    let sound = load(&dir.store(), "acme");
    let saved = dir.0.path().join("saved");
    copy_files(&index, &saved);
    let mut noticed = 0;
    let files = fs::read_dir(&saved).expect("lists").map(|e| e.expect("entry").file_name());
    for file in files.filter(|file| file != "lock" && file != "blobs").collect::<Vec<_>>() {
        let whole = fs::read(saved.join(&file)).expect("reads");
        let used = whole.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
        let step = used / 12 + 1;
        let cut = (0..used).step_by(step).map(|at| whole[..at].to_vec());
        let overwritten = (0..used).step_by(step).map(|at| {
            let mut bytes = whole.clone();
            bytes.iter_mut().skip(at).take(9).for_each(|b| *b ^= 0x55);
            bytes
        });
        for bytes in cut.chain(overwritten) {
            fs::remove_dir_all(&index).expect("removes");
            copy_files(&saved, &index);
            fs::write(index.join(&file), bytes).expect("writes");
            match dir.store().load(&[name("acme")]).and_then(|mut all| all.remove(0)) {
                Ok(state) => assert_eq!(state, sound, "damage in {file:?} passed unnoticed"),
                Err(_) => noticed += 1,
            }
        }
    }
    assert!(noticed > 10, "only {noticed} damages were noticed");
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("blobs")).expect("makes");
    for entry in fs::read_dir(from).expect("lists") {
        let entry = entry.expect("entry");
        if entry.file_type().expect("type").is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copies");
        }
    }
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
    drop(dir.store().lock(&name("acme"), &info("plan")).expect("locks"));
    assert!(!files.join("lock.json").exists());
}

#[tokio::test]
async fn an_index_in_use_is_waited_for_and_then_busy() {
    let dir = Directory::new();
    run(&dir.store(), "acme", vec![outputs("1".into())], true).await;
    let held = fs::File::open(dir.root().join("index/lock")).expect("opens");
    held.try_lock().expect("locks");
    let mut store = dir.store();
    store.index.set_wait(Duration::from_millis(60));
    assert!(matches!(store.load(&[name("acme")]), Err(StateError::Busy)));
    let release = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        drop(held);
    });
    store.index.set_wait(Duration::from_secs(10));
    assert_eq!(load(&store, "acme").serial, 1);
    release.join().expect("runs");
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
