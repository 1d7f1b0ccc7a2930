//! A hermetic place to run the binary in: its own home, its own copy of the
//! examples, no environment of the caller.

mod running;
mod terminal;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use tenantctl_core::state::{LocalStore, Sealer, StateStore, WorkspaceState};
use tenantctl_providers::simulated::{self, Change, Cloud};

pub use running::{PATIENCE, Running};
pub use terminal::Terminal;

/// A fresh directory with a copy of `examples/`.
pub struct Place {
    dir: tempfile::TempDir,
}

/// What a command said.
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    /// What it complains of, without frames and breaks of lines.
    pub fn words(&self) -> String {
        let is_word = |word: &&str| !["|", "="].contains(word);
        self.stderr.split_whitespace().filter(is_word).collect::<Vec<_>>().join(" ")
    }
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"), &dir.path().join("examples"));
        std::fs::create_dir(dir.path().join("home")).expect("a home");
        Place { dir }
    }

    /// The root directory of an example.
    pub fn example(&self, name: &str) -> PathBuf {
        self.dir.path().join("examples").join(name)
    }

    /// Writes a file of a new or given example.
    pub fn write(&self, example: &str, file: &str, text: &str) {
        let path = self.example(example).join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("the file is written");
    }

    /// Every file below the place, with its bytes.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut folders = vec![self.dir.path().to_path_buf()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                match entry.path() {
                    path if path.is_dir() => folders.push(path),
                    path => files.push((path.clone(), std::fs::read(path).expect("a file"))),
                }
            }
        }
        files.sort();
        files
    }

    /// A command in an example, not started.
    pub fn command(&self, example: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantctl"));
        command
            .env_clear()
            .env("HOME", self.dir.path().join("home"))
            .current_dir(self.example(example))
            .args(args);
        command
    }

    pub fn run(&self, example: &str, args: &[&str]) -> Said {
        said(self.command(example, args).output().expect("the binary runs"))
    }

    /// Runs what must succeed.
    pub fn ok(&self, example: &str, args: &[&str]) -> Said {
        let said = self.run(example, args);
        assert_eq!(said.code, 0, "{args:?}\n{}\n{}", said.stdout, said.stderr);
        said
    }

    /// Starts a command, to be listened to.
    pub fn start(&self, example: &str, args: &[&str]) -> Running {
        Running::start(self.command(example, args))
    }

    /// What seals what its commands write.
    pub fn sealer(&self) -> Arc<Sealer> {
        let home = self.dir.path().join("home");
        let (sealer, _) = Sealer::load_or_create(&home.join(".config/tenantctl/key")).expect("a key");
        Arc::new(sealer)
    }

    /// The states of an example, as the next run will find them.
    pub fn states(&self, example: &str) -> Vec<WorkspaceState> {
        let store = LocalStore::open(&self.example(example).join("state"), self.sealer()).expect("opens");
        let names = store.list().expect("lists");
        store.load(&names).expect("loads").into_iter().map(|state| state.expect("sound")).collect()
    }

    /// What was done to a workspace's objects in the simulated cloud.
    pub fn history(&self, example: &str, workspace: &str) -> Vec<Change> {
        let dir = self.example(example).join("state/simulated");
        let cloud = Cloud::open(&dir, Arc::new(CloudSealer(self.sealer()))).expect("opens");
        cloud.history(workspace).expect("reads")
    }

    /// Replaces text in a file of an example; it must be there.
    pub fn edit(&self, example: &str, file: &str, from: &str, to: &str) {
        let path = self.example(example).join(file);
        let text = std::fs::read_to_string(&path).expect("the file is there");
        assert!(text.contains(from), "{file} has no {from:?}");
        std::fs::write(&path, text.replace(from, to)).expect("the file is written");
    }
}

/// Opens simulated objects as the binary does.
struct CloudSealer(Arc<Sealer>);

const CLOUD: &[u8] = b"tenantctl simulated cloud 1";

impl simulated::Sealer for CloudSealer {
    fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, String> {
        self.0.seal_bytes(plain, CLOUD).map_err(|error| error.to_string())
    }

    fn unseal(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        self.0.unseal_bytes(sealed, CLOUD).map_err(|error| error.to_string())
    }
}

pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory").flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        // What a user's own runs left there is not part of the example.
        if source.is_dir() && entry.file_name() != "state" {
            copy(&source, &target);
        } else if source.is_file() {
            std::fs::copy(&source, &target).expect("a copy");
        }
    }
}
