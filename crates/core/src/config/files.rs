//! Which files of a directory are configuration, and in which order they are
//! read.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use crate::diag::Diagnostic;
use crate::expr::open_regular;
use crate::syntax::MAX_FILE;

/// The ends of names of configuration files. Those of OpenTofu come in two
/// languages and hide those of Terraform that are named alike.
const CONFIGURATION: [&str; 5] = [".tofu.json", ".tf.json", ".tofu", ".tf", ".hcl"];

/// Of these, the ends of names of tests, which are no configuration.
const TESTS: [&str; 2] = [".tftest.hcl", ".tofutest.hcl"];

/// The configuration files of a directory, by name.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) primary: Vec<PathBuf>,
    /// `override.tf`, `x_override.tf`: what they set takes the place of what
    /// the others set.
    pub(super) overrides: Vec<PathBuf>,
}

/// The configuration files of a directory.
pub(super) fn of_directory(dir: &Path) -> io::Result<Files> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        // A name that is no text has none of these ends either.
        if let Ok(name) = entry.file_name().into_string()
            && stem(&name).is_some()
            && entry.path().is_file()
        {
            names.insert(name);
        }
    }
    let mut files = Files::default();
    for name in &names {
        let is_hidden = name.contains(".tf") && names.contains(&name.replace(".tf", ".tofu"));
        let Some(stem) = stem(name).filter(|_| !is_hidden) else { continue };
        let is_override = stem == "override" || stem.ends_with("_override");
        let list = if is_override { &mut files.overrides } else { &mut files.primary };
        list.push(dir.join(name));
    }
    Ok(files)
}

/// What is named as configuration and is no file: a folder, or a link to
/// nothing.
pub(super) fn no_files_of(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let is_named = path.file_name().and_then(|name| name.to_str()).is_some_and(|n| stem(n).is_some());
        if is_named && !path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// A file name without the end that makes it configuration.
pub(super) fn stem(name: &str) -> Option<&str> {
    let is_ignored = name.starts_with(['.', '#']) || TESTS.iter().any(|end| name.ends_with(end));
    CONFIGURATION.iter().find_map(|end| name.strip_suffix(end)).filter(|_| !is_ignored)
}

/// Whether a file is in JSON syntax.
pub(super) fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "json")
}

/// Whether a file is for Terraform too, and not only for this program and
/// OpenTofu: what it asks of versions is meant for Terraform.
pub(super) fn is_of_terraform(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.ends_with(".tf") || name.ends_with(".tf.json")
}

/// A path as a user would write it: without `./` at every step.
pub(super) fn shown(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// The text of a file, without a byte order mark; one that `is_named` by
/// somebody may also be a pipe, and is waited for.
pub(super) fn read(path: &Path, is_named: bool) -> Result<String, Box<Diagnostic>> {
    let open = if is_named { std::fs::File::open } else { open_regular };
    let text = open(path).and_then(|file| read_text(path, file)).unwrap_or_else(|error| {
        let detail = format!("{} cannot be read: {error}.", shown(path).display());
        Err(Diagnostic::error("Unreadable file", detail).into())
    })?;
    Ok(text.strip_prefix('\u{feff}').map(String::from).unwrap_or(text))
}

/// Reads text of a file of configuration, no more of it than the parser takes.
///
/// # Errors
/// When reading fails; that it is no text is a diagnostic.
pub fn read_text(path: &Path, source: impl Read) -> io::Result<Result<String, Box<Diagnostic>>> {
    let mut bytes = Vec::new();
    // One more than may be, so that what is too large is seen to be.
    source.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let detail = format!("Line {line} of {} is not UTF-8 text.", shown(path).display());
        Diagnostic::error("Invalid character encoding", detail).into()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_is_told_from_other_files() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in [
            "b.tf",
            "a.tf.json",
            "c.hcl",
            "d.tofu",
            "d.tf",
            "e.tf.json",
            "e.tofu.json",
            "x_override.tf",
            "override.tf.json",
            "overrides.tf",
            "t.tftest.hcl",
            "v.tfvars",
            "v.tfvars.json",
            ".h.tf",
            "#b.tf#",
            "b.tf~",
            "n.json",
        ] {
            std::fs::write(dir.path().join(name), "").expect("written");
        }
        std::fs::create_dir(dir.path().join("folder.tf")).expect("a folder");
        let files = of_directory(dir.path()).expect("readable");
        let names = |paths: &[PathBuf]| {
            paths.iter().filter_map(|p| p.file_name()?.to_str().map(String::from)).collect::<Vec<_>>()
        };
        assert_eq!(
            names(&files.primary),
            ["a.tf.json", "b.tf", "c.hcl", "d.tofu", "e.tofu.json", "overrides.tf"]
        );
        assert_eq!(names(&files.overrides), ["override.tf.json", "x_override.tf"]);
    }
}
