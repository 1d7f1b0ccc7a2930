//! A loss of power after anything that is done to the disk.
//!
//! All that the store does is written down while it runs. Then, for each place
//! in that list, a disk is made up as a loss of power may leave it: with what
//! was made durable by then, and with none, all or a part of the rest. Whatever
//! was acknowledged by then is found on it, and at most what was under way
//! besides.

use std::collections::BTreeMap;
use std::fs;

use super::super::conformance::{begin, info, load, name, outputs, put, record};
use super::super::model::{Entry, RecordChange};
use super::fs::{Op, Recording};
use super::*;

/// A disk with what is on it and what is in memory alone.
#[derive(Clone, Default)]
struct Disk {
    files: Vec<(Vec<u8>, Vec<u8>)>,
    /// Names of files and directories (`None`), and those that are durable.
    names: BTreeMap<PathBuf, Option<usize>>,
    durable: BTreeMap<PathBuf, Option<usize>>,
}

/// What of the rest survives.
#[derive(Clone, Copy, Debug)]
struct Luck {
    names: bool,
    bytes: Bytes,
}

#[derive(Clone, Copy, Debug)]
enum Bytes {
    None,
    Half,
    All,
}

const LUCK: [Luck; 6] = [
    Luck { names: false, bytes: Bytes::None },
    Luck { names: false, bytes: Bytes::Half },
    Luck { names: false, bytes: Bytes::All },
    Luck { names: true, bytes: Bytes::None },
    Luck { names: true, bytes: Bytes::Half },
    Luck { names: true, bytes: Bytes::All },
];

impl Disk {
    fn file(&mut self, path: &Path) -> usize {
        match self.names.get(path) {
            Some(Some(id)) => *id,
            _ => {
                self.files.push(Default::default());
                self.names.insert(path.to_owned(), Some(self.files.len() - 1));
                self.files.len() - 1
            }
        }
    }

    fn take(&mut self, op: &Op, root: &Path) {
        match op {
            Op::Create(path) => {
                self.file(path);
            }
            Op::Truncate(path, len) => {
                let id = self.file(path);
                self.files[id].0.truncate(usize::try_from(*len).expect("small"));
            }
            Op::Append(path, bytes) => {
                let id = self.file(path);
                self.files[id].0.extend(bytes);
            }
            Op::Sync(path) => {
                let id = self.file(path);
                self.files[id].1 = self.files[id].0.clone();
            }
            Op::MakeDir(path) => {
                let dirs = path.ancestors().take_while(|dir| *dir != root);
                self.names.extend(dirs.map(|dir| (dir.to_owned(), None)));
            }
            Op::SyncDir(dir) => {
                let is_in = |path: &Path| path.parent() == Some(dir);
                self.durable.retain(|path, _| !is_in(path));
                let now = self.names.iter().filter(|(path, _)| is_in(path));
                self.durable.extend(now.map(|(path, id)| (path.clone(), *id)));
            }
            Op::Rename(from, to) => {
                let id = self.names.remove(from).expect("renames what is there");
                self.names.insert(to.clone(), id);
            }
            Op::Link(from, to) => {
                let id = self.names[from];
                self.names.insert(to.clone(), id);
            }
            Op::Remove(path) => {
                self.names.remove(path);
            }
        }
    }

    /// Puts what survives into a directory.
    fn survive(&self, luck: Luck, root: &Path, to: &Path) {
        let names = if luck.names { &self.names } else { &self.durable };
        for (path, id) in names {
            let is_reached =
                path.ancestors().skip(1).take_while(|dir| *dir != root).all(|dir| names.contains_key(dir));
            let place = to.join(path.strip_prefix(root).expect("below"));
            match id {
                _ if !is_reached => {}
                None => fs::create_dir_all(place).expect("makes"),
                Some(id) => {
                    let (now, durable) = &self.files[*id];
                    let bytes = match luck.bytes {
                        Bytes::None => durable.clone(),
                        Bytes::All => now.clone(),
                        Bytes::Half => now[..durable.len().midpoint(now.len()).min(now.len())].to_vec(),
                    };
                    fs::write(place, bytes).expect("writes");
                }
            }
        }
    }
}

const NAMES: [&str; 2] = ["acme", "globex"];

fn open(root: &Path) -> LocalStore {
    LocalStore::open(&root.join("state"), Arc::new(Sealer::new(&[1; 32]))).expect("opens")
}

type World = [WorkspaceState; 2];

fn world(root: &Path) -> World {
    NAMES.map(|workspace| load(&open(root), workspace))
}

/// Runs something and notes what is then acknowledged: how much was done to
/// the disk by then, and what there is.
struct Story {
    root: PathBuf,
    recording: Recording,
    acknowledged: Vec<(usize, World)>,
}

impl Story {
    fn begin(root: &Path) -> Self {
        let recording = Recording::of(root.to_owned());
        Story { root: root.to_owned(), recording, acknowledged: vec![(0, world(root))] }
    }

    fn note(&mut self) {
        self.acknowledged.push((self.recording.ops().len(), world(&self.root)));
    }

