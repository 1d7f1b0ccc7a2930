//! The text of a journal: one line per group commit, `crc length json`.
//!
//! Guarantees: a line counts as a whole or not at all, so a commit that a
//! crash cut short leaves no part of itself; damage before the last line is
//! never taken for such a cut.
//!
//! A file is a chain of runs. Each run's first line has a header whose base
//! serial is the serial of the run before. The first run either builds on
//! nothing (base serial 0) or is `whole`: it puts everything that there was.
//! So the file says by itself what the workspace is. Taking entries in twice
//! gives what taking them in once gives (they hold whole records).

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::model::{Entry, FORMAT_VERSION};
use super::super::seal::Sealer;
use super::super::store::{RunInfo, StateError};
use crate::addr::WorkspaceName;

/// What a run says about itself before its first entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format_version: u32,
    pub(super) workspace: WorkspaceName,
    pub(super) lineage: String,
    pub(super) serial: u64,
    /// The serial that the entries build on.
    pub(super) base_serial: u64,
    /// It builds on nothing: its entries put all that there is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) whole: bool,
    /// Who made it, when and what for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) run: Option<RunInfo>,
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

#[derive(Deserialize)]
struct Line {
    header: Option<Header>,
    entries: Vec<Entry>,
}

/// A place in a journal: the end of a line, and that line to know the file by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Where the line starts.
    pub(super) start: u64,
    /// Where it ends.
    pub(super) end: u64,
    /// Lines up to here.
    pub(super) lines: u64,
    /// The line's checksum.
    pub(super) crc: u32,
    /// Bytes of the whole state that the file began with.
    pub(super) base: u64,
}

/// A run and its entries.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) header: Header,
    pub(super) entries: Vec<Entry>,
}

/// A journal as read, or the part of it behind a mark.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) runs: Vec<Run>,
    /// Where the last sound line is.
    pub(super) mark: Mark,
    /// Bytes after that, of a commit that was never acknowledged.
    pub(super) torn_len: u64,
}

impl Contents {
    /// The last run's header.
    pub(super) fn last(&self) -> Option<&Header> {
        self.runs.last().map(|run| &run.header)
    }

    /// Whether it tells everything by itself.
    pub(super) fn is_whole(&self) -> bool {
        self.runs.first().is_some_and(|run| run.header.whole || run.header.base_serial == 0)
    }
}

/// Whether these bytes start with the very line that a mark was made of.
pub(super) fn is_marked(bytes: &[u8], mark: &Mark) -> bool {
    let len = mark.end.saturating_sub(mark.start);
    matches!(frame(bytes), Frame::Sound { json, len: found }
        if found as u64 == len && crc32fast::hash(json) == mark.crc)
}

/// One line for entries that are sealed JSON already.
pub(super) fn line(header: Option<&Header>, entries: &[String]) -> Result<String, StateError> {
    let header =
        serde_json::to_string(&header).map_err(|e| StateError::Refused(format!("journal header: {e}")))?;
    let json = format!("{{\"header\":{header},\"entries\":[{}]}}", entries.join(","));
    Ok(format!("{:08x} {} {json}\n", crc32fast::hash(json.as_bytes()), json.len()))
}

/// The mark behind a line that is written after another mark.
pub(super) fn mark_of(line: &str, before: Mark) -> Mark {
    let crc = line.get(..8).and_then(|text| u32::from_str_radix(text, 16).ok()).unwrap_or_default();
    Mark { start: before.end, end: before.end + line.len() as u64, lines: before.lines + 1, crc, ..before }
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
        let line: Line = sealer.from_json(json)?;
        let header = line.header.ok_or_else(damaged)?;
        if header.format_version > FORMAT_VERSION {
            let what = path.display().to_string();
            return Err(StateError::TooNew { what, found: header.format_version, known: FORMAT_VERSION });
        }
        let text = std::str::from_utf8(&rest[..len]).map_err(|_| damaged())?;
        lines.push((header, line.entries, text.to_owned()));
        rest = &rest[len..];
    }
    Ok(lines)
}

/// Reads a journal's bytes from a mark on, which follow the run of `before`;
/// from the start of the file with the default mark and no run.
pub(super) fn parse(
    path: &Path,
    workspace: &WorkspaceName,
    bytes: &[u8],
    sealer: &Sealer,
    mark: Mark,
    before: Option<&Header>,
) -> Result<Contents, StateError> {
    let mut contents = Contents { mark, ..Contents::default() };
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = |what: &str| corrupt(path, contents.mark.lines + 1, what);
        match frame(rest) {
            Frame::Sound { json, len } => {
                take_line(&mut contents, json, path, workspace, sealer, before)?;
                let mark = &mut contents.mark;
                (mark.start, mark.end) = (mark.end, mark.end + len as u64);
                (mark.lines, mark.crc) = (mark.lines + 1, crc32fast::hash(json));
                rest = &rest[len..];
            }
            Frame::Unended => return Err(at("its end was overwritten")),
            Frame::Broken if has_sound_line_later(rest) => {
                return Err(at("its checksum is wrong, and sound lines follow it"));
            }
            Frame::Broken => {
                contents.torn_len = rest.len() as u64;
                break;
            }
        }
    }
    Ok(contents)
}

fn corrupt(path: &Path, line: u64, what: &str) -> StateError {
    StateError::Corrupt(format!("journal {} is damaged in line {line}: {what}", path.display()))
}

fn take_line(
    contents: &mut Contents,
    json: &[u8],
    path: &Path,
    workspace: &WorkspaceName,
    sealer: &Sealer,
    before: Option<&Header>,
) -> Result<(), StateError> {
    let number = contents.mark.lines + 1;
    let at = |what: &str| corrupt(path, number, what);
    let version: Version = serde_json::from_slice(json).map_err(|e| at(&e.to_string()))?;
    if let Some(VersionField { format_version: found }) = version.header
        && found > FORMAT_VERSION
    {
        let what = format!("journal {}", path.display());
        return Err(StateError::TooNew { what, found, known: FORMAT_VERSION });
    }
    let line: Line = sealer.from_json(json).map_err(|error| match error {
        StateError::Corrupt(what) => at(&what),
        other => other,
    })?;
    let last = contents.last().or(before);
    match line.header {
        Some(header) if header.workspace != *workspace => {
            return Err(at(&format!("it belongs to workspace {}", header.workspace)));
        }
        Some(header) => {
            let follows =
                last.is_none_or(|last| last.serial == header.base_serial && last.lineage == header.lineage);
            if !follows || header.serial < header.base_serial {
                return Err(at("its run does not follow from the one before"));
            }
            contents.runs.push(Run { header, entries: line.entries });
        }
        None => match (contents.runs.last_mut(), before) {
            (Some(run), _) => run.entries.extend(line.entries),
            (None, Some(header)) => {
                contents.runs.push(Run { header: header.clone(), entries: line.entries });
            }
            (None, None) => return Err(at("it has no header")),
        },
    }
    Ok(())
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
