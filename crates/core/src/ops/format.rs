//! The canonical layout of one file.

use std::io::{self, Read};
use std::path::Path;

use crate::diag::{Diagnostic, Diagnostics, SourceMap};
use crate::{fmt, syntax};

/// The ends of names of files that can be laid out: what configuration,
/// values of variables and tests are read from in native syntax.
pub const FORMATTED: [&str; 4] = [".tf", ".tofu", ".tfvars", ".hcl"];

/// A file as it is and as it should be.
#[derive(Clone, Debug)]
pub struct Formatted {
    /// As read.
    pub text: String,
    /// In its canonical layout.
    pub canonical: String,
}

impl Formatted {
    /// Whether the file is as it should be.
    pub fn is_canonical(&self) -> bool {
        self.text == self.canonical
    }
}

/// Reads a file and gives its canonical layout, or what is wrong with it: the
/// layout of what cannot be read would be a guess. It is added to the sources.
///
/// # Errors
/// When it cannot be read.
pub fn format(
    sources: &SourceMap,
    path: &Path,
    source: impl Read,
) -> io::Result<Result<Formatted, Diagnostics>> {
    let mut bytes = Vec::new();
    // One more than may be, so that what is too large is seen to be.
    source.take(syntax::MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let detail = format!("Line {line} of {} is not UTF-8 text.", path.display());
            return Ok(Err(Diagnostic::error("Invalid character encoding", detail).into()));
        }
    };
    let mut diagnostics = Diagnostics::new();
    let file = sources.add(path, text.as_str());
    syntax::check_file(file, &text, &mut diagnostics);
    if diagnostics.has_errors() {
        return Ok(Err(diagnostics.sorted()));
    }
    let canonical = fmt::format(&text);
    Ok(Ok(Formatted { text, canonical }))
}
