//! The canonical layout of one file.

use std::io::{self, Read};
use std::path::Path;

use crate::config::read_text;
use crate::diag::{Diagnostics, SourceMap};
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
    let text = match read_text(path, source)? {
        Ok(text) => text,
        Err(problem) => return Ok(Err((*problem).into())),
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
