//! Diagnostics: what is wrong, where, and what to do, as data.
//!
//! Guarantees: summaries are constant per kind of problem, details are full
//! sentences, hints are apart; functions collect diagnostics rather than stop
//! at the first.
//! Must not: render, colour or print; that is the caller's.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::value::Path;

/// Which file of a [`SourceMap`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileId(pub u32);

/// A place in a source file: byte offsets, end exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

/// Serialised as `[file, start, end]`, since plans hold many.
impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.file, self.start, self.end).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (file, start, end) = Deserialize::deserialize(deserializer)?;
        Ok(Span { file, start, end })
    }
}

impl Span {
    /// From the start of this place to the end of another in the same file.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span { end: other.end.max(self.end), ..self }
    }
}

/// A source file as read.
#[derive(Debug)]
pub struct Source {
    /// The path as the user would write it.
    pub path: PathBuf,
    /// The whole text.
    pub text: Arc<str>,
}

/// All source files of a run, by [`FileId`]. Files are only ever added.
#[derive(Debug, Default)]
pub struct SourceMap {
    files: RwLock<Vec<Arc<Source>>>,
    /// Where secrets stand.
    hidden: RwLock<Vec<Span>>,
    /// Texts of files with secrets, as they are shown.
    starred: RwLock<HashMap<FileId, Arc<str>>>,
}

impl SourceMap {
    /// Takes a file in.
    pub fn add(&self, path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> FileId {
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        files.push(Arc::new(Source { path: path.into(), text: text.into() }));
        FileId(u32::try_from(files.len() - 1).unwrap_or(u32::MAX))
    }

    /// The file of an id; `None` for an id of another run.
    pub fn get(&self, id: FileId) -> Option<Arc<Source>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner).get(id.0 as usize).cloned()
    }

    /// What stands at a place is a secret: nobody is shown it.
    pub fn hide(&self, place: Span) {
        // Held, so that no text is kept that was made before.
        let mut hidden = self.hidden.write().unwrap_or_else(PoisonError::into_inner);
        hidden.push(place);
        self.starred.write().unwrap_or_else(PoisonError::into_inner).remove(&place.file);
    }

    /// The text of a file as it may be shown: as long as it is, with stars for
    /// each byte of a secret.
    pub fn shown(&self, id: FileId) -> Option<Arc<str>> {
        let source = self.get(id)?;
        let hidden = self.hidden.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = self.starred.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Some(text.clone());
        }
        let mut places = hidden.iter().filter(|place| place.file == id).peekable();
        if places.peek().is_none() {
            return Some(source.text.clone());
        }
        let mut bytes = source.text.as_bytes().to_vec();
        for place in places {
            let end = (place.end as usize).min(bytes.len());
            let secret = bytes.get_mut(place.start as usize..end).unwrap_or_default();
            secret.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b'*');
        }
        // A place that cuts a character in two is none of ours.
        let text: Arc<str> = String::from_utf8(bytes).ok()?.into();
        self.starred.write().unwrap_or_else(PoisonError::into_inner).insert(id, text.clone());
        Some(text)
    }

    /// Line and column of a place, from 1, columns in characters.
    pub fn line_column(&self, span: Span) -> Option<(usize, usize)> {
        let source = self.get(span.file)?;
        let before = source.text.get(..span.start as usize)?;
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Some((line, column))
    }

    /// `path:line` of a place, for one-line messages.
    pub fn place(&self, span: Span) -> Option<String> {
        let (line, _) = self.line_column(span)?;
        Some(format!("{}:{line}", self.get(span.file)?.path.display()))
    }

    /// The path of a file.
    pub fn path(&self, id: FileId) -> Option<PathBuf> {
        self.get(id).map(|s| FilePath::to_path_buf(&s.path))
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is done while there is one.
    Error,
    /// Worth knowing; the run goes on.
    Warning,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// The kind of problem, the same words each time.
    pub summary: String,
    /// What is wrong here, in full sentences. May be empty.
    pub detail: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The place at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// Further places, each with a few words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<(Span, String)>,
    /// `workspace:address` of the object concerned, or just one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The attribute concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Path>,
    /// References of the expression and what they stand for, secrets hidden.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(String, String)>,
}

impl Diagnostic {
    /// An error.
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            summary: summary.into(),
            detail: detail.into(),
            hint: None,
            span: None,
            related: Vec::new(),
            address: None,
            path: None,
            values: Vec::new(),
        }
    }

    /// A warning.
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Self::error(summary, detail) }
    }

    /// With the place at fault.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// With what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With a further place.
    #[must_use]
    pub fn related(mut self, span: Span, words: impl Into<String>) -> Self {
        self.related.push((span, words.into()));
        self
    }

    /// With the object concerned.
    #[must_use]
    pub fn address(mut self, address: impl ToString) -> Self {
        self.address = Some(address.to_string());
        self
    }

    /// With the attribute concerned.
    #[must_use]
    pub fn path(mut self, path: Path) -> Self {
        self.path = Some(path);
        self
    }

    /// With a hint naming the nearest of `known`, when one is near.
    #[must_use]
    pub fn suggest<'a>(self, given: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(given, known) {
            Some(name) => self.hint(format!("Did you mean {name:?}?")),
            None => self,
        }
    }
}

/// The name nearest to what was given, if it is near enough to be meant.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = given.chars().count();
    // Something must be alike: one letter is as near to any other.
    let limit = (length / 3).max(1).min(length.saturating_sub(1));
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

/// The word that goes with a number: `1 step was`, `2 steps were`.
pub fn agree<'w>(number: usize, one: &'w str, many: &'w str) -> &'w str {
    if number == 1 { one } else { many }
}

/// Diagnostics as they are collected.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    all: Vec<Diagnostic>,
    /// Hashes of what is in `all`, so that many are taken in quickly.
    seen: HashSet<u64>,
}

impl Diagnostics {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one in; the same one is kept once, however many instances hit it.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let Diagnostic { severity, summary, detail, hint, span, address, .. } = &diagnostic;
        let mut hasher = DefaultHasher::new();
        (severity, summary, detail, hint, span, address).hash(&mut hasher);
        if self.seen.insert(hasher.finish()) || !self.all.contains(&diagnostic) {
            self.all.push(diagnostic);
        }
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.all.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// In the order of their discovery.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.all.iter()
    }

    /// By file and place, errors and warnings mixed; those without place last.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.all.sort_by_key(|d| (d.span.is_none(), d.span));
        self
    }
}

impl PartialEq for Diagnostics {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Eq for Diagnostics {}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, iter: T) {
        iter.into_iter().for_each(|d| self.push(d));
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.into_iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        [diagnostic].into_iter().collect()
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<T: IntoIterator<Item = Diagnostic>>(iter: T) -> Self {
        let mut all = Diagnostics::new();
        all.extend(iter);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn what_may_be_meant_is_like_what_was_given() {
        let known = ["a", "region", "retention_days"];
        let cases = [
            ("regoin", Some("region")),
            ("retentoin_day", Some("retention_days")),
            ("zone", None),
            ("b", None),
            ("ab", Some("a")),
            ("", None),
        ];
        for (given, near) in cases {
            assert_eq!(nearest(given, known), near, "{given}");
        }
    }
}
