//! The text of a journal: one line per group commit, `crc length json`.
//!
//! Guarantees: a line counts as a whole or not at all, so a commit that a
//! crash cut short leaves no part of itself; damage before the last line is
//! never taken for such a cut.
//!
//! A file is a chain of runs. Each run's first line has a header whose base
//! serial is the serial of the run before. Taking a journal in twice gives
//! what taking it in once gives (entries hold whole records), which is why a
//! fold may be repeated after a crash.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::model::{Entry, FORMAT_VERSION};
use super::super::seal::Sealer;
use super::super::store::StateError;
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

/// A journal as read.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) headers: Vec<Header>,
    pub(super) entries: Vec<Entry>,
    /// Up to here it is sound.
    pub(super) sound_len: usize,
    /// Bytes after that, of a commit that was never acknowledged.
    pub(super) torn_len: usize,
}

impl Contents {
    /// The serial after all of its runs.
    pub(super) fn last(&self) -> Option<&Header> {
        self.headers.last()
    }

    /// Something in it is not in the index.
    pub(super) fn is_unfolded(&self) -> bool {
        let begin_only = self.entries.iter().all(|e| matches!(e, Entry::Begin(_)));
        let (Some(first), Some(last)) = (self.headers.first(), self.last()) else { return false };
        !begin_only || last.serial > first.base_serial
    }

    /// Whether these runs follow from a stored state of that lineage and
    /// serial; in words if not.
    pub(super) fn check_follows(&self, lineage: &str, serial: u64) -> Result<(), String> {
        let (Some(first), Some(last)) = (self.headers.first(), self.last()) else { return Ok(()) };
        if !lineage.is_empty() && last.lineage != lineage {
            return Err(format!("it has lineage {}, and the index {lineage}", last.lineage));
        }
        if first.base_serial > serial {
            return Err(format!(
                "it builds on serial {}, and the index has only serial {serial}: \
                 the index was lost or is an older copy",
                first.base_serial
            ));
        }
        if last.serial < serial {
            return Err(format!(
                "it ends at serial {}, and the index has serial {serial}: the journal is an older copy",
                last.serial
            ));
        }
        Ok(())
    }
}

/// One line for entries that are sealed JSON already.
pub(super) fn line(header: Option<&Header>, entries: &[String]) -> Result<String, StateError> {
    let header =
        serde_json::to_string(&header).map_err(|e| StateError::Refused(format!("journal header: {e}")))?;
    let json = format!("{{\"header\":{header},\"entries\":[{}]}}", entries.join(","));
    Ok(format!("{:08x} {} {json}\n", crc32fast::hash(json.as_bytes()), json.len()))
}

/// Reads a journal's bytes.
pub(super) fn parse(
    path: &Path,
    workspace: &WorkspaceName,
    bytes: &[u8],
    sealer: &Sealer,
) -> Result<Contents, StateError> {
    let mut contents = Contents::default();
    let mut number = 1;
    while contents.sound_len < bytes.len() {
        let at = |what: &str| corrupt(path, number, what);
        match frame(&bytes[contents.sound_len..]) {
            Frame::Sound { json, len } => {
                take_line(&mut contents, json, path, number, workspace, sealer)?;
                contents.sound_len += len;
                number += 1;
            }
            Frame::Unended => return Err(at("its end was overwritten")),
            Frame::Broken if has_sound_line_later(&bytes[contents.sound_len..]) => {
                return Err(at("its checksum is wrong, and sound lines follow it"));
            }
            Frame::Broken => {
                contents.torn_len = bytes.len() - contents.sound_len;
                break;
            }
        }
    }
    Ok(contents)
}

fn corrupt(path: &Path, line: usize, what: &str) -> StateError {
    StateError::Corrupt(format!("journal {} is damaged in line {line}: {what}", path.display()))
}

fn take_line(
    contents: &mut Contents,
    json: &[u8],
    path: &Path,
    number: usize,
    workspace: &WorkspaceName,
    sealer: &Sealer,
) -> Result<(), StateError> {
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
    match line.header {
        Some(header) if header.workspace != *workspace => {
            return Err(at(&format!("it belongs to workspace {}", header.workspace)));
        }
        Some(header) => {
            let follows = contents
                .last()
                .is_none_or(|last| last.serial == header.base_serial && last.lineage == header.lineage);
            if !follows || header.serial < header.base_serial {
                return Err(at("its run does not follow from the one before"));
            }
            contents.headers.push(header);
        }
        None if contents.headers.is_empty() => return Err(at("it has no header")),
        None => {}
    }
    contents.entries.extend(line.entries);
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
