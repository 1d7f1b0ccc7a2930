//! The text of a journal: one line per group commit, `crc length json`.
//!
//! Guarantees: a line counts as a whole or not at all, so a commit that a
//! crash cut short leaves no part of itself; damage before the last line is
//! never taken for such a cut.
//!
//! A file is a chain of runs. Each run's first line has a header whose base
//! serial is the serial of the run before. The first run either builds on
//! nothing (base serial 0), or its first lines put everything that there was.
//! So the file says by itself what the workspace is. Taking entries in twice
//! gives what taking them in once gives (they hold whole records).
//!
//! A line is of the version that its run's header says, and is made into the
//! present one before it is understood.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::model::{Entry, FORMAT_VERSION};
use super::super::seal::Sealer;
use super::super::store::{RunInfo, StateError};
use super::super::upgrade;
use super::begun::Begun;
use crate::addr::WorkspaceName;

/// What a run says about itself before its first entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Header {
    pub(super) format_version: u32,
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) workspace: WorkspaceName,
    pub(super) lineage: String,
    pub(super) serial: u64,
    /// The serial that the entries build on.
    pub(super) base_serial: u64,
    /// So many lines, from this one on, put all that there is: the run builds on
    /// nothing, as one that a file is begun anew with.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) base_lines: u64,
    /// Who made it, when and what for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) run: Option<RunInfo>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Only the version, for files whose other fields may have changed.
#[derive(Deserialize)]
struct Version {
    header: Option<VersionField>,
}

#[derive(Deserialize)]
struct VersionField {
    format_version: u32,
}

/// A line whose entries are not read yet.
#[derive(Deserialize)]
struct RawLine<'b> {
    header: Option<Header>,
    #[serde(borrow)]
    entries: Vec<&'b RawValue>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Line {
    header: Option<Header>,
    entries: Vec<Entry>,
}

#[cfg(test)]
pub(crate) fn line_schema() -> schemars::Schema {
    schemars::schema_for!(Line)
}

/// A run and its entries.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) header: Header,
    pub(super) entries: Vec<Entry>,
}

/// A journal as read.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) runs: Vec<Run>,
    /// Bytes of sound lines.
    pub(super) sound: u64,
    /// Of these, bytes of lines that put what there was when it was begun anew.
    pub(super) base: u64,
    /// Bytes after the sound ones, of a commit that was never acknowledged.
    pub(super) torn: u64,
    lines: u64,
}

impl Contents {
    /// Whether it tells everything by itself.
    fn is_whole(&self) -> bool {
        self.runs.first().is_none_or(|run| run.header.base_lines > 0 || run.header.base_serial == 0)
    }
}

/// One line for entries that are sealed JSON already.
pub(super) fn line(header: Option<&Header>, entries: &[String]) -> Result<String, StateError> {
    let header =
        serde_json::to_string(&header).map_err(|e| StateError::Refused(format!("journal header: {e}")))?;
    let json = format!("{{\"header\":{header},\"entries\":[{}]}}", entries.join(","));
    Ok(format!("{:08x} {} {json}\n", crc32fast::hash(json.as_bytes()), json.len()))
}

/// Reads lines that each have a header, of whatever workspaces, as they are.
pub(super) fn lines(
    path: &Path,
    bytes: &[u8],
    sealer: &Sealer,
) -> Result<Vec<(Header, Vec<Entry>, String)>, StateError> {
    let damaged = || StateError::Corrupt(format!("{} is damaged", path.display()));
    let mut lines = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let Frame::Sound { json, len } = frame(rest) else { return Err(damaged()) };
        let version = version_of(json, path)?.ok_or_else(damaged)?;
        let line: Line = sealer.from_json(&upgrade::journal_line(version, json)?)?;
        let header = line.header.ok_or_else(damaged)?;
        let text = std::str::from_utf8(&rest[..len]).map_err(|_| damaged())?;
        lines.push((header, line.entries, text.to_owned()));
        rest = &rest[len..];
    }
    Ok(lines)
}

/// The version that a line's header says; none for a line without one.
fn version_of(json: &[u8], path: &Path) -> Result<Option<u32>, StateError> {
    // As lines are written. What follows the header need not be read twice.
    let header = match json.strip_prefix(br#"{"header":"#) {
        Some(rest) => serde_json::Deserializer::from_slice(rest).into_iter().next().transpose(),
        None => serde_json::from_slice(json).map(|Version { header }| Some(header)),
    };
    match header.map_err(|e| StateError::Corrupt(e.to_string()))?.flatten() {
        Some(VersionField { format_version: found }) if found > FORMAT_VERSION => {
            let what = format!("journal {}", path.display());
            Err(StateError::TooNew { what, found, known: FORMAT_VERSION })
        }
        header => Ok(header.map(|header| header.format_version)),
    }
}

