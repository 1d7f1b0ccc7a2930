//! Older formats, made into the present one.
//!
//! One step a version, each from its version to the next, so that a step is
//! written once and never touched again. What was written stays as it is on
//! disk until it is written anew.
//!
//! `formats/` has what each version wrote; a test reads all of it.

use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::model::FORMAT_VERSION;
use super::store::StateError;

/// From the version of its place, counted from 1, to the next; none where all
/// that was written means the same, and need not be read twice.
const STEPS: [Option<fn(&mut Json)>; FORMAT_VERSION as usize - 1] = [
    Some(lines_of_a_base_are_counted),
    // Version 2 kept nothing of what conditions came to.
    None,
];

/// A line of a journal that was written in an older version.
pub(super) fn journal_line(version: u32, json: &[u8]) -> Result<Cow<'_, [u8]>, StateError> {
    let unknown = || StateError::Corrupt(format!("there is no format version {version}"));
    let first = version.checked_sub(1).ok_or_else(unknown)? as usize;
    let mut steps = STEPS.get(first..).ok_or_else(unknown)?.iter().flatten().peekable();
    if steps.peek().is_none() {
        return Ok(Cow::Borrowed(json));
    }
    let corrupt = |e: serde_json::Error| StateError::Corrupt(e.to_string());
    let mut line: Json = serde_json::from_slice(json).map_err(corrupt)?;
    steps.for_each(|step| step(&mut line));
    if let Some(header) = line.get_mut("header").and_then(Json::as_object_mut) {
        header.insert("format_version".into(), json!(FORMAT_VERSION));
    }
    Ok(Cow::Owned(serde_json::to_vec(&line).map_err(corrupt)?))
}

/// Version 1 said of a run that it was `whole`, and not how many of its lines
/// put what there was: one is too few, and has the journal begun anew early.
fn lines_of_a_base_are_counted(line: &mut Json) {
    let Some(header) = line.get_mut("header").and_then(Json::as_object_mut) else { return };
    if header.remove("whole") == Some(Json::Bool(true)) {
        header.insert("base_lines".into(), json!(1));
    }
}
