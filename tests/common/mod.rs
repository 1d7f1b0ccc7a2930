//! A hermetic place to run the binary in: its own home, its own copy of the
//! examples, no environment of the caller.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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

    /// Replaces text in a file of an example; it must be there.
    pub fn edit(&self, example: &str, file: &str, from: &str, to: &str) {
        let path = self.example(example).join(file);
        let text = std::fs::read_to_string(&path).expect("the file is there");
        assert!(text.contains(from), "{file} has no {from:?}");
        std::fs::write(&path, text.replace(from, to)).expect("the file is written");
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