    async fn run(&mut self, workspace: &str, entries: Vec<Entry>) {
        let store = open(&self.root);
        let lock = store.lock(&name(workspace), &info("apply")).expect("locks");
        let journal = store.journal(&*lock, &load(&store, workspace)).expect("journal opens");
        for entry in entries {
            journal.append(entry).await.expect("appends");
            self.note();
        }
        store.compact(&*lock).expect("compacts");
        self.note();
        drop((journal, lock));
        self.note();
    }

    fn mv(&mut self) {
        let store = open(&self.root);
        let states = NAMES.map(|workspace| load(&store, workspace));
        let locks = NAMES.map(|workspace| store.lock(&name(workspace), &info("state mv")).expect("locks"));
        let entries = [RecordChange::Remove(record("x.a", "").key), put("x.moved", "a")];
        let commits: Vec<_> = (0..2)
            .map(|i| Commit {
                lock: &*locks[i],
                state: &states[i],
                entries: vec![Entry::Records(vec![entries[i].clone()])],
                lineage: None,
                serial: None,
                replace: false,
            })
            .collect();
        store.commit(&commits).expect("commits");
        self.note();
    }
}

/// A first run, one that has its journal begun anew, a move into a workspace
/// that was not there, and one more run.
async fn told(root: &Path) -> Story {
    let mut story = Story::begin(root);
    let end = |id, at: &str| Entry::End { id, changes: vec![put(at, "made")] };
    story.run("acme", vec![begin(1, "x.a"), end(1, "x.a"), begin(2, "x.b"), end(2, "x.b")]).await;
    let filler = "x".repeat(300_000);
    story.run("acme", vec![Entry::Records(vec![put("x.c", &filler)]), outputs("1".into())]).await;
    assert!(root.join("state/workspaces/acme/journal.old").exists(), "it was not begun anew");
    story.mv();
    story.run("globex", vec![begin(3, "x.d"), end(3, "x.d")]).await;
    let audit = AuditEntry { operation: "apply".into(), ..AuditEntry::default() };
    open(root).record(&[audit], true).expect("records");
    story.note();
    story
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_loss_of_power_anywhere() {
    let dir = tempfile::tempdir().expect("directory");
    let story = told(dir.path()).await;
    let ops = story.recording.ops();
    let mut disk = Disk::default();
    for done in 0..=ops.len() {
        if let Some(op) = done.checked_sub(1).map(|at| &ops[at]) {
            disk.take(op, dir.path());
        }
        let at = story.acknowledged.iter().rposition(|(ops, _)| *ops <= done).expect("the first");
        let known: Vec<&World> = story.acknowledged[at..].iter().take(2).map(|(_, world)| world).collect();
        for luck in LUCK {
            let after = tempfile::tempdir().expect("directory");
            disk.survive(luck, dir.path(), after.path());
            let found = world(after.path());
            assert!(
                known.contains(&&found),
                "after {done} ({:?}) with {luck:?}: {found:#?}",
                ops.get(done.max(1) - 1)
            );
        }
    }
    // The end is durable in every part.
    let after = tempfile::tempdir().expect("directory");
    disk.survive(LUCK[0], dir.path(), after.path());
    assert_eq!(world(after.path()), story.acknowledged.last().expect("one").1);
    assert_eq!(open(after.path()).audit().expect("reads").len(), 1);
}

/// A process is killed anywhere, another goes on with what it finds in memory,
/// and then power is lost: names that the first one had not made durable must
/// not take away what the second one wrote.
#[tokio::test]
async fn what_a_successor_writes_survives_too() {
    let dir = tempfile::tempdir().expect("directory");
    let ops = told(dir.path()).await.recording.ops();
    let mut disk = Disk::default();
    for done in 0..=ops.len() {
        if let Some(at) = done.checked_sub(1) {
            disk.take(&ops[at], dir.path());
        }
        let next = tempfile::tempdir().expect("directory");
        disk.survive(Luck { names: true, bytes: Bytes::All }, dir.path(), next.path());
        let mut story = Story::begin(next.path());
        for workspace in ["globex", "acme"] {
            story.run(workspace, vec![Entry::Records(vec![put("x.late", "late")])]).await;
        }
        let mut disk = moved(&disk, dir.path(), next.path());
        story.recording.ops().iter().for_each(|op| disk.take(op, next.path()));
        let after = tempfile::tempdir().expect("directory");
        disk.survive(LUCK[0], next.path(), after.path());
        let expected = &story.acknowledged.last().expect("one").1;
        assert_eq!(world(after.path()), *expected, "after {done}: {:?}", ops.get(done.max(1) - 1));
        assert!(expected.iter().all(|state| state.resources.contains_key(&record("x.late", "").key)));
    }
}

/// The same disk elsewhere.
fn moved(disk: &Disk, from: &Path, to: &Path) -> Disk {
    let move_all = |names: &BTreeMap<PathBuf, Option<usize>>| {
        names.iter().map(|(path, id)| (to.join(path.strip_prefix(from).expect("below")), *id)).collect()
    };
    Disk { files: disk.files.clone(), names: move_all(&disk.names), durable: move_all(&disk.durable) }
}
