//! Tokens to templates: quoted strings, heredocs and template files.
//!
//! A template is first read as a flat row of parts, since strip markers and
//! the indentation of a heredoc reach over the bounds of directives; then the
//! row becomes a tree.

use std::borrow::Cow;
use std::sync::Arc;

use super::MAX_HEIGHT;
use super::lexer::{Token, TokenKind};
use super::parser::{Parsed, Parser, Reported};
use crate::diag::{Diagnostic, Span};
use crate::expr::{Expr, ExprKind, ForExpr};

enum Part<'a> {
    Text(Cow<'a, str>),
    Value(Expr),
    If(Expr),
    Else,
    EndIf,
    For { key_name: Option<Arc<str>>, value_name: Arc<str>, collection: Expr },
    EndFor,
}

type Row<'a> = Vec<(Part<'a>, Span)>;

/// A string; `open` is its quote, which was taken.
pub(super) fn quoted(parser: &mut Parser<'_>, open: Token) -> Parsed<Expr> {
    // Nearly all strings are plain.
    if parser.ahead(0).kind == TokenKind::Text && parser.ahead(1).kind == TokenKind::QuoteClose {
        let token = parser.next();
        let text = parser.unescape(token, true)?;
        let close = parser.next();
        return Ok(Expr::literal((&*text).into(), parser.span(open).to(parser.span(close))));
    }
    read(parser, open, TokenKind::QuoteClose)
}

/// A heredoc; `open` is its first line, which was taken.
pub(super) fn heredoc(parser: &mut Parser<'_>, open: Token) -> Parsed<Expr> {
    read(parser, open, TokenKind::HeredocClose)
}

/// A text that is one template.
pub(super) fn whole(parser: &mut Parser<'_>) -> Parsed<Expr> {
    let open = Token { kind: TokenKind::End, start: 0, end: 0 };
    read(parser, open, TokenKind::End)
}

fn read(parser: &mut Parser<'_>, open: Token, close: TokenKind) -> Parsed<Expr> {
    parser.deeper(|parser| {
        let bound = parser.bound.len();
        let row = row(parser, open, close);
        parser.bound.truncate(bound);
        let mut row = row?;
        if open.text(parser.text).starts_with("<<-") {
            unindent(&mut row);
        }
        let span = parser.span(open).to(parser.span(parser.last()));
        if matches!(&row[..], [(Part::Value(_), _)])
            && let Some((Part::Value(lone), _)) = row.pop()
        {
            // A lone interpolation is the value itself, not text.
            return Ok(Expr { span, ..lone });
        }
        let mut tree = Tree { parser, parts: row.into_iter().peekable(), depth: 0, deepest: 0 };
        let parts = tree.parts(span)?;
        if let Some((part, at)) = tree.parts.next() {
            return Err(tree.misplaced(&part, at));
        }
        let deepest = tree.deepest;
        // A directive's node and the template inside it.
        parser.taller(2 * deepest, open)?;
        Ok(Expr { kind: template(parts), span })
    })
}

/// The flat row of a template's parts, up to what closes it.
fn row<'a>(parser: &mut Parser<'a>, open: Token, close: TokenKind) -> Parsed<Row<'a>> {
    let mut row: Row<'a> = Vec::new();
    let mut strip = false;
    let mut scopes: Vec<usize> = Vec::new();
    loop {
        let token = parser.with_lines(true, |p| Ok(p.next()))?;
        let span = parser.span(token);
        match token.kind {
            kind if kind == close => return Ok(row),
            TokenKind::Text => {
                let text = parser.unescape(token, close == TokenKind::QuoteClose)?;
                let text = if strip { trimmed(text, str::trim_start) } else { text };
                strip = false;
                row.push((Part::Text(text), span));
            }
            TokenKind::InterpolationOpen | TokenKind::DirectiveOpen => {
                if token.text(parser.text).ends_with('~')
                    && let Some((Part::Text(text), _)) = row.last_mut()
                {
                    *text = trimmed(std::mem::take(text), str::trim_end);
                }
                let bound = parser.bound.len();
                let part = parser.with_lines(false, |p| {
                    let part = match token.kind {
                        TokenKind::InterpolationOpen => Part::Value(p.expression()?),
                        _ => directive(p)?,
                    };
                    let end = p.peek();
                    if end.kind != TokenKind::TemplateClose {
                        return Err(not_closed(p, token, end));
                    }
                    strip = p.next().text(p.text).starts_with('~');
                    Ok(part)
                })?;
                match part {
                    Part::For { .. } => scopes.push(bound),
                    Part::EndFor => parser.bound.truncate(scopes.pop().unwrap_or(bound)),
                    _ => {}
                }
                let span = span.to(parser.span(parser.last()));
                row.push((part, span));
            }
            _ if close == TokenKind::QuoteClose => return Err(parser.unclosed_string(open)),
            _ => {
                return Err(parser.error(
                    "Unclosed heredoc",
                    "The word that ends this heredoc does not stand on a line of its own below.",
                    open,
                ));
            }
        }
    }
}

