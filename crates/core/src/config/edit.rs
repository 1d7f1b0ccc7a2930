//! Changes to the text of a tenant's block: what is set is set in its place,
//! comments and layout around it stay.
//!
//! Guarantees: pure; the text that comes out parses when the one that went in
//! did; a change that is there already changes nothing.

use crate::diag::{Diagnostic, Diagnostics, FileId, Span};
use crate::expr::{Expr, ExprKind};
use crate::fmt::format;
use crate::syntax::lexer::{TokenKind, tokens};
use crate::syntax::{Block, Body, parse_file};

/// One change: the way to an argument or a setting, and its value as it is
/// written in the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `["settings", "db", "size"]`.
    pub path: Vec<String>,
    /// `20`, `"20Gi"`.
    pub value: String,
}

impl Change {
    /// To that place.
    pub fn new<'p>(path: impl IntoIterator<Item = &'p str>, value: impl Into<String>) -> Self {
        Change { path: path.into_iter().map(String::from).collect(), value: value.into() }
    }
}

/// The text of a file with a new tenant.
pub fn new_tenant(name: &str, changes: &[Change]) -> Result<String, Diagnostic> {
    set(&format!("tenant {} {{\n}}\n", quoted(name)), name, changes)
}

/// The text with changes made in a tenant's block.
///
/// # Errors
/// A text that has no such block; a setting on the way that is no object.
pub fn set(text: &str, name: &str, changes: &[Change]) -> Result<String, Diagnostic> {
    let mut text = text.to_owned();
    for change in changes {
        let body = parse(&text)?;
        let block = find(&body, name).ok_or_else(|| missing(name))?;
        let [first, rest @ ..] = change.path.as_slice() else { continue };
        text = match block.body.attribute(first) {
            Some(attribute) => within(&text, &attribute.value, rest, change)?,
            None => {
                let line = format!("\n{first} = {}", nested(rest, &change.value));
                let after = block.body.attributes.iter().map(|attribute| attribute.value.span.end).max();
                let at = after.or_else(|| opening(&text, block)).ok_or_else(|| missing(name))?;
                replaced(&text, at, at, &line)
            }
        };
    }
    Ok(format(&text))
}

/// The text without a tenant's block; `None` when nothing else is left.
///
/// # Errors
/// A text that has no such block.
pub fn without(text: &str, name: &str) -> Result<Option<String>, Diagnostic> {
    let body = parse(text)?;
    let block = find(&body, name).ok_or_else(|| missing(name))?;
    let end = closing(text, block).ok_or_else(|| missing(name))?;
    let left = replaced(text, block.header().start, end, "");
    if body.blocks.len() == 1 && body.attributes.is_empty() {
        return Ok(None);
    }
    Ok(Some(format(left.trim_start_matches('\n'))))
}

/// A text as a literal of the language.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted.replace("${", "$${").replace("%{", "%%{")
}

fn parse(text: &str) -> Result<Body, Diagnostic> {
    let mut problems = Diagnostics::new();
    let body = parse_file(FileId::default(), text, &mut problems);
    match problems.into_iter().next() {
        // Its place is in a text that nobody has seen.
        Some(problem) => Err(Diagnostic { span: None, related: Vec::new(), ..problem }),
        None => Ok(body),
    }
}

fn find<'b>(body: &'b Body, name: &str) -> Option<&'b Block> {
    let is_it = |block: &&Block| {
        &*block.kind.name == "tenant" && block.labels.first().is_some_and(|label| *label.name == *name)
    };
    body.blocks.iter().find(is_it)
}

fn missing(name: &str) -> Diagnostic {
    Diagnostic::error("Unknown tenant", format!("The file has no block of the tenant {name:?}."))
}

/// Sets what lies inside of a value, or the value itself.
fn within(text: &str, expr: &Expr, path: &[String], change: &Change) -> Result<String, Diagnostic> {
    let Span { start, end, .. } = expr.span;
    let Some((name, rest)) = path.split_first() else {
        return Ok(replaced(text, start, end, &change.value));
    };
    let ExprKind::Object(items) = &expr.kind else {
        let detail = format!(
            "{} cannot be set, since what it lies in is not written as an object.",
            change.path.join(".")
        );
        return Err(Diagnostic::error("Cannot edit", detail).hint("Edit the file by hand."));
    };
    let is_named = |key: &Expr| matches!(&key.kind, ExprKind::Literal(value) if value.as_str() == Some(name));
    if let Some((_, inner)) = items.iter().find(|(key, _)| is_named(key)) {
        return within(text, inner, rest, change);
    }
    let item = format!("{} = {}", key(name), nested(rest, &change.value));
    let Some((_, last)) = items.last() else {
        return Ok(replaced(text, start, end, &format!("{{ {item} }}")));
    };
    let (from, to) = (start as usize, end as usize);
    let separator = if text.get(from..to).is_some_and(|object| object.contains('\n')) { "\n" } else { ", " };
    Ok(replaced(text, last.span.end, last.span.end, &format!("{separator}{item}")))
}

