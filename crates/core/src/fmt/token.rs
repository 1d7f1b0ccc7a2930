//! A token and the space before it.

use crate::syntax::lexer::{TokenKind, tokens};

/// A token of the text, or one that takes the place of another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    pub(super) text: &'a str,
    /// Bytes between it and the token before.
    pub(super) spaces: usize,
}

/// The tokens of a text. A byte order mark is none.
pub(super) fn read(text: &str) -> Vec<Token<'_>> {
    let mut last = None;
    let spaced = tokens(text).into_iter().map(|token| {
        let spaces = token.start - last.unwrap_or(token.start);
        last = Some(token.end);
        Token { kind: token.kind, text: token.text(text), spaces: spaces as usize }
    });
    spaced.collect()
}

impl<'a> Token<'a> {
    /// A token that the text does not have.
    pub(super) fn new(kind: TokenKind, text: &'a str) -> Self {
        Token { kind, text, spaces: 0 }
    }

    /// How many more brackets are open after it.
    pub(super) fn nesting(&self) -> isize {
        use TokenKind::*;
        match self.kind {
            BraceOpen | BracketOpen | ParenOpen | InterpolationOpen | DirectiveOpen => 1,
            BraceClose | BracketClose | ParenClose | TemplateClose => -1,
            _ => 0,
        }
    }

    /// Whether it is a comment of either kind.
    pub(super) fn is_comment(&self) -> bool {
        matches!(self.kind, TokenKind::LineComment | TokenKind::BlockComment)
    }
}
