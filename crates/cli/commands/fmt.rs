//! `fmt`: configuration files in their canonical layout.
//!
//! Guarantees: a file is written only when its layout differs; one that has
//! mistakes is left as it is, and the others are still looked at.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use similar::TextDiff;
use tenantctl_core::diag::{Diagnostic, Diagnostics};
use tenantctl_core::ops;

use crate::args::FmtCommand;
use crate::error::{self, Exit};
use crate::session::Session;

/// What a target is called that stands for standard input.
const STDIN: &str = "-";

/// Runs the command.
pub(super) fn run(session: &Session, args: &FmtCommand) -> Exit {
    let stdin = args.targets.first().is_some_and(|target| target.as_os_str() == STDIN);
    let list = args.list && !stdin;
    let mut run = Run {
        session,
        list,
        write: args.write && !args.check && !stdin,
        // A check that lists nothing says nothing at all.
        diff: args.diff && (list || !args.check),
        text: !args.check && !list && !args.diff && (stdin || !args.write),
        recursive: args.recursive,
        differs: false,
        problems: Diagnostics::new(),
    };
    if stdin {
        run.source(Path::new("<stdin>"), io::stdin());
    } else if args.targets.is_empty() {
        run.folder(Path::new("."));
    } else {
        args.targets.iter().for_each(|target| run.target(target));
    }
    let failed = run.problems.has_errors();
    let differs = run.differs;
    session.report(run.problems);
    match (failed, args.check && differs) {
        (true, _) => Exit::Invalid,
        (false, true) => Exit::NotFormatted,
        (false, false) => Exit::Success,
    }
}

/// One run of the command: what it does with a file, and what it found.
struct Run<'a> {
    session: &'a Session,
    list: bool,
    write: bool,
    diff: bool,
    /// Print the result itself.
    text: bool,
    recursive: bool,
    differs: bool,
    problems: Diagnostics,
}

impl Run<'_> {
    /// A file or folder that was named.
    fn target(&mut self, path: &Path) {
        if path.is_dir() {
            self.folder(path);
        } else if !path.exists() {
            let detail = format!("There is no file or directory {}.", path.display());
            self.problems.push(Diagnostic::error("Invalid file or directory path", detail));
        } else if is_formatted(path) {
            self.file(path);
        } else {
            let ends = ops::FORMATTED.join(", ");
            let detail = format!("The name of {} ends with none of {ends}.", path.display());
            self.problems.push(Diagnostic::error("Invalid file extension", detail));
        }
    }

    fn folder(&mut self, folder: &Path) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(problem) => {
                return self.problems.push(error::file("Cannot read directory", folder, &problem));
            }
        };
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries.into_iter().filter(|entry| !is_ignored(&entry.file_name().to_string_lossy())) {
            // A link to a folder is not followed: it may lead back here.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if self.recursive {
                    self.folder(&entry.path());
                }
            } else if is_formatted(&entry.path()) && entry.path().is_file() {
                self.file(&entry.path());
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let path = shown(path);
        match File::open(&path) {
            Ok(file) => self.source(&path, file),
            Err(problem) => self.problems.push(error::file("Cannot read", &path, &problem)),
        }
    }

    fn source(&mut self, path: &Path, source: impl Read) {
        let formatted = match ops::format(&self.session.sources, path, source) {
            Ok(Ok(formatted)) => formatted,
            Ok(Err(mistakes)) => return self.problems.extend(mistakes),
            Err(problem) => return self.problems.push(error::file("Cannot read", path, &problem)),
        };
        let output = &self.session.output;
        if !formatted.is_canonical() {
            self.differs = true;
            if self.list {
                output.line(&path.display().to_string());
            }
            if self.write
                && let Err(problem) = std::fs::write(path, &formatted.canonical)
            {
                self.problems.push(error::file("Cannot write", path, &problem));
            }
            if self.diff {
                let (old, new) = (format!("old/{}", path.display()), format!("new/{}", path.display()));
                let diff = TextDiff::from_lines(&formatted.text, &formatted.canonical);
                output.text(&diff.unified_diff().header(&old, &new).to_string());
            }
        }
        if self.text {
            output.text(&formatted.canonical);
        }
    }
}

fn is_formatted(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ops::FORMATTED.iter().any(|end| name.ends_with(end))
}

/// Hidden files and what editors leave behind.
fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || name.starts_with('#') && name.ends_with('#')
}

/// The path as a user would write it: without `./` before it.
fn shown(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}
