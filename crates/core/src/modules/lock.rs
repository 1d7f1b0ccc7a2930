//! The file of pins: which commit each repository is taken at.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::diag::{Diagnostic, Diagnostics, SourceMap};
use crate::expr::ExprKind;
use crate::syntax::parse_file;

/// The file's name, in the root directory.
pub const LOCK_FILE: &str = ".tenantctl.lock.hcl";

const HEADER: &str = "# Made by \"tenantctl init\": the commits that modules are taken at.\n\
                      # Commit this file; \"tenantctl init -upgrade\" brings it up to date.\n";

/// Commits by the label of their source.
pub(super) type Pins = BTreeMap<String, String>;

/// Reads the pins of a root directory; without a file there are none.
pub(super) fn read(root: &Path, sources: &SourceMap, diagnostics: &mut Diagnostics) -> Pins {
    let text = match std::fs::read_to_string(root.join(LOCK_FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Pins::new(),
        Err(error) => {
            let detail = format!("{LOCK_FILE} cannot be read: {error}.");
            diagnostics.push(Diagnostic::error("Unreadable file", detail));
            return Pins::new();
        }
    };
    let file = sources.add(LOCK_FILE, text.as_str());
    let body = parse_file(file, &text, diagnostics);
    let mut pins = Pins::new();
    for block in &body.blocks {
        let commit = block.body.attribute("commit").and_then(|attribute| match &attribute.value.kind {
            ExprKind::Literal(value) => value.as_str().filter(|text| is_commit(text)),
            _ => None,
        });
        match (&*block.kind.name, block.labels.as_slice(), commit) {
            ("module", [label], Some(commit)) => {
                pins.insert(label.name.to_string(), commit.to_owned());
            }
            _ => diagnostics.push(
                Diagnostic::error(
                    "Invalid lock file",
                    "A pin is written: module \"SOURCE\" { commit = \"…\" }.",
                )
                .at(block.header())
                .hint("Remove the block and run \"tenantctl init\"."),
            ),
        }
    }
    pins
}

/// Writes the pins, if they differ from those there; without any, no file is made.
pub(super) fn write(root: &Path, pins: &Pins) -> io::Result<()> {
    let path = root.join(LOCK_FILE);
    if pins.is_empty() && !path.exists() {
        return Ok(());
    }
    let blocks =
        pins.iter().map(|(label, commit)| format!("\nmodule \"{label}\" {{\n  commit = \"{commit}\"\n}}\n"));
    let text: String = std::iter::once(HEADER.to_owned()).chain(blocks).collect();
    if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    // Whole or not at all: the name changes hands when the text is there.
    let fresh = root.join(format!("{LOCK_FILE}.new"));
    std::fs::write(&fresh, text)?;
    std::fs::rename(fresh, path)
}

/// Whether text is the full name of a commit.
pub(super) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
