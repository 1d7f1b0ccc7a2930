//! What the local store costs by itself: a changed resource by the size of its
//! workspace, loading one tenant of a fleet, and concurrent creations.
//!
//! Run with `cargo bench -p tenantctl-core --bench store`. Followed by two
//! numbers (`-- 10000 2000`), it fills a workspace of the first size, makes as
//! many changes as the second says, and prints nothing: for counting
//! instructions and system calls of the process by other means, such as
//! `valgrind --tool=callgrind` and `strace -c`.
#![allow(missing_docs, unreachable_pub, clippy::expect_used, reason = "a benchmark has no callers")]
#![allow(clippy::print_stdout, reason = "what it is for")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tenantctl_core::addr::WorkspaceName;
use tenantctl_core::state::{
    Begin, Entry, LocalStore, LockInfo, RecordChange, RecordKey, ResourceRecord, Sealer, StateStore, Verb,
    WorkspaceState,
};
use tenantctl_core::value::Value;

const SIZES: [usize; 3] = [100, 10_000, 50_000];
const CHANGES: usize = 2_000;
const CREATIONS: usize = 10_000;
const FLEET: (usize, usize) = (10_000, 20);

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    if let [size, number] = numbers[..] {
        let dir = filled(size);
        runtime.block_on(change(dir.path(), size, number));
        return;
    }
    println!("{:>10} {:>12} {:>12} {:>12}", "resources", "bytes each", "cpu each", "wall each");
    for size in SIZES {
        let dir = filled(size);
        let before = length(dir.path());
        let idle = processor_time();
        runtime.block_on(change(dir.path(), size, 0));
        let start = processor_time();
        let took = runtime.block_on(change(dir.path(), size, CHANGES));
        // Without what loading and locking take.
        let cpu = (processor_time() - start).saturating_sub(start - idle);
        let bytes = (length(dir.path()) - before) / CHANGES as u64;
        let each = |all: Duration| all / u32::try_from(CHANGES).unwrap_or(u32::MAX);
        println!("{size:>10} {bytes:>12} {:>12.1?} {:>12.1?}", each(cpu), each(took));
    }
    let took = runtime.block_on(create_at_once());
    println!("{CREATIONS} creations at once: {:.0} each second", CREATIONS as f64 / took.as_secs_f64());
    fleet();
}

fn name(text: &str) -> WorkspaceName {
    text.parse().expect("a name")
}

fn store(dir: &Path) -> LocalStore {
    LocalStore::open(dir, Arc::new(Sealer::new(&[1; 32]))).expect("opens")
}

fn info() -> LockInfo {
    LockInfo {
        id: "bench".into(),
        operation: "apply".into(),
        who: "bench".into(),
        version: String::new(),
        created: "2026-01-01T00:00:00Z".into(),
        pid: 1,
    }
}

fn record(at: usize, text: &str) -> ResourceRecord {
    ResourceRecord {
        key: RecordKey::current(format!("kubernetes_manifest.all[{at}]").parse().expect("an address")),
        provider: "kubernetes".into(),
        schema_version: 1,
        attributes: Value::object([("id", Value::from("some-id")), ("text", Value::from(text))]),
        connection: Value::NULL,
        token: "00000000-0000-4000-8000-000000000000".into(),
        dependencies: Vec::new(),
        create_before_destroy: false,
        keep: false,
        tainted: false,
        timeouts: Default::default(),
    }
}

fn load(store: &LocalStore, workspace: &WorkspaceName) -> WorkspaceState {
    store.load(std::slice::from_ref(workspace)).expect("loads").remove(0).expect("sound")
}

/// Puts so many records of 1.5 KB into a workspace.
fn fill(store: &LocalStore, workspace: &WorkspaceName, size: usize) {
    let filler = "x".repeat(1500);
    let lock = store.lock(workspace, &info()).expect("locks");
    let state = load(store, workspace);
    let all = (0..size).map(|at| RecordChange::Put(Box::new(record(at, &filler)))).collect();
    let commit = tenantctl_core::state::Commit {
        lock: &*lock,
        state: &state,
        entries: vec![Entry::Records(all)],
        lineage: None,
        serial: None,
        replace: false,
    };
    store.commit(&[commit]).expect("commits");
    store.compact(&*lock).expect("compacts");
}

fn filled(size: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    fill(&store(dir.path()), &name("acme"), size);
    dir
}

fn length(dir: &Path) -> u64 {
    std::fs::metadata(dir.join("workspaces/acme/journal")).expect("there").len()
}

/// Changes resources one after the other, as an apply does each: begin, call,
/// end. Gives the time that took.
async fn change(dir: &Path, size: usize, number: usize) -> Duration {
    let store = store(dir);
    let lock = store.lock(&name("acme"), &info()).expect("locks");
    let state = load(&store, &name("acme"));
    let journal = store.journal(&*lock, &state).expect("opens");
    let start = Instant::now();
    for id in 0..number {
        let changed = record(id % size.min(100), "changed");
        let begin = Begin { id: id as u64, verb: Verb::Update, record: changed.clone(), operation: None };
        journal.append(Entry::Begin(Box::new(begin))).await.expect("appends");
        let changes = vec![RecordChange::Put(Box::new(changed))];
        journal.append(Entry::End { id: id as u64, changes }).await.expect("appends");
    }
    start.elapsed()
}

fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let part = |number: i64| u64::try_from(number).unwrap_or_default();
    Duration::from_secs(part(now.tv_sec)) + Duration::from_nanos(part(now.tv_nsec))
}

/// Creations that all go on at once, as with calls that take no time.
async fn create_at_once() -> Duration {
    let dir = tempfile::tempdir().expect("a directory");
    let store = store(dir.path());
    let lock = store.lock(&name("acme"), &info()).expect("locks");
    let journal = store.journal(&*lock, &load(&store, &name("acme"))).expect("opens");
    let start = Instant::now();
    let one = |id: usize| {
        let journal = &journal;
        async move {
            let record = record(id, "made");
            let begin = Begin { id: id as u64, verb: Verb::Create, record: record.clone(), operation: None };
            journal.append(Entry::Begin(Box::new(begin))).await.expect("appends");
            let changes = vec![RecordChange::Put(Box::new(record))];
            journal.append(Entry::End { id: id as u64, changes }).await.expect("appends");
        }
    };
    futures::future::join_all((0..CREATIONS).map(one)).await;
    start.elapsed()
}

/// Loading one tenant of many.
fn fleet() {
    let dir = tempfile::tempdir().expect("a directory");
    let (tenants, each) = FLEET;
    let filling = store(dir.path());
    (0..tenants).for_each(|at| fill(&filling, &name(&format!("t{at}")), each));
    let best = (0..20)
        .map(|at| {
            let start = Instant::now();
            let state = load(&store(dir.path()), &name(&format!("t{}", at * 7)));
            assert_eq!(state.resources.len(), each);
            start.elapsed()
        })
        .min();
    println!("one tenant of {tenants} x {each}: loaded in {:.1?}", best.unwrap_or_default());
}