/// `{ a = { b = value } }` of the way `a`, `b`.
fn nested(path: &[String], value: &str) -> String {
    path.iter().rev().fold(value.to_owned(), |inner, name| format!("{{ {} = {inner} }}", key(name)))
}

fn key(name: &str) -> String {
    let mut chars = name.chars();
    let plain = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if plain { name.to_owned() } else { quoted(name) }
}

fn replaced(text: &str, start: u32, end: u32, with: &str) -> String {
    let (before, after) = (text.get(..start as usize), text.get(end as usize..));
    format!("{}{with}{}", before.unwrap_or_default(), after.unwrap_or_default())
}

/// After the brace that opens a block.
fn opening(text: &str, block: &Block) -> Option<u32> {
    let header = block.header().end;
    tokens(text)
        .iter()
        .find(|token| token.start >= header && token.kind == TokenKind::BraceOpen)
        .map(|t| t.end)
}

/// After the brace that closes a block.
fn closing(text: &str, block: &Block) -> Option<u32> {
    let header = block.header().end;
    let mut depth = 0usize;
    for token in tokens(text).iter().filter(|token| token.start >= header) {
        match token.kind {
            TokenKind::BraceOpen => depth += 1,
            TokenKind::BraceClose if depth == 1 => return Some(token.end),
            TokenKind::BraceClose => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# The first customer.
tenant \"acme\" {
  tier     = \"starter\" # for now
  settings = { replicas = 2, db = { size = 1 } }
}

tenant \"globex\" {
  tier = \"starter\"
  settings = {
    # many
    domains = [\"a\"]
  }
}
";

    fn changed(name: &str, path: &str, value: &str) -> String {
        let text =
            set(FILE, name, &[Change::new(path.split('.'), value)]).unwrap_or_else(|e| panic!("{e:?}"));
        let lines: Vec<&str> =
            text.lines().filter(|line| !format(FILE).lines().any(|old| old == *line)).collect();
        lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn what_is_set_stands_in_its_place() {
        for (name, path, value, lines) in [
            ("acme", "tier", "\"business\"", "tier     = \"business\" # for now"),
            ("acme", "settings.replicas", "3", "settings = { replicas = 3, db = { size = 1 } }"),
            ("acme", "settings.db.size", "5", "settings = { replicas = 2, db = { size = 5 } }"),
            (
                "acme",
                "settings.db.host",
                "\"h\"",
                "settings = { replicas = 2, db = { size = 1, host = \"h\" } }",
            ),
            ("acme", "settings.a.b", "1", "settings = { replicas = 2, db = { size = 1 }, a = { b = 1 } }"),
            ("globex", "settings.level", "\"x\"", "level   = \"x\""),
            ("globex", "labels.plan", "\"y\"", "labels = { plan = \"y\" }"),
            ("acme", "settings.replicas", "2", ""),
        ] {
            assert_eq!(changed(name, path, value), lines, "{name} {path}");
        }
    }

    #[test]
    fn a_new_tenant_is_laid_out() {
        let changes = [
            Change::new(["tier"], "\"starter\""),
            Change::new(["settings", "db", "size"], "1"),
            Change::new(["settings", "level"], "\"info\""),
        ];
        let text = new_tenant("acme", &changes).expect("a text");
        assert_eq!(
            text,
            "tenant \"acme\" {\n  tier     = \"starter\"\n  settings = { db = { size = 1 }, level = \"info\" }\n}\n"
        );
        assert_eq!(without(&text, "acme"), Ok(None));
    }

    #[test]
    fn a_block_goes_and_the_rest_stays() {
        let text = without(FILE, "acme").expect("there").expect("more");
        assert!(
            text.contains("globex") && text.contains("# The first customer.") && !text.contains("replicas")
        );
        assert!(without(FILE, "initech").is_err());
        assert!(set(FILE, "acme", &[Change::new(["tier", "x"], "1")]).is_err());
    }

    #[test]
    fn text_is_quoted_so_that_it_means_itself() {
        assert_eq!(quoted("a\"b\\${c}\n"), "\"a\\\"b\\\\$${c}\\n\"");
    }
}
