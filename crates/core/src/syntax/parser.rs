//! The parser: its tokens, what it has read of them, and mistakes.
//! Bodies are read by `body`, expressions and templates by the modules beside
//! this one.

mod body;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::embedded::Places;
use super::lexer::{Token, TokenKind, name_length};
use super::tree::Ident;
use super::{MAX_HEIGHT, template};
use crate::diag::{Diagnostic, Diagnostics, FileId, Span};
use crate::expr::Expr;

pub(crate) use body::takes_keywords;

/// So many mistakes of a file are told; what is left of it then is not read.
const MAX_MISTAKES: usize = 50;

/// A mistake that was reported; the caller skips to where it can go on.
pub(super) struct Reported;

pub(super) type Parsed<T> = Result<T, Reported>;

pub(super) struct Parser<'a> {
    file: FileId,
    pub(super) text: &'a str,
    places: Places,
    /// Without comments, which may stand anywhere.
    tokens: Vec<Token>,
    at: usize,
    /// Whether the end of a line is a token here, or a blank.
    lines: bool,
    /// Every name once, however often the text has it.
    names: FxHashMap<&'a str, Arc<str>>,
    /// Names of enclosing `for` expressions and dynamic blocks.
    pub(super) bound: Vec<Arc<str>>,
    /// A bare name is a keyword here (a type, an attribute to ignore).
    pub(super) keywords: bool,
    /// Whether what names refer to is judged.
    pub(super) judging: bool,
    depth: u32,
    tallest: u32,
    mistakes: usize,
    diagnostics: &'a mut Diagnostics,
}

impl<'a> Parser<'a> {
    pub(super) fn new(
        file: FileId,
        text: &'a str,
        mut tokens: Vec<Token>,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        tokens.retain(|t| !matches!(t.kind, TokenKind::LineComment | TokenKind::BlockComment));
        Parser {
            file,
            text,
            places: Places::default(),
            tokens,
            at: 0,
            lines: true,
            names: FxHashMap::default(),
            bound: Vec::new(),
            keywords: false,
            judging: true,
            depth: 0,
            tallest: 0,
            mistakes: 0,
            diagnostics,
        }
    }

    /// The text stands inside another, where names may be bound.
    pub(super) fn within(self, places: Places, bound: Vec<Arc<str>>) -> Self {
        Parser { places, bound, ..self }
    }

    /// Takes any name for what it is.
    pub(super) fn not_judging(mut self) -> Self {
        self.judging = false;
        self
    }

    pub(super) fn lone_expression(mut self) -> Option<Expr> {
        self.lines = false;
        let expr = self.expression().ok()?;
        let rest = self.peek();
        if rest.kind != TokenKind::End {
            self.unexpected("Extra characters after expression", "The expression ends before this", rest);
            return None;
        }
        Some(expr)
    }

    pub(super) fn lone_template(mut self) -> Option<Expr> {
        template::whole(&mut self).ok()
    }

    /// The next token, not taken.
    pub(super) fn peek(&mut self) -> Token {
        while !self.lines && self.tokens[self.at].kind == TokenKind::Newline {
            self.at += 1;
        }
        self.tokens[self.at]
    }

    /// The token `count` after the next, ends of lines counted.
    pub(super) fn ahead(&self, count: usize) -> Token {
        self.tokens[(self.at + count).min(self.tokens.len() - 1)]
    }

    /// Takes the next token; the end is never passed.
    pub(super) fn next(&mut self) -> Token {
        let token = self.peek();
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        token
    }

    /// Takes the next token when it is of a kind.
    pub(super) fn take(&mut self, kind: TokenKind) -> Option<Token> {
        (self.peek().kind == kind).then(|| self.next())
    }

    /// The last token that was taken.
    pub(super) fn last(&self) -> Token {
        self.tokens[self.at.saturating_sub(1)]
    }

    /// Runs with ends of lines as tokens, or as blanks.
    pub(super) fn with_lines<T>(&mut self, lines: bool, f: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let outer = std::mem::replace(&mut self.lines, lines);
        let result = f(self);
        self.lines = outer;
        result
    }

    // Bounds