/// Reads a journal's bytes.
pub(super) fn parse(
    path: &Path,
    workspace: &WorkspaceName,
    bytes: &[u8],
    sealer: &Sealer,
) -> Result<Contents, StateError> {
    let mut contents = Contents::default();
    let mut version = FORMAT_VERSION;
    let mut begun = Begun::new(sealer);
    let mut rest = bytes;
    while !rest.is_empty() {
        let number = contents.lines + 1;
        let at = |what: &str| corrupt(path, number, what);
        match frame(rest) {
            Frame::Sound { json, len } => {
                let describe = |error| match error {
                    StateError::Corrupt(what) => at(&what),
                    other => other,
                };
                version = version_of(json, path).map_err(describe)?.unwrap_or(version);
                let text = upgrade::journal_line(version, json).map_err(describe)?;
                take_line(&mut contents, &mut begun, text, workspace).map_err(describe)?;
                contents.sound += len as u64;
                contents.lines += 1;
                if contents.runs.first().is_some_and(|run| contents.lines <= run.header.base_lines) {
                    contents.base = contents.sound;
                }
                rest = &rest[len..];
            }
            Frame::Unended => return Err(at("its end was overwritten")),
            Frame::Broken if has_sound_line_later(rest) => {
                return Err(at("its checksum is wrong, and sound lines follow it"));
            }
            Frame::Broken => {
                contents.torn = rest.len() as u64;
                break;
            }
        }
    }
    end_run(&mut contents, &mut begun).map_err(|error| match error {
        StateError::Corrupt(what) => corrupt(path, contents.lines, &what),
        other => other,
    })?;
    if let Some(first) = contents.runs.first().filter(|_| !contents.is_whole()) {
        return Err(StateError::Corrupt(format!(
            "journal {} builds on serial {}, and what was before that is not in it",
            path.display(),
            first.header.base_serial
        )));
    }
    Ok(contents)
}

fn corrupt(path: &Path, line: u64, what: &str) -> StateError {
    StateError::Corrupt(format!("journal {} is damaged in line {line}: {what}", path.display()))
}

/// Adds a line; in words, why it cannot be one of this journal.
fn take_line<'b>(
    contents: &mut Contents,
    begun: &mut Begun<'b>,
    text: Cow<'b, [u8]>,
    workspace: &WorkspaceName,
) -> Result<(), StateError> {
    match text {
        Cow::Borrowed(text) => {
            let line: RawLine<'b> = raw(text)?;
            let run = run_of(contents, begun, line.header, workspace)?;
            line.entries.into_iter().try_for_each(|text| begun.take(text, &mut run.entries))
        }
        // Of an older version: the text goes before the run's end.
        Cow::Owned(text) => {
            let line: RawLine<'_> = raw(&text)?;
            let run = run_of(contents, begun, line.header, workspace)?;
            line.entries.into_iter().try_for_each(|text| begun.pair(begun.read(text)?, &mut run.entries))
        }
    }
}

fn raw(text: &[u8]) -> Result<RawLine<'_>, StateError> {
    serde_json::from_slice(text).map_err(|e| StateError::Corrupt(e.to_string()))
}

/// The run that a line belongs to: a new one when it has a header.
fn run_of<'c>(
    contents: &'c mut Contents,
    begun: &mut Begun<'_>,
    header: Option<Header>,
    workspace: &WorkspaceName,
) -> Result<&'c mut Run, StateError> {
    let refuse = |what: &str| Err(StateError::Corrupt(what.into()));
    if let Some(header) = header {
        if header.workspace != *workspace {
            return refuse(&format!("it belongs to workspace {}", header.workspace));
        }
        let follows = contents.runs.last().is_none_or(|last| {
            last.header.serial == header.base_serial && last.header.lineage == header.lineage
        });
        let builds_on_nothing = header.base_lines > 0;
        if !builds_on_nothing && (!follows || header.serial < header.base_serial) {
            return refuse("its run does not follow from the one before");
        }
        end_run(contents, begun)?;
        contents.runs.push(Run { header, entries: Vec::new() });
    }
    match contents.runs.last_mut() {
        Some(run) => Ok(run),
        None => refuse("it has no header"),
    }
}

/// Reads what the last run began and did not end.
fn end_run(contents: &mut Contents, begun: &mut Begun<'_>) -> Result<(), StateError> {
    contents.runs.last_mut().map_or(Ok(()), |run| begun.end(&mut run.entries))
}

enum Frame<'a> {
    Sound {
        json: &'a [u8],
        len: usize,
    },
    /// A sound line that something other than its end follows.
    Unended,
    Broken,
}

fn frame(bytes: &[u8]) -> Frame<'_> {
    let Some((json, start)) = checked(bytes) else { return Frame::Broken };
    match bytes.get(start + json.len()) {
        Some(b'\n') => Frame::Sound { json, len: start + json.len() + 1 },
        Some(_) => Frame::Unended,
        None => Frame::Broken,
    }
}

/// The JSON that fits its length and checksum, and where it starts.
fn checked(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (crc, rest) = bytes.split_at_checked(9)?;
    // No length has more digits; keeps the search short in damaged text.
    let space = rest.iter().take(20).position(|b| *b == b' ')?;
    let len: usize = std::str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
    let json = rest[space + 1..].get(..len)?;
    let expected = format!("{:08x} ", crc32fast::hash(json));
    (expected.as_bytes() == crc).then_some((json, 9 + space + 1))
}

fn has_sound_line_later(bytes: &[u8]) -> bool {
    let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n');
    ends.map(|(at, _)| &bytes[at + 1..]).any(|rest| matches!(frame(rest), Frame::Sound { .. }))
}
