//! File name patterns, as `fileset` takes them.
//!
//! `*` and `?` stay within a name, `[…]` is one of some characters, `{a,b}`
//! one of some patterns, `**` any number of folders, `\` takes the next
//! character as it is.
//!
//! Guarantees: gives files only, hidden ones too; a loop of links ends; the
//! number of names looked at is bounded.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;

/// Names looked at before giving up.
const MAX_NAMES: usize = 1_000_000;
/// Folders inside one another.
const MAX_DEPTH: usize = 64;
/// Patterns that braces may stand for.
const MAX_PATTERNS: usize = 1_000;

/// The files below `dir` whose path from there matches, with `/` between.
///
/// # Errors
/// A malformed pattern, or a folder that cannot be read.
pub(super) fn files(dir: &Path, pattern: &str) -> Result<Vec<String>, String> {
    let mut walk = Walk { found: BTreeSet::new(), names: 0 };
    for pattern in alternatives(pattern)? {
        let parts: Vec<&str> = pattern.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        let parts = parts.into_iter().map(Part::new).collect::<Result<Vec<_>, _>>()?;
        if !parts.is_empty() {
            walk.step(dir, "", &parts, 0)?;
        }
    }
    Ok(walk.found.into_iter().collect())
}

/// What one name of a path must be.
enum Part {
    Exactly(String),
    Like(Regex),
    AnyFolders,
}

impl Part {
    fn new(text: &str) -> Result<Self, String> {
        if text == "**" {
            return Ok(Part::AnyFolders);
        }
        let special = |c: char| matches!(c, '*' | '?' | '[' | '\\');
        if !text.contains(special) {
            return Ok(Part::Exactly(text.to_owned()));
        }
        let malformed = || format!("the pattern {text:?} is malformed");
        let mut expression = String::from("(?s)^");
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '*' => expression.push_str(".*"),
                '?' => expression.push('.'),
                '\\' => push_literal(&mut expression, chars.next().ok_or_else(malformed)?),
                '[' => {
                    let (class, rest) = class(chars.as_str()).ok_or_else(malformed)?;
                    expression.push_str(&class);
                    chars = rest.chars();
                }
                c => push_literal(&mut expression, c),
            }
        }
        expression.push('$');
        Regex::new(&expression).map(Part::Like).map_err(|_| malformed())
    }
}

fn push_literal(expression: &mut String, c: char) {
    expression.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

/// A class of characters, whose opening bracket was read, as a regular
/// expression, and what follows it.
fn class(text: &str) -> Option<(String, &str)> {
    let mut class = String::from("[");
    let mut chars = text.chars();
    let mut empty = true;
    if text.starts_with(['^', '!']) {
        class.push('^');
        chars.next();
    }
    loop {
        match chars.next()? {
            ']' if !empty => break,
            '-' => class.push('-'),
            '\\' => push_literal(&mut class, chars.next()?),
            c => push_literal(&mut class, c),
        }
        empty = false;
    }
    class.push(']');
    Some((class, chars.as_str()))
}

/// The patterns without braces that one with braces stands for.
fn alternatives(pattern: &str) -> Result<Vec<String>, String> {
    let mut open = vec![pattern.to_owned()];
    let mut plain = Vec::new();
    while let Some(pattern) = open.pop() {
        if open.len() + plain.len() > MAX_PATTERNS {
            return Err("the pattern has too many alternatives".into());
        }
        match braces(&pattern)? {
            None => plain.push(pattern),
            Some((before, choices, after)) => {
                open.extend(choices.iter().map(|choice| [before, choice, after].concat()));
            }
        }
    }
    Ok(plain)
}

/// The first braces of a pattern: what is before, between their commas, after.
#[allow(clippy::type_complexity, reason = "three parts of a text")]
fn braces(pattern: &str) -> Result<Option<(&str, Vec<&str>, &str)>, String> {
    let (mut depth, mut start, mut choice) = (0, 0, 0);
    let mut choices = Vec::new();
    let mut escaped = false;
    for (at, c) in pattern.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => {
                if depth == 0 {
                    (start, choice) = (at, at + 1);
                }
                depth += 1;
            }
            ',' if depth == 1 => {
                choices.push(&pattern[choice..at]);
                choice = at + 1;
            }
            '}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    choices.push(&pattern[choice..at]);
                    return Ok(Some((&pattern[..start], choices, &pattern[at + 1..])));
                }
            }
            _ => {}
        }
    }
    if depth > 0 { Err(format!("the pattern {pattern:?} has a brace that is not closed")) } else { Ok(None) }
}