    /// Runs one level deeper. The tree that comes of it is one higher than the
    /// highest that was built inside.
    pub(super) fn deeper(&mut self, f: impl FnOnce(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        let outer = std::mem::replace(&mut self.tallest, 0);
        let start = self.peek();
        self.depth += 1;
        let result = if self.depth > MAX_HEIGHT { Err(self.too_deep(start)) } else { f(self) };
        self.depth -= 1;
        let expr = result?;
        self.taller(1, start)?;
        self.tallest = self.tallest.max(outer);
        Ok(expr)
    }

    /// So many levels were put around what was built last.
    pub(super) fn taller(&mut self, levels: u32, at: Token) -> Parsed<()> {
        self.tallest += levels;
        if self.tallest > MAX_HEIGHT {
            return Err(self.too_deep(at));
        }
        Ok(())
    }

    fn too_deep(&mut self, at: Token) -> Reported {
        self.error(
            "Nested too deeply",
            format!("This is nested more than {MAX_HEIGHT} levels deep; put parts of it into locals."),
            at,
        )
    }

    // Names and places

    /// The shared name of a token's text.
    pub(super) fn name(&mut self, token: Token) -> Arc<str> {
        self.names.entry(token.text(self.text)).or_insert_with_key(|text| Arc::from(*text)).clone()
    }

    pub(super) fn ident(&mut self, token: Token) -> Ident {
        Ident { name: self.name(token), span: self.span(token) }
    }

    pub(super) fn span(&self, token: Token) -> Span {
        Span { file: self.file, start: self.places.at(token.start), end: self.places.at(token.end) }
    }

    // Mistakes

    pub(super) fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        self.mistakes += 1;
        if self.mistakes <= MAX_MISTAKES {
            self.diagnostics.push(diagnostic);
        } else if self.mistakes == MAX_MISTAKES + 1 {
            let mut last = Diagnostic::error("Too many mistakes", "What follows here was not looked at.");
            last.span = diagnostic.span;
            self.diagnostics.push(last);
        }
        Reported
    }

    pub(super) fn error(&mut self, summary: &str, detail: impl Into<String>, at: Token) -> Reported {
        let span = self.span(at);
        self.report(Diagnostic::error(summary, detail).at(span))
    }

    /// What was expected and what stands there, with what to do about common
    /// habits of other languages. `want` is a sentence without its end.
    pub(super) fn unexpected(&mut self, summary: &str, want: &str, found: Token) -> Reported {
        let text = found.text(self.text);
        let what = match found.kind {
            TokenKind::End => "the file ends".to_owned(),
            TokenKind::Newline => "the line ends".to_owned(),
            TokenKind::QuoteOpen => "a string stands there".to_owned(),
            TokenKind::HeredocOpen => "a heredoc stands there".to_owned(),
            TokenKind::Invalid if text.starts_with("/*") => {
                return self.error(
                    "Unclosed comment",
                    "This comment has no \"*/\" before the end of the file.",
                    Token { end: found.start + 2, ..found },
                );
            }
            _ => format!("{} stands there", quoted(text)),
        };
        let span = self.span(found);
        let error = Diagnostic::error(summary, format!("{want}, but {what}.")).at(span);
        let error = match text {
            "'" => error.hint("Text stands in double quotes."),
            ";" => error.hint("There are no semicolons; arguments stand on lines of their own."),
            "&" | "|" => error.hint(format!("The logical operator is written {text}{text}.")),
            "^" => error.hint("There is no such operator; for powers there is pow()."),
            "<<" => error.hint("A heredoc begins with <<NAME or <<-NAME, and its text on the next line."),
            "`" => error.hint("Text stands in double quotes, or in a heredoc when it has several lines."),
            "\u{201c}" | "\u{201d}" => error.hint("These are typographic quotes; write plain ones (\")."),
            _ => error,
        };
        self.report(error)
    }

    pub(super) fn unclosed_string(&mut self, open: Token) -> Reported {
        let span = self.span(open);
        self.report(
            Diagnostic::error("Unclosed string", "This string has no closing quote on its line.")
                .at(span)
                .hint("For text of several lines use a heredoc: <<-EOT, the text, and EOT on a line of its own."),
        )
    }

    /// Text of a template with its escapes resolved.
    pub(super) fn unescape(&mut self, token: Token, quoted: bool) -> Parsed<std::borrow::Cow<'a, str>> {
        let text: &'a str = self.text;
        let text = text.get(token.start as usize..token.end as usize).unwrap_or_default();
        template::unescape(text, quoted).map_err(|(offset, length, what)| {
            let start = token.start + u32::try_from(offset).unwrap_or(0);
            let at = Token { start, end: start + u32::try_from(length).unwrap_or(0), ..token };
            let span = self.span(at);
            self.report(
                Diagnostic::error("Invalid escape sequence", what).at(span).hint(
                    "Known are \\n \\r \\t \\\" \\\\ \\uNNNN and \\UNNNNNNNN; a backslash itself is \\\\.",
                ),
            )
        })
    }
}

/// A token as a message shows it; long ones are cut.
fn quoted(text: &str) -> String {
    let short: String = text.chars().take(20).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    let name = name_length(text) == text.len();
    if name { format!("the name {short}{more:}") } else { format!("{short:?}{more}") }
}