/// What stands between `%{` and `}`.
fn directive<'a>(parser: &mut Parser<'a>) -> Parsed<Part<'a>> {
    let token = parser.peek();
    match token.text(parser.text) {
        "for" => {
            let (key_name, value_name, collection) = parser.for_intro()?;
            // Until the directive's end, which takes them away again; what is
            // left over at a missing end goes with the template.
            parser.bound.extend(key_name.clone());
            parser.bound.push(value_name.clone());
            Ok(Part::For { key_name, value_name, collection })
        }
        "endfor" => {
            parser.next();
            Ok(Part::EndFor)
        }
        "if" => {
            parser.next();
            Ok(Part::If(parser.expression()?))
        }
        "else" => {
            parser.next();
            Ok(Part::Else)
        }
        "endif" => {
            parser.next();
            Ok(Part::EndIf)
        }
        _ => {
            let want = "After \"%{\" one of if, else, endif, for and endfor is expected";
            Err(parser.unexpected("Invalid template directive", want, token))
        }
    }
}

impl Part<'_> {
    fn word(&self) -> &'static str {
        match self {
            Part::Text(_) | Part::Value(_) => "",
            Part::If(_) => "if",
            Part::Else => "else",
            Part::EndIf => "endif",
            Part::For { .. } => "for",
            Part::EndFor => "endfor",
        }
    }
}

/// Builds the tree of a row.
struct Tree<'p, 'a, I: Iterator<Item = (Part<'a>, Span)>> {
    parser: &'p mut Parser<'a>,
    parts: std::iter::Peekable<I>,
    /// How many directives are open, and were at most.
    depth: u32,
    deepest: u32,
}

impl<'a, I: Iterator<Item = (Part<'a>, Span)>> Tree<'_, 'a, I> {
    /// Parts up to one that ends a directive, or to the end. Neighbouring
    /// texts become one.
    fn parts(&mut self, place: Span) -> Parsed<Vec<Expr>> {
        let mut parts: Vec<Expr> = Vec::new();
        let mut text = String::new();
        let mut text_span = place;
        while let Some((part, span)) =
            self.parts.next_if(|(part, _)| !matches!(part, Part::Else | Part::EndIf | Part::EndFor))
        {
            if let Part::Text(more) = part {
                text_span = if text.is_empty() { span } else { text_span.to(span) };
                text.push_str(&more);
                continue;
            }
            flush(&mut text, text_span, &mut parts);
            parts.push(match part {
                Part::If(condition) => self.conditional(condition, span)?,
                Part::For { key_name, value_name, collection } => {
                    let value = self.directive_body(span)?;
                    let (_, end) = self.end(&["endfor"], "for", span)?;
                    let each = ForExpr {
                        key_name,
                        value_name,
                        collection,
                        key: None,
                        value,
                        condition: None,
                        group: false,
                    };
                    Expr { kind: ExprKind::TemplateFor(Box::new(each)), span: span.to(end) }
                }
                Part::Value(value) => value,
                Part::Text(_) | Part::Else | Part::EndIf | Part::EndFor => continue,
            });
        }
        flush(&mut text, text_span, &mut parts);
        Ok(parts)
    }

    fn conditional(&mut self, condition: Expr, span: Span) -> Parsed<Expr> {
        let then = self.directive_body(span)?;
        let (word, mut end) = self.end(&["else", "endif"], "if", span)?;
        let mut otherwise = Expr::literal("".into(), end);
        if word == "else" {
            otherwise = self.directive_body(end)?;
            (_, end) = self.end(&["endif"], "if", span)?;
        }
        Ok(Expr { kind: ExprKind::TemplateIf(Box::new((condition, then, otherwise))), span: span.to(end) })
    }

    /// What stands between directives is always text.
    fn directive_body(&mut self, span: Span) -> Parsed<Expr> {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        if self.depth > MAX_HEIGHT {
            let detail = format!("Directives are nested more than {MAX_HEIGHT} levels deep.");
            return Err(self.parser.report(Diagnostic::error("Nested too deeply", detail).at(span)));
        }
        let parts = self.parts(span)?;
        self.depth -= 1;
        Ok(Expr { kind: ExprKind::Template(parts), span })
    }

    fn end(&mut self, words: &[&str], of: &str, start: Span) -> Parsed<(&'static str, Span)> {
        match self.parts.next() {
            Some((part, span)) if words.contains(&part.word()) => Ok((part.word(), span)),
            Some((part, span)) => Err(self.misplaced(&part, span)),
            None => {
                let detail = format!("This {of:?} has no %{{ {} }}.", words[words.len() - 1]);
                Err(self.parser.report(Diagnostic::error("Unclosed template directive", detail).at(start)))
            }
        }
    }