struct Walk {
    found: BTreeSet<String>,
    names: usize,
}

impl Walk {
    /// Goes on below `dir`, which is `prefix` from where the walk began.
    fn step(&mut self, dir: &Path, prefix: &str, parts: &[Part], depth: usize) -> Result<(), String> {
        let Some((part, rest)) = parts.split_first() else { return Ok(()) };
        if depth > MAX_DEPTH {
            return Ok(());
        }
        match part {
            Part::Exactly(name) => self.name(dir, prefix, name, rest, depth),
            Part::Like(expression) => {
                for name in self.list(dir)? {
                    if expression.is_match(&name) {
                        self.name(dir, prefix, &name, rest, depth)?;
                    }
                }
                Ok(())
            }
            Part::AnyFolders => {
                if rest.is_empty() {
                    for name in self.list(dir)? {
                        self.name(dir, prefix, &name, rest, depth)?;
                    }
                } else {
                    self.step(dir, prefix, rest, depth)?;
                }
                for name in self.list(dir)? {
                    let inner = dir.join(&name);
                    if inner.is_dir() {
                        self.step(&inner, &format!("{prefix}{name}/"), parts, depth + 1)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// A name that matches: a file that was found, or a folder to go on in.
    fn name(
        &mut self,
        dir: &Path,
        prefix: &str,
        name: &str,
        rest: &[Part],
        depth: usize,
    ) -> Result<(), String> {
        let path = dir.join(name);
        if !rest.is_empty() {
            return if path.is_dir() {
                self.step(&path, &format!("{prefix}{name}/"), rest, depth + 1)
            } else {
                Ok(())
            };
        }
        if path.is_file() {
            self.found.insert(format!("{prefix}{name}"));
        }
        Ok(())
    }

    /// The names in a folder; none, when there is no such folder.
    fn list(&mut self, dir: &Path) -> Result<Vec<String>, String> {
        let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", dir.display());
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            self.names += 1;
            if self.names > MAX_NAMES {
                return Err(format!("there are more than {MAX_NAMES} names to look at"));
            }
            // A name that is no text cannot be part of a value.
            names.extend(entry.map_err(unreadable)?.file_name().into_string());
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(dir.path().join("sub/deep")).expect("folders");
        for name in ["a.txt", ".b.txt", "x*y", "sub/c.txt", "sub/deep/d.json"] {
            std::fs::write(dir.path().join(name), "").expect("a file");
        }
        let cases: [(&str, &[&str]); 11] = [
            ("*", &[".b.txt", "a.txt", "x*y"]),
            ("?.txt", &["a.txt"]),
            ("[^a].txt", &[]),
            ("[a-b].txt", &["a.txt"]),
            ("x\\*y", &["x*y"]),
            ("**", &[".b.txt", "a.txt", "sub/c.txt", "sub/deep/d.json", "x*y"]),
            ("**/*.{txt,json}", &[".b.txt", "a.txt", "sub/c.txt", "sub/deep/d.json"]),
            ("{sub/c,a}.txt", &["a.txt", "sub/c.txt"]),
            ("sub/../a.txt", &["sub/../a.txt"]),
            ("sub", &[]),
            ("none/*", &[]),
        ];
        for (pattern, expected) in cases {
            assert_eq!(files(dir.path(), pattern).expect(pattern), expected, "{pattern}");
        }
        for pattern in ["[", "[]", "{a", "a\\"] {
            assert!(files(dir.path(), pattern).is_err(), "{pattern}");
        }
    }
}
