//! A place of its own for a run of either program, which sees nothing of the
//! machine.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A directory that goes when it is dropped, with a root in it.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        let place = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(place.path().join("root")).expect("a folder");
        std::fs::write(place.path().join("settings"), "").expect("a file");
        Place(place)
    }

    /// Where the configuration is.
    pub fn root(&self) -> PathBuf {
        self.0.path().join("root")
    }

    pub fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.root())
            .env_clear()
            .env("HOME", self.0.path())
            // Provisioners run commands.
            .env("PATH", "/usr/bin:/bin")
            .env("TF_CLI_CONFIG_FILE", self.0.path().join("settings"))
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    /// What a program prints, and complains of; whether it ends well.
    pub fn run(&self, program: &Path, args: &[&str]) -> (String, String, bool) {
        let output = self.command(program, args).output().expect("the program runs");
        (text(&output.stdout), text(&output.stderr), output.status.success())
    }

    /// What a program makes of an input.
    pub fn feed(&self, program: &Path, args: &[&str], input: String) -> Output {
        let mut command = self.command(program, args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // It may end before it has read everything.
        let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let output = child.wait_with_output().expect("the program ends");
        writer.join().expect("the input is written");
        output
    }
}

/// What a program wrote.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Puts a folder's files into another one.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            std::fs::copy(source, target).expect("a copy");
        }
    }
}