    fn misplaced(&mut self, part: &Part<'_>, span: Span) -> Reported {
        let detail = format!("There is no directive open that this {:?} could belong to.", part.word());
        self.parser.report(Diagnostic::error("Unexpected template directive", detail).at(span))
    }
}

fn flush(text: &mut String, span: Span, parts: &mut Vec<Expr>) {
    if !text.is_empty() {
        parts.push(Expr::literal(text.as_str().into(), span));
        text.clear();
    }
}

/// A template whose only part is text is that text.
fn template(mut parts: Vec<Expr>) -> ExprKind {
    match &parts[..] {
        [] => ExprKind::Literal("".into()),
        [Expr { kind: ExprKind::Literal(_), .. }] => parts.remove(0).kind,
        _ => ExprKind::Template(parts),
    }
}

/// A `${` or `%{` that is not followed by its brace after its content.
fn not_closed(parser: &mut Parser<'_>, open: Token, found: Token) -> Reported {
    if matches!(found.kind, TokenKind::End | TokenKind::QuoteClose | TokenKind::Invalid) {
        let detail = "There is no closing brace for the sequence that begins here.";
        return parser.error("Unclosed template sequence", detail, open);
    }
    let span = parser.span(found);
    let sequence = open.text(parser.text).trim_end_matches('~').to_owned();
    parser.report(
        Diagnostic::error(
            "Extra characters in template",
            "The expression ends before this; a closing brace is expected.",
        )
        .at(span)
        .hint(format!("If the sequence is meant for another language, write {}{sequence}.", &sequence[..1])),
    )
}

fn trimmed<'a>(text: Cow<'a, str>, trim: impl Fn(&str) -> &str) -> Cow<'a, str> {
    let kept = trim(&text);
    if kept.len() == text.len() { text } else { Cow::Owned(kept.to_owned()) }
}

/// Takes away the indentation that all lines share; blank lines do not count.
fn unindent(row: &mut Row<'_>) {
    let indent = |text: &str| text.chars().take_while(|c| c.is_whitespace()).count();
    let blank = |text: &str| text.ends_with('\n') && text.trim().is_empty();
    let mut least = usize::MAX;
    let mut first_of_line = true;
    let mut adjust = Vec::new();
    for (i, (part, _)) in row.iter().enumerate() {
        match part {
            Part::Text(text) => {
                if first_of_line && !blank(text) {
                    least = least.min(indent(text));
                    adjust.push(i);
                }
                first_of_line = text.ends_with('\n');
            }
            _ => {
                least = if first_of_line { 0 } else { least };
                first_of_line = false;
            }
        }
    }
    for i in adjust {
        if let Part::Text(text) = &mut row[i].0 {
            let cut: usize = text.chars().take(least).map(char::len_utf8).sum();
            *text = Cow::Owned(text[cut..].to_owned());
        }
    }
}

/// Text with its escapes resolved: `$${` and `%%{` everywhere, those with a
/// backslash in quotes. An error has the offset, the length and what is wrong.
pub(super) fn unescape(text: &str, quoted: bool) -> Result<Cow<'_, str>, (usize, usize, String)> {
    let special = |b: u8| (quoted && b == b'\\') || b == b'$' || b == b'%';
    if !text.bytes().any(special) {
        return Ok(Cow::Borrowed(text));
    }
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let at = text.len() - rest.len();
        let taken = match c {
            '$' if rest.starts_with("$${") => {
                result.push_str("${");
                3
            }
            '%' if rest.starts_with("%%{") => {
                result.push_str("%{");
                3
            }
            '\\' if quoted => {
                let (c, length) = escape(&rest[1..]).map_err(|(length, what)| (at, length, what))?;
                result.push(c);
                length
            }
            c => {
                result.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    Ok(Cow::Owned(result))
}

/// What stands after a backslash: the character and the length with the
/// backslash.
fn escape(rest: &str) -> Result<(char, usize), (usize, String)> {
    let digits = match rest.chars().next() {
        Some('n') => return Ok(('\n', 2)),
        Some('r') => return Ok(('\r', 2)),
        Some('t') => return Ok(('\t', 2)),
        Some('"') => return Ok(('"', 2)),
        Some('\\') => return Ok(('\\', 2)),
        Some('u') => 4,
        Some('U') => 8,
        Some(c) => return Err((1 + c.len_utf8(), format!("There is no escape sequence \\{c}."))),
        None => return Err((1, "After a backslash a character is expected.".into())),
    };
    let hex = rest.get(1..=digits).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    let Some(hex) = hex else {
        return Err((2, format!("After \\{} {digits} hexadecimal digits are expected.", &rest[..1])));
    };
    match u32::from_str_radix(hex, 16).ok().and_then(char::from_u32) {
        Some(c) => Ok((c, digits + 2)),
        None => Err((digits + 2, format!("There is no character U+{hex}."))),
    }
}
